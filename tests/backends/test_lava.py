"""Lava's own Processes do what `spiking` does, every spike and every weight, and nothing stays behind."""

import errno
import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import snnbp
from snnbp.backends import spiking
from snnbp.backends.rule import Rule
from snnbp.circuit.parts import NeuronType, Phase, PlasticityRule, Population, Projection
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights

pytest.importorskip("snnbp.backends.lava", reason="Lava is not installed")

from lava.magma.compiler.channels import pypychannel
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.learning.learning_rule_applier import LearningRuleApplierBitApprox
from lava.magma.core.model.py.connection import LearningConnectionModelBitApproximate
from lava.magma.core.process.process import ProcessServer
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.utils.weightutils import SignMode, clip_weights

from snnbp.backends import lava
from snnbp.backends.lava import parts
from snnbp.backends.lava.runtime import started

pytestmark = pytest.mark.timeout(300)  # 70 to 150 operating system processes, on a busy machine

BOUNDS = (-256, -254, 252, 254)


def lively(seed, sizes, n):
    """Weights, two in five at a bound or next to it, and samples from which all matrices learn."""
    rng = np.random.default_rng(seed)
    matrices = (
        np.where(rng.random(shape) < 0.4, rng.choice(BOUNDS, shape), 2 * rng.integers(-60, 120, shape))
        for shape in itertools.pairwise(sizes)
    )
    weights = Weights(tuple(matrix.astype(np.int16) for matrix in matrices))
    inputs = rng.random((n, sizes[0])) < 0.5
    return weights, SimpleNamespace(inputs=inputs, labels=rng.integers(0, sizes[-1], n))


def present(driver, samples):
    """Every population in every phase, and all matrices."""
    order = np.arange(len(samples.inputs))
    names = tuple(population.name for population in driver.circuit.populations)
    phases = tuple(range(len(driver.circuit.phases)))
    done = driver.present(samples.inputs, samples.labels, order, names, phases)
    return done, driver.network.matrices


def assert_equal(ours, theirs):
    for one, other in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_array_equal(other, one, strict=True)
    assert ours[1].keys() == theirs[1].keys()
    for key, matrix in ours[1].items():
        np.testing.assert_array_equal(theirs[1][key], matrix, strict=True)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "rule",
    [PlasticityRule(2 * step, -step) for step in (2, 4, 6, 18, 254)]
    + [PlasticityRule(4, 0), PlasticityRule(10, -2)],
)
def test_the_rule_string_is_exact_at_every_weight(rule):
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


@pytest.mark.parametrize(
    ("seed", "sizes", "variant"),
    [
        (2241, (12, 10, 4), {}),
        (912, (12, 10, 8, 4), {"open_target": True, "margin": 256, "fixed_feedback": True}),
    ],
)
def test_training_circuits_equal_spiking(seed, sizes, variant):
    weights, samples = lively(seed, sizes, 3)
    feedback, _ = lively(seed + 1, sizes, 1) if variant else (None, None)
    circuit = snnbp.training_circuit(sizes, **variant)
    simulated = spiking.StimulusDriver(circuit, weights, feedback)
    before = simulated.network.matrices
    ours = present(simulated, samples)
    assert_equal(ours, present(lava.StimulusDriver(circuit, weights, feedback), samples))
    for p in circuit.matrices:
        assert (ours[1][p.pre, p.post] != before[p.pre, p.post]).any() == p.learns, p
    for bound in (-256, 254):
        assert any(((matrix == bound) & (before[key] != bound)).any() for key, matrix in ours[1].items())


def test_the_backend():
    """Two passes continue one another, with an overdriven sample; prediction, trace, and nothing to do."""
    known = len(ProcessServer().processes)
    weights, samples = lively(2241, (12, 10, 4), 4)
    ours, theirs = (module.Learner(weights, Rule(), -64) for module in (spiking, lava))
    for order in ([2], [3]):
        outputs = [
            learner.learn(samples.inputs, samples.labels, np.array(order)) for learner in (ours, theirs)
        ]
        np.testing.assert_array_equal(outputs[1], outputs[0], strict=True)
    assert theirs.weights == ours.weights
    assert theirs.n_overdriven == ours.n_overdriven
    got, want = (module.predict(weights, samples.inputs) for module in (lava, spiking))
    np.testing.assert_array_equal(got[0], want[0], strict=True)
    np.testing.assert_array_equal(got[1], want[1], strict=True)
    chosen = SimpleNamespace(inputs=samples.inputs[:1], labels=samples.labels[:1])
    options = {"populations": ["x", "o", "h1T"], "phases": [3, 6], "potentials": True}
    got, want = (module.trace(weights, chosen, **options) for module in (lava, spiking))
    for name in want.spikes:
        np.testing.assert_array_equal(got.spikes[name], want.spikes[name], strict=True)
        np.testing.assert_array_equal(got.potentials[name], want.potentials[name], strict=True)
    assert theirs.learn(samples.inputs[:0], samples.labels[:0]).shape == (0, 4)
    assert lava.predict(weights, samples.inputs[:0])[0].shape == (0, 4)
    assert len(ProcessServer().processes) == known  # Lava itself would keep them, and their weights


def test_any_other_circuit():
    """Delays of every kind, a neuron that fires by itself, a learning loop, parts without a connection."""
    types = NeuronType("plain", 0, 100), NeuronType("eager", 200, 100), NeuronType("gated", -512, 64)
    circuit = Circuit(
        (
            Population("one", 1, types[0]),
            Population("a", 5, types[0]),
            Population("b", 4, types[0]),
            Population("c", 4, types[2]),
            Population("alone", 3, types[1]),
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
        PlasticityRule(12, -4),
    )
    rng = np.random.default_rng(7)
    plastic = {("a", "b"): rng.choice(BOUNDS, (5, 4)), ("b", "a"): rng.choice(BOUNDS, (4, 5))}
    inputs = {"a": rng.random((40, 5)) < 0.3, "b": rng.random((40, 4)) < 0.2}
    want = snnbp.simulate(circuit, plastic, inputs, 40)
    spikes, _, matrices = lava.Processes(circuit, plastic, inputs, 40).run()
    assert all(fired.any() for fired in want.spikes.values())
    for name, fired in want.spikes.items():
        np.testing.assert_array_equal(spikes[name], fired, strict=True)
    for key, matrix in want.plastic.items():
        np.testing.assert_array_equal(matrices[key], matrix, strict=True)


def two(neuron=None, **projection):
    populations = Population("a", 2, neuron or NeuronType("plain")), Population("b", 2)
    wire = Projection(**{"pre": "a", "post": "b", "pattern": "all-to-all", "symbol": "W", **projection})
    return Circuit(populations, (wire,), plasticity=PlasticityRule())


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (
            two(NeuronType("slow", refractory=1)),
            "'slow': Lava's fixed-point neurons have no refractory period",
        ),
        (two(NeuronType("odd", bias=8193)), "'odd': bias 8193 needs a mantissa of over 13 bits"),
        (two(delay=1), "projection a -> b: delay 1, but Lava's LearningDense supports none"),
    ],
)
def test_what_lava_cannot_do_is_refused(circuit, message):
    with pytest.raises(ValueError, match=message):
        lava.Processes(circuit, {("a", "b"): np.zeros((2, 2), np.int16)}, {}, 1)


def test_a_rule_that_potentiates_without_reward_is_refused():
    with pytest.raises(ValueError, match="weights can only grow with reward"):
        parts.rule_string(PlasticityRule(-4, 2))


def fail(self):
    raise ZeroDivisionError("a test")


def killed(self):
    os.kill(os.getpid(), signal.SIGKILL)


def without_memory(self):
    """What the system does to a process whose page of shared memory has no room."""
    os.kill(os.getpid(), signal.SIGBUS)


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (fail, r"a Lava Process failed: ZeroDivisionError\('a test'\)"),
        (killed, "a Lava process was killed"),
        (without_memory, "give /dev/shm more room"),
    ],
)
def test_a_failing_process_is_an_error_and_leaves_nothing(monkeypatch, happens, message):
    monkeypatch.setattr(PyLifResetModelBitAcc, "run_spk", happens)
    weights, samples = lively(1, (4, 3, 2), 1)
    with pytest.raises(RuntimeError, match=message):
        snnbp.predict(weights, samples.inputs, backend="lava")
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        (OSError(errno.ENOSPC, "no space"), RuntimeError, "give /dev/shm more room"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_an_exception_while_lava_runs_leaves_nothing(raised, error, message):
    """Full shared memory is not called a full disk."""
    processes = [process for _, process in lava.Processes(two(weight=2), {}, {}, 4).table]
    with pytest.raises(error, match=message), started(processes):
        raise raised
    assert multiprocessing.active_children() == []


PREDICT = """
import itertools
import multiprocessing
{first}
import numpy as np, snnbp
weights = snnbp.Weights((np.zeros((4, 3), np.int16), np.zeros((3, 2), np.int16)))
snnbp.predict(weights, np.ones(({n}, 4), bool), backend="lava")
"""


def run(first="", n=1, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", PREDICT.format(first=first, n=n)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("first", "folder", "message"),
    [
        (
            "multiprocessing.set_start_method('spawn')",
            "",
            "Lava forks its processes, this program has chosen to",
        ),
        ("multiprocessing.get_start_method()", "", ""),  # "fork", now chosen
        ("", "long" * 25, "set TMPDIR to /tmp"),
    ],
)
def test_where_lava_cannot_start_an_error_says_what_to_do(tmp_path, first, folder, message):
    (tmp_path / folder).mkdir(exist_ok=True)
    errors = run(first, TMPDIR=str(tmp_path / folder) if folder else "/tmp").communicate(timeout=60)[1]
    assert message in errors
    assert ("Error" in errors) == bool(message)
    assert not any((tmp_path / folder).glob("*"))


@pytest.mark.parametrize(
    ("number", "all_of_them", "processes", "seconds"),
    [
        (signal.SIGINT, True, 10, 0),  # Ctrl-C in a terminal reaches every process: while they start,
        (signal.SIGINT, True, 20, 3),  # and while they run
        (signal.SIGTERM, False, 10, 0),
        (signal.SIGTERM, False, 20, 3),
        (signal.SIGKILL, False, 20, 3),
    ],
)
def test_a_killed_run_leaves_nothing(number, all_of_them, processes, seconds):
    child = run(n=50_000, TMPDIR="/tmp")
    try:
        wait_until(lambda: len(group(child.pid)) > processes)
        time.sleep(seconds)
        memory = shared_memory(child.pid)
        assert memory or not seconds or sys.platform != "linux"
        (os.killpg if all_of_them else os.kill)(child.pid, number)
        errors = child.communicate(timeout=30)[1]
        assert child.returncode == (128 + number if number == signal.SIGTERM else -number)
        assert errors.count("Traceback") <= 1
        wait_until(lambda: not group(child.pid))
        wait_until(lambda: not any(map(os.path.exists, memory)))
    finally:
        if group(child.pid):
            os.killpg(child.pid, signal.SIGKILL)


def group(leader: int) -> list[str]:
    """The living processes of a process group."""
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    lines = (line.split() for line in listing.stdout.splitlines())
    return [stat for number, stat in lines if int(number) == leader and not stat.startswith("Z")]


def shared_memory(pid: int) -> set[str]:
    """The shared memory that a process uses (Linux)."""
    maps = Path(f"/proc/{pid}/maps")
    return set(re.findall(r"/dev/shm/\S+", maps.read_text(encoding="utf-8"))) if maps.exists() else set()


def wait_until(true) -> None:
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("nothing happened within 30 s")


@pytest.mark.timeout(30)
def test_a_process_goes_on_if_nobody_tells_it_of_an_item():
    channel = SimpleNamespace(observer=None, probe=iter([False, True]).__next__)
    assert pypychannel.CspSelector().select((channel, lambda: "item")) == "item"
    channel.observer()  # as a thread does that has just seen the selector's own observer
