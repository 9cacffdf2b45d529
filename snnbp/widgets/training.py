"""The settings of a run in the learning explorer, and the thread that trains it."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

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


@dataclass(frozen=True, eq=False)
class Trained:
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


def as_csv(trained: Sequence[Trained]) -> str:
    """Format the curves of all runs as CSV: a row a checkpoint, with the settings of its run."""
    frames = [each.run.history.assign(**each.settings.values()) for each in trained]
    labels = names([each.settings for each in trained])
    return str(pd.concat(frames, keys=labels, names=["run", None]).droplevel(1).to_csv(lineterminator="\n"))


def as_code(trained: Trained) -> str:
    """Format Python code that repeats the run and checks its digest."""
    settings = trained.settings
    pixels = f"pixel_threshold={settings.pixel_threshold}, test_pixel_threshold={settings.pixel_threshold}"
    config = ", ".join(
        f"{name}={value!r}" for name, value in settings.config.model_dump(exclude_defaults=True).items()
    )
    return (
        f'data = snnbp.load_dataset("{settings.dataset}", {pixels})\n'
        f"run = snnbp.train(data, snnbp.Config({config}))\n"
        f'assert run.digest == "{trained.run.digest}"\n'
    )


class TrainingThread(threading.Thread):
    """Trains in the background and calls `report`, in its thread, at every checkpoint and at the end.

    Attributes
    ----------
    rows : list of dict
        The history so far.
    progress : Progress or None
        The latest checkpoint.
    error : str
        Why the training failed; "" if it did not.
    seconds : float
        Time spent in training and testing.
    """

    def __init__(self, settings: Settings, load: Callable[[], Dataset], report: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.settings = settings
        self.rows: list[dict[str, Any]] = []
        self.progress: Progress | None = None
        self.error = ""
        self.seconds = 0.0
        self.done = False
        self._whole: Progress | None = None
        self.pause_requested = False
        self._load, self._report = load, report
        self._loaded = self._waits = self._stop_requested = False
        self._changed = threading.Condition()

    @property
    def state(self) -> str:
        """What the thread does at this moment: it pauses at a checkpoint, half an epoch away at most."""
        if not self._loaded:
            return "loading the data ..."
        if not self.pause_requested:
            return "training"
        return "paused" if self._waits else "pausing, at the end of this half epoch"

    def pause(self) -> None:
        """Wait at the next checkpoint until `resume`."""
        with self._changed:
            self.pause_requested = True

    def resume(self) -> None:
        with self._changed:
            self.pause_requested = False
            self._changed.notify()

    def stop(self) -> None:
        """End at the next checkpoint, half an epoch away at most."""
        self._stop_requested = True
        self.resume()

    def run(self) -> None:
        try:
            self._train(self._load())
        except (ValueError, OSError, MemoryError) as error:
            self.error = str(error) or "not enough memory"
        finally:
            self.done = True
            self._report()

    def _train(self, data: Dataset) -> None:
        self.samples, self._data_digest = len(data.train), data.digest
        self._loaded = True
        self._report()
        start = time.perf_counter()
        for progress in iter_training(data, self.settings.config):
            self.seconds += time.perf_counter() - start
            self.rows.append(progress.row)
            self.progress = progress
            if len(self.rows) % CHECKPOINTS_AN_EPOCH == 0:
                self._whole = progress
            with self._changed:
                self._waits = True
                self._report()
                self._changed.wait_for(lambda: not self.pause_requested)
                self._waits = False
            if self._stop_requested:
                return
            start = time.perf_counter()

    def trained(self) -> Trained | None:
        """The run up to the last whole epoch, with the settings that repeat it exactly."""
        if self._whole is None:
            return None
        row, weights, n_overdriven = self._whole
        config = Config(**self.settings.config.model_dump() | {"epochs": int(row["epoch"])})
        history = pd.DataFrame(self.rows[: CHECKPOINTS_AN_EPOCH * config.epochs])
        run = Run(config, "fused", self._data_digest, history, weights.digest, n_overdriven, weights)
        return Trained(replace(self.settings, config=config), run)
