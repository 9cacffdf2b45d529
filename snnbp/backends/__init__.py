"""The registry of backends: implementations of the same learning that agree bit for bit.

They differ in how closely they follow the chip, and in speed. `snnbp.backends()` lists their names.

A backend is a module with a class `Learner` (see `base.Learner`) and a function `predict(weights, inputs)`.
An entry in `_MODULES` registers it.
"""

import importlib
import sys
import types

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.backends.base import Learner, checked_inputs
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights

_MODULES = {
    "reference": "snnbp.backends.reference",
    "fused": "snnbp.backends.fused",
    "spiking": "snnbp.backends.spiking",
    "lava": "snnbp.backends.lava",
}


def names() -> tuple[str, ...]:
    """Return the names of all backends, the most readable first."""
    return tuple(_MODULES)


def load(name: str) -> types.ModuleType:
    """Import the module of a backend.

    Parameters
    ----------
    name : str

    Returns
    -------
    module

    Raises
    ------
    ValueError
        For an unknown name.
    ModuleNotFoundError
        For "lava" where Lava is not installed.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise ValueError(f"unknown backend {name!r}: choose one of {', '.join(_MODULES)}")
    try:
        return importlib.import_module(_MODULES[name])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lava":
            raise
        raise ModuleNotFoundError(
            "backend 'lava' needs Lava: pip install asteval networkx scipy, then "
            "pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
        ) from None


def learner(
    name: str,
    weights: Weights,
    rule: Rule,
    inhibition: int = INHIBITION,
    feedback: Weights | None = None,
    circuit: Circuit | None = None,
) -> Learner:
    """Make a network in training on a backend.

    Parameters
    ----------
    name : str
        The backend.
    weights, rule, inhibition, feedback
        See `base.Learner`.
    circuit : Circuit, optional
        See `spiking.Learner`; only for backend "spiking".

    Returns
    -------
    Learner

    Raises
    ------
    ValueError
        For a circuit that cannot be trained, or one for another backend.
    """
    checks.an(Weights, "weights", weights)
    module, own = load(name), {}
    if circuit is not None:
        if name != "spiking":
            raise ValueError(f"backend {name!r} takes no circuit: choose backend='spiking'")
        own = {"circuit": checks.an(Circuit, "circuit", circuit)}
    made: Learner = module.Learner(weights, rule, inhibition, feedback, **own)
    return made


def predict(
    name: str, weights: Weights, inputs: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Compute output spikes and potentials on backend `name`, see `snnbp.predict`."""
    checks.an(Weights, "weights", weights)
    spikes, potentials = load(name).predict(weights, checked_inputs(inputs, weights))
    return spikes, potentials


class _Backends(types.ModuleType):
    """Makes the package callable, so that `snnbp.backends()` works also after `import snnbp.backends`."""

    def __call__(self) -> tuple[str, ...]:
        return names()


sys.modules[__name__].__class__ = _Backends
