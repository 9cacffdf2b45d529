"""What the explorers open with: the shipped network if it is the one asked for, else one trained at once."""

import csv
from dataclasses import dataclass
from functools import partial
from typing import Any

from snnbp.training.data import Dataset, DataUnavailable
from snnbp.widgets.settings import KeptRun, Settings
from snnbp.paper.results import ROOT
from snnbp.training.train import Checkpoint, Config, train
from snnbp.circuit.weights import Weights


@dataclass(frozen=True, eq=False)
class Start:
    """A data set and a network that has learned it."""

    data: Dataset
    run: KeptRun


def start(dataset: str = "mnist", seed: int = 1, epochs: int = 60) -> Start:
    """Load the data and its network; on the digits, and saying so, where the data cannot be had.

    MNIST's networks of 60 epochs are in figures/. Any other is trained, with a bar on stderr.
    """
    settings = Settings(dataset, config=Config(seed=seed, epochs=epochs))
    try:
        data = settings.load()
    except DataUnavailable:
        print(f"{dataset} cannot be had: on scikit-learn's 8x8 digits instead")
        settings = Settings("digits", config=settings.config)
        data = settings.load()
    shipped = ROOT / "figures" / f"weights_seed{seed}.npz"
    if settings == Settings(config=Config(seed=seed)) and shipped.exists():
        return Start(data, KeptRun(settings, _shipped_curve(seed), Weights.load(shipped)))
    run = train(data, settings.config)
    return Start(data, KeptRun(settings, run.history, run.weights))


def _shipped_curve(seed: int) -> tuple[Checkpoint, ...]:
    with open(ROOT / "figures" / "learning_curves.csv") as file:
        rows = [row for row in csv.DictReader(file) if (row["seed"], row["held_out"]) == (str(seed), "0")]
    checkpoint = partial(Checkpoint, seconds=float("nan"))
    columns = [name for name in Checkpoint._fields if name != "seconds"]
    return tuple(checkpoint(**{name: _number(row[name]) for name in columns}) for row in rows)


def _number(text: str) -> Any:
    """Counts are whole numbers."""
    return int(text) if text.isdigit() else float(text)
