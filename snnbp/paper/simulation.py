"""The authors' NumPy simulation, replayed with their seeds: data, initialization and rule checked at once."""

from typing import NamedTuple

import numpy as np

from snnbp.training.data import CLASSES, Dataset
from snnbp.backends.fused import Learner, predict
from snnbp.backends.rule import Rule
from snnbp.training.metrics import score
from snnbp.circuit.weights import Weights

ORDER_SEED, WEIGHT_SEED = 43, 44
"""Seeds of the official code (`seed`, `seed + 1`)."""

HIDDEN = 400


class Replay(NamedTuple):
    """What the official code prints: the share of exact outputs while learning in the last epoch, then the
    three accuracies on the test set."""

    training: float
    exact: float
    spikes: float
    potential: float


def replay(data: Dataset, epochs: int = 15) -> Replay:
    """Train as the official simulation does: its seeds, its cumulative shuffles, its rule."""
    rule = Rule("published-simulation")
    order = np.random.RandomState(ORDER_SEED).permutation(len(data.train))
    sizes = (data.train.inputs.shape[1], HIDDEN, CLASSES)
    learner = Learner(Weights.draw(np.random.RandomState(WEIGHT_SEED), sizes), rule)
    for epoch in range(epochs):
        np.random.RandomState(ORDER_SEED + epoch).shuffle(order)
        outputs = learner.learn(data.train.inputs, data.train.labels, order)
    right = (outputs == (data.train.labels[order][:, None] == np.arange(CLASSES))).all(axis=1)
    test = score(*predict(learner.weights, data.test.inputs, rule), data.test.labels)
    return Replay(float(right.mean()), test.exact, test.spikes, test.potential)
