"""Where results go, what a notebook may read, and what is shown."""

import base64
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import snnbp
from snnbp.paper import Results, claims, records, results, settings
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
        monkeypatch.setattr(f"snnbp.paper.{module}.FIGURES", tmp_path / "figures")
    monkeypatch.setattr("snnbp.paper.results.BENCHMARKS", tmp_path / "benchmarks")


@pytest.mark.parametrize(
    ("parameters", "data", "folder"),
    [
        (PAPER, VERIFIED, "build/paper"),
        ({**PAPER, "other_names": "ignored"}, VERIFIED, "build/paper"),
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
    record = json.loads((tmp_path / folder / "records" / "04_mnist.json").read_text())
    assert record["profile"] == folder.removeprefix("build/")
    assert record["results"] == {"x": {"values": [1]}}


def test_only_the_pipeline_writes_figures_and_only_with_the_locked_packages(tmp_path, monkeypatch):
    for locked, folder in ((True, "figures"), (False, "build/paper")):
        monkeypatch.setattr("snnbp.paper.lock.is_locked", lambda locked=locked: locked)
        assert settings.published("paper") == tmp_path / folder
        assert Results("04_mnist", PAPER, VERIFIED).folder == tmp_path / "build" / "paper"
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path / "given"))
    assert Results("04_mnist", PAPER, VERIFIED).folder == tmp_path / "given"


def line():
    figure = StyledFigure((3, 2), "by the plot")
    figure.add_subplot().plot([1, 2])
    return figure


def test_a_figure_shows_the_bytes_that_were_saved_always_the_same(tmp_path):
    results = Results("04_mnist", PAPER, VERIFIED)
    contents = []
    for _ in range(2):
        shown = results.figure("line", line(), alt="a line")
        contents.append([(results.folder / name).read_bytes() for name in ("line.svg", "line.png")])
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
    assert (results.folder / "data" / "plain.csv").read_bytes() == 'µ,text\n0.1,"a,b"\n2.5,c\n'.encode()
    assert (results.folder / "data" / "indexed.csv").read_bytes() == 'text,µ\n"a,b",0.1\nc,2.5\n'.encode()


def test_results_may_be_numpys():
    results = Results("04_mnist", PAPER, VERIFIED)
    results.results(
        a=np.int64(3), b=np.array([0.5, 1]), c={"values": [np.float64(1)], "collapsed": [np.True_]}
    )
    assert records.read_record(results.folder / "records" / "04_mnist.json")["results"] == {
        "a": {"values": [3]},
        "b": {"values": [0.5, 1.0]},
        "c": {"values": [1.0], "collapsed": [True]},
    }


def test_files_of_other_notebooks_are_read_if_declared_made_and_unchanged():
    maker = Results("04_mnist", PAPER, VERIFIED)
    reader = Results("07_energy", settings.notebooks()["07_energy"].parameters, VERIFIED)
    with pytest.raises(FileNotFoundError, match=r"x.txt: run what makes it first; the .* are .'04_mnist'"):
        reader.read("x.txt")
    maker.text("x.txt", "x")
    maker.results()
    assert reader.read("x.txt").read_text() == "x"
    stranger = Results("02_activation", settings.notebooks()["02_activation"].parameters)
    with pytest.raises(FileNotFoundError, match=r"x.txt: run what makes it first"):
        stranger.read("x.txt")
    reader.results()
    record = reader.folder / "records" / "07_energy.json"
    assert records.read_record(record)["reads"] == {"x.txt": records.file_digest(maker.folder / "x.txt")}
    (maker.folder / "x.txt").write_text("y")
    with pytest.raises(ValueError, match=r"x.txt was changed after 04_mnist made it"):
        reader.read("x.txt")


def test_a_session_reads_what_is_published(tmp_path, monkeypatch):
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path / "figures"))
    maker = Results("04_mnist", PAPER, VERIFIED)
    maker.text("x.txt", "x")
    maker.results()
    monkeypatch.delenv("SNNBP_OUTPUT")
    energy = settings.notebooks()["07_energy"]
    custom = Results("07_energy", {**energy.parameters, "samples": 7}, VERIFIED)
    assert custom.read("x.txt") == tmp_path / "figures" / "x.txt"


def test_the_ledger_of_a_notebook_goes_on_record_by_its_verdicts(monkeypatch):
    results = Results("04_mnist", PAPER, VERIFIED)
    results.results(**{"best.spikes": [0.962, 0.963]})
    verdicts = {v.claim.id: v.verdict for v in results.ledger()}
    assert verdicts["mnist-best-spikes"] == "reproduced"
    assert set(verdicts) == {
        f"mnist-{name}"
        for name in ("best-spikes", "best-spikes-2021", "best-potential-journal", "final-spikes")
    }
    name = "ledger of 04_mnist"
    reads = records.read_record(results.folder / "records" / "04_mnist.json")["reads"]
    assert reads == {name: claims.digest(results.folder, "04_mnist")}
    results.results(**{"best.spikes": [0.962, 0.5]})
    assert reads != {name: claims.digest(results.folder, "04_mnist")}


@pytest.fixture
def stored(digits, tmp_path, monkeypatch):
    """Three runs in figures/, as a notebook leaves them, and how they were made."""
    configs = [snnbp.Config(hidden=4, epochs=2, seed=seed) for seed in (1, 2, 3)]
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path / "figures"))
    monkeypatch.setenv("SNNBP_PROGRESS", str(tmp_path / "progress"))
    first = Results("04_mnist", NOTEBOOK.settings("digits"), digits)
    runs = first.sweep(configs, digits)
    first.results()
    monkeypatch.delenv("SNNBP_OUTPUT")
    results._stored.cache_clear()
    return configs, runs, tmp_path / "figures" / "data" / "04_mnist_runs.csv"


def counted(notebook="09_seeds"):
    counts, different = results.trained(notebook)
    return {"counts": dict(counts), "different": different}


def test_stored_runs_are_read_in_place_of_training(digits, stored, monkeypatch):
    configs, runs, path = stored
    assert counted("04_mnist")["counts"] == {"trained": 3}
    kept = records.read_record(path.parent.parent / "records" / "04_mnist.json")["files"]
    assert list(kept) == ["data/04_mnist_histories.csv.gz", "data/04_mnist_runs.csv"]
    monkeypatch.setattr("snnbp.training.sweep.train", None)
    again = Results("09_seeds", settings.notebooks()["09_seeds"].settings("digits"), digits)
    assert [run.digest for run in again.sweep(configs, digits)] == [run.digest for run in runs]
    assert counted() == {"counts": {"read": 3, "repeated": 1}, "different": []}


def test_groups_have_their_runs(digits, stored):
    configs, runs, _ = stored
    again = Results("09_seeds", settings.notebooks()["09_seeds"].settings("digits"), digits)
    found = again.sweep_groups({"b": configs[2:], "a": configs[:2]}, digits)
    assert {name: [run.digest for run in some] for name, some in found.items()} == {
        "b": [runs[2].digest],
        "a": [run.digest for run in runs[:2]],
    }
    assert counted()["counts"] == {"read": 3, "repeated": 1}


def test_runs_are_trained_if_asked_for_or_if_they_need_weights(digits, stored, monkeypatch):
    configs, runs, _ = stored
    again = Results("09_seeds", settings.notebooks()["09_seeds"].settings("digits"), digits)
    found = again.sweep(configs[:1], digits, weights=True)
    assert found[0].weights.digest == runs[0].digest
    monkeypatch.setenv("SNNBP_FRESH", "1")
    again.sweep(configs[1:2], digits)
    assert counted()["counts"] == {"trained": 2}


def test_a_stored_run_that_comes_out_differently_is_named_and_trained_again(digits, stored):
    configs, runs, path = stored
    histories = path.with_name("04_mnist_histories.csv.gz")
    table = pd.read_csv(histories)
    table["silent"] += table["epoch"] == 1
    table.to_csv(histories, index=False)
    again = Results("09_seeds", settings.notebooks()["09_seeds"].settings("digits"), digits)
    found = again.sweep(configs, digits)
    assert [run.history["silent"].tolist() for run in found] == [
        run.history["silent"].tolist() for run in runs
    ]
    assert counted()["counts"] == {"trained": 3, "repeated": 1}
    assert "(4,) hidden, epoch 1.0: silent is" in counted()["different"][0]


def test_the_settings_are_in_order():
    assert list(settings.notebooks())[-1] == "10_verdict"
    for name, notebook in settings.notebooks().items():
        if "dataset" in notebook.parameters:
            assert notebook.settings("digits")["dataset"] == "digits"
        assert settings.resolve(name[:2]) == name


def declare(folder, text, source="x = 1"):
    (folder / "settings.toml").write_text(text)
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}}
    for name in "abcd":
        (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nreads = ["b"]\n[b]\nreads = ["a"]', "a, b read one another in a circle"),
        ("[a.quick]\ny = 1", r"\[a.quick\]: unknown parameters \['y'\]"),
        ("[a.parameters]\nx = 1", r"\[a.parameters\]: they stand in the notebook's own cell"),
        ('[a]\ngroup = "other"', r"\[a\]: group: Input should be 'paper' or 'beyond'"),
        ("[a]\nread = []", r"\[a\]: read: Extra inputs are not permitted"),
    ],
)
def test_settings_that_are_not_in_order_are_refused(tmp_path, text, message):
    declare(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        settings.notebooks(tmp_path)


def test_notebooks_run_after_those_that_they_read(tmp_path):
    declare(tmp_path, '[a]\nreads = ["c", "a_script"]\n[b]\nreads = "all"\n[c]\n[d]\n')
    assert list(settings.notebooks(tmp_path)) == ["c", "a", "d", "b"]


@pytest.mark.parametrize("source", ["x = y", "x = 1 +", "print(1)", "x += 1"])
def test_a_parameters_cell_holds_plain_assignments(tmp_path, source):
    declare(tmp_path, "[a]", source)
    with pytest.raises(ValueError, match=r"a.ipynb: no parameters can be read: "):
        settings.notebooks(tmp_path)
