"""Runs: the same everywhere, refused where they make no sense."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import snnbp
from snnbp import Config, Samples, Weights, backends
from snnbp.training.metrics import score, wilson_interval

SMALL = {"hidden": 20, "epochs": 2}
GOLDEN = {
    "initial": "2f99aa33b89ee595e09d69b7dc0894a565adcaebd12174c8ad74a5243ac01663",
    "circuit": "333c88c8a0bb789a079fc735639980cd58146d56ee3bb8448b3a63892d8edfb7",
    "published-simulation": "7a8b95a7efa63138f6cc604cf8bb17fcddd70dea440c4b8cb5b2f162bacdae17",
    "circuit-updates-first": "c02a05183a080d37b456747bd1a65c4c8d716795e0788dc80f770027a0508d29",
}


def test_initial_weights_have_the_golden_digest(digits):
    assert snnbp.initial_weights(Config(**SMALL), digits).digest == GOLDEN["initial"]


@pytest.mark.parametrize("rule", sorted(GOLDEN.keys() - {"initial"}))
@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_each_backend_gives_the_golden_digest(digits, backend, rule):
    run = snnbp.train(digits, Config(rule=rule, **SMALL), backend, progress=False)
    assert run.digest == run.weights.digest == GOLDEN[rule]
    assert run.finished
    assert run.history["epoch"].tolist() == [0.5, 1, 1.5, 2]
    scores = snnbp.evaluate(run.weights, digits.test, backend)
    assert (
        run.history.drop(columns=["epoch", "overdriven", "weights"]).iloc[-1].to_dict()
        == pd.Series(scores._asdict()).drop("n").to_dict()
    )


def test_a_run_is_passes_of_learn_in_the_seeds_order(digits):
    rng = np.random.Generator(np.random.PCG64(5))
    weights = Weights.draw(rng, (64, 20, 10))
    for _ in range(2):
        weights, outputs = snnbp.learn(weights, digits.train[rng.permutation(len(digits.train))])
    assert outputs.shape == (len(digits.train), 10)
    assert weights == snnbp.train(digits, Config(seed=5, **SMALL), progress=False).weights


def test_thread_count_changes_nothing(digits, monkeypatch):
    configs = [Config(seed=seed, **SMALL) for seed in range(1, 6)]
    digests = []
    for cores in (1, 5):
        monkeypatch.setattr("snnbp.training.sweep.cores", lambda cores=cores: cores)
        digests.append([run.weights.digest for run in snnbp.sweep(configs, digits, progress=False)])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 5


def test_statistics_of_a_run(digits):
    run = snnbp.train(digits, Config(hidden=20, epochs=12, n_validation=100), progress=False)
    curve, held_out = run.history["spikes"].tolist(), run.history["validation"].tolist()
    assert run.statistic("final", "spikes") == curve[-1]
    assert run.statistic("best", "spikes") == max(curve)
    assert run.statistic("mean_last_10", "spikes") == pytest.approx(
        np.mean(curve[4:]), abs=1e-15
    )  # a float's sum
    assert run.statistic("selected", "spikes") == curve[held_out.index(max(held_out))]
    assert held_out[-1] == snnbp.evaluate(run.weights, digits.train[-100:]).spikes
    assert not run.collapsed
    for which, column, reason in (
        ("last", "spikes", "no statistic 'last'"),
        ("final", "loss", "no column 'loss'"),
    ):
        with pytest.raises(ValueError, match=reason):
            run.statistic(which, column)
    with pytest.raises(ValueError, match="selected needs n_validation > 0"):
        snnbp.train(digits, Config(**SMALL), progress=False).statistic("selected", "spikes")


def test_progress_is_called_with_each_row_and_may_stop_the_run(digits):
    rows = []
    run = snnbp.train(digits, Config(**SMALL), progress=rows.append)
    pd.testing.assert_frame_equal(pd.DataFrame(rows), run.history)

    def stop(row):
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        snnbp.train(digits, Config(**SMALL), progress=stop)


# Weights carry their threshold


@pytest.mark.parametrize("threshold", [512, 2048])
def test_weights_trained_with_another_threshold_are_evaluated_with_it(digits, tmp_path, threshold):
    run = snnbp.train(digits, Config(hidden=100, epochs=10, threshold=threshold), progress=False)
    assert run.weights.threshold == threshold
    last = run.statistic("final", "spikes")
    assert last > 0.3
    run.save(tmp_path / "run.npz")
    for weights in (
        run.weights,
        Weights.load(tmp_path / "run.npz"),
        snnbp.Run.load(tmp_path / "run.npz").weights,
    ):
        assert snnbp.evaluate(weights, digits.test).spikes == last
    as_if = Weights(run.weights.matrices, 1024)
    assert as_if != run.weights
    assert snnbp.evaluate(as_if, digits.test).spikes != last
    learned = {
        snnbp.learn(run.weights, digits.train[:50], backend)[0]
        for backend in ("reference", "fused", "spiking")
    }
    assert len(learned) == 1
    assert learned.pop().threshold == threshold
    expected = backends.learner("reference", run.weights, Config(threshold=threshold).learning_rule)
    expected.learn(digits.train.inputs[:50], digits.train.labels[:50])
    assert snnbp.learn(run.weights, digits.train[:50])[0] == expected.weights


# Backends


def counted(monkeypatch, name, calls):
    module = backends.load(name)
    real = module.predict
    monkeypatch.setattr(module, "predict", lambda *words: calls.append(name) or real(*words))


@pytest.mark.parametrize("name", ["reference", "fused", "spiking"])
def test_what_a_backend_is_asked_it_answers_itself(digits, monkeypatch, name):
    weights, calls = snnbp.initial_weights(Config(**SMALL), digits), []
    for each in ("reference", "fused", "spiking"):
        counted(monkeypatch, each, calls)
    some = snnbp.Dataset(digits.train[:60], digits.test[:40], classes=digits.classes)
    snnbp.evaluate(weights, some.test, name)
    assert calls == [name]
    snnbp.predict(weights, some.test.inputs, backend=name)
    assert calls == [name] * 2
    snnbp.train(some, Config(hidden=20, epochs=1, n_validation=10), name, progress=False)
    assert calls == [name] * 6


def test_without_lava_its_backend_says_in_one_line_what_to_install(digits):
    code = (
        "import sys; sys.modules['lava'] = None\n"
        "import numpy as np, snnbp\n"
        "samples = snnbp.load_dataset('digits').train[:2]\n"
        "weights = snnbp.Weights((np.zeros((64, 5), int), np.zeros((5, 10), int)))\n"
        "for backend in snnbp.backends(): snnbp.learn(weights, samples, backend)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "ModuleNotFoundError: backend 'lava' needs Lava: pip install asteval networkx scipy, then"
    )


def test_samples_that_do_not_fit_the_network_are_refused(digits):
    narrow = Weights((np.zeros((63, 5), int), np.zeros((5, 10), int)))
    few = Weights((np.zeros((64, 5), int), np.zeros((5, 5), int)))
    for call in (lambda: snnbp.learn(few, digits.train), lambda: snnbp.evaluate(few, digits.test)):
        with pytest.raises(ValueError, match=r"labels must be within 0 to 4, got \d: the network has 5"):
            call()
    with pytest.raises(ValueError, match="no samples to score"):
        snnbp.evaluate(narrow, Samples(np.zeros((0, 63), bool), np.zeros(0, int)))
    with pytest.raises(ValueError, match=r"n_validation=1436 leaves 1 of 1437 images for training"):
        snnbp.train(digits, Config(hidden=5, n_validation=1436), progress=False)


# Metrics


def test_the_interval_of_an_accuracy_is_wilsons():
    for right, n in ((9570, 10_000), (0, 10), (10, 10), (1, 3), (300, 360)):
        for level in (0.95, 0.99):
            expected = scipy.stats.binomtest(right, n).proportion_ci(level, "wilson")
            # Floats: two orders of the same operations, and the ends 0 and 1.
            assert wilson_interval(right / n, n, level) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_three_accuracies_on_five_outputs():
    labels = np.array([0, 0, 1, 2, 2], np.uint8)
    outputs = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 1], [0, 0, 0]], np.bool_)
    potentials = np.array([[9, 0, 0], [-1, 5, 0], [0, 8, 9], [0, 8, 9], [0, 0, 3]], np.int32)
    scores = score(outputs, potentials, labels)
    assert scores.exact == 1 / 5
    assert scores.spikes == 3 / 5
    assert scores.potential == 3 / 5
    assert (scores.silent, scores.silent_right, scores.tied, scores.tied_right) == (2, 1, 2, 1)
    assert scores.dead == 0
    assert score(outputs[:2], potentials[:2], labels[:2]).dead == 0  # no sample of the classes 1 and 2
    assert score(outputs[[0, 1, 4]], potentials[[0, 1, 4]], labels[[0, 1, 4]]).dead == 1
    assert scores.n == 5
    with pytest.raises(ValueError, match="there are no samples to score"):
        score(outputs[:0], potentials[:0], labels[:0])
    assert scores.mse == pytest.approx((0 + 1 + 1 + 1 + 1) / 15)
