"""The authors' NumPy simulation, replayed with their seeds: a test of data, initialization and rule."""

from typing import NamedTuple

import numpy as np

from snnbp import backends
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights
from snnbp.training.data import Dataset
from snnbp.training.train import evaluate

ORDER_SEED, WEIGHT_SEED = 43, 44
"""Seeds of the official code (`seed`, `seed + 1`)."""

HIDDEN = 400


class Replay(NamedTuple):
    """The numbers that the official code prints: the share of exact outputs while learning in the last epoch,
    then the three accuracies on the test set."""

    training: float
    exact: float
    spikes: float
    potential: float


def replay(data: Dataset, epochs: int = 15) -> Replay:
    """Train as the official simulation does: with its seeds, its cumulative shuffles and its rule."""
    order = np.random.RandomState(ORDER_SEED).permutation(len(data.train))
    sizes = (data.train.inputs.shape[1], HIDDEN, len(data.classes))
    start = Weights.draw(np.random.RandomState(WEIGHT_SEED), sizes)
    learner = backends.learner("fused", start, Rule("published-simulation"))
    for epoch in range(epochs):
        np.random.RandomState(ORDER_SEED + epoch).shuffle(order)
        outputs = learner.learn(data.train.inputs, data.train.labels, order)
    targets = data.train.labels[order][:, None] == np.arange(len(data.classes))
    test = evaluate(learner.weights, data.test)
    return Replay(float((outputs == targets).all(axis=1).mean()), test.exact, test.spikes, test.potential)
