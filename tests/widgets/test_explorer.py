"""The learning explorer without a browser: runs, their training and their exports."""

import asyncio
import base64
import dataclasses
import html
import re
import threading
import time

import nbformat
import pandas as pd
import pytest

import snnbp
from snnbp import plots, widgets
from snnbp.paper import ROOT
from snnbp.widgets import curves, training
from snnbp.widgets.training import Settings, Trained, as_code, names

SMALL = Settings("digits", 0.5, snnbp.Config(hidden=20, epochs=3))


@pytest.fixture(scope="module")
def run(digits):
    return snnbp.train(digits, snnbp.Config(epochs=4), progress=False)


def trained(settings):
    return Trained(settings, snnbp.train(settings.load(), settings.config, progress=False))


def explorer(digits, run, **fields):
    """An explorer with these settings for its next run, and the texts of its status line."""
    learning, said = widgets.LearningExplorer(digits, run), []
    for name, value in ({"hidden": "20"} | fields).items():
        learning.fields[name].value = value
    learning.status.observe(lambda change: said.append(re.sub("<.*?>", "", change.new)), "value")
    return learning, said


def train(learning):
    """Press start and wait for the end."""

    async def started():
        learning.start()
        await learning.task

    asyncio.run(started())


async def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def test_runs_are_named_by_what_differs():
    deep = Settings("digits", 0.3, snnbp.Config(hidden=(80, 40), seed=2))
    assert names([]) == []
    assert names([deep]) == ["data set digits, hidden neurons 80-40"]
    assert names([SMALL, deep]) == [
        "pixel threshold 0.5, hidden neurons 20, epochs 3, seed 1",
        "pixel threshold 0.3, hidden neurons 80-40, epochs 60, seed 2",
    ]


def test_the_exported_code_repeats_the_run():
    settings = Settings(
        "digits", 0.3, snnbp.Config(hidden=(30, 20), epochs=2, seed=7, step=4, init_scale=0.8, threshold=1000)
    )
    code = as_code(trained(settings))
    assert "assert run.digest" in code
    exec(code, {"snnbp": snnbp})


def test_an_own_data_set_s_name_is_text(digits):
    name = """_$x^2$ <b>"'"""
    data = dataclasses.replace(digits, source=name)
    config = snnbp.Config(hidden=10, epochs=1)
    run = snnbp.train(data, config, progress=False)
    learning = widgets.LearningExplorer(data, run)
    assert "<b>" not in re.sub("<b style", "", learning.export.value + learning.status.value)
    assert "<b>" not in learning.picture.value
    exec(as_code(learning.runs[0]), {"snnbp": snnbp, "data": data})
    drawn = [(name, run.history, run.weights)]
    svg = plots.to_svg(curves.progress_figure(drawn, {"spikes": 0.9}), "a").decode()
    assert {html.escape(name, quote=False), "paper"} <= {*re.findall(r"<text[^>]*>([^<]*)</text>", svg)}


def test_the_explorer_trains_as_train_does(digits, run):
    learning, said = explorer(digits, run, epochs=3)
    train(learning)
    found, expected = learning.runs[-1], trained(SMALL)
    assert found.settings == SMALL
    assert found.run.weights == expected.run.weights
    pd.testing.assert_frame_equal(found.run.history, expected.run.history)
    assert said[0] == "loading the data ..."
    assert said[1].startswith("training")
    assert said[-1].endswith("kept: 3 whole epochs")


def test_a_stopped_run_is_kept_to_its_last_whole_epoch(digits, run):
    learning, _ = explorer(digits, run, epochs=10**6)

    async def train():
        learning.start()
        await until(lambda: learning.live and len(learning.live.rows) >= 5)
        learning.stop()
        await learning.task

    asyncio.run(train())
    found = learning.runs[-1]
    assert found.settings.config.epochs == found.run.history["epoch"].iloc[-1] >= 2
    assert trained(found.settings).run.digest == found.run.digest


def test_a_run_says_paused_once_it_waits_and_does_not_count_the_time(digits, run, monkeypatch):
    may_train = threading.Event()
    advance = training.Live.advance
    monkeypatch.setattr(training.Live, "advance", lambda live: may_train.wait(60) and advance(live))
    learning, said = explorer(digits, run, epochs=10**6)

    async def train():
        learning.start()
        await until(lambda: not learning.pause_button.disabled)
        learning.pause()
        await asyncio.sleep(0.3)
        assert said == ["loading the data ...", "training", "pausing, at the end of this half epoch"]
        may_train.set()
        await until(lambda: said[-1].startswith("paused; epoch 0.5 of 1000000"))
        seconds = learning.live.seconds
        await asyncio.sleep(0.3)
        assert len(learning.live.rows) == 1
        assert learning.live.seconds == seconds
        learning.pause()
        assert said[-1].startswith("training; epoch 0.5")
        await until(lambda: len(learning.live.rows) > 2)
        learning.stop()
        await learning.task

    asyncio.run(train())


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("hidden", "0", "hidden"),
        ("hidden", "100000", "at most 4096 neurons"),
        ("hidden", "many", "write sizes such as 400 or 100-100"),
        ("threshold", 1023, "threshold must be even and within [2, 131070], got 1023"),
        ("step", 3, "step must be even"),
        ("seed", -1, "seed"),
    ],
)
def test_impossible_settings_give_one_line(digits, run, field, value, sentence):
    learning = widgets.LearningExplorer(digits, run)
    learning.fields[field].value = value
    learning.start()
    assert learning.live is None
    assert "Error:" in learning.status.value
    assert sentence in learning.status.value


def test_missing_data_gives_one_line(digits, run, monkeypatch, tmp_path):
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path / "none"))
    learning, said = explorer(digits, run, dataset="mnist")
    train(learning)
    assert said[-1].startswith("Error: ")
    assert str(tmp_path) in said[-1]
    assert len(learning.runs) == 1


def test_the_learning_explorer_keeps_exports_and_removes_runs(digits, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learning, _ = explorer(digits, run, hidden="30, 20", epochs=2)
    picture = learning.png

    for _ in range(2):  # the same run twice is one run
        train(learning)
        labels = [label for label, _ in learning.selected.options]
        assert labels == ["hidden neurons 400, epochs 4", "hidden neurons 30-20, epochs 2"]
    assert learning.png != picture
    learning.save()
    assert snnbp.Run.load("run.npz").digest == learning.runs[1].run.digest
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


def test_the_learning_explorer_refuses_other_inputs_than_pixels():
    data = snnbp.load_dataset("digits", contrast=(1, 64))
    run = snnbp.train(data, snnbp.Config(hidden=10, epochs=1), progress=False)
    with pytest.raises(ValueError, match="an explorer takes one bit a pixel: load the data without contrast"):
        widgets.LearningExplorer(data, run)


def test_the_notebook_is_committed_with_stills_and_without_widgets():
    notebook = nbformat.read(ROOT / "notebooks/08_explore.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    stills = [output for output in outputs if "image/png" in output.get("data", ())]
    assert len(stills) == 2
    assert all(output.metadata["image/png"]["alt"] for output in stills)
    assert "widget-view" not in str(notebook)
