"""Figures: results or a circuit in, matplotlib Figure out. Nothing here runs a network or writes a file.

Every function returns a `StyledFigure`: a matplotlib Figure in one style, independent of the user's
matplotlibrc, with alternative text in `.alt`. It displays itself in Jupyter and is saved with `savefig`.
"""

try:
    import matplotlib as matplotlib
except ImportError:
    raise ModuleNotFoundError("figures need matplotlib: pip install 'snnbp[plots]'") from None

from snnbp.plots.circuit import conceptual_circuit, symbolic_network
from snnbp.plots.connectivity import functional_connectivity, meanings
from snnbp.plots.curves import accuracy_curves, learning_curves
from snnbp.plots.distributions import (
    against_depth,
    confusion_matrices,
    seed_distributions,
    weight_distributions,
)
from snnbp.plots.energy import accuracy_energy, stacked_bars
from snnbp.plots.pictures import activation_functions, image_rows, images
from snnbp.plots.spikes import raster
from snnbp.plots.style import StyledFigure, symbol, to_png, to_svg
from snnbp.plots.toy import toy_network, toy_phases

__all__ = [
    "StyledFigure",
    "accuracy_curves",
    "accuracy_energy",
    "activation_functions",
    "against_depth",
    "conceptual_circuit",
    "confusion_matrices",
    "functional_connectivity",
    "image_rows",
    "images",
    "learning_curves",
    "meanings",
    "raster",
    "seed_distributions",
    "stacked_bars",
    "symbol",
    "symbolic_network",
    "to_png",
    "to_svg",
    "toy_network",
    "toy_phases",
    "weight_distributions",
]
