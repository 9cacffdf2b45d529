"""The rungs compute the same, bit for bit: on random networks, at every edge, and on MNIST."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnbp
from snnbp.backends import fused
from snnbp.backends import reference
from snnbp.training.data import Dataset
from snnbp.circuit.loihi import drive_bound
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights

RULES = st.builds(
    Rule,
    st.sampled_from(["circuit", "published-simulation"]),
    threshold=st.sampled_from([2, 6, 64, 1024, 4096]),
    step=st.sampled_from([2, 6, 254]),
)
WIDTHS = st.sampled_from([1, 2, 7, 8, 9, 31, 40])
EDGES = np.array([-256, -254, -2, 0, 2, 252, 254])


def random_network(seed: int, sizes: tuple[int, int, int], spread: float) -> Weights:
    """Weights of any size, a tenth of them at a rail or around zero."""
    rng = np.random.default_rng(seed)
    matrices = []
    for shape in (sizes[:2], sizes[1:]):
        matrix = np.clip(2 * np.rint(rng.normal(0, spread / 2, shape)), -256, 254)
        matrices.append(np.where(rng.random(shape) < 0.1, rng.choice(EDGES, shape), matrix).astype(np.int16))
    return Weights(*matrices)


def both(weights: Weights, rule: Rule, inputs: np.ndarray, labels: np.ndarray) -> None:
    """Present the samples to reference and fused; everything must be equal."""
    order = np.arange(len(labels))
    slow, fast = reference.Learner(weights, rule), fused.Learner(weights, rule)
    np.testing.assert_array_equal(
        slow.learn(inputs, labels, order), fast.learn(inputs, labels, order), strict=True
    )
    assert slow.weights == fast.weights
    assert slow.overdriven == fast.overdriven
    np.testing.assert_array_equal(2 * fast._w2t_minus.astype(np.int64), slow.w2t_minus)
    for ours, theirs in zip(
        fused.predict(slow.weights, inputs, rule), reference.predict(slow.weights, inputs, rule), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs, strict=True)


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(WIDTHS, WIDTHS, st.sampled_from([1, 2, 10])),
    spread=st.sampled_from([2.0, 60.0, 300.0]),
    density=st.sampled_from([0.1, 0.5, 1.0]),
    rule=RULES,
)
@settings(deadline=None, max_examples=150)
def test_reference_equals_fused_on_random_networks(seed, sizes, spread, density, rule):
    rng = np.random.default_rng(seed)
    inputs = rng.random((20, sizes[0])) < density
    labels = rng.integers(0, sizes[2], 20).astype(np.uint8)
    both(random_network(seed, sizes, spread), rule, inputs, labels)


@pytest.mark.parametrize("rule", ["circuit", "published-simulation"])
@pytest.mark.parametrize("width", [1, 7, 9, 255, 256, 257, 400, 784, 1000])
@pytest.mark.parametrize("rail", [-256, 254])
def test_every_input_on_and_every_weight_at_a_rail(rule: RuleName, width: int, rail: int):
    weights = Weights(np.full((width, width), rail), np.full((width, 10), rail))
    inputs = np.ones((3, width), np.bool_)
    labels = np.array([0, 9, 0], np.uint8)
    both(weights, Rule(rule), inputs, labels)
    potentials = fused.predict(weights, inputs, Rule(rule))[1]
    assert (potentials == (254 * width if 254 * width > 512 and rail > 0 else 0)).all()


@pytest.mark.parametrize("potential", [-2, 0, 2, 510, 512, 514, 1022, 1024, 1026])
@pytest.mark.parametrize("rule", ["circuit", "published-simulation"])
def test_potentials_on_each_side_of_every_edge(potential: int, rule: RuleName):
    """Drive one hidden neuron, and then one output, to exactly this membrane potential."""
    parts = [2 * (potential // 10)] * 4
    parts.append(potential - sum(parts))
    inputs = np.ones((4, 5), np.bool_)
    hidden_edge = Weights(np.array([[p, 200] for p in parts]), np.array([[100, 250], [250, 252]]))
    output_edge = Weights(np.full((5, 5), 200), np.array([[p, 250] for p in parts]))
    for label in (0, 1):
        for weights in (hidden_edge, output_edge):
            both(weights, Rule(rule), inputs, np.full(4, label, np.uint8))

    sample = reference.Learner(hidden_edge, Rule(rule)).learn_sample(inputs[0], np.array([True, False]))
    assert sample.v1[0] == potential
    assert sample.h[0] == (potential > 512)
    assert sample.box[0] == (0 < potential < (1024 if rule == "published-simulation" else 1025))
    for target in (True, False):
        learner = reference.Learner(output_edge, Rule(rule))
        sample = learner.learn_sample(inputs[0], np.array([target, False]))
        assert sample.v2[0] == potential
        assert sample.d2_plus[0] == (target and 0 < potential <= 512)
        assert sample.d2_minus[0] == (
            not target and 512 < potential < (1024 if rule == "published-simulation" else 1025)
        )


def test_overdriven_samples_are_counted_beyond_the_bound_only():
    bound = drive_bound()
    assert bound == 17_344
    for extra, expected in ((0, 0), (2, 1)):
        column = np.full(80, (bound + extra) // 160 * 2)
        column[: (bound + extra - column.sum()) // 2] += 2
        weights = Weights(column[:, None], np.array([[0, 0]]))
        for rung in (reference, fused):
            learner = rung.Learner(weights, Rule())
            learner.learn(np.ones((1, 80), np.bool_), np.zeros(1, np.uint8), np.arange(1))
            assert learner.overdriven == expected


@pytest.mark.parametrize("rule", ["circuit", "published-simulation"])
def test_reference_equals_fused_on_mnist(mnist: Dataset, rule: RuleName):
    for weights in (snnbp.initial_weights(snnbp.Config(), mnist), Weights.load("figures/weights_seed1.npz")):
        both(weights, Rule(rule), mnist.train.inputs[:2000], mnist.train.labels[:2000])


def test_w2t_copies_mirror_w2_except_at_the_rails(digits: Dataset):
    learner = reference.Learner(
        snnbp.initial_weights(snnbp.Config(hidden=12, init_scale=4.0), digits), Rule(step=20)
    )
    learner.learn(digits.train.inputs, digits.train.labels, np.arange(300))
    np.testing.assert_array_equal(learner.w2t_plus, learner.w2.T)
    unlike = learner.w2t_minus != -learner.w2.T
    assert unlike.any()
    assert (learner.w2t_minus + learner.w2.T)[unlike].max() < 0
