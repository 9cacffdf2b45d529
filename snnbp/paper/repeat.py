"""Stored runs are tried: a run's history begins the same, whatever its number of epochs."""

import threading
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from snnbp.training.data import Dataset
from snnbp.training.run import CHECKPOINTS_AN_EPOCH, Run
from snnbp.training.train import iter_training


def cost(run: Run) -> int:
    """Work of an epoch: synapses, times 10 without the fused kernel."""
    layers = (400, *run.config.hidden, 10)
    return sum(a * b for a, b in pairwise(layers)) * (10 if run.backend != "fused" else 1)


def difference(run: Run, data: Dataset, epochs: int = 1, stop: threading.Event | None = None) -> str:
    """Train again the first epochs of a run and compare row by row.

    Returns the first difference, naming run, row and both values; "" if there is none. `data` is what the run
    was trained on; `stop` ends it at the next row.
    """
    where = f"seed {run.config.seed}, {run.config.hidden} hidden"
    rows = run.history.head(CHECKPOINTS_AN_EPOCH * epochs).to_dict("records")
    for stored, (row, weights) in zip(rows, iter_training(data, run.config, run.backend), strict=False):
        for name, value in stored.items():
            if row[str(name)] != value:
                return f"{where}, epoch {stored['epoch']}: {name} is {row[str(name)]}, stored is {value}"
        if row["epoch"] == run.config.epochs and weights.digest != run.digest:
            return f"{where}: digest is {weights.digest}, stored is {run.digest}"
        if stop and stop.is_set():
            return ""
    return ""


def one_of_each_kind(runs: Sequence[Run], seed: str) -> list[Run]:
    """Draw by lot one run of each kind: configuration but for the seed, backend and data."""
    kinds: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        kind = (run.config.model_copy(update={"seed": 0}), run.backend, run.data)
        kinds.setdefault(kind, []).append(run)
    lot = Random(seed)
    return [lot.choice(some) for some in kinds.values()]
