"""Only the paper's settings on verified data make evidence."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from snnbp.paper import records
from snnbp.training.data import Dataset, Samples
from snnbp.paper.results import PROFILES, ROOT, Evidence
from snnbp.circuit.weights import Weights

SAMPLES = Samples(np.zeros((2, 3), bool), np.zeros(2, int))
VERIFIED = Dataset(SAMPLES, SAMPLES, "mnist", verified=True)
PAPER = PROFILES["paper"]["04_mnist"]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.delenv("SNNBP_OUTPUT")
    monkeypatch.setattr("snnbp.paper.results.ROOT", tmp_path)


@pytest.mark.parametrize(
    ("parameters", "data", "folder"),
    [
        (PAPER, VERIFIED, "figures"),
        ({**PAPER, "other_names": "ignored"}, VERIFIED, "figures"),
        (PAPER, replace(VERIFIED, verified=False), "build/custom"),
        ({**PAPER, "epochs": 59}, VERIFIED, "build/custom"),
        ({**PAPER, "seeds": [1, 2, 4]}, VERIFIED, "build/custom"),
        (PROFILES["quick"]["04_mnist"], VERIFIED, "build/quick"),
        (PROFILES["digits"]["04_mnist"], VERIFIED, "build/digits"),
    ],
)
def test_where_results_go(tmp_path, parameters, data, folder):
    evidence = Evidence("04_mnist", parameters, data)
    assert evidence.folder == tmp_path / folder
    evidence.results(x={"values": [1]})
    record = json.loads((tmp_path / folder / "04_mnist.json").read_text())
    assert record["profile"] == folder.removeprefix("build/").replace("figures", "paper")
    assert record["results"] == {"x": {"values": [1]}}


def test_no_other_profile_has_the_papers_settings():
    for profile in PROFILES.keys() - {"paper"}:
        for notebook, parameters in PROFILES[profile].items():
            if "dataset" in parameters:
                assert profile != "digits" or parameters["dataset"] == "digits"
                assert parameters != PROFILES["paper"][notebook]


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    evidence = Evidence("04_mnist", PAPER, VERIFIED)
    contents = []
    for _ in range(2):
        figure = Figure()
        figure.add_subplot().plot([1, 2])
        evidence.figure("line", figure)
        contents.append([(tmp_path / "figures" / name).read_bytes() for name in ("line.svg", "line.png")])
    assert contents[0] == contents[1]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "figures").write_text("a file is in the way")
    with pytest.raises(OSError, match=r"cannot make .*figures"):
        Evidence("04_mnist", PAPER, VERIFIED)


def test_root_is_the_checkout():
    assert (ROOT / "pyproject.toml").exists()


@pytest.fixture
def folder(tmp_path):
    """Evidence as a notebook writes it: two files, weights, results."""
    evidence = Evidence("04_mnist", PAPER, VERIFIED)
    evidence.table("curve", ["a"], [[1]])
    evidence.weights("weights_seed1", Weights(np.zeros((3, 4), int), np.zeros((4, 10), int)))
    evidence.results(x={"values": [1]})
    evidence.text("note.md", "said after the results\n")
    return tmp_path / "figures"


def complaints(folder):
    return records.check(folder, PROFILES["paper"])


def test_the_record_says_what_made_the_files(folder):
    record = json.loads((folder / "04_mnist.json").read_text())
    assert record["parameters"] == PAPER
    assert record["data"] == {"source": "mnist", "digest": VERIFIED.digest, "verified": True}
    assert set(record["files"]) == {"curve.csv", "note.md", "weights_seed1.npz"}
    assert set(record["weights"]) == {"weights_seed1"}
    assert record["source"]["path"] == "notebooks/04_mnist.ipynb"
    assert {"provenance.py", "records.py"} <= set(record["library"]["revision"])
    assert record["packages"]["numpy"] == np.__version__
    assert complaints(folder) == []


def test_the_same_work_gives_the_same_record(folder):
    before = (folder / "04_mnist.json").read_text()
    evidence = Evidence("04_mnist", PAPER, VERIFIED)
    evidence.text("note.md", "said after the results\n")
    evidence.table("curve", ["a"], [[1]])
    evidence.weights("weights_seed1", Weights.load(folder / "weights_seed1.npz"))
    evidence.results(x={"values": [1]})
    assert (folder / "04_mnist.json").read_text() == before


def test_what_was_changed_by_hand_is_named(folder):
    (folder / "curve.csv").write_text("a\n2\n")
    assert complaints(folder) == ["curve.csv was edited by hand: it is not what 04_mnist.json tells of"]
    (folder / "curve.csv").unlink()
    assert complaints(folder) == ["curve.csv is missing, 04_mnist.json lists it"]


def test_a_result_changed_by_hand_is_named(folder):
    path = folder / "04_mnist.json"
    path.write_text(path.read_text().replace('"values": [\n    1', '"values": [\n    2'))
    assert complaints(folder) == ["04_mnist.json was edited by hand"]
    path.write_text("nonsense")
    assert "04_mnist.json has no record of what made it" in complaints(folder)


def test_weights_that_were_exchanged_are_named(folder):
    Weights(np.ones((3, 4), int) * 2, np.zeros((4, 10), int)).save(folder / "weights_seed1.npz")
    assert "weights_seed1.npz holds other weights than its record says" in complaints(folder)
    (folder / "weights_seed1.npz").write_bytes(b"nonsense")
    assert any("weights_seed1.npz is not a file of weights" in line for line in complaints(folder))


def test_a_file_without_a_record_is_named(folder):
    (folder / "stray.png").write_bytes(b"")
    assert complaints(folder) == ["stray.png has no record of what made it"]


def test_other_settings_make_evidence_stale(folder):
    changed = {"04_mnist": {**PAPER, "epochs": 61}}
    assert records.check(folder, changed) == [
        "04_mnist.json and its files are stale: other settings made them"
    ]


def test_a_changed_source_makes_evidence_stale(folder, monkeypatch, tmp_path):
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "snnbp", checkout / "snnbp")
    shutil.copytree(ROOT / "notebooks", checkout / "notebooks")
    shutil.copy(ROOT / "requirements.lock", checkout)
    monkeypatch.setattr("snnbp.paper.records.ROOT", checkout)
    monkeypatch.setattr("snnbp.paper.records.LIBRARY", checkout / "snnbp")
    assert complaints(folder) == []

    def stale(*reasons):
        return [f"04_mnist.json and its files are stale: {reason}" for reason in reasons]

    notebook = json.loads((checkout / "notebooks" / "04_mnist.ipynb").read_text())
    notebook["cells"][3]["outputs"] = []
    (checkout / "notebooks" / "04_mnist.ipynb").write_text(json.dumps(notebook))
    assert complaints(folder) == []
    notebook["cells"][3]["source"] += "\n1"
    (checkout / "notebooks" / "04_mnist.ipynb").write_text(json.dumps(notebook))
    assert complaints(folder) == stale("notebooks/04_mnist.ipynb has changed")
    with open(checkout / "snnbp" / "weights.py", "a") as file:
        file.write("# another line\n")
    assert complaints(folder)[1:] == stale("snnbp/weights.py has changed")
    lock = (checkout / "requirements.lock").read_text().replace(f"numpy=={np.__version__} ", "numpy==0.1 ")
    (checkout / "requirements.lock").write_text(lock)
    reason = f"numpy {np.__version__} made it, requirements.lock has another version"
    assert complaints(folder)[2:] == stale(reason)
