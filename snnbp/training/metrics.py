"""Accuracy metrics; counts of silent and tied outputs."""

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scores(NamedTuple):
    """Metrics of a network on `n` samples.

    Attributes
    ----------
    exact : float
        Share of samples with all output spikes right.
    spikes : float
        Share of samples whose first output that spikes is the label; a silent sample counts as class 0
        (the paper's accuracy).
    potential : float
        Share of samples whose largest output potential is the label's.
    silent, tied : int
        Number of samples without an output spike, and with several.
    silent_right, tied_right : int
        Number of these that `spikes` counts as right.
    dead : int
        Number of outputs that never spike although samples have their label. A network with dead outputs is
        called collapsed.
    mse : float
        Mean over samples and outputs of (o - t)^2.
    n : int
    """

    exact: float
    spikes: float
    potential: float
    silent: int
    silent_right: int
    tied: int
    tied_right: int
    dead: int
    mse: float
    n: int


def score(
    outputs: NDArray[np.bool_], potentials: NDArray[np.int32], labels: NDArray[np.integer[Any]]
) -> Scores:
    """Score the outputs of a network.

    Parameters
    ----------
    outputs : bool array (n, outputs)
        Output spikes.
    potentials : int32 array (n, outputs)
    labels : integer array (n,)

    Returns
    -------
    Scores

    Raises
    ------
    ValueError
        If n is 0.
    """
    if not len(labels):
        raise ValueError("there are no samples to score")
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
        dead=int((targets.any(axis=0) & ~outputs.any(axis=0)).sum()),
        mse=float((outputs != targets).mean()),
        n=len(labels),
    )


def wilson_interval(share: float, n: int = 10_000, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of an accuracy measured on `n` images (Wilson's score interval, 1927).

    It says how much other test images would change the accuracy of one network. How much another seed would
    change it is the standard deviation over seeds.

    Parameters
    ----------
    share : float
        The accuracy (fraction).
    n : int
    level : float
        Confidence level.

    Returns
    -------
    low, high : float
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half
