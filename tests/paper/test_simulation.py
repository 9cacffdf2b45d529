"""The authors' NumPy simulation, replayed: what it printed must come out to the last digit."""

import numpy as np
import pytest

from snnbp.paper.simulation import replay
from snnbp.circuit.weights import Weights


def test_the_official_fashion_mnist_numbers_to_the_last_digit(fashion_mnist):
    numbers = replay(fashion_mnist)
    assert round(numbers.training, 7) == 0.7318833
    assert numbers[1:] == (0.7343, 0.7686, 0.7985)


@pytest.mark.parametrize("seed", [1, 2])
def test_fused_is_the_published_simulation_done_its_own_way(digits, seed):
    """Dense float64 matrices, no thought for speed: the algorithm written from its description."""
    from snnbp.backends.fused import Learner
    from snnbp.backends.rule import Rule

    start = Weights.draw(np.random.RandomState(seed), (64, 30, 10))
    w1, w2 = start.w1.astype(float), start.w2.astype(float)
    for x, label in zip(digits.train.inputs, digits.train.labels, strict=True):
        v1 = x @ w1
        h = v1 > 512
        v2 = h @ w2
        error = (np.arange(10) == label).astype(float) - (v2 > 512)
        delta = np.where(error > 0, error * (v2 > 0), error * (v2 < 1024))
        w2 = np.clip(w2 + 2 * np.outer(h, delta), -254, 254)
        back = np.sign(w2 @ delta) * ((v1 > 0) & (v1 < 1024))
        w1 = np.clip(w1 + 2 * np.outer(x, back), -254, 254)
    learner = Learner(start, Rule("published-simulation"))
    learner.learn(digits.train.inputs, digits.train.labels, np.arange(len(digits.train)))
    assert learner.weights == Weights(w1.astype(int), w2.astype(int))
