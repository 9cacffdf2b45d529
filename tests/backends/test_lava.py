"""The circuits on Lava do what `spiking` does, every spike and every weight, and leave no process behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import snnbp
from snnbp.backends.spiking import samples as spiking
from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.circuit.spec import Cell, Circuit, LearningRule, Phase, Population, Projection
from snnbp.paper.results import ROOT
from snnbp.circuit.weights import Weights

pytest.importorskip("lava", reason="Lava is not installed (it needs Python 3.10)")

from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.learning.learning_rule_applier import LearningRuleApplierBitApprox
from lava.magma.core.model.py.connection import LearningConnectionModelBitApproximate
from lava.proc.io import sink, source
from lava.utils.weightutils import SignMode, clip_weights

from snnbp.backends.lava import network, parts, single

TOY = (16, 12, 4)
EDGES = np.array([-256, -254, -252, 250, 252, 254])


def toy_weights(rng: np.random.Generator) -> Weights:
    """Half of the weights at a rail or close to it."""
    drawn = Weights.draw(rng, TOY)
    matrices = (
        np.where(rng.random(m.shape) < 0.5, rng.choice(EDGES, m.shape), m) for m in (drawn.w1, drawn.w2)
    )
    return Weights(*(matrix.astype(np.int16) for matrix in matrices))


def assert_equal_presentation(theirs, circuit, weights, inputs, labels, parts=1):
    """Every population's spikes in every step, closed populations that fire, and all matrices."""
    names = tuple(population.name for population in circuit.populations)
    phases = tuple(range(len(circuit.phases)))
    ours = spiking.Presenter(circuit, weights)
    for order in np.array_split(np.arange(len(inputs)), parts):
        want = ours.present(inputs, labels, order, names, phases)
        got = theirs.present(inputs, labels, order, names, phases)
        np.testing.assert_array_equal(got.spikes, want.spikes, strict=True)
        np.testing.assert_array_equal(got.overdriven, want.overdriven, strict=True)
    assert ours.network.matrices.keys() == theirs.network.matrices.keys()
    for key, matrix in ours.network.matrices.items():
        np.testing.assert_array_equal(theirs.network.matrices[key], matrix, strict=True)
    assert multiprocessing.active_children() == []
    return ours


@pytest.mark.parametrize(
    "rule",
    [LearningRule(2 * step, -step) for step in (2, 4, 6, 18, 254)]
    + [LearningRule(4, 0), LearningRule(10, -2)],
)
def test_the_rule_in_lavas_words_is_exact_at_every_weight(rule):
    learning = Loihi3FLearningRule(dw=parts.rule_string(rule), t_epoch=1, rng_seed=1)
    weights = np.arange(-256, 256, 2)[:, None]
    ones = np.ones_like(weights)
    for reward in (0, 1):
        total = LearningRuleApplierBitApprox(learning.dw).apply(
            weights << 7, shape=weights.shape, x0=ones, y0=ones, y1_x0=reward * ones, weights=weights
        )
        for random in (0, 0.5, 0.999):
            rounded = LearningConnectionModelBitApproximate._stochastic_round_synaptic_variable(
                "weights", total.copy(), random
            )
            result = clip_weights(rounded >> 7, sign_mode=SignMode.MIXED, num_bits=8)
            expected = np.clip(weights + rule.always + reward * rule.rewarded, -256, 254)
            np.testing.assert_array_equal(result, expected)


@pytest.mark.timeout(150)
def test_library_processes_one_for_each_population_and_projection_saturate_as_spiking_does():
    rng = np.random.default_rng(5)
    circuit, weights = training_circuit(*TOY), toy_weights(rng)
    inputs, labels = rng.random((20, TOY[0])) < 0.5, rng.integers(0, TOY[2], 20).astype(np.uint8)
    start = spiking.initial_matrices(circuit, weights)
    theirs = network.Presenter(circuit, weights, merged=False)
    ours = assert_equal_presentation(theirs, circuit, weights, inputs, labels)
    for key, matrix in ours.network.matrices.items():
        assert (matrix != start[key]).any()
    w1 = ours.network.matrices["x", "h1"]
    learned = start["x", "h1"] != w1
    assert ((w1 == 254) & learned).any()
    assert ((w1 == -256) & learned).any()


@pytest.mark.timeout(120)
def test_library_processes_merged_do_400_400_10(mnist):
    circuit, weights = training_circuit(), Weights.load(ROOT / "figures" / "weights_seed1.npz")
    wrong = snnbp.predict(weights, mnist.train.inputs)[0].argmax(axis=1) != mnist.train.labels
    some = np.flatnonzero(wrong)[:4]
    theirs = network.Presenter(circuit, weights)
    ours = assert_equal_presentation(
        theirs, circuit, weights, mnist.train.inputs[some], mnist.train.labels[some]
    )
    assert (ours.network.matrices["x", "h1"] != weights.matrices[0]).any()


@pytest.mark.timeout(100)
def test_the_single_process_does_300_samples_in_two_parts(mnist):
    circuit, weights = training_circuit(), snnbp.initial_weights(snnbp.Config(), mnist)
    theirs = single.Presenter(circuit, weights)
    inputs, labels = mnist.train.inputs[:300], mnist.train.labels[:300]
    assert_equal_presentation(theirs, circuit, weights, inputs, labels, parts=2)


@pytest.mark.timeout(100)
def test_the_single_process_connects_to_any_sources_and_sinks():
    rng = np.random.default_rng(9)
    circuit, weights = training_circuit(*TOY), toy_weights(rng)
    inputs, labels, steps = rng.random((6, TOY[0])) < 0.5, rng.integers(0, TOY[2], 6).astype(np.uint8), 72
    spikes, targets = np.zeros((TOY[0], steps), int), np.zeros((TOY[2], steps), int)
    spikes[:, ::12] = inputs.T
    targets[labels, np.arange(2, steps, 12)] = 1

    lava_network = single.LavaNetwork(spiking.Presenter(circuit, weights).network)
    whole = lava_network.process(lava_network._empty_record(np.full(steps, -1), (), False))
    source.RingBuffer(data=spikes).s_out.connect(whole.input)
    source.RingBuffer(data=targets).s_out.connect(whole.target)
    outputs = sink.RingBuffer(shape=(TOY[2],), buffer=steps)
    whole.output.connect(outputs.a_in)
    with single.started(whole) as go:
        go(steps)
        fired = outputs.data.get() > 0
    expected = spiking.Presenter(circuit, weights).present(inputs, labels, None, ("o",), tuple(range(12)))
    assert expected.spikes.any()
    np.testing.assert_array_equal(fired.T.reshape(6, 12, TOY[2]), expected.spikes)


@pytest.mark.timeout(100)
@pytest.mark.parametrize("presenter", [network.Presenter, single.Presenter])
def test_the_inference_circuit(presenter):
    rng = np.random.default_rng(6)
    circuit, weights = inference_circuit(*TOY), toy_weights(rng)
    inputs = rng.random((5, TOY[0])) < 0.5
    assert_equal_presentation(presenter(circuit, weights), circuit, weights, inputs, None)


@pytest.mark.timeout(100)
@pytest.mark.parametrize("merged", [False, True])
def test_any_other_circuit(merged):
    """Delays of every kind, a neuron that fires by itself, a learning loop, parts without a connection."""
    cells = Cell("plain", 0, 100), Cell("eager", 200, 100), Cell("closed", -512, 64)
    circuit = Circuit(
        (
            Population("one", 1, cells[0]),
            Population("a", 5, cells[0]),
            Population("b", 4, cells[0]),
            Population("c", 4, cells[2]),
            Population("alone", 3, cells[1]),
        ),
        (
            Projection("one", "a", "one-to-all", 104, 2),
            Projection("one", "a", "one-to-all", 104, 2),
            Projection("a", "b", "all-to-all", None, 0, "A"),
            Projection("b", "a", "all-to-all", None, 0, "B"),
            Projection("b", "c", "one-to-one", 640, 3),
            Projection("b", "c", "one-to-one", -32),
            Projection("c", "one", "all-to-all", 208),
        ),
        (Phase(), Phase(reward=True), Phase()),
        LearningRule(12, -4),
    )
    rng = np.random.default_rng(7)
    plastic = {("a", "b"): rng.choice(EDGES, (5, 4)), ("b", "a"): rng.choice(EDGES, (4, 5))}
    inputs = {"a": rng.random((40, 5)) < 0.3, "b": rng.random((40, 4)) < 0.2}
    want = snnbp.simulate(circuit, plastic, inputs, 40)
    spikes, matrices = network.Processes(circuit, plastic, inputs, 40, merged=merged).run()
    assert all(fired.any() for fired in want.spikes.values())
    for name, fired in want.spikes.items():
        np.testing.assert_array_equal(spikes[name], fired, strict=True)
    for key, matrix in want.plastic.items():
        np.testing.assert_array_equal(matrices[key], matrix, strict=True)


def two(cell=None, **projection):
    populations = Population("a", 2, cell or Cell("plain")), Population("b", 2)
    wire = Projection(**{"pre": "a", "post": "b", "pattern": "all-to-all", "symbol": "W", **projection})
    return Circuit(populations, (wire,), learning=LearningRule())


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (
            two(Cell("slow", refractory=1)),
            "cell 'slow': Lava's fixed-point neurons have no refractory period",
        ),
        (two(Cell("odd", bias=8193)), "cell 'odd': bias 8193 is no 13-bit mantissa times 2^0 to 2^7"),
        (two(delay=1), "projection a -> b: a LearningDense has no delay, 1 is declared"),
        (two(weight=2, delay=64), "projection a -> b: Lava delays a spike by 63 steps at most, not 64"),
    ],
)
def test_what_lava_cannot_do_is_refused(circuit, message):
    plastic = {("a", "b"): np.zeros((2, 2), np.int16)} if circuit.matrices else {}
    with pytest.raises(ValueError, match="^" + message.replace("^", r"\^") + "$"):
        network.Processes(circuit, plastic, {}, 1)


def test_a_rule_that_potentiates_without_reward_is_refused():
    with pytest.raises(ValueError, match="should depress without reward and potentiate with it"):
        parts.rule_string(LearningRule(-4, 2))


@pytest.mark.timeout(100)
def test_lava_is_an_engine(digits):
    data = snnbp.Dataset.from_arrays(
        digits.train.inputs[:40], digits.train.labels[:40], digits.test.inputs[:9], digits.test.labels[:9]
    )
    config = snnbp.Config(hidden=12, epochs=2)
    runs = [snnbp.train(data, config, backend, progress=False) for backend in ("spiking", "lava")]
    assert runs[0].weights == runs[1].weights
    assert runs[0].overdriven == runs[1].overdriven
    weights = snnbp.initial_weights(config, data)
    learned, outputs = snnbp.learn(weights, data.train[:2], "spiking")
    theirs, spikes = snnbp.learn(weights, data.train[:2], "lava", lava_style="network")
    assert theirs == learned
    np.testing.assert_array_equal(spikes, outputs, strict=True)


def test_another_style_or_rule_is_refused(digits):
    weights = snnbp.initial_weights(snnbp.Config(hidden=12), digits)
    with pytest.raises(ValueError, match="unknown lava_style 'two': choose one of single, network"):
        snnbp.learn(weights, digits.train[:1], "lava", lava_style="two")
    with pytest.raises(ValueError, match="'circuit' only, not 'published-simulation'"):
        snnbp.learn(weights, digits.train[:1], "lava", rule="published-simulation")


def test_no_samples_need_no_lava(digits):
    weights = snnbp.initial_weights(snnbp.Config(hidden=12), digits)
    for style in ("single", "network"):
        learned, outputs = snnbp.learn(weights, digits.train[:0], "lava", lava_style=style)
        assert learned == weights
        assert outputs.shape == (0, 10)


@pytest.mark.timeout(100)
def test_a_failing_process_is_an_error_and_leaves_nothing(monkeypatch, digits):
    def fail(self, inputs, target):
        raise ZeroDivisionError("not today")

    monkeypatch.setattr(single._Stepper, "__call__", fail)
    with pytest.raises(RuntimeError, match="occurred"):
        snnbp.learn(snnbp.initial_weights(snnbp.Config(hidden=12), digits), digits.train[:5], "lava")
    assert multiprocessing.active_children() == []


@pytest.mark.timeout(100)
def test_an_exception_in_between_leaves_nothing():
    rng = np.random.default_rng(8)
    circuit = inference_circuit(*TOY)
    matrices = spiking.initial_matrices(circuit, toy_weights(rng))
    built = network.Processes(circuit, matrices, {}, 4, merged=True)
    with pytest.raises(KeyboardInterrupt), network.started(built.table[0][1]):
        raise KeyboardInterrupt
    assert multiprocessing.active_children() == []


ENDLESS = """
import snnbp
digits = snnbp.load_dataset("digits")
weights = snnbp.initial_weights(snnbp.Config(hidden=12), digits)
snnbp.learn(weights, digits.train, "lava", lava_style="{style}")
"""


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    ("style", "number", "all_of_them", "processes", "seconds"),
    [
        (
            "network",
            signal.SIGINT,
            True,
            10,
            0,
        ),  # Ctrl-C in a terminal reaches every process: while they start,
        ("network", signal.SIGINT, True, 60, 2),  # and while they run
        ("single", signal.SIGINT, False, 5, 1),
        ("single", signal.SIGTERM, False, 5, 1),
        ("network", signal.SIGKILL, False, 60, 1),
    ],
)
def test_a_killed_run_leaves_no_process(style, number, all_of_them, processes, seconds):
    run = subprocess.Popen(
        [sys.executable, "-c", ENDLESS.format(style=style)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(group(run.pid)) > processes)
        time.sleep(seconds)
        (os.killpg if all_of_them else os.kill)(run.pid, number)
        errors = run.communicate(timeout=30)[1]
        assert run.returncode == -number
        assert errors.count("Traceback") <= 1
        wait_until(lambda: not group(run.pid))
    finally:
        if group(run.pid):
            os.killpg(run.pid, signal.SIGKILL)


def group(leader: int) -> list[str]:
    """The living processes of a process group."""
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    lines = (line.split() for line in listing.stdout.splitlines())
    return [stat for number, stat in lines if int(number) == leader and not stat.startswith("Z")]


def wait_until(true) -> None:
    for _ in range(200):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("nothing happened within 20 s")
