"""The circuit is backpropagation for reasons that can fail: every projection, delay and reward is needed."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from networks import KINDS, Samples, block, every_kind, lively, random_samples

from snnbp.backends import reference
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import Trace, trace
from snnbp.circuit.backprop import current_bounds, training_circuit
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights


def circuit_for(kind, weights) -> Circuit:
    return training_circuit(weights.sizes, schedule=KINDS[kind][1])


# The groups of neurons of each layer in `strained`, and how many they are.
GROUPS = {"strong": 68, "carriers": 40, "on": 3, "sometimes": 3, "lively": 24}
START = dict(zip(GROUPS, np.cumsum([0, *GROUPS.values()]), strict=False))
WIDTH = sum(GROUPS.values())
TOO_LOW, TOO_HIGH, FAR_TOO_HIGH, DEAD = range(68, 72)
"""Outputs that should fire and do not, that fire and should not (v = 600, v = 1200), that never fire."""


def connect(matrix, pre, post, weight):
    """Set the weights between two groups; `post` may also name one neuron."""
    rows = slice(START[pre], START[pre] + GROUPS[pre])
    first, size = (START[post], GROUPS[post]) if isinstance(post, str) else (post, 1)
    matrix[rows, first : first + size] = weight


@cache
def strained(n_hidden, published) -> tuple[Weights, Samples]:
    """A network that drives every inhibited population beyond its bias, and none beyond its inhibition.

    In the first sample 68 strong neurons of each layer bring 17,272 to the next; of these neurons 30 are
    driven so themselves. In the next two, all 40 carriers have a positive or a negative delta, and these
    bring 10,160 to the next layer. (Not the positive ones in the published circuit: 36 are its bound.) In
    the fourth an output is right, in the others a small random network learns.
    """
    rng = np.random.default_rng(4)
    small = Weights.draw(rng, (GROUPS["lively"],) * (n_hidden + 1) + (5,), scale=1.5).matrices
    few = np.where(np.arange(68) < 30, 254, np.where(np.arange(68)[:, None] < 8, 254, 0))
    matrices = []
    for layer in range(1, n_hidden + 1):
        w = block(WIDTH, WIDTH, 0)
        connect(w, "strong", "strong", few)
        for group in ("on", "sometimes"):
            connect(w, group, group, 200)
        connect(w, "on", "carriers", 34)
        if layer > 1:
            connect(w, "carriers", "carriers", 254)
        connect(w, "lively", "lively", small[layer - 1])
        matrices.append(w)
    last = block(WIDTH, DEAD + 6, 0)
    connect(last, "strong", "strong", 254)
    connect(last, "carriers", "strong", 254)
    connect(last, "on", TOO_LOW, 34)
    connect(last, "sometimes", TOO_HIGH, 200)
    for group in ("on", "sometimes"):
        connect(last, group, FAR_TOO_HIGH, 200)
    for output in (TOO_LOW, TOO_HIGH):
        connect(last, "carriers", output, 2)
    last[START["lively"] :, DEAD + 1 :] = small[-1]

    samples = random_samples(rng, (GROUPS["lively"], 5), 60, 0.5)
    inputs, labels = np.zeros((64, WIDTH), np.bool_), np.full(64, DEAD)
    inputs[0, : GROUPS["strong"]] = True
    inputs[1:4, START["on"] : START["sometimes"]] = True
    inputs[2:4, START["sometimes"] : START["lively"]] = True
    labels[1], labels[3] = TOO_LOW, TOO_HIGH
    inputs[4:, START["lively"] :], labels[4:] = samples.inputs, samples.labels + DEAD + 1
    chosen = np.arange(64) != (1 if published else -1)
    return Weights((*matrices, last)), Samples(inputs[chosen], labels[chosen])


@cache
def whole(kind) -> Trace:
    weights, samples = strained(KINDS[kind][0], kind == "published")
    return trace(weights, samples, circuit=circuit_for(kind, weights), potentials=True)


def violations(done: Trace, start: Weights, samples: Samples) -> set[str]:
    """The invariants that a trace breaks, by name."""
    algorithm = reference.Learner(start, Rule())
    outputs = algorithm.learn(samples.inputs, samples.labels)
    circuit, broken = done.circuit, set()
    expected = {f"W{n}": w for n, w in enumerate(algorithm.matrices, 1)}
    for n, w in enumerate(algorithm.feedback_plus, 2):
        expected |= {f"W{n}T+": w, f"W{n}T-": algorithm.feedback_minus[n - 2]}
    copies: dict[str, np.ndarray] = {}
    for p in circuit.matrices:
        after = done.after[p.pre, p.post]
        if not np.array_equal(after, copies.setdefault(p.symbol, after)):
            broken.add("the copies of a matrix stay identical")
        if not np.array_equal(after, expected[p.symbol]):
            broken.add("the algorithm")
        both_open = {n for n, phase in enumerate(circuit.phases) if {p.pre, p.post} <= {*phase.open}}
        together = done.spikes[p.pre].any(axis=2) & done.spikes[p.post].any(axis=2)
        if not set(np.flatnonzero(together.any(axis=0))) <= both_open:
            broken.add("pre and post fire together only to learn")
    for n, phase in enumerate(circuit.phases):
        fires = done.spikes[phase.gate][..., 0]
        if (fires != (np.arange(len(circuit.phases)) == (n - 1) % len(circuit.phases))).any():
            broken.add("one gate fires a step, a step ahead of its phase")
    if done.n_overdriven:
        broken.add("populations that are gated off are silent")
    output_phase = next(n for n, phase in enumerate(circuit.phases) if "o" in phase.opens)
    if (done.spikes["o"][:, output_phase] != outputs).any():
        broken.add("the outputs")
    return broken


@every_kind
def test_every_invariant_holds(kind):
    n_hidden, schedule = KINDS[kind]
    for weights, samples in (lively(n_hidden, n_hidden), strained(n_hidden, kind == "published")):
        circuit = training_circuit(weights.sizes, schedule=schedule)
        assert violations(trace(weights, samples, circuit=circuit), weights, samples) == set()


@pytest.mark.parametrize("n_hidden", [1, 2])
def test_every_invariant_holds_on_mnist(mnist, n_hidden):
    start = Weights.draw(np.random.default_rng(1), (400,) * (n_hidden + 1) + (10,))
    trained = [Weights.load("figures/data/weights_seed1.npz")] if n_hidden == 1 else []
    for weights in (start, *trained):
        assert violations(trace(weights, mnist.train[:100]), weights, mnist.train[:100]) == set()


# What can be missed.


def differ(one: Trace, other: Trace) -> bool:
    """Whether two complete traces differ in a spike or a weight."""
    return any(not np.array_equal(spikes, other.spikes[name]) for name, spikes in one.spikes.items()) or any(
        not np.array_equal(one.after[pair], other.after[pair]) for pair in one.after
    )


def may_be_missed(circuit: Circuit, projection: Projection) -> bool:
    """Projections without an effect, each for a reason.

    - The gate that inhibits oT-: no matrix leads to it, and no copied spike arrives then.
    - The veto of m_h1 that arrives while h1 is open: it cancels the late copy of a spike that the replay
      brings, too, so h1 fires the same; its copies are gated off then and stay far below their threshold.
    """
    role = circuit.role(projection)
    inhibits_feedback = projection.weight == circuit.inhibition and projection.post == "oT-"
    if role != "copy" or not projection.pre.startswith("m_h1") or projection.weight > 0:
        return inhibits_feedback
    leaves = next(n for n, phase in enumerate(circuit.phases) if projection.pre in phase.opens)
    return "h1" in circuit.phases[(leaves + projection.delay + 1) % len(circuit.phases)].opens


@every_kind
def test_every_single_projection_is_needed(kind):
    """Removed on its own, it is noticed in the complete trace."""
    weights, samples = strained(KINDS[kind][0], kind == "published")
    complete = whole(kind)
    circuit, missed = complete.circuit, []
    for n, projection in enumerate(circuit.projections):
        cut = replace(circuit, projections=circuit.projections[:n] + circuit.projections[n + 1 :])
        if not differ(trace(weights, samples, circuit=cut), complete):
            missed.append(projection)
    assert missed == [p for p in circuit.projections if may_be_missed(circuit, p)]


@every_kind
def test_every_inhibited_population_is_driven_beyond_its_bias(kind):
    """What makes the test above notice a missing inhibition."""
    done = whole(kind)
    for (phase, name), bound in current_bounds(done.circuit).items():
        neuron = done.circuit[name].neuron
        inhibition = INHIBITION if name in done.circuit.phases[phase].inhibits else 0
        current = done.potentials[name][:, phase].max() - neuron.bias - inhibition
        assert current <= bound
        assert current > neuron.threshold - neuron.bias or not inhibition


@every_kind
def test_no_delay_can_be_changed(kind):
    """A spike that arrives one step late is noticed, whatever it carries."""
    weights, samples = strained(KINDS[kind][0], kind == "published")
    complete = whole(kind)
    projections = complete.circuit.projections
    for n, projection in enumerate(projections):
        late = replace(projection, delay=projection.delay + 1)
        changed = replace(complete.circuit, projections=(*projections[:n], late, *projections[n + 1 :]))
        assert differ(trace(weights, samples, circuit=changed), complete), projection


def resting(circuit: Circuit, types: set[str]) -> Circuit:
    """The same circuit with a refractory period of one step in the named neuron types."""
    return replace(
        circuit,
        populations=tuple(
            replace(p, neuron=replace(p.neuron, refractory=1)) if p.neuron.name in types else p
            for p in circuit.populations
        ),
    )


@every_kind
def test_a_refractory_period_matters_only_to_populations_that_fire_twice_in_a_row(kind):
    """h1T does, in P_2 and in the next phase: its type is the one that the authors call `nr`.

    In the compact schedule, h1 does so too, in D_2 and in P_1.
    """
    n_hidden, schedule = KINDS[kind]
    task = lively(n_hidden, n_hidden)
    circuit = training_circuit(task[0].sizes, schedule=schedule)
    twice = {"n_sfl_nr"} if kind == "published" else {"n_sfl_nr", "n_sfl"}
    others = set(circuit.neuron_types) - twice
    assert violations(trace(*task, circuit=resting(circuit, others)), *task) == set()
    for name in twice:
        assert violations(trace(*task, circuit=resting(circuit, {name})), *task)


def test_spurious_hidden_spikes_in_phase_0_are_there_and_harmless(mnist):
    weights, samples = Weights.load("figures/data/weights_seed1.npz"), mnist.train[:300]
    done = trace(weights, samples)
    spurious = [int(done.spikes[name][:, 0].sum()) for name in ("h1", "h1_copy", "h1_copy2")]
    assert spurious[0] == spurious[1] == spurious[2] > 0
    assert not done.spikes["o"][:, [0, 1]].any()
    assert not done.spikes["c_h1"][:, [1, 4]].any()
    assert not done.spikes["m_h1"][:, 1].any()
    assert done.n_overdriven == 0
