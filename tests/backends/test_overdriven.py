"""The circuit on each side of the current that every inhibited population withstands."""

from itertools import pairwise

import numpy as np
import pytest
from networks import (
    BACKENDS,
    KINDS,
    STRONG,
    Samples,
    agree,
    block,
    every_kind,
    random_samples,
    random_weights,
    same,
    split,
)

from snnbp import backends
from snnbp.backends import fused, reference, spiking
from snnbp.backends.base import CurrentLimits, refuse_overflow
from snnbp.backends.rule import RULES, Rule
from snnbp.backends.spiking import trace
from snnbp.circuit.backprop import current_bounds, training_circuit
from snnbp.circuit.loihi import INHIBITION, current_bound
from snnbp.circuit.weights import Weights

BOUND, BIAS_BOUND = current_bound(), current_bound(0)


def reference_of(kind, weights, rule=Rule()) -> reference.Learner:  # noqa: B008
    """The reference, with the limits of this schedule."""
    learner = reference.Learner(weights, rule)
    if kind == "compact":
        learner.published_schedule = learner.replays_between = False
        learner.limits = CurrentLimits.of(INHIBITION, rule.threshold, published=False)
    return learner


def spiking_of(kind, weights) -> spiking.Learner:
    return spiking.Learner(weights, Rule(), circuit=training_circuit(weights.sizes, schedule=KINDS[kind][1]))


# Networks of one on-sample that bring an exact current to one inhibited neuron, the first of its layer. Each
# hidden layer has this neuron, carriers that may have a delta, and six drivers with v = 1200, which is beyond
# the window.
DRIVERS = 6


def network(n_hidden, n_outputs, carriers) -> list[np.ndarray]:
    """All layers' drivers drive the next ones'; nothing else is connected. `carriers` by layer, from 1."""
    widths = [DRIVERS, *(1 + carriers.get(layer, 1) + DRIVERS for layer in range(1, n_hidden + 1)), n_outputs]
    matrices = [block(pre, post, 0) for pre, post in pairwise(widths)]
    for matrix in matrices[:-1]:
        matrix[-DRIVERS:, -DRIVERS:] = 200
    return matrices


def forward_current(n_hidden, layer, current):
    """The potential of a neuron in `layer`, from 80 neurons that fire."""
    matrices = network(n_hidden, 2, {layer - 1: 80})
    if layer == 1:
        matrices[0] = np.concatenate([block(80, matrices[0].shape[1], 0), matrices[0]])
        matrices[0][:80, 0] = split(current, 80)
    else:
        matrices[layer - 2][-DRIVERS:, 1:81] = 200
        matrices[layer - 1][1:81, 0] = split(current, 80)
    return matrices, 1


def feedback_current(n_hidden, layer, current):
    """To the delta h_lT of a silent neuron in `layer`, from 80 neurons of the next layer that fire."""
    above = layer + 1
    matrices = network(n_hidden, 81 if above > n_hidden else 2, {above: 80})
    matrices[layer][-DRIVERS:, 1:81] = 200
    matrices[layer][0, 1:81] = split(current, 80)
    return matrices, 0


def delta_current(n_hidden, layer, current, sign):
    """To a neuron of the next layer, from 80 carriers of `layer`, all with a delta of this sign.

    The error starts at output 1 and comes back through one carrier in each layer above.
    """
    matrices = network(n_hidden, 3, {layer: 80})
    for n, matrix in enumerate(matrices[layer - 1 :], layer):
        size = 80 if n == layer else 1
        if n <= n_hidden:
            matrix[-DRIVERS:, 1 : 1 + size] = 20
        if n > layer:
            matrix[1 : 1 + (80 if n == layer + 1 else 1), 1] = 2
    matrices[-1][-DRIVERS:, 1] = 20 if sign > 0 else 100
    matrices[layer][1:81, 0] = split(current, 80)
    return matrices, 1 if sign > 0 else 2


def cases(n_hidden):
    """Every way in which a matrix reaches an inhibited population: name -> (function, arguments)."""
    found = {}
    for layer in range(1, n_hidden + 2):
        found[f"v{layer}"] = (forward_current, (layer,), ())
    for layer in range(1, n_hidden + 1):
        found[f"feedback to h{layer}T"] = (feedback_current, (layer,), ())
        for sign in (1, -1):
            found[f"deltas of h{layer}, {sign:+}"] = (delta_current, (layer,), (sign,))
    return found


def made(case, n_hidden, current) -> tuple[Weights, Samples]:
    """The on-sample, then one without input, in which its last spikes arrive."""
    function, before, after = case
    matrices, label = function(n_hidden, *before, current, *after)
    inputs = np.zeros((2, matrices[0].shape[0]), np.bool_)
    inputs[0] = True
    return Weights(tuple(matrices)), Samples(inputs, np.array([label, 0]))


def fired(done) -> set[tuple[int, str]]:
    """Where populations fired that a matrix reaches and that must be silent."""
    return {
        (phase, name) for phase, name in current_bounds(done.circuit) if done.spikes[name][:, phase].any()
    }


@every_kind
def test_every_inhibited_population_fires_right_above_its_bound(kind):
    """Silent at the bound, firing two units above: all of them, each from every matrix that reaches it."""
    n_hidden, schedule = KINDS[kind]
    everywhere = set()
    for name, case in cases(n_hidden).items():
        bound = BIAS_BOUND if (kind, name) == ("published", "deltas of h1, +1") else BOUND
        for current, overdriven in ((bound, 0), (bound + 2, 1)):
            weights, samples = made(case, n_hidden, current)
            circuit = training_circuit(weights.sizes, schedule=schedule)
            done = trace(weights, samples, circuit=circuit)
            everywhere |= fired(done)
            assert bool(fired(done)) == bool(overdriven), name
            learner = reference_of(kind, weights)
            learner.learn(*samples)
            assert done.n_overdriven == learner.n_overdriven == overdriven, name
            if kind != "compact":
                compiled = fused.Learner(weights, Rule())
                compiled.learn(*samples)
                assert compiled.n_overdriven == overdriven, name
    unreached = {(1, name) for name in ("o", "o_copy", "o_copy2")} if kind == "published" else set()
    assert (
        everywhere
        == {*current_bounds(training_circuit((2,) * (n_hidden + 2), schedule=schedule))} - unreached
    )


def test_limits_in_numbers():
    """24 bits are 131,072 weight units either way; an open gate adds 9,216 of them, 8,704 in a prediction."""
    limits = CurrentLimits.of(INHIBITION, 1024, published=True)
    assert limits == ((-122_944, 17_344), (-140_288, 121_855), (-131_072, 9_216))
    assert CurrentLimits.of(-254 * 2**9, 1024, published=False).uninhibited == (-1_024, 121_855)
    refuse_overflow(1024, -139_776, 122_367, -131_583)
    for low, high, output_low in ((-139_777, 0, 0), (0, 122_368, 0), (0, 0, -131_584)):
        with pytest.raises(ValueError, match="an input sum exceeds the chip's 24 bits"):
            refuse_overflow(1024, low, high, output_low)


def n_overdriven(weights, label) -> list[int]:
    """By all backends, for one sample with all inputs on, then none."""
    samples = Samples(np.array([[True], [False]]).repeat(weights.sizes[0], axis=1), np.array([label, 0]))
    learners = [backends.learner(name, weights, Rule()) for name in ("reference", *BACKENDS)]
    for learner in learners:
        learner.learn(*samples)
    return [learner.n_overdriven for learner in learners]


@pytest.mark.parametrize(("current", "overdriven"), [(BOUND, 0), (BOUND + 2, 1)])
def test_outputs_come_back_through_the_weights_of_before(current, overdriven):
    """Their errors depress these weights only afterwards."""
    matrices, label = feedback_current(1, 1, current)
    matrices[0][:, 0] = 200  # the neuron fires, beyond its window
    matrices[1][-DRIVERS:, 1:81] = 100  # the outputs fire, inside theirs
    assert n_overdriven(Weights(tuple(matrices)), label) == [overdriven] * 3


@pytest.mark.parametrize(("current", "overdriven"), [(BIAS_BOUND, 0), (BIAS_BOUND + 2, 1)])
def test_deltas_go_forward_before_the_outputs_depress(current, overdriven):
    """40 neurons with d1+ bring `current` to output 0, whose d2- depresses in the next phase.

    As many others, beyond the window, keep the outputs inside theirs.
    """
    w1 = block(6, 80, 100)
    w1[:, 40:] = 200
    w2 = np.zeros((80, 4), np.int64)
    w2[:40, 0], w2[:40, 1], w2[:40, 2:] = split(current, 40), 2, -200
    w2[40:, 0], w2[40:, 2:] = -216, 216
    assert n_overdriven(Weights((w1, w2)), 1) == [overdriven] * 3


@pytest.mark.parametrize(("spurious", "overdriven"), [(36, 0), (37, 1)])
def test_spurious_spikes_of_the_published_circuit_reach_the_outputs(spurious, overdriven):
    """Hidden neurons beyond 9,216 fire once more in the next sample's phase 0: to the outputs in phase 1."""
    w1 = block(40, 40, 20)
    w1[:, :spurious] = 240  # v1 = 9600
    weights = Weights((w1, block(40, 2, 254)))
    samples = Samples(np.stack([np.ones(40, np.bool_), np.zeros(40, np.bool_)]), np.zeros(2, np.int64))
    done = trace(weights, samples)
    assert ((1, "o") in fired(done)) == bool(overdriven)
    assert done.n_overdriven == overdriven
    for backend in ("reference", *BACKENDS):
        learner = backends.learner(backend, weights, Rule())
        learner.learn(*samples)
        assert learner.n_overdriven == overdriven


def driven_hard(rng, n_hidden, n) -> tuple[Weights, Samples]:
    """Random weights around a mean that is drawn for each matrix; many neurons come near their bounds."""
    sizes = (120, *rng.integers(70, 130, n_hidden), int(rng.integers(2, 120)))
    matrices = tuple(
        random_weights(
            rng, (*pair, 1), rng.choice([20.0, 80.0]), mean=rng.choice([0, 100, 140, 170])
        ).matrices[0]
        for pair in pairwise(sizes)
    )
    return Weights(matrices), random_samples(rng, sizes, n, rng.choice([0.3, 0.7, 0.9]))


@every_kind
def test_overdriven_samples_are_those_in_which_a_silent_population_fires(kind):
    """One sample at a time: beyond the bound the circuit does something else, so that samples part."""
    rng, overdriven = np.random.default_rng(0), []
    for _ in range(60):
        weights, samples = driven_hard(rng, KINDS[kind][0], 2)
        for inputs, labels in zip(samples.inputs[:, None], samples.labels[:, None], strict=True):
            wanted, found = reference_of(kind, weights), spiking_of(kind, weights)
            outputs = [learner.learn(inputs, labels) for learner in (wanted, found)]
            assert found.n_overdriven == wanted.n_overdriven
            overdriven.append(wanted.n_overdriven)
            if kind != "compact":
                compiled = fused.Learner(weights, Rule())
                compiled.learn(inputs, labels)
                assert compiled.n_overdriven == wanted.n_overdriven
            if not wanted.n_overdriven:
                assert np.array_equal(*outputs)
                assert same(wanted, found)
    assert 0.1 < np.mean(overdriven) < 0.8


@pytest.mark.parametrize("rule", RULES)
def test_fused_counts_what_the_reference_counts_in_long_passes(rule):
    """Both go on with the algorithm, whatever the circuit would do."""
    rng, counts = np.random.default_rng(1), []
    for n_hidden in (1, 1, 2, 2, 3, 3):
        weights, samples = driven_hard(rng, n_hidden, 100)
        assert agree("fused", weights, samples, Rule(rule, step=int(rng.choice([2, 20]))))
        learner = fused.Learner(weights, Rule(rule))
        learner.learn(*samples)
        counts.append(learner.n_overdriven)
    assert 100 < sum(counts) < 500


@pytest.mark.parametrize(("inhibition", "most"), [(-254 * 2**5, 68), (-254 * 2**6, 100), (-254 * 2**7, 164)])
def test_stronger_inhibition_raises_the_bound(inhibition, most):
    """v1 = 254 for each input. Hidden neurons that fire in phase 8 make outputs learn in phase 9."""
    for active, equal in ((most, True), (most + 1, False)):
        weights = Weights((block(active, 3, 254), block(3, 2, 254)))
        samples = Samples(np.ones((1, active), np.bool_), np.zeros(1, np.int64))
        compared = [backends.learner(name, weights, Rule(), inhibition) for name in ("reference", *BACKENDS)]
        for learner in compared:
            learner.learn(*samples)
            assert learner.n_overdriven == (not equal)
        assert same(compared[0], compared[-1]) == equal


def test_fashion_mnist_passes_the_published_bound_within_an_epoch_and_not_the_strongest(fashion_mnist):
    rng = np.random.Generator(np.random.PCG64(1))
    start = Weights.draw(rng, (784, 400, 10))
    samples = fashion_mnist.train[rng.permutation(len(fashion_mnist.train))]
    weights = {}
    for name, inhibition in (("fused", INHIBITION), ("spiking", INHIBITION), ("spiking", STRONG)):
        learner = backends.learner(name, start, Rule(), inhibition)
        learner.learn(samples.inputs, samples.labels)
        assert (learner.n_overdriven > 0) == (inhibition == INHIBITION)
        weights[name, inhibition] = learner.weights
    assert weights["spiking", STRONG] == weights["fused", INHIBITION] != weights["spiking", INHIBITION]
