"""Variants beyond the paper: every backend computes the same, and each does what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import BACKENDS, STRONG, Samples, agree, lively, matrices, random_samples, random_weights, split

import snnbp
from snnbp import backends
from snnbp.backends import reference
from snnbp.backends.rule import RULES, Rule
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.weights import Weights
from snnbp.training.feedback import fixed_feedback

every_backend = pytest.mark.parametrize("backend", BACKENDS)

rules = st.sampled_from([256, 1024, 2048, 4096]).flatmap(
    lambda threshold: st.builds(
        Rule,
        threshold=st.just(threshold),
        step=st.sampled_from([2, 6]),
        open_target=st.booleans(),
        margin=st.integers(0, threshold // 128).map(lambda n: 64 * n),
    )
)


def fixed(kind, weights):
    config = snnbp.Config(hidden=weights.sizes[1:-1], threshold=weights.threshold, feedback=kind, seed=5)
    return fixed_feedback(config, weights)


def test_random_feedback_is_drawn_from_a_stream_of_its_own():
    rng = np.random.Generator(np.random.PCG64([5, 2]))
    sizes = (6, 5, 4)
    assert fixed("random", random_weights(np.random.default_rng(0), sizes, 100.0)) == Weights.draw(rng, sizes)


@every_backend
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 30), min_size=3, max_size=5),
    spread=st.sampled_from([20.0, 100.0, 300.0]),
    rule=rules,
    feedback=st.sampled_from(["exact", "random", "sign", "cut"]),
)
@settings(deadline=None, max_examples=60)
def test_every_variant_in_random_networks(backend, seed, sizes, spread, rule, feedback):
    """Outputs, all matrices and all copies, with one to three hidden layers."""
    rng = np.random.default_rng(seed)
    weights, samples = random_weights(rng, sizes, spread, rule.threshold), random_samples(rng, sizes, 20, 0.5)
    assert agree(backend, weights, samples, rule, STRONG, fixed(feedback, weights))


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"circuit"}))
@pytest.mark.parametrize("feedback", ["exact", "random", "sign"])
def test_variants_of_the_other_rules(name, feedback):
    weights, samples = lively(7, 2)
    rule = Rule(name, open_target=True, margin=256)
    assert agree("fused", weights, samples, rule, STRONG, fixed(feedback, weights))


@every_backend
@pytest.mark.parametrize("kind", ["random", "sign", "cut"])
def test_fixed_feedback_does_not_learn(backend, kind):
    weights, samples = lively(4, 2)
    learner = backends.learner(backend, weights, Rule(), STRONG, fixed(kind, weights))
    before = matrices(learner)
    learner.learn(samples.inputs, samples.labels)
    changed = {name for name, matrix in matrices(learner).items() if not np.array_equal(matrix, before[name])}
    assert changed == ({"W3"} if kind == "cut" else {"W1", "W2", "W3"})


@every_backend
@pytest.mark.parametrize("open_target", [False, True])
@pytest.mark.parametrize("margin", [0, 64, 256, 512])
def test_which_potentials_learn(backend, open_target, margin):
    """The definition of the output error, at every edge: one input drives each output to one potential."""
    edges = (0, 512 - margin, 512, 512 + margin, 1024)
    potentials = sorted({v + more for v in edges for more in (-2, 0, 2)} | {-600})
    for v in potentials:
        last = np.repeat(split(v, 5)[:, None], 2, axis=1)
        weights = Weights((np.full((5, 5), 200), last))
        learner = backends.learner(backend, weights, Rule(open_target=open_target, margin=margin), STRONG)
        learner.learn(np.ones((1, 5), np.bool_), np.array([0]))
        target, other = (learner.weights.matrices[1] - last).T
        assert (target > 0).all() == (target != 0).any() == ((open_target or v > 0) and v <= 512 + margin)
        assert (other < 0).all() == (other != 0).any() == (512 - margin < v <= 1024)


def test_a_dead_output_recovers_with_an_open_target_only():
    weights = Weights((np.full((8, 8), 200), np.full((8, 2), -100)))
    samples = Samples(np.ones((200, 8), np.bool_), np.zeros(200, np.int64))
    for open_target in (False, True):
        learner = reference.Learner(weights, Rule(open_target=open_target))
        outputs = learner.learn(samples.inputs, samples.labels)
        assert outputs[-1].tolist() == [open_target, False]


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("feedback", ["exact", "random"])
def test_an_epoch_of_the_digits_in_spikes(shift, feedback):
    data = snnbp.load_dataset("digits")
    config = snnbp.Config(
        hidden=(20, 15), epochs=1, open_target=True, margin=256, shift=shift, feedback=feedback
    )
    runs = [snnbp.train(data, config, backend, progress=False) for backend in BACKENDS]
    assert len({run.digest for run in runs}) == 1
    assert [run.n_overdriven for run in runs] == [0] * len(BACKENDS)


def test_feedback_of_other_sizes_is_refused():
    weights, _ = lively(1, 1)
    other, _ = lively(2, 2)
    with pytest.raises(ValueError, match="the feedback has the sizes"):
        backends.learner("fused", weights, Rule(), INHIBITION, other)
