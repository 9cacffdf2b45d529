"""The solver proves the declared circuits, and refutes changed ones; `spiking` replays what it finds."""

import importlib
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from snnbp.backends import reference
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import trace
from snnbp.circuit.backprop import current_bounds, inference_circuit, training_circuit
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.parts import Projection
from snnbp.circuit.proof import _Case, _example, counterexample, largest_silent_currents, prove
from snnbp.circuit.symbolic import Execution, value_of, z3

STRONGEST = -254 * 2**7
ALL = {"open_target": True, "margin": 1024, "threshold": 4096, "inhibition": STRONGEST}
VARIANTS = [
    {"open_target": True},
    {"margin": 64},
    {"margin": 512},
    {"open_target": True, "margin": 256},
    {"fixed_feedback": True},
    {"threshold": 128},
    {"threshold": 2048},
    {"threshold": 4096},
    *(
        {"threshold": threshold, "margin": margin}
        for threshold, margin in ((640, 192), (1152, 128), (1536, 448))
    ),
    {"inhibition": -2},
    {"inhibition": 2 * INHIBITION},
    {"inhibition": STRONGEST},
    ALL,
    {**ALL, "fixed_feedback": True},
]
CIRCUITS = [
    (1, {}),
    *((1, {"schedule": "compact"} | options) for options in ({}, {"open_target": True, "margin": 512})),
    *((depth, {}) for depth in range(2, 7)),
    *((depth, options) for depth in (1, 2) for options in VARIANTS),
    (6, ALL),
]
SHORT = {"threshold": 128, "step": 64}
RANDOM = [  # seeds with which every matrix changes, up and down or to its bound
    (1, {}, 1455),
    (1, {"open_target": True, "margin": 64}, 8909),
    (1, {"schedule": "compact"}, 299),
    (2, {}, 2509),
]
SMALL = ((1, 5), (1, 5), (1, 1))
"""Groups of equal neurons: enough of them to fire the next layer."""


def training(n_hidden, **options):
    return training_circuit((1,) * (n_hidden + 2), **options)


ONE = training(1)


def replayed(example, rule):
    """The circuit's trace of a counterexample, and the algorithm's matrices, by (pre, post)."""
    learner = reference.Learner(example.weights, rule)
    outputs = learner.learn(example.inputs, example.labels)
    back = {"+": learner.feedback_plus, "-": learner.feedback_minus}
    matrices = {}
    for p in example.circuit.matrices:
        layer, sign = int(p.symbol[1]), p.symbol[-1]
        matrices[p.pre, p.post] = back[sign][layer - 2] if sign in back else learner.matrices[layer - 1]
    return trace(example.weights, example, circuit=example.circuit), matrices, outputs


def assert_real(example, groups, rule=Rule()):  # noqa: B008
    """What the solver says is what `spiking` and `reference` do, in every weight that it names."""
    done, expected, outputs = replayed(example, rule)
    named = 0
    for words in example.words:
        if found := re.fullmatch(r"(\w+[+-]?) to (\S+) \((\d), (\d)\): (-?\d+) in .* (-?\d+) by .*", words):
            symbol, post, *numbers = found.groups()
            i, j, circuit, algorithm = map(int, numbers)
            pair = next(
                (p.pre, p.post) for p in example.circuit.matrices if (p.symbol, p.post) == (symbol, post)
            )
            layer = int(symbol[1])
            pre, to = (groups[layer - 1], groups[layer])[:: -1 if "T" in symbol else 1]
            where = sum(pre[:i]), sum(to[:j])
            assert (done.after[pair][where], expected[pair][where]) == (circuit, algorithm)
            named += 1
    phase = next(n for n, phase in enumerate(done.circuit.phases) if "o" in phase.open)
    assert 0 < named == sum(words.startswith("W") for words in example.words)
    same = [np.array_equal(done.after[pair], matrix) for pair, matrix in expected.items()]
    assert not all([*same, np.array_equal(done.spikes["o"][:, phase], outputs)])


@pytest.mark.parametrize(("n_hidden", "options"), CIRCUITS, ids=str)
def test_training_circuits_are_backpropagation(n_hidden, options):
    proof = prove(training(n_hidden, **options))
    assert proof.failed == ()
    assert proof.silent > 20


@pytest.mark.parametrize(("n_hidden", "options", "seed"), RANDOM, ids=str)
def test_what_the_solver_gets_is_what_the_backends_do(n_hidden, options, seed):
    """Circuit and algorithm, written in symbols, against `spiking` and `reference`; every matrix changes."""
    circuit, rng = training(n_hidden, **SHORT, **options), np.random.default_rng(seed)
    layers = dict.fromkeys((layer for layer in circuit.sizes if layer != "gate"), (1, 1, 1))
    case = _Case(Execution(circuit, groups={**layers, "gate": (1,)}), circuit)
    run, solver = case.run, z3.Solver()
    solver.add(*run.assumed, run.t[rng.integers(3)])
    solver.add(*(symbol == bool(spike) for symbol, spike in zip(run.x, rng.random(3) < 0.7, strict=True)))
    for (n, i, j), w in np.ndenumerate(2 * rng.integers(-110, 128, (n_hidden + 1, 3, 3))):
        solver.add(2 * run.start[f"W{n + 1}"][i][j] == int(w))
    assert solver.check() == z3.sat
    model = solver.model()
    example = _example(case, model)
    rule_options = {name: value for name, value in options.items() if name != "schedule"}
    done, expected, outputs = replayed(example, Rule(**SHORT, **rule_options))
    for (phase, name), spikes in run.spikes.items():
        assert [value_of(model, spike) for spike in spikes] == done.spikes[name][0, phase].tolist()
    by_algorithm = {words: value_of(model, theirs) for words, _, theirs in case.equations}
    for p in circuit.matrices:
        pair = p.pre, p.post
        final = [[2 * value_of(model, w) for w in row] for row in run.past[-1][pair]]
        assert final == done.after[pair].tolist() != done.before[pair].tolist()
        for (i, j), w in np.ndenumerate(expected[pair]):
            assert by_algorithm[f"{p.symbol} to {p.post} ({i}, {j})"] == w
    for k, spike in enumerate(outputs[0]):
        assert by_algorithm[f"output {k}"] == spike


@pytest.mark.parametrize("n_hidden", [1, 2])
@pytest.mark.parametrize("open_target", [False, True])
@pytest.mark.parametrize(("threshold", "margin"), [(1024, 0), (1024, 256), (4096, 512)])
def test_the_declaration_is_what_was_asked_for(n_hidden, open_target, threshold, margin):
    """The proof takes the algorithm's threshold, margin and target from the circuit."""
    circuit = training(n_hidden, open_target=open_target, threshold=threshold, margin=margin)
    assert {q.neuron.threshold for q in circuit.populations} == {threshold}
    assert {q.neuron.bias for q in circuit.populations if q.layer != "gate"} == {0, -8192}
    opens = {name: share for phase in reversed(circuit.phases) for name, share in phase.opens.items()}
    shares = {name: opens[name] * threshold for name in ("o", "o_low", "o_high") if name in opens}
    half = threshold / 2
    edges = {"o_low": half - margin, "o_high": half + margin} if margin else {}
    assert shares == {"o": half, **edges}
    assert ("d+" in opens) == open_target
    assert ("o_copy" in {phase.opened_by.get("d+") for phase in circuit.phases}) != open_target


@pytest.mark.parametrize("n_hidden", range(1, 7))
@pytest.mark.parametrize("threshold", [128, 1024, 4096])
def test_inference_circuits_compute_the_forward_pass(n_hidden, threshold):
    assert prove(inference_circuit((1,) * (n_hidden + 2), threshold)).failed == ()


@pytest.mark.parametrize(
    ("n_hidden", "options"), [(1, {}), (1, {"schedule": "compact"}), (2, {}), (1, ALL)], ids=str
)
def test_the_solver_finds_the_bounds(n_hidden, options):
    circuit = training(n_hidden, **options)
    assert largest_silent_currents(circuit) == current_bounds(circuit)


def test_24_bits_are_needed_for_sums():
    """Both statements fail without this assumption."""
    assert {words[0] for words in prove(ONE, sums_fit=False).failed} == {"A", "B"}


def test_beyond_the_bound_other_weights_are_learned():
    groups = ((1, 68), (1, 68), (1, 1, 68))
    assert_real(counterexample(ONE, beyond=(8, "h1"), groups=groups), groups)


def edited(circuit, pre, post, **changes):
    """The circuit with the first of the projections between two populations changed."""
    old = next(p for p in circuit.projections if (p.pre, p.post) == (pre, post))
    changed = (replace(p, **changes) if p == old else p for p in circuit.projections)
    return replace(circuit, projections=tuple(changed))


def rewarded(circuit, *phases):
    changed = (replace(phase, reward=n in phases) for n, phase in enumerate(circuit.phases))
    return replace(circuit, phases=tuple(changed))


REFUTED = {
    "delay + 1": edited(ONE, "h1T", "h1", delay=1),
    "delay - 1": edited(ONE, "m_h1", "h1", delay=0),
    "weight 504": edited(ONE, "m_h1", "h1T", weight=504),
    "weight 504, target": edited(ONE, "t", "d+", weight=504),
    "reward in 4": rewarded(ONE, 4, 7),
    "reward in 9": rewarded(ONE, 5, 7, 9),
    "no veto of x above the window": ONE.without("h1_copy2", "c_h1"),
    "no veto of the target": ONE.without("t", "d-"),
}


@pytest.mark.parametrize("name", REFUTED)
def test_changed_circuits_are_refuted(name):
    assert prove(REFUTED[name], ONE).failed
    assert_real(counterexample(REFUTED[name], ONE, groups=SMALL), SMALL)


@pytest.mark.parametrize("n_hidden", [1, 2])
@pytest.mark.parametrize("shift", [1, 2, -1])
def test_the_reward_cannot_be_shifted(n_hidden, shift):
    circuit = training(n_hidden)
    phases = {(phase + shift) % len(circuit.phases) for phase in circuit.reward}
    assert prove(rewarded(circuit, *phases), circuit).failed


def test_harmless_changes_are_proved():
    """A copied spike of 528 fires what one of 520 does; reward does nothing where nothing coincides."""
    for p in ONE.projections:
        if p.weight == 520:
            assert prove(edited(ONE, p.pre, p.post, weight=528), ONE).proved
    for phase in {*range(len(ONE.phases))} - {5, 7, 9, 11}:
        assert prove(rewarded(ONE, 5, 7, phase), ONE).proved


def test_what_cannot_happen_proves_nothing():
    never = [words for words in prove(ONE.without("input", "x")).failed if words.startswith("B: never")]
    assert {"B: never W1 to h1 += step", "B: never o = True"} <= {*never}


VETOES = {("m_h1", f"h1{copy}", -520, 8) for copy in ("", "_copy", "_copy2")}
REDUNDANT = {1: {("g04", "oT-", INHIBITION, 0)}, 2: {("g05", "oT-", INHIBITION, 0), *VETOES}}
"""An inhibition of a population that no matrix reaches; vetoes of spikes that repeat one of the same step."""


def test_the_published_circuit_has_a_projection_that_nothing_needs():
    assert prove(ONE.without("g04", "oT-"), ONE).proved


@pytest.mark.parametrize("n_hidden", REDUNDANT)
def test_every_other_projection_is_needed(n_hidden, request):
    if not request.config.getoption("--full"):
        pytest.skip("every projection in turn: one to three minutes, with --full")
    circuit, found = training(n_hidden), set()
    for n, p in enumerate(circuit.projections):
        cut = replace(circuit, projections=circuit.projections[:n] + circuit.projections[n + 1 :])
        if prove(cut, circuit).proved:
            found.add((p.pre, p.post, p.weight, p.delay))
    assert found == REDUNDANT[n_hidden]


def test_the_library_does_not_import_the_solver():
    code = "import sys, snnbp; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_solver_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    monkeypatch.delitem(sys.modules, "snnbp.circuit.symbolic")
    with pytest.raises(ImportError, match="pip install z3-solver"):
        importlib.import_module("snnbp.circuit.symbolic")


def test_circuits_that_cannot_be_proved_are_refused():
    resting = (replace(q, neuron=replace(q.neuron, refractory=1)) for q in ONE.populations)
    uneven = replace(ONE.plasticity, rewarded=2, always=-4)
    fed_back = Projection("h1", "input", "all-to-all", symbol="B")
    for circuit in (
        replace(ONE, phases=()),
        replace(ONE, populations=tuple(resting)),
        replace(ONE, plasticity=uneven),
        replace(ONE, projections=(*ONE.projections, fed_back)),
        edited(ONE, "in_g", "g00", delay=1),
        edited(ONE, "h1", "o_copy", symbol="W1"),
    ):
        with pytest.raises(ValueError, match="a proof needs phases"):
            prove(circuit, ONE)


@pytest.mark.parametrize(("pre", "post", "symbol"), [("o", "h1T", r"W2T\+"), ("oT-", "h1T", "W2T-")])
def test_a_matrix_that_the_algorithm_lacks_is_named(pre, post, symbol):
    with pytest.raises(ValueError, match=f"needs matrices that the circuit lacks: {symbol}$"):
        prove(ONE.without(pre, post))
