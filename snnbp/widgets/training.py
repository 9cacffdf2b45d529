"""A run in the learning explorer: its settings, its training by half epochs, and what repeats it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pandas as pd

from snnbp.training import sources
from snnbp.training.config import Config
from snnbp.training.data import Dataset, load_dataset
from snnbp.training.run import CHECKPOINTS_AN_EPOCH, Run
from snnbp.training.train import Progress, iter_training

HIDDEN_MAX = 4096
"""More hidden neurons would make a notebook wait, or run out of memory."""

LABELS = {
    "dataset": "data set",
    "pixel_threshold": "pixel threshold",
    "hidden": "hidden neurons",
    "epochs": "epochs",
    "seed": "seed",
    "rule": "rule",
    "threshold": "threshold (weight units)",
    "step": "step (weight units)",
    "init_scale": "initial scale",
}


@dataclass(frozen=True)
class Settings:
    """The settings of a run. Pixels brighter than `pixel_threshold` are on, in training and test images."""

    dataset: str
    pixel_threshold: float
    config: Config

    def __post_init__(self) -> None:
        if max(self.config.hidden) > HIDDEN_MAX:
            raise ValueError(
                f"hidden: at most {HIDDEN_MAX} neurons a layer here, got {max(self.config.hidden)}"
            )

    def load(self) -> Dataset:
        """Load the data; raises as `load_dataset` does."""
        return load_dataset(self.dataset, self.pixel_threshold, self.pixel_threshold)

    def values(self) -> dict[str, Any]:
        """The value of each entry of `LABELS`; layers as text: "400-400"."""
        found = {"dataset": self.dataset, "pixel_threshold": self.pixel_threshold, **self.config.model_dump()}
        return {name: found[name] for name in LABELS} | {"hidden": "-".join(map(str, self.config.hidden))}


class Trained(NamedTuple):
    """A run with weights, and the settings that repeat it."""

    settings: Settings
    run: Run


def names(settings: Sequence[Settings]) -> list[str]:
    """Name each run by the settings in which the runs differ."""
    runs = [each.values() for each in settings]
    differing = [name for name in LABELS if any(run[name] != runs[0][name] for run in runs)]
    return [
        ", ".join(f"{LABELS[name]} {run[name]}" for name in differing or ("dataset", "hidden"))
        for run in runs
    ]


def as_code(trained: Trained) -> str:
    """Format Python code that repeats the run and checks its digest."""
    name, threshold, config = (
        trained.settings.dataset,
        trained.settings.pixel_threshold,
        trained.settings.config,
    )
    data = f"# data: your data set {name!r}"
    if name in sources.NAMES:
        pixels = f"pixel_threshold={threshold}, test_pixel_threshold={threshold}"
        data = f'data = snnbp.load_dataset("{name}", {pixels})'
    given = ", ".join(f"{key}={value!r}" for key, value in config.model_dump(exclude_defaults=True).items())
    run = f"run = snnbp.train(data, snnbp.Config({given}))"
    return f'{data}\n{run}\nassert run.digest == "{trained.run.digest}"\n'


@dataclass(eq=False)
class Live:
    """A run while it trains.

    Attributes
    ----------
    rows : list of dict
        The history so far.
    progress : Progress or None
        The latest checkpoint.
    seconds : float
        Time spent in training and testing.
    """

    settings: Settings
    data: Dataset
    rows: list[dict[str, Any]] = field(default_factory=list)
    progress: Progress | None = None
    seconds: float = 0.0
    _whole: Progress | None = None

    def __post_init__(self) -> None:
        self._checkpoints = iter_training(self.data, self.settings.config)

    def advance(self) -> bool:
        """Train up to the next checkpoint, half an epoch; return whether there was one."""
        start = time.perf_counter()
        progress = next(self._checkpoints, None)
        self.seconds += time.perf_counter() - start
        if progress is None:
            return False
        self.rows.append(progress.row)
        self.progress = progress
        if len(self.rows) % CHECKPOINTS_AN_EPOCH == 0:
            self._whole = progress
        return True

    def trained(self) -> Trained | None:
        """The run up to the last whole epoch, with the settings that repeat it exactly."""
        if self._whole is None:
            return None
        row, weights = self._whole
        config = Config(**self.settings.config.model_dump() | {"epochs": int(row["epoch"])})
        history = pd.DataFrame(self.rows[: CHECKPOINTS_AN_EPOCH * config.epochs])
        run = Run(config, "fused", self.data.digest, history, weights.digest, row["overdriven"], weights)
        return Trained(replace(self.settings, config=config), run)

    def report(self) -> str:
        """Say how far the run is."""
        if self.progress is None:
            return ""
        row = self.progress.row
        n_overdriven = row["overdriven"]
        speed = row["epoch"] * len(self.data.train) / max(self.seconds, 1e-9)
        told = [
            f"epoch {row['epoch']:g} of {self.settings.config.epochs}: spikes {100 * row['spikes']:.2f} %, "
            f"potential {100 * row['potential']:.2f} %",
            f"{self.seconds:.1f} s, {speed:,.0f} samples/s",
        ]
        if row["dead"]:
            told.append(f"{row['dead']} dead outputs (collapsed)")
        if n_overdriven:
            told.append(f"{n_overdriven} samples beyond the circuit's validity bound")
        return "; ".join(told)
