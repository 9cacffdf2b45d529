"""Where results go, what a notebook may read, and what is shown."""

import base64
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import snnbp
from snnbp.paper import ROOT, Results, records, settings
from snnbp.plots.style import StyledFigure
from snnbp.training.data import Dataset, Samples

SAMPLES = Samples(np.zeros((2, 3), bool), np.zeros(2, int))
VERIFIED = Dataset(SAMPLES, SAMPLES, "mnist", verified=True)
NOTEBOOK = settings.notebooks()["04_mnist"]
PAPER = NOTEBOOK.parameters


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    monkeypatch.delenv("SNNBP_OUTPUT")
    for module in ("settings", "results"):
        monkeypatch.setattr(f"snnbp.paper.{module}.ROOT", tmp_path)
    monkeypatch.setattr("snnbp.paper.records.is_locked", lambda: True)


@pytest.mark.parametrize(
    ("parameters", "data", "folder"),
    [
        (PAPER, VERIFIED, "figures"),
        ({**PAPER, "other_names": "ignored"}, VERIFIED, "figures"),
        (PAPER, replace(VERIFIED, verified=False), "build/custom"),
        ({**PAPER, "epochs": 59}, VERIFIED, "build/custom"),
        ({**PAPER, "seeds": [1, 2, 4]}, VERIFIED, "build/custom"),
        (NOTEBOOK.settings("quick"), VERIFIED, "build/quick"),
        (NOTEBOOK.settings("digits"), VERIFIED, "build/digits"),
    ],
)
def test_where_results_go(tmp_path, parameters, data, folder):
    results = Results("04_mnist", parameters, data)
    assert results.folder == tmp_path / folder
    results.results(x=1)
    record = json.loads((tmp_path / folder / "04_mnist.json").read_text())
    assert record["profile"] == folder.removeprefix("build/").replace("figures", "paper")
    assert record["results"] == {"x": {"values": [1]}}


def test_evidence_is_made_in_the_locked_environment_only(tmp_path, monkeypatch):
    monkeypatch.setattr("snnbp.paper.records.is_locked", lambda: False)
    assert Results("04_mnist", PAPER, VERIFIED).folder == tmp_path / "build" / "paper"


def test_only_declared_notebooks_have_results(tmp_path):
    with pytest.raises(ValueError, match=r"99_none is not declared in snnbp/paper/settings.toml"):
        Results("99_none", {})
    with pytest.raises(ValueError, match=r"02_activation has no parameters lowest, highest, see settings"):
        Results("02_activation", {"threshold": 1024})
    (tmp_path / "figures").write_text("a file is in the way")
    with pytest.raises(OSError, match=r"cannot create .*figures"):
        Results("04_mnist", PAPER, VERIFIED)


def line():
    figure = StyledFigure((3, 2), "by the plot")
    figure.add_subplot().plot([1, 2])
    return figure


def test_a_figure_shows_the_bytes_that_were_saved_always_the_same(tmp_path):
    results = Results("04_mnist", PAPER, VERIFIED)
    contents = []
    for _ in range(2):
        shown = results.figure("line", line(), alt="a line")
        contents.append([(tmp_path / "figures" / name).read_bytes() for name in ("line.svg", "line.png")])
    assert contents[0] == contents[1]
    data, metadata = shown._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == contents[0][1]
    assert (data["text/plain"], repr(shown), metadata["image/png"]["alt"]) == ("a line",) * 3
    assert repr(results.figure("line", line())) == "by the plot"


def test_a_table_is_saved_as_csv_with_an_index_that_means_something(tmp_path):
    results = Results("04_mnist", PAPER, VERIFIED)
    frame = pd.DataFrame({"µ": [0.1, 2.5], "text": ["a,b", "c"]})
    assert results.table("plain", frame) is frame
    results.table("indexed", frame.set_index("text"))
    assert (tmp_path / "figures" / "plain.csv").read_bytes() == 'µ,text\n0.1,"a,b"\n2.5,c\n'.encode()
    assert (tmp_path / "figures" / "indexed.csv").read_bytes() == 'text,µ\n"a,b",0.1\nc,2.5\n'.encode()


def test_results_may_be_numpys():
    results = Results("04_mnist", PAPER, VERIFIED)
    results.results(
        a=np.int64(3), b=np.array([0.5, 1]), c={"values": [np.float64(1)], "collapsed": [np.True_]}
    )
    assert records.read_record(results.folder / "04_mnist.json")["results"] == {
        "a": {"values": [3]},
        "b": {"values": [0.5, 1.0]},
        "c": {"values": [1.0], "collapsed": [True]},
    }


def test_files_of_other_notebooks_are_read_if_declared_made_and_unchanged():
    maker = Results("04_mnist", PAPER, VERIFIED)
    reader = Results("07_energy", settings.notebooks()["07_energy"].parameters, VERIFIED)
    with pytest.raises(
        FileNotFoundError, match=r"x.txt is not in .*figures: run its notebook first .04_mnist"
    ):
        reader.read("x.txt")
    maker.text("x.txt", "x")
    maker.results()
    assert reader.read("x.txt").read_text() == "x"
    stranger = Results("02_activation", settings.notebooks()["02_activation"].parameters)
    with pytest.raises(
        ValueError, match=r"x.txt is made by 04_mnist: add it to the `reads` of 02_activation"
    ):
        stranger.read("x.txt")
    reader.results()
    record = reader.folder / "07_energy.json"
    assert records.read_record(record)["reads"] == {"x.txt": records.file_digest(maker.folder / "x.txt")}
    (maker.folder / "x.txt").write_text("y")
    with pytest.raises(ValueError, match=r"x.txt was changed after 04_mnist made it"):
        reader.read("x.txt")


def test_a_run_with_own_parameters_builds_upon_the_evidence_and_a_quick_one_does_not(tmp_path, monkeypatch):
    maker = Results("04_mnist", PAPER, VERIFIED)
    maker.text("x.txt", "x")
    maker.results()
    energy = settings.notebooks()["07_energy"]
    custom = Results("07_energy", {**energy.parameters, "samples": 7}, VERIFIED)
    assert custom.read("x.txt") == tmp_path / "figures" / "x.txt"
    with pytest.raises(FileNotFoundError):
        Results("07_energy", energy.settings("quick"), VERIFIED).read("x.txt")


def test_the_ledger_of_a_notebook_goes_on_record_by_its_verdicts(monkeypatch):
    results = Results("04_mnist", PAPER, VERIFIED)
    results.results(**{"best.spikes": [0.962, 0.963]})
    verdicts = {v.claim.id: v.verdict for v in results.ledger()}
    assert verdicts["mnist-best-spikes"] == "reproduced"
    assert set(verdicts) == {
        f"mnist-{name}"
        for name in ("best-spikes", "best-spikes-journal", "best-potential-journal", "final-spikes")
    }
    name = records.LEDGER + "04_mnist"
    reads = records.read_record(results.folder / "04_mnist.json")["reads"]
    assert reads == {name: records.content_digest(results.folder, name)}
    results.results(**{"best.spikes": [0.962, 0.5]})
    assert reads != {name: records.content_digest(results.folder, name)}


def test_runs_are_kept_as_a_store_that_sweep_reads(digits, tmp_path, monkeypatch):
    configs = [snnbp.Config(hidden=4, epochs=1, seed=seed) for seed in (1, 2)]
    results = Results("04_mnist", NOTEBOOK.settings("digits"), digits)
    store = results.store("some_runs")
    assert store.parent.parent == tmp_path / "build" / "runs" / "04_mnist"
    runs = snnbp.sweep(configs, digits, progress=False, store=store)
    results.runs("some_runs", runs[:1])
    results.runs("some_runs", runs)
    results.results()
    kept = records.read_record(results.folder / "04_mnist.json")["files"]
    assert sorted(kept) == sorted(f"some_runs/{path.name}" for path in store.iterdir())
    monkeypatch.setattr("snnbp.training.sweep.train", None)
    again = snnbp.sweep(configs, digits, progress=False, store=results.folder / "some_runs")
    assert [run.digest for run in again] == [run.digest for run in runs]


def test_runs_kept_elsewhere_do_not_mix_with_those_of_the_checkout(monkeypatch, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setenv("SNNBP_OUTPUT", str(other))
    assert Results("04_mnist", PAPER, VERIFIED).store("x").is_relative_to(other)


def test_the_settings_are_in_order():
    assert list(settings.notebooks())[-1] == "10_verdict"
    for name, notebook in settings.notebooks().items():
        if "dataset" in notebook.parameters:
            assert notebook.settings("digits")["dataset"] == "digits"
        assert settings.resolve(name[:2]) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nreads = ["b"]\n[b]\nreads = ["a"]', "a, b read one another in a circle"),
        ("[a.parameters]\nx = 1\n[a.quick]\ny = 1", r"\[a.quick\]: unknown parameters \['y'\]"),
        ('[a]\ngroup = "other"', r"\[a\]: group: Input should be 'paper' or 'beyond'"),
        ("[a]\nread = []", r"\[a\]: read: Extra inputs are not permitted"),
    ],
)
def test_settings_that_are_not_in_order_are_refused(tmp_path, text, message):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        settings.notebooks(path)


def test_notebooks_run_after_those_that_they_read(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('[a]\nreads = ["c", "a_script"]\n[b]\nreads = "all"\n[c]\n[d]\n')
    assert list(settings.notebooks(path)) == ["c", "a", "d", "b"]


def test_root_is_the_checkout():
    assert (ROOT / "pyproject.toml").exists()
