"""The learning explorer's figure: accuracies, loss and weights of runs of any length."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights
from snnbp.plots.style import COLOURS, DOUBLE, StyledFigure, styled

LINES = [(colour, line) for line in ("-", "--") for colour in COLOURS]
"""One line for each run: 5 colours in 2 styles."""

_CURVES = {
    "exact": "test accuracy, exact (%)",
    "spikes": "test accuracy, spikes (%)",
    "potential": "test accuracy, potential (%)",
    "mse": "loss, mean of (o − t)²",
}
_BINS = np.arange(WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + 8 * WEIGHT_GRID, 8 * WEIGHT_GRID)
_POINTS_MAX = 1000


class Curve(NamedTuple):
    """One run's history (columns epoch, exact, spikes, potential, mse) and its weights now."""

    name: str
    history: Mapping[str, Any]
    weights: Weights | None


@styled
def progress_curves(curves: Sequence[Curve], references: Mapping[str, float]) -> StyledFigure:
    """Draw each run as a line in six panels; `references` (fractions) are accuracies to compare with."""
    told = "; ".join(f"{name}: {100 * history['spikes'][-1]:.1f} %" for name, history, _ in curves)
    figure = StyledFigure((DOUBLE, 4.1), f"Learning curves and weights. Test accuracy, spikes: {told or 'no run'}.")
    panels = figure.subplots(2, 3).ravel()
    axes = dict(zip((*_CURVES, 0, -1), panels, strict=True))
    for (name, history, weights), (colour, line) in zip(curves, LINES, strict=False):
        thin = slice(None, None, 1 + len(history["epoch"]) // _POINTS_MAX)
        for column in _CURVES:
            values = np.asarray(history[column])[thin] * (1 if column == "mse" else 100)
            axes[column].plot(np.asarray(history["epoch"])[thin], values, line, color=colour, label=name)
        for layer in (0, -1) if weights else ():
            density = np.histogram(weights.matrices[layer], _BINS, density=True)[0]
            axes[layer].stairs(100 * density, _BINS, color=colour, linestyle=line)
    for column, label in _CURVES.items():
        axes[column].set(xlabel="epoch", ylabel=label, xlim=(0, None))
        if column in references:
            value = 100 * references[column]
            axes[column].axhline(value, color="black", linewidth=0.8, linestyle=":")
            corner = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes[column].annotate(f"paper {value:.1f}", (0.99, value), (0, 2), ha="right", **corner)
    axes["mse"].set_ylim(0, None)
    for layer, which in ((0, "first"), (-1, "last")):
        axes[layer].set(xlabel=f"weights of the {which} matrix (weight units)", ylabel="density (%)")
    for panel in panels:
        panel.grid()
    figure.legend(*axes["exact"].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
