"""Runs: the same everywhere, refused where they make no sense."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats

import snnbp
from snnbp.training.data import Dataset, Samples
from snnbp.training.metrics import score, wilson_interval
from snnbp.training.train import BACKENDS
from snnbp.circuit.weights import Weights

SMALL = {"hidden": 20, "epochs": 2}
GOLDEN = {
    "initial": "2f99aa33b89ee595e09d69b7dc0894a565adcaebd12174c8ad74a5243ac01663",
    "circuit": "333c88c8a0bb789a079fc735639980cd58146d56ee3bb8448b3a63892d8edfb7",
    "published-simulation": "7a8b95a7efa63138f6cc604cf8bb17fcddd70dea440c4b8cb5b2f162bacdae17",
    "circuit-updates-first": "c02a05183a080d37b456747bd1a65c4c8d716795e0788dc80f770027a0508d29",
}


def test_initial_weights_have_the_golden_digest(digits):
    assert snnbp.initial_weights(snnbp.Config(**SMALL), digits).digest == GOLDEN["initial"]


@pytest.mark.parametrize("rule", sorted(GOLDEN.keys() - {"initial"}))
@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_every_engine_gives_the_golden_digest(digits, backend, rule):
    run = snnbp.train(digits, snnbp.Config(rule=rule, **SMALL), backend, progress=False)
    assert run.weights.digest == GOLDEN[rule]
    assert [row.epoch for row in run.history] == [0.5, 1, 1.5, 2]


def test_a_run_is_passes_of_learn_in_the_seeds_order(digits):
    config = snnbp.Config(seed=5, **SMALL)
    rng = np.random.Generator(np.random.PCG64(5))
    weights = Weights.draw(rng, (64, 20, 10))
    for _ in range(2):
        weights, outputs = snnbp.learn(weights, digits.train[rng.permutation(len(digits.train))])
    assert outputs.shape == (len(digits.train), 10)
    assert weights == snnbp.train(digits, config, progress=False).weights


def test_same_seed_same_run_other_seed_other_run(digits):
    configs = [snnbp.Config(seed=seed, **SMALL) for seed in (1, 1, 2)]
    first, again, other = (snnbp.train(digits, config, progress=False) for config in configs)
    assert first.weights == again.weights
    assert [row[:-2] for row in first.history] == [row[:-2] for row in again.history]
    assert first.weights != other.weights


def test_thread_count_changes_nothing(digits, monkeypatch):
    configs = [snnbp.Config(seed=seed, **SMALL) for seed in range(1, 6)]
    digests = []
    for cores in (1, 5):
        monkeypatch.setattr("snnbp.training.sweep._cores", lambda cores=cores: cores)
        digests.append([run.weights.digest for run in snnbp.sweep(configs, digits, progress=False)])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 5


def test_statistics_of_a_run(digits):
    run = snnbp.train(digits, snnbp.Config(hidden=20, epochs=12, validation=100), progress=False)
    curve, held_out = run.curve("spikes"), run.curve("validation")
    assert run.statistic("final", "spikes") == curve[-1]
    assert run.statistic("best", "spikes") == max(curve)
    assert run.statistic("late", "spikes") == np.mean(curve[4:])
    assert run.statistic("chosen", "spikes") == curve[list(held_out).index(max(held_out))]
    assert run.history[-1][1:-2] == snnbp.evaluate(run.weights, digits.test)[:-1]
    assert held_out[-1] == snnbp.evaluate(run.weights, digits.train[-100:]).spikes
    assert not run.collapsed
    with pytest.raises(ValueError, match="no statistic 'chosen'"):
        snnbp.train(digits, snnbp.Config(**SMALL), progress=False).statistic("chosen", "spikes")


def test_progress_is_called_with_each_checkpoint_and_may_stop_the_run(digits):
    rows = []
    run = snnbp.train(digits, snnbp.Config(**SMALL), progress=rows.append)
    assert tuple(rows) == run.history

    def stop(row):
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        snnbp.train(digits, snnbp.Config(**SMALL), progress=stop)


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
    assert scores.mute == 0
    assert score(outputs[:2], potentials[:2], labels[:2]).mute == 2
    assert scores.mse == pytest.approx((0 + 1 + 1 + 1 + 1) / 15)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, got 2.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"validation": -1}, "validation must be a whole number of at least 0, got -1"),
        (
            {"rule": "hebb"},
            "unknown rule 'hebb': choose one of circuit, published-simulation, circuit-updates",
        ),
        ({"threshold": 1023}, "threshold must be even and at least 2, got 1023"),
        ({"step": 3}, "step must be even and within \\[2, 254\\], got 3"),
        ({"step": 0}, "step must be even"),
        ({"inhibition": 0}, "inhibition must be negative, got 0"),
        ({"init_scale": 0}, "init_scale must be positive"),
        ({"init_scale": float("nan")}, "init_scale must be positive"),
    ],
)
def test_bad_configurations_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        snnbp.Config(**wrong)


def test_unknown_engines_are_refused(digits):
    weights = snnbp.initial_weights(snnbp.Config(**SMALL), digits)
    for call in (
        lambda: snnbp.train(digits, snnbp.Config(**SMALL), "quantum"),
        lambda: snnbp.learn(weights, digits.train, backend="quantum"),
    ):
        with pytest.raises(ValueError, match="unknown backend 'quantum': choose one of reference, fused"):
            call()
    for module in BACKENDS.values():
        importlib.import_module(module)


def test_without_lava_its_engine_says_in_one_line_what_to_install(digits):
    code = (
        "import sys; sys.modules['lava'] = None\n"
        "import numpy as np, snnbp\n"
        "samples = snnbp.load_dataset('digits').train[:2]\n"
        "weights = snnbp.Weights(np.zeros((64, 5), int), np.zeros((5, 10), int))\n"
        "for backend in ('reference', 'fused', 'spiking', 'lava'): snnbp.learn(weights, samples, backend)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "ModuleNotFoundError: backend 'lava' needs Lava: pip install lava-nc==0.10.0, in Python"
    )


def test_samples_that_do_not_fit_the_network_are_refused(digits):
    narrow = Weights(np.zeros((63, 5), int), np.zeros((5, 10), int))
    few = Weights(np.zeros((64, 5), int), np.zeros((5, 9), int))
    for call in (
        lambda: snnbp.learn(narrow, digits.train),
        lambda: snnbp.predict(narrow, digits.test.inputs),
        lambda: snnbp.evaluate(narrow, digits.test),
    ):
        with pytest.raises(ValueError, match=r"takes bool inputs \(n, 63\), got bool \(\d+, 64\)"):
            call()
    with pytest.raises(ValueError, match="takes bool inputs"):
        snnbp.predict(narrow, np.zeros((2, 63)))
    with pytest.raises(ValueError, match="label 9 has no output: the network has 9"):
        snnbp.learn(few, digits.train)
    with pytest.raises(ValueError, match="labels must be integers in 0-9"):
        Samples(np.zeros((1, 64), bool), np.array([10]))


def test_your_own_data_trains():
    rng = np.random.default_rng(0)
    inputs = rng.random((50, 6)) < 0.5
    labels = inputs[:, 0].astype(int)
    data = Dataset.from_arrays(inputs, labels, inputs, labels)
    run = snnbp.train(data, snnbp.Config(hidden=100, epochs=60), progress=False)
    assert run.statistic("best", "spikes") > 0.8
