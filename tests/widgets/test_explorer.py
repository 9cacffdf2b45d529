"""The explorers without a browser: names and exports of runs, the training thread, ink, lessons, the walk."""

import base64
import csv
import io
import json
import threading
import time

import numpy as np
import papermill
import pytest
import yaml

import snnbp
from snnbp import widgets as explorer
from snnbp.paper import pipeline as reproduce
from snnbp.widgets.ink import SHEET, draw, normalised
from snnbp.widgets.pupil import Pupil
from snnbp.widgets.settings import KeptRun, Settings, as_csv, as_parameters, names
from snnbp.widgets.trainer import Trainer
from snnbp.widgets.walk import Walk, WalkPicture
from snnbp.paper.results import PROFILES, ROOT

SMALL = Settings("digits", config=snnbp.Config(hidden=20, epochs=3))


@pytest.fixture(scope="module")
def start():
    return explorer.start("digits", epochs=4)


def trained(settings):
    run = snnbp.train(settings.load(), settings.config, progress=False)
    return KeptRun(settings, run.history, run.weights)


def finished(settings):
    trainer = Trainer(settings, lambda: None)
    trainer.start()
    trainer.join(60)
    assert trainer.done
    return trainer


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_runs_are_named_by_what_differs():
    paper, digits = Settings(), Settings("digits")
    wide = Settings("digits", 0.3, snnbp.Config(hidden=800, seed=2))
    assert names([]) == []
    assert names([paper]) == ["the paper's settings"]
    assert names([wide]) == ["digits, input threshold 0.3, 800 hidden, seed 2"]
    assert names([digits, wide]) == [
        "input threshold 0.5, 400 hidden, seed 1",
        "input threshold 0.3, 800 hidden, seed 2",
    ]
    rules = [Settings(config=snnbp.Config(rule=rule, step=4)) for rule in ("circuit", "published-simulation")]
    assert names(rules) == ["rule circuit", "rule published-simulation"]


def test_csv_holds_every_checkpoint_of_every_run():
    runs = [trained(SMALL), trained(SMALL.shortened(1))]
    rows = list(csv.DictReader(io.StringIO(as_csv(runs))))
    assert [row["run"] for row in rows] == ["3 epochs"] * 6 + ["1 epochs"] * 2
    assert [float(row["spikes"]) for row in rows[:6]] == [row.spikes for row in runs[0].history]
    assert {row["dataset"] for row in rows} == {"digits"}


def test_an_exported_run_is_reproduced_by_the_mnist_notebook(monkeypatch, tmp_path):
    settings = Settings(
        "digits", 0.3, snnbp.Config(hidden=30, epochs=2, seed=7, step=4, init_scale=0.8, threshold=1000)
    )
    run = trained(settings)
    text = as_parameters(run)
    parameters = yaml.safe_load(text)
    assert set(parameters) == set(PROFILES["paper"]["04_mnist"])
    assert f"# digest of the weights: {run.weights.digest}" in text
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path))
    papermill.execute_notebook(
        ROOT / "notebooks/04_mnist.ipynb", tmp_path / "again.ipynb", parameters, kernel_name="python3",
        progress_bar=False,
    )  # fmt: skip
    record = json.loads((tmp_path / "04_mnist.json").read_text())
    assert record["weights"] == {"weights_seed7": run.weights.digest}


def test_the_thread_trains_as_train_does():
    trainer, run = finished(SMALL), trained(SMALL)
    kept = trainer.kept()
    assert kept.settings == SMALL
    assert kept.weights == run.weights
    assert [row[:-2] for row in kept.history] == [row[:-2] for row in run.history]
    assert trainer.speed > 0


def test_a_stopped_run_is_kept_to_its_last_whole_epoch_and_reproducible():
    reached = threading.Event()
    trainer = Trainer(Settings("digits", config=snnbp.Config(hidden=20, epochs=10**6)), reached.set)
    trainer.start()
    wait_for(lambda: len(trainer.history) >= 5)
    trainer.end()
    trainer.join(0.5)
    assert not trainer.is_alive()
    kept = trainer.kept()
    assert kept.history[-1].epoch == kept.settings.config.epochs == len(trainer.history) // 2
    assert trained(kept.settings).weights == kept.weights


def test_a_paused_run_waits_and_does_not_count_the_time():
    trainer = Trainer(Settings("digits", config=snnbp.Config(hidden=20, epochs=10**6)), lambda: None)
    trainer.pause()
    trainer.start()
    wait_for(lambda: trainer.history)
    time.sleep(0.5)
    assert len(trainer.history) == 1
    before = trainer.history[0].seconds
    trainer.resume()
    wait_for(lambda: len(trainer.history) > 2)
    trainer.end()
    trainer.join(5)
    assert trainer.history[1].seconds - before < 0.4


@pytest.mark.parametrize(
    ("knob", "value", "sentence"),
    [
        ("hidden", 0, "hidden must be a whole number of at least 1, got 0"),
        ("hidden", 10**6, "hidden must be at most 4096 here, got 1000000"),
        ("threshold", 1023, "threshold must be even and at least 2, got 1023"),
        ("step", 3, "step must be even and within [2, 254], got 3"),
        ("init_scale", 0.0, "init_scale must be positive, got 0.0"),
        ("epochs", 0, "epochs must be a whole number of at least 1, got 0"),
        ("seed", -1, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(start, knob, value, sentence):
    learning = explorer.LearningExplorer(start)
    learning.knobs[knob].value = value
    learning.start()
    assert learning.trainer is None
    assert sentence in learning.status.value
    assert "Refused:" in learning.status.value


def test_data_that_cannot_be_had_is_refused_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path / "none"))
    trainer = finished(Settings("mnist", 0.45))
    assert "which is not a folder" in trainer.refusal
    assert trainer.kept() is None


def test_the_learning_explorer_keeps_overlays_and_forgets_runs(start):
    learning = explorer.LearningExplorer(start)
    picture = learning.picture.value
    learning.knobs["hidden"].value = 30
    learning.knobs["epochs"].value = 2
    learning.knobs["pixel_threshold"].value = 0.30000000000000004
    assert learning.settings().pixel_threshold == 0.3
    learning.knobs["pixel_threshold"].value = 0.5
    for _ in range(2):  # the same run twice is one run
        learning.start()
        wait_for(lambda: learning.trainer is None)
        assert [label for label, _ in learning.chosen.options] == [
            "400 hidden, 4 epochs",
            "30 hidden, 2 epochs",
        ]
    wait_for(lambda: learning.picture.value != picture)
    assert learning.links.value.count("<a download=") == 2
    learning.forget()
    assert len(learning.runs) == 1


def test_without_a_kernel_each_explorer_is_a_picture(start):
    for kind in (explorer.LearningExplorer, explorer.CircuitExplorer, explorer.DigitExplorer):
        bundle = kind(start)._repr_mimebundle_()
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert "application/vnd.jupyter.widget-view+json" in bundle


def test_it_opens_with_the_shipped_network(mnist):
    start = explorer.start()
    assert start.run.weights == snnbp.Weights.load(ROOT / "figures/weights_seed1.npz")
    assert len(start.run.history) == 120
    assert start.run.history[-1][1:-2] == snnbp.evaluate(start.run.weights, mnist.test)[:-1]


def test_it_opens_on_the_digits_where_mnist_cannot_be_had(monkeypatch, capsys):
    monkeypatch.setattr("snnbp.training.data._files", unavailable)
    start = explorer.start(epochs=1)
    assert start.data.source == "digits"
    assert "mnist cannot be had: on scikit-learn's 8x8 digits instead" in capsys.readouterr().out


def unavailable(name):
    raise snnbp.training.data.DataUnavailable("no network")


@pytest.mark.parametrize("shape", [(20, 20), (8, 8)])
def test_a_drawing_is_scaled_and_centred(shape):
    sheet = np.zeros((SHEET, SHEET), bool)
    assert not normalised(sheet, shape).any()
    draw(sheet, (60, 60), (60, 120))
    small = normalised(sheet, shape)
    rows, columns = np.nonzero(small)
    assert (rows.min(), rows.max()) == (0, shape[0] - 1)
    assert abs(columns.mean() - (shape[1] - 1) / 2) <= 0.5
    assert np.array_equal(normalised(np.roll(sheet, (90, 40), (0, 1)), shape), small)


def test_the_centre_of_mass_comes_to_the_middle():
    sheet = np.zeros((SHEET, SHEET), bool)
    sheet[100:200, 100:120] = True  # an L, heavy at the bottom left
    sheet[180:200, 100:200] = True
    rows, columns = np.nonzero(normalised(sheet, (20, 20)))
    assert abs(rows.mean() - 9.5) > 0.5  # what hangs over the edge is cut off, as for MNIST
    assert columns.min() > 0


def test_test_images_survive_being_drawn(digits):
    """A sheet filled with a test image's pixels comes back as that image, up to its place."""
    image = digits.test.inputs[0].reshape(8, 8)
    inside = image[:, image.any(axis=0)]
    found = normalised(image.repeat(35, 0).repeat(35, 1), (8, 8))
    assert np.array_equal(found[:, found.any(axis=0)], inside)


def test_the_pupil_sees_and_learns_as_the_library_does(start):
    pupil, test = Pupil(start.run.weights), start.data.test
    outputs, potentials = snnbp.predict(start.run.weights, test.inputs[:20])
    for n in range(20):
        fired, v2 = pupil.classify(test.inputs[n])
        assert np.array_equal(fired, outputs[n])
        assert np.array_equal(v2, potentials[n])
    wrong = int(np.flatnonzero(outputs.argmax(axis=1) != test.labels[:20])[0])
    sample = test[wrong : wrong + 1]
    lesson = pupil.learn(sample.inputs[0], int(sample.labels[0]))
    assert pupil.weights == snnbp.learn(start.run.weights, sample)[0]
    assert np.array_equal(lesson.after, snnbp.predict(pupil.weights, sample.inputs)[1][0])


def test_the_pupil_says_why_nothing_moved(start):
    outputs, _ = snnbp.predict(start.run.weights, start.data.test.inputs)
    right = np.flatnonzero(
        (outputs == (start.data.test.labels[:, None] == np.arange(10))).all(axis=1)
    )[0]  # fmt: skip
    lesson = Pupil(start.run.weights).learn(start.data.test.inputs[right], int(start.data.test.labels[right]))
    assert "no error" in lesson.story
    assert not lesson.w1_change.any()


def test_the_walk_accounts_for_every_synapse_that_moved(start):
    circuit = explorer.CircuitExplorer(start)
    for mistake in circuit.mistakes[:10]:
        walk = Walk(start.run.weights, start.data.test[mistake : mistake + 1])
        moved = {}
        for step in range(12):
            for move in walk.moves(step):
                moved[move.pre, move.post] = moved.get((move.pre, move.post), 0) + move.synapses
        assert moved == {pair: n for pair, c in walk.change.items() if (n := np.count_nonzero(c))}


def test_next_mistake_goes_round(start):
    circuit = explorer.CircuitExplorer(start)
    assert circuit.sample.value in circuit.mistakes
    circuit.sample.value = 0
    seen = []
    for _ in range(circuit.mistakes.size + 1):
        circuit.next_mistake()
        seen.append(circuit.sample.value)
    assert seen == [*circuit.mistakes, circuit.mistakes[0]]


def test_every_step_has_its_picture_and_its_story(start):
    picture = WalkPicture(start.run.weights, start.data.image_shape)
    walk = Walk(start.run.weights, start.data.test[:1])
    pictures = [picture.at(walk, step) for step in range(12)]
    assert len({shown.tobytes() for shown in pictures}) == 12
    assert np.array_equal(picture.at(walk, 3), pictures[3])
    assert all(f"Step {step}: " in walk.story(step)[1] for step in range(12))


def test_the_notebook_is_committed_with_stills_and_without_widgets():
    text = (ROOT / "notebooks/08_explore.ipynb").read_text()
    assert "widget-view" not in text
    assert text.count('"image/png"') == 3
    assert "08_explore" in reproduce.notebooks()
