"""Backpropagation carried by spikes: Renner et al. (2024), reproduced bit for bit without the chip.

Everything in `__all__` is loaded when first used, so that `import snnbp` is instant.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnbp.circuit.backprop import inference_circuit, training_circuit
    from snnbp.training.data import Dataset, load_dataset
    from snnbp.backends.spiking.network import simulate
    from snnbp.backends.spiking.samples import trace
    from snnbp.training.sweep import sweep
    from snnbp.training.train import Config, Run, evaluate, initial_weights, learn, predict, train
    from snnbp.circuit.weights import Weights

_HOME = {
    "circuit": ["inference_circuit", "training_circuit"],
    "datasets": ["Dataset", "load_dataset"],
    "network": ["simulate"],
    "spiking": ["trace"],
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
    "inference_circuit",
    "initial_weights",
    "learn",
    "load_dataset",
    "predict",
    "simulate",
    "sweep",
    "trace",
    "train",
    "training_circuit",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(importlib.import_module(f"snnbp.{module}"), name)
    raise AttributeError(f"module 'snnbp' has no attribute {name!r}")
