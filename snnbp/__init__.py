"""Backpropagation carried by spikes: Renner et al. (2024), reproduced bit for bit without the chip.

Everything in `__all__` is loaded when first used, so that `import snnbp` is instant.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnbp.datasets import Dataset, load_dataset
    from snnbp.sweeps import sweep
    from snnbp.training import Config, Run, evaluate, initial_weights, learn, predict, train
    from snnbp.weights import Weights

_HOME = {
    "datasets": ["Dataset", "load_dataset"],
    "sweeps": ["sweep"],
    "training": ["Config", "Run", "evaluate", "initial_weights", "learn", "predict", "train"],
    "weights": ["Weights"],
}

__all__ = [
    "Config",
    "Dataset",
    "Run",
    "Weights",
    "evaluate",
    "initial_weights",
    "learn",
    "load_dataset",
    "predict",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"snnbp.{module}"), name)
    raise AttributeError(f"module 'snnbp' has no attribute {name!r}")
