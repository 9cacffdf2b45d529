"""All backends compute the same, bit for bit: on random networks of any depth, at every edge, on MNIST."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    BACKENDS,
    STRONG,
    Samples,
    agree,
    block,
    lively,
    matrices,
    offered,
    random_samples,
    random_weights,
    same,
)

from snnbp import backends
from snnbp.backends import fused, reference
from snnbp.backends.rule import RULES, Rule
from snnbp.circuit.weights import Weights

every_backend = pytest.mark.parametrize("backend", BACKENDS)
every_rule = pytest.mark.parametrize("rule", RULES)


def check_predictions(weights, inputs):
    """All backends predict what the reference predicts."""
    expected = reference.predict(weights, inputs)
    for backend in BACKENDS:
        for found, wanted in zip(backends.predict(backend, weights, inputs), expected, strict=True):
            np.testing.assert_array_equal(found, wanted, strict=True)


@every_backend
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=6),
    spread=st.sampled_from([2.0, 60.0, 300.0]),
    density=st.sampled_from([0.1, 0.5, 1.0]),
    threshold=st.sampled_from([128, 1024, 2048]),
    step=st.sampled_from([2, 6, 254]),
)
@settings(deadline=None, max_examples=40)
def test_learning_in_random_networks_of_one_to_four_hidden_layers(
    backend, seed, sizes, spread, density, threshold, step
):
    """40 neurons a layer at 256 each stay within the stronger inhibition."""
    rng = np.random.default_rng(seed)
    weights, samples = random_weights(rng, sizes, spread, threshold), random_samples(rng, sizes, 20, density)
    assert agree(backend, weights, samples, Rule(threshold=threshold, step=step), STRONG)


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=6),
    spread=st.sampled_from([2.0, 60.0, 300.0]),
    rule=st.builds(Rule, st.sampled_from([*RULES]), st.sampled_from([2, 6, 1024]), st.sampled_from([2, 254])),
)
@settings(deadline=None, max_examples=60)
def test_every_rule_and_thresholds_that_no_gate_can_hold(seed, sizes, spread, rule):
    rng = np.random.default_rng(seed)
    weights = random_weights(rng, sizes, spread, rule.threshold)
    assert agree("fused", weights, random_samples(rng, sizes, 20, 0.5), rule)


@every_backend
@pytest.mark.parametrize("step", [2, 60])
@pytest.mark.parametrize("n_hidden", [1, 2, 3, 4])
def test_all_layers_learn(backend, n_hidden, step):
    """No layer is left out: every matrix moves, with a large step to its bounds."""
    weights, samples = lively(n_hidden, n_hidden)
    assert agree(backend, weights, samples, Rule(step=step), STRONG)
    learner = backends.learner(backend, weights, Rule(step=step), STRONG)
    learner.learn(samples.inputs, samples.labels)
    reached = set()
    for before, after in zip(weights.matrices, learner.weights.matrices, strict=True):
        assert (before != after).mean() > 0.05
        reached |= {int(after.min()), int(after.max())}
    assert step == 2 or {-256, 254} <= reached


@given(seed=st.integers(0, 2**32 - 1), n_hidden=st.integers(1, 4), spread=st.sampled_from([60.0, 300.0]))
@settings(deadline=None, max_examples=20)
def test_prediction_in_random_networks(seed, n_hidden, spread):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 41, n_hidden + 2)
    weights = random_weights(rng, sizes, spread, int(rng.choice([128, 1024])))
    check_predictions(weights, rng.random((10, sizes[0])) < 0.5)


@every_backend
@pytest.mark.parametrize("outputs", [1, 2, 127, 128, 247, 248, 249, 256, 260, 300, 512, 600])
def test_any_number_of_outputs(backend, outputs):
    """All outputs err at once, upwards or downwards, through weights at their bounds."""
    for weight, threshold in ((254, 2048), (-256, 1024), (2, 1024)):
        last = block(3, outputs, weight)
        last[0] = 254
        last[1] = min(254, threshold - 256)
        weights = Weights((block(4, 3, 250), last), threshold)
        samples = Samples(np.ones((3, 4), np.bool_), np.array([0, outputs - 1, 0]))
        assert agree(backend, weights, samples, Rule(threshold=threshold), STRONG)


@every_rule
@pytest.mark.parametrize("width", [1, 7, 9, 255, 256, 257, 400])
@pytest.mark.parametrize("bound", [-256, 254])
def test_every_input_on_and_every_weight_at_a_bound(rule, width, bound):
    weights = Weights((block(width, width, bound), block(width, 10, bound)))
    samples = Samples(np.ones((3, width), np.bool_), np.array([0, 9, 0]))
    assert agree("fused", weights, samples, Rule(rule))
    check_predictions(weights, samples.inputs)
    potentials = fused.predict(weights, samples.inputs)[1]
    assert (potentials == (254 * width if 254 * width > 512 and bound > 0 else 0)).all()


@every_rule
@pytest.mark.parametrize("potential", [-2, 0, 2, 510, 512, 514, 1022, 1024, 1026])
def test_potentials_on_each_side_of_every_edge(rule, potential):
    """Drive one hidden neuron, and then one output, to exactly this potential."""
    parts = [2 * (potential // 10)] * 4
    parts.append(potential - sum(parts))
    hidden_edge = Weights((np.array([[p, 200] for p in parts]), np.array([[100, 250], [250, 252]])))
    output_edge = Weights((block(5, 5, 200), np.array([[p, 250] for p in parts])))
    for label in (0, 1):
        samples = Samples(np.ones((4, 5), np.bool_), np.full(4, label))
        for weights in (hidden_edge, output_edge):
            for backend in offered(Rule(rule)):
                assert agree(backend, weights, samples, Rule(rule))

    x, top = np.ones(5, np.bool_), 1023 if rule == "published-simulation" else 1024
    sample = reference.Learner(hidden_edge, Rule(rule)).learn_sample(x, np.array([True, False]))
    assert sample.v[0][0] == potential
    assert sample.h[0][0] == (potential > 512)
    assert sample.window[0][0] == (0 < potential <= top)
    for target in (True, False):
        sample = reference.Learner(output_edge, Rule(rule)).learn_sample(x, np.array([target, False]))
        assert sample.v[1][0] == potential
        assert sample.d_plus[0] == (target and 0 < potential <= 512)
        assert sample.d_minus[0] == (not target and 512 < potential <= top)


@pytest.mark.parametrize(
    ("layer", "weight", "most"), [(1, 254, 481), (2, 254, 481), (3, 254, 481), (1, -256, 546), (3, -256, 513)]
)
def test_predictions_are_refused_where_a_sum_leaves_24_bits(layer, weight, most):
    """A gate of 8,704 joins the sum; an output's potential saturates at -131,071."""
    for n in (most, most + 1):
        sizes = [n if k == layer - 1 else 3 for k in range(4)]
        chain = [block(pre, post, 254) for pre, post in pairwise(sizes)]
        chain[layer - 1][:] = weight
        weights, inputs = Weights(tuple(chain)), np.ones((1, sizes[0]), np.bool_)
        if n == most:
            check_predictions(weights, inputs)
            continue
        for backend in ("reference", *BACKENDS):
            with pytest.raises(ValueError, match="an input sum exceeds the chip's 24 bits"):
                backends.predict(backend, weights, inputs)


@every_backend
@pytest.mark.parametrize(
    ("sizes", "weight"), [((1000, 20, 10), -256), ((5000, 3000, 10), 254), ((1000, 1000, 10), -256)]
)
def test_learning_beyond_24_bits_is_counted_as_overdriven(backend, sizes, weight):
    weights = Weights(tuple(block(pre, post, weight) for pre, post in pairwise(sizes)))
    learner = backends.learner(backend, weights, Rule())
    learner.learn(np.ones((1, sizes[0]), np.bool_), np.zeros(1, np.int64))
    assert learner.n_overdriven == 1


@pytest.mark.parametrize(("n", "expected"), [(480, 0), (481, 1)])
def test_the_inhibition_pushes_negative_sums_over_the_edge(n, expected):
    """-256 * 480 - 8128 = -131,008 is the last sum within 24 bits."""
    weights = Weights((block(n, 2, -256), block(2, 2, 0)))
    for backend in ("reference", *BACKENDS):
        learner = backends.learner(backend, weights, Rule())
        learner.learn(np.ones((1, n), np.bool_), np.zeros(1, np.int64))
        assert learner.n_overdriven == expected, backend


def test_an_epoch_of_mnist(mnist):
    """720,000 steps: all outputs, all matrices, all copies."""
    start = Weights.draw(np.random.Generator(np.random.PCG64(1)), (400, 400, 10))
    order = np.random.Generator(np.random.PCG64(7)).permutation(len(mnist.train))
    compared = [backends.learner(name, start, Rule()) for name in BACKENDS]
    outputs = [learner.learn(mnist.train.inputs, mnist.train.labels, order) for learner in compared]
    assert all(np.array_equal(found, outputs[0]) for found in outputs)
    assert all(same(learner, compared[0]) for learner in compared)
    assert [learner.n_overdriven for learner in compared] == [0] * len(compared)


@every_backend
@pytest.mark.parametrize("n_hidden", [1, 2, 3])
def test_deep_networks_on_mnist(mnist, backend, n_hidden):
    weights = Weights.draw(np.random.default_rng(0), (400,) * (n_hidden + 1) + (10,))
    assert agree(backend, weights, mnist.train[:200])


def test_seed_1_gives_the_published_weights(mnist):
    """60 epochs at 400-400-10 end at the stored weights."""
    rng = np.random.Generator(np.random.PCG64(1))
    weights = Weights.draw(rng, (400, 400, 10))
    for _ in range(60):
        learner = fused.Learner(weights, Rule())
        learner.learn(mnist.train.inputs, mnist.train.labels, rng.permutation(len(mnist.train)))
        weights = learner.weights
    assert weights == Weights.load("figures/data/weights_seed1.npz")


def test_predictions_on_mnist(mnist):
    check_predictions(Weights.load("figures/data/weights_seed1.npz"), mnist.test.inputs[:1000])


@every_backend
@given(cuts=st.lists(st.integers(0, 60), max_size=4))
@settings(deadline=None, max_examples=10)
def test_successive_calls_are_one_run(backend, cuts):
    """As long as calls follow one another without a pass that starts anew."""
    weights, (inputs, labels) = lively(5, 2)
    order = np.random.default_rng(0).permutation(len(labels))
    whole, parts = (backends.learner(backend, weights, Rule()) for _ in range(2))
    expected = whole.learn(inputs, labels, order)
    outputs = [parts.learn(inputs, labels, part) for part in np.split(order, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(outputs), expected, strict=True)
    assert matrices(parts).keys() == matrices(whole).keys()
    assert same(parts, whole)
    assert parts.n_overdriven == whole.n_overdriven


@pytest.mark.parametrize("backend", ["reference", *BACKENDS])
@pytest.mark.parametrize(
    ("inputs", "labels", "order", "message"),
    [
        (np.zeros((2, 5), np.bool_), [0, 0], None, r"takes bool inputs \(n, 4\), got bool \(2, 5\)"),
        (np.zeros((2, 4)), [0, 0], None, r"takes bool inputs \(n, 4\), got float64"),
        (np.zeros((2, 4), np.bool_), [0], None, r"labels must be integers \(2,\), got int64 \(1,\)"),
        (np.zeros((2, 4), np.bool_), [0.0, 1.0], None, r"labels must be integers \(2,\), got float64"),
        (
            np.zeros((2, 4), np.bool_),
            [0, 2],
            None,
            "labels must be within 0 to 1, got 2: the network has 2 outputs",
        ),
        (np.zeros((2, 4), np.bool_), [0, -1], None, "labels must be within 0 to 1, got -1"),
        (np.zeros((2, 4), np.bool_), [0, 0], np.array([0, 2]), "order must be within 0 to 1, got 2"),
        (np.zeros((2, 4), np.bool_), [0, 0], np.array([-1]), "order must be within 0 to 1, got -1"),
        (np.zeros((2, 4), np.bool_), [0, 0], np.array([0.5]), r"order must be integers \(n,\), got float64"),
    ],
)
def test_samples_that_do_not_fit_are_refused(backend, inputs, labels, order, message):
    weights = Weights((block(4, 3, 0), block(3, 2, 0)))
    with pytest.raises(ValueError, match=message):
        backends.learner(backend, weights, Rule()).learn(inputs, np.array(labels), order)
    if "inputs" in message:
        with pytest.raises(ValueError, match=message):
            backends.predict(backend, weights, inputs)


def test_rules_that_do_not_fit_are_refused():
    weights = Weights((block(4, 3, 0), block(3, 2, 0)))
    with pytest.raises(ValueError, match="by the rule 'circuit' only, not 'published-simulation'"):
        backends.learner("spiking", weights, Rule("published-simulation"))
    with pytest.raises(ValueError, match="the weights' threshold is 1024, the rule's 512"):
        backends.learner("fused", weights, Rule(threshold=512))
    with pytest.raises(ValueError, match="unknown backend 'chip': choose one of reference, fused"):
        backends.learner("chip", weights, Rule())
