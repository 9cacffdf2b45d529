"""The rule against an independent definition: the straight-through gradient, by automatic differentiation."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.tracer import getval

import snnbp
from snnbp.backends.reference import Learner
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights

SAMPLES = 500


def step_with_slope(v):
    """H(v - 512) with the derivative of the truncated ReLU: one where 0 < v <= 1024, else zero.

    autograd sees a straight line through the box and constants outside; the value is the step's.
    """
    truncated_relu = anp.where((v > 0) & (v <= 1024), v, 1024.0 * (v > 1024))
    return truncated_relu + getval((v > 512) - truncated_relu)


def loss(w1, w2, x, t):
    h = step_with_slope(anp.dot(x, w1))
    o = step_with_slope(anp.dot(h, w2))
    return 0.5 * anp.sum((t - o) ** 2)


gradient = grad(loss, argnum=(0, 1))


@pytest.mark.parametrize("start", ["initial", "trained"])
def test_weights_move_against_the_straight_through_gradient(mnist, start):
    """Signs of all changes are those of the negative gradient; only a weight of W1 at a rail may stay put.

    The trained network sees test images, since it makes hardly any error on the training images.
    """
    if start == "initial":
        weights, samples = snnbp.initial_weights(snnbp.Config(), mnist), mnist.train[:SAMPLES]
    else:
        weights, samples = Weights.load("figures/weights_seed1.npz"), mnist.test[:SAMPLES]
    learner = Learner(weights, Rule())
    targets = np.eye(10, dtype=bool)
    wrong = changed = at_rail = 0
    for x, label in zip(samples.inputs, samples.labels, strict=True):
        before = learner.w1, learner.w2
        assert np.array_equal(learner.w2t_minus, -before[1].T), "W2 reached a rail: another exception"
        gradients = gradient(
            *(w.astype(float) for w in before), x.astype(float), targets[label].astype(float)
        )
        sample = learner.learn_sample(x, targets[label])
        wrong += (sample.o != targets[label]).any()
        for old, new, slope in zip(before, (learner.w1, learner.w2), gradients, strict=True):
            moved, wanted = np.sign(new - old), -np.sign(slope)
            unlike = moved != wanted
            saturated = ((old == WEIGHT_MAX) & (wanted > 0)) | ((old == WEIGHT_MIN) & (wanted < 0))
            assert (saturated & (moved == 0))[unlike].all()
            changed += np.count_nonzero(moved)
            at_rail += np.count_nonzero(unlike)
    assert wrong > 5
    assert changed > 1000
    assert (at_rail > 0) == (start == "trained")
