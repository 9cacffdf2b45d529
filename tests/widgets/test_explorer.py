"""The learning explorer without a browser: runs and their exports, the training thread."""

import base64
import io
import threading
import time

import nbformat
import pandas as pd
import pytest

import snnbp
from snnbp import widgets
from snnbp.paper import ROOT
from snnbp.widgets import training
from snnbp.widgets.training import Settings, Trained, TrainingThread, as_code, as_csv, names

SMALL = Settings("digits", 0.5, snnbp.Config(hidden=20, epochs=3))


@pytest.fixture(scope="module")
def run(digits):
    return snnbp.train(digits, snnbp.Config(epochs=4), progress=False)


def trained(settings):
    return Trained(settings, snnbp.train(settings.load(), settings.config, progress=False))


def endless(report=lambda: None):
    return TrainingThread(Settings("digits", 0.5, snnbp.Config(hidden=20, epochs=10**6)), SMALL.load, report)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_runs_are_named_by_what_differs():
    deep = Settings("digits", 0.3, snnbp.Config(hidden=(80, 40), seed=2))
    assert names([]) == []
    assert names([deep]) == ["data set digits, hidden neurons 80-40"]
    assert names([SMALL, deep]) == [
        "pixel threshold 0.5, hidden neurons 20, epochs 3, seed 1",
        "pixel threshold 0.3, hidden neurons 80-40, epochs 60, seed 2",
    ]


def test_csv_holds_every_checkpoint_of_every_run():
    short = Settings("digits", 0.5, snnbp.Config(hidden=20, epochs=1))
    runs = [trained(SMALL), trained(short)]
    table = pd.read_csv(io.StringIO(as_csv(runs)), float_precision="round_trip")
    assert list(table["run"]) == ["epochs 3"] * 6 + ["epochs 1"] * 2
    assert list(table["spikes"]) == [*runs[0].run.history["spikes"], *runs[1].run.history["spikes"]]
    assert set(table["dataset"]) == {"digits"}


def test_the_exported_code_repeats_the_run():
    settings = Settings(
        "digits", 0.3, snnbp.Config(hidden=(30, 20), epochs=2, seed=7, step=4, init_scale=0.8, threshold=1000)
    )
    code = as_code(trained(settings))
    assert "assert run.digest" in code
    exec(code, {"snnbp": snnbp})


def test_the_thread_trains_as_train_does():
    thread = TrainingThread(SMALL, SMALL.load, lambda: None)
    thread.start()
    thread.join(60)
    assert thread.done
    found, expected = thread.trained(), trained(SMALL)
    assert found.settings == SMALL
    assert found.run.weights == expected.run.weights
    pd.testing.assert_frame_equal(found.run.history, expected.run.history)


def test_a_stopped_run_is_kept_to_its_last_whole_epoch():
    thread = endless()
    thread.start()
    wait_for(lambda: len(thread.rows) >= 5)
    thread.stop()
    thread.join(30)
    assert not thread.is_alive()
    found = thread.trained()
    assert found.settings.config.epochs == len(thread.rows) // 2 == found.run.history["epoch"].iloc[-1]
    assert trained(found.settings).run.digest == found.run.digest


def test_a_run_says_paused_once_it_waits_and_does_not_count_the_time(monkeypatch):
    may_load, may_train, iter_training = threading.Event(), threading.Event(), training.iter_training

    def slow(data, config):
        for progress in iter_training(data, config):
            may_train.wait(60)
            yield progress

    monkeypatch.setattr(training, "iter_training", slow)
    reports = []
    thread = TrainingThread(
        SMALL, lambda: may_load.wait(60) and SMALL.load(), lambda: reports.append(thread.state)
    )
    thread.start()
    assert thread.state == "loading the data ..."
    may_load.set()
    wait_for(lambda: reports)
    thread.pause()
    assert thread.state == "pausing, at the end of this half epoch"
    may_train.set()
    wait_for(lambda: thread.state == "paused")
    assert reports == ["training", "paused"]
    seconds = thread.seconds
    time.sleep(0.3)
    assert len(thread.rows) == 1
    assert thread.seconds == seconds
    thread.resume()
    wait_for(lambda: len(thread.rows) > 2)
    thread.stop()
    thread.join(30)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("hidden", "0", "hidden"),
        ("hidden", "1000000", "at most 4096 neurons"),
        ("hidden", "many", "write sizes such as 400 or 100-100"),
        ("hidden", "", "hidden"),
        ("threshold", 1023, "threshold must be an even integer, got 1023"),
        ("step", 3, "step must be even"),
        ("init_scale", 0.0, "init_scale"),
        ("epochs", 0, "epochs"),
        ("seed", -1, "seed"),
    ],
)
def test_impossible_settings_give_one_line(digits, run, field, value, sentence):
    learning = widgets.LearningExplorer(digits, run)
    learning.fields[field].value = value
    learning.start()
    assert learning.thread is None
    assert "Error:" in learning.status.value
    assert sentence in learning.status.value


def test_missing_data_gives_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path / "none"))
    settings = Settings("mnist", 0.45, SMALL.config)
    thread = TrainingThread(settings, settings.load, lambda: None)
    thread.start()
    thread.join(60)
    assert str(tmp_path) in thread.error
    assert thread.trained() is None


def test_the_learning_explorer_keeps_exports_and_removes_runs(digits, run, tmp_path):
    learning = widgets.LearningExplorer(digits, run)
    picture = learning.png
    learning.fields["hidden"].value, learning.fields["epochs"].value = "30, 20", 2
    for _ in range(2):  # the same run twice is one run
        learning.start()
        wait_for(lambda: not learning.start_button.disabled)
        labels = [label for label, _ in learning.selected.options]
        assert labels == ["hidden neurons 400, epochs 4", "hidden neurons 30-20, epochs 2"]
    wait_for(lambda: learning.png != picture)
    link = learning.export.value.partition("run.npz' href='data:application/octet-stream;base64,")[2]
    (tmp_path / "run.npz").write_bytes(base64.b64decode(link.partition("'")[0]))
    assert snnbp.Run.load(tmp_path / "run.npz").digest == learning.runs[1].run.digest
    learning.remove()
    assert len(learning.runs) == 1


def test_each_explorer_has_a_picture_with_alternative_text(digits, run):
    for panel in (
        widgets.LearningExplorer(digits, run, {"spikes": 0.962}),
        widgets.Playground(digits, run.weights),
    ):
        bundle, metadata = panel._repr_mimebundle_()
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert len(metadata["image/png"]["alt"]) > 40


def test_the_learning_explorer_refuses_several_levels():
    data = snnbp.load_dataset("digits", levels=(0.25, 0.5))
    run = snnbp.train(data, snnbp.Config(hidden=10, epochs=1), progress=False)
    with pytest.raises(ValueError, match="an explorer takes one bit a pixel: load the data without levels"):
        widgets.LearningExplorer(data, run)


def test_the_notebook_is_committed_with_stills_and_without_widgets():
    notebook = nbformat.read(ROOT / "notebooks/08_explore.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    stills = [output for output in outputs if "image/png" in output.get("data", ())]
    assert len(stills) == 2
    assert all(output.metadata["image/png"]["alt"] for output in stills)
    assert "widget-view" not in str(notebook)
