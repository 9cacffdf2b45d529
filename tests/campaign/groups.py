"""The groups of the campaign, and how one is run."""

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.campaign import damaged, killed, pipeline, values

Trials = Callable[[int, random.Random, Path], Iterator[str]]


@dataclass(frozen=True)
class Group:
    """Trials of one kind: how many in the tests, and at full size."""

    name: str
    trials: Trials
    small: int
    full: int

    def run(self, n: int, seed: int) -> list[str]:
        """What happened in each trial that did not survive; "" for each that did."""
        with tempfile.TemporaryDirectory(prefix="snnbp-campaign-") as folder:
            return list(self.trials(n, random.Random(f"{seed} {self.name}"), Path(folder).resolve()))


GROUPS = (
    Group("training killed", killed.training, 12, 100),
    Group("run store killed", killed.store, 6, 50),
    Group("folder writer killed", killed.folders, 20, 300),
    Group("pipeline stopped", pipeline.pipeline, 3, 80),
    Group("files damaged", damaged.damaged, 420, 3000),
    Group("values that mean nothing", values.values, 10_000, 10_000),
)
