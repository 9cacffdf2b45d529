"""The rule against an independent definition: the straight-through gradient, by automatic differentiation."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

from snnbp.backends import fused
from snnbp.backends.reference import Learner
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights


def step_with_slope(v):
    """H(v - 512) with the derivative of the truncated ReLU: one where 0 < v <= 1024, else zero.

    autograd sees a straight line through the window and constants outside; the value is the step's.
    """
    truncated_relu = anp.where((v > 0) & (v <= 1024), v, 1024.0 * (v > 1024))
    return truncated_relu + getval((v > 512) - truncated_relu)


@primitive
def spikes_carry_the_error(h):
    """The identity; of the error that comes back, only the sign goes on."""
    return h


defvjp(spikes_carry_the_error, lambda _, h: np.sign)


def loss(matrices, x, t):
    *hidden, last = matrices
    for w in hidden:
        x = spikes_carry_the_error(step_with_slope(anp.dot(x, w)))
    return 0.5 * anp.sum((t - step_with_slope(anp.dot(x, last))) ** 2)


gradient = grad(loss)


def start_of(start, n_hidden, mnist) -> Weights:
    if n_hidden == 1 and start == "trained":
        return Weights.load("figures/data/weights_seed1.npz")
    weights = Weights.draw(np.random.default_rng(0), (400,) * (n_hidden + 1) + (10,))
    if start == "initial":
        return weights
    learner = fused.Learner(weights, Rule())
    learner.learn(mnist.train.inputs[:6000], mnist.train.labels[:6000])
    return learner.weights


@pytest.mark.parametrize("start", ["initial", "trained"])
@pytest.mark.parametrize(("n_hidden", "n"), [(1, 400), (2, 200), (3, 200)])
def test_weights_move_against_the_straight_through_gradient(mnist, start, n_hidden, n):
    """Signs of all changes are those of the negative gradient; only a weight at a bound may stay put.

    The trained network sees test images, since it makes hardly any error on the training images.
    """
    samples = (mnist.train if start == "initial" else mnist.test)[:n]
    learner = Learner(start_of(start, n_hidden, mnist), Rule())
    targets = np.eye(10, dtype=bool)
    wrong, changed = 0, np.zeros(n_hidden + 1, int)
    for x, label in zip(samples.inputs, samples.labels, strict=True):
        before = list(learner.matrices)
        for w, minus in zip(before[1:], learner.feedback_minus, strict=True):
            assert np.array_equal(minus, -w.T), "a weight reached a bound: another exception"
        gradients = gradient([w.astype(float) for w in before], x.astype(float), targets[label].astype(float))
        sample = learner.learn_sample(x, targets[label])
        wrong += (sample.o != targets[label]).any()
        for layer, (old, new, slope) in enumerate(zip(before, learner.matrices, gradients, strict=True)):
            moved, wanted = np.sign(new - old), -np.sign(slope)
            unlike = moved != wanted
            saturated = ((old == WEIGHT_MAX) & (wanted > 0)) | ((old == WEIGHT_MIN) & (wanted < 0))
            assert (saturated & (moved == 0))[unlike].all()
            changed[layer] += np.count_nonzero(moved)
    assert wrong > 5
    assert (changed > 200).all()
