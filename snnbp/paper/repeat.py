"""Stored runs are tried: a run's history begins the same, whatever its number of epochs."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from snnbp.training.data import Dataset
from snnbp.training.run import CHECKPOINTS_AN_EPOCH, Run
from snnbp.training.train import iter_training


def cost(run: Run) -> int:
    """How long an epoch of a run takes, in some unit: synapses between hidden layers count most."""
    layers = (400, *run.config.hidden, 10)
    synapses = sum(a * b for a, b in pairwise(layers))
    return synapses * (10 if run.backend != "fused" else 1)


def difference(run: Run, data: Dataset, epochs: int = 1) -> str:
    """Train again and compare row by row.

    Parameters
    ----------
    run : Run
    data : Dataset
        What it was trained on.
    epochs : int
        How many of its epochs to repeat.

    Returns
    -------
    str
        The first difference, naming run, row and both values; "" if there is none.
    """
    rows = run.history.head(CHECKPOINTS_AN_EPOCH * epochs).to_dict("records")
    stream = iter_training(data, run.config, run.backend)
    for stored, (row, *_) in zip(rows, stream, strict=False):
        for name, value in stored.items():
            if row[str(name)] != value:
                where = f"seed {run.config.seed}, {run.config.hidden} hidden, epoch {stored['epoch']}"
                return f"{where}: {name} is {row[str(name)]}, stored is {value}"
    return ""


def drawn(runs: Sequence[Run], count: int, seed: str) -> list[Run]:
    """Draw `count` runs by lot, always one of the widest."""
    if not runs:
        return []
    widest = max(map(cost, runs))
    lot = Random(seed)
    first = lot.choice([run for run in runs if cost(run) == widest])
    others = [run for run in runs if run is not first]
    return [first, *lot.sample(others, min(count - 1, len(others)))]
