"""Three accuracies that are never mixed, and what silent and tied outputs are worth."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scores(NamedTuple):
    """How a network does on `n` samples. The three accuracies are never mixed.

    exact: all output spikes right. spikes: the first output that spikes is the label; a silent output counts
    as class 0 (the paper's accuracy). potential: the largest membrane potential v2 is the label's.
    silent, tied: samples with no output spike, with several; silent_right, tied_right: how many of these
    `spikes` counts as right. mute: classes whose output never spikes (a collapsed network has some).
    mse: mean over samples and outputs of (o - t)^2.
    """

    exact: float
    spikes: float
    potential: float
    silent: int
    silent_right: int
    tied: int
    tied_right: int
    mute: int
    mse: float
    n: int


def wilson_interval(share: float, n: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Where an accuracy measured as `share` of `n` images may truly lie (Wilson's score interval, 1927).

    It says how much *other test images* would change the accuracy of one network. How much another seed
    would change it is a different question, answered by the spread over seeds.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def score(outputs: NDArray[np.bool_], potentials: NDArray[np.int32], labels: NDArray[np.uint8]) -> Scores:
    """Score output spikes and potentials, both (n, outputs), against labels (n,)."""
    targets = labels[:, None] == np.arange(outputs.shape[1])
    spikes = outputs.sum(axis=1)
    right = outputs.argmax(axis=1) == labels
    return Scores(
        exact=float((outputs == targets).all(axis=1).mean()),
        spikes=float(right.mean()),
        potential=float((potentials.argmax(axis=1) == labels).mean()),
        silent=int((spikes == 0).sum()),
        silent_right=int((right & (spikes == 0)).sum()),
        tied=int((spikes > 1).sum()),
        tied_right=int((right & (spikes > 1)).sum()),
        mute=int((~outputs.any(axis=0)).sum()),
        mse=float((outputs != targets).mean()),
        n=len(labels),
    )
