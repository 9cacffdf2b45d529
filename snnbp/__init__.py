"""An open reproduction of spiking backpropagation on Loihi (Renner et al. 2024), exact in every weight.

Train      Config, train, sweep, Run, read_runs, write_runs, SweepFailed
Data       load_dataset, Dataset, Samples, read_idx, DataUnavailable
Networks   Weights, initial_weights, learn, predict, evaluate, backends
Circuits   training_circuit, inference_circuit, Circuit, simulate, trace, Trace
           of parts: Population, NeuronType, Projection, Phase, PlasticityRule
Elsewhere  snnbp.plots (figures), snnbp.interop (NIR graphs, bundles, chip fit), snnbp.widgets

    data = snnbp.load_dataset("digits")
    run = snnbp.train(data, snnbp.Config(hidden=100, epochs=5))
    activity = snnbp.trace(run.weights, data.train[:10])

Each name explains itself: help(snnbp.train). Names are loaded when first used, so `import snnbp` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnbp import backends as backends
    from snnbp import interop as interop
    from snnbp.backends.spiking import Trace as Trace
    from snnbp.backends.spiking import simulate as simulate
    from snnbp.backends.spiking import trace as trace
    from snnbp.circuit.backprop import inference_circuit as inference_circuit
    from snnbp.circuit.backprop import training_circuit as training_circuit
    from snnbp.circuit.parts import NeuronType as NeuronType
    from snnbp.circuit.parts import Phase as Phase
    from snnbp.circuit.parts import PlasticityRule as PlasticityRule
    from snnbp.circuit.parts import Population as Population
    from snnbp.circuit.parts import Projection as Projection
    from snnbp.circuit.spec import Circuit as Circuit
    from snnbp.circuit.weights import Weights as Weights
    from snnbp.training.config import Config as Config
    from snnbp.training.data import Dataset as Dataset
    from snnbp.training.data import Samples as Samples
    from snnbp.training.data import load_dataset as load_dataset
    from snnbp.training.idx import read_idx as read_idx
    from snnbp.training.run import Run as Run
    from snnbp.training.sources import DataUnavailable as DataUnavailable
    from snnbp.training.sweep import SweepFailed as SweepFailed
    from snnbp.training.sweep import sweep as sweep
    from snnbp.training.table import read_runs as read_runs
    from snnbp.training.table import write_runs as write_runs
    from snnbp.training.train import evaluate as evaluate
    from snnbp.training.train import initial_weights as initial_weights
    from snnbp.training.train import learn as learn
    from snnbp.training.train import predict as predict
    from snnbp.training.train import train as train

__version__ = "0.2.0"

_MODULE_OF = {
    name: module
    for module, names in {
        "backends.spiking": ("Trace", "simulate", "trace"),
        "circuit.backprop": ("inference_circuit", "training_circuit"),
        "circuit.parts": ("NeuronType", "Phase", "PlasticityRule", "Population", "Projection"),
        "circuit.spec": ("Circuit",),
        "circuit.weights": ("Weights",),
        "training.config": ("Config",),
        "training.data": ("Dataset", "Samples", "load_dataset"),
        "training.idx": ("read_idx",),
        "training.run": ("Run",),
        "training.sources": ("DataUnavailable",),
        "training.sweep": ("SweepFailed", "sweep"),
        "training.table": ("read_runs", "write_runs"),
        "training.train": ("evaluate", "initial_weights", "learn", "predict", "train"),
    }.items()
    for name in names
}

__all__ = ["__version__", "backends", "interop", *sorted(_MODULE_OF)]


def __getattr__(name: str) -> Any:
    if name in ("backends", "interop"):
        return importlib.import_module(f"snnbp.{name}")
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"snnbp.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'snnbp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
