"""The authors' NumPy simulation, replayed: what it printed must come out to the last digit."""

import numpy as np
import pytest

from snnbp import backends
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights
from snnbp.paper import claims
from snnbp.paper.simulation import Replay, replay


def test_the_official_fashion_mnist_numbers_to_the_last_digit(fashion_mnist):
    numbers = replay(fashion_mnist)
    expected = [claims.value(f"fashion-replay-0.5-{name}") for name in Replay._fields]
    assert [round(numbers.training, 7), *numbers[1:]] == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_fused_is_the_published_simulation_done_its_own_way(digits, seed):
    """Dense float64 matrices, no thought for speed: the algorithm written from its description."""
    start = Weights.draw(np.random.RandomState(seed), (64, 30, 10))
    w1, w2 = (matrix.astype(float) for matrix in start.matrices)
    for x, label in zip(digits.train.inputs, digits.train.labels, strict=True):
        v1 = x @ w1
        h = v1 > 512
        v2 = h @ w2
        error = (np.arange(10) == label).astype(float) - (v2 > 512)
        delta = np.where(error > 0, error * (v2 > 0), error * (v2 < 1024))
        w2 = np.clip(w2 + 2 * np.outer(h, delta), -254, 254)
        back = np.sign(w2 @ delta) * ((v1 > 0) & (v1 < 1024))
        w1 = np.clip(w1 + 2 * np.outer(x, back), -254, 254)
    learner = backends.learner("fused", start, Rule("published-simulation"))
    learner.learn(digits.train.inputs, digits.train.labels)
    assert learner.weights == Weights((w1.astype(int), w2.astype(int)))
