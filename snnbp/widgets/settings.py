"""What tells one exploratory run from another: its name beside others, and the files that hold it."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from snnbp.training.data import Dataset, load_dataset
from snnbp.paper.results import PROFILES
from snnbp.training.train import Checkpoint, Config
from snnbp.circuit.weights import Weights

HIDDEN_MAX = 4096
"""More hidden neurons would make a notebook wait, or run out of memory."""

_SPOKEN = {
    "dataset": "{}",
    "pixel_threshold": "input threshold {}",
    "hidden": "{} hidden",
    "epochs": "{} epochs",
    "seed": "seed {}",
    "rule": "rule {}",
    "threshold": "threshold {}",
    "step": "step {}",
    "init_scale": "initial scale {}",
}


@dataclass(frozen=True)
class Settings:
    """All that a run depends on. Pixels brighter than `pixel_threshold` are on, in training and test.

    Raises ValueError for a network too large to explore.
    """

    dataset: str = "mnist"
    pixel_threshold: float = 0.5
    config: Config = field(default_factory=Config)

    def __post_init__(self) -> None:
        if self.config.hidden > HIDDEN_MAX:
            raise ValueError(f"hidden must be at most {HIDDEN_MAX} here, got {self.config.hidden}")

    def load(self) -> Dataset:
        """The data; raises as `load_dataset` does."""
        return load_dataset(self.dataset, self.pixel_threshold, self.pixel_threshold)

    def shortened(self, epochs: int) -> "Settings":
        """The same for `epochs` epochs: the first part of the same run."""
        return replace(self, config=replace(self.config, epochs=epochs))

    def flat(self) -> dict[str, Any]:
        """All settings by the name of the notebooks' parameters."""
        config = asdict(self.config)
        del config["validation"], config["inhibition"]  # all images are learned, and by the algebra
        return {"dataset": self.dataset, "pixel_threshold": self.pixel_threshold, **config}


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run, or what was done of it, up to a whole epoch: `settings` reproduces it."""

    settings: Settings
    history: tuple[Checkpoint, ...]
    weights: Weights


def names(settings: Sequence[Settings]) -> list[str]:
    """Each run's name: what is not the same in all of them; for one alone, what is not the paper's."""
    runs = [each.flat() for each in settings]
    beside = runs if len(runs) > 1 else [*runs, Settings().flat()]
    differing = [key for key in _SPOKEN if any(run[key] != beside[0][key] for run in beside)]
    return [
        ", ".join(_SPOKEN[key].format(run[key]) for key in differing) or "the paper's settings"
        for run in runs
    ]


def as_csv(runs: Sequence[KeptRun]) -> str:
    """The curves of all runs, a row a checkpoint, each with the settings that it came from."""
    columns = [name for name in Checkpoint._fields if name not in ("validation", "seconds")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *Settings().flat(), *columns])
    for name, run in zip(names([run.settings for run in runs]), runs, strict=True):
        for row in run.history:
            writer.writerow([name, *run.settings.flat().values(), *(getattr(row, c) for c in columns)])
    return text.getvalue()


def as_parameters(run: KeptRun) -> str:
    """A papermill parameter file (YAML) with which 04_mnist repeats the run and prints the same digest."""
    flat = run.settings.flat()
    seeds = [flat.pop("seed")]
    profile = "digits" if run.settings.dataset == "digits" else "paper"
    parameters = {**PROFILES[profile]["04_mnist"], **flat, "seeds": seeds}
    lines = [
        "# papermill notebooks/04_mnist.ipynb build/again.ipynb -f THIS_FILE",
        f"# digest of the weights: {run.weights.digest}",
        *(f"{name}: {json.dumps(value)}" for name, value in parameters.items()),
    ]
    return "\n".join(lines) + "\n"
