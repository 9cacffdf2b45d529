"""Only the paper's settings on verified data make evidence."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from snnbp.datasets import Dataset, Samples
from snnbp.provenance import PROFILES, ROOT, Evidence

SAMPLES = Samples(np.zeros((2, 3), bool), np.zeros(2, int))
VERIFIED = Dataset(SAMPLES, SAMPLES, "mnist", verified=True)
PAPER = PROFILES["paper"]["04_mnist"]


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.delenv("SNNBP_OUTPUT")
    monkeypatch.setattr("snnbp.provenance.ROOT", tmp_path)


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
