"""The learning explorer's figure: accuracies, loss and weights of runs of any length."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights
from snnbp.plots.style import COLOURS, DOUBLE, StyledFigure, style, styled

LINES = [(colour, line) for line in ("-", "--") for colour in COLOURS]
"""Styles of the runs' lines: 5 colours, 2 line styles."""

_CURVES = {
    "exact": "accuracy, exact (%)",
    "spikes": "accuracy, spikes (%)",
    "potential": "accuracy, potential (%)",
    "mse": "loss, mean (o − t)²",
}
_MATRICES = {0: "first matrix, W1 (weight units)", -1: "last matrix (weight units)"}
_BINS = np.arange(WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + 8 * WEIGHT_GRID, 8 * WEIGHT_GRID)
_POINTS_MAX = 1000


class Curve(NamedTuple):
    """One run's history (columns epoch, exact, spikes, potential, mse) and its weights now."""

    name: str
    history: Mapping[str, Any]
    weights: Weights | None


class ProgressFigure:
    """Each run as a line in six panels. Its layout is computed only when the names of the runs change."""

    def __init__(self) -> None:
        self._names: list[str] | None = None

    def at(self, curves: Sequence[Curve], references: Mapping[str, float]) -> StyledFigure:
        """Draw these runs; `references` (fractions) are accuracies to compare with."""
        names = [curve.name for curve in curves]
        if names != self._names:
            self._figure, self._names = _empty_figure(names), names
        axes = dict(zip((*_CURVES, *_MATRICES), self._figure.axes, strict=True))
        with style():
            for axis in axes.values():
                for artist in (*axis.lines, *axis.patches, *axis.texts):
                    artist.remove()
                axis.relim()
                axis.autoscale()
            for curve, (colour, line) in zip(curves, LINES, strict=False):
                _draw(axes, curve, {"color": colour, "linestyle": line})
            for column in references:
                _reference(axes[column], 100 * references[column])
            for column in _CURVES:
                axes[column].set_xlim(0, None)
            axes["mse"].set_ylim(0, None)
        told = "; ".join(f"{name}: {100 * history['spikes'][-1]:.1f} %" for name, history, _ in curves)
        self._figure.set_label(f"Learning curves and weights. Test accuracy, spikes: {told or 'no run'}.")
        return self._figure


@styled
def _empty_figure(names: Sequence[str]) -> StyledFigure:
    figure = StyledFigure((DOUBLE, 3.4 + 0.07 * len(names)), "")
    panels = figure.subplots(2, 3).ravel()
    for panel, label in zip(panels, _CURVES.values(), strict=False):
        panel.set(xlabel="epoch", ylabel=label, ylim=(0, 0.012))  # reserves space for long tick labels
    for panel, label in zip(panels[-2:], _MATRICES.values(), strict=True):
        panel.set(xlabel=label, ylabel="density (%)")
    for panel in panels:
        panel.grid()
    lines = [Line2D([], [], color=colour, linestyle=line) for colour, line in LINES]
    figure.legend(lines[: len(names)], names, loc="outside upper center", ncols=2)
    return figure


def _draw(axes: Mapping[Any, Any], curve: Curve, look: dict[str, Any]) -> None:
    thin = slice(None, None, 1 + len(curve.history["epoch"]) // _POINTS_MAX)
    epochs = np.asarray(curve.history["epoch"])[thin]
    for column in _CURVES:
        values = np.asarray(curve.history[column])[thin] * (1 if column == "mse" else 100)
        axes[column].plot(epochs, values, **look)
    if curve.weights is None:
        return
    for layer in _MATRICES:
        density = np.histogram(curve.weights.matrices[layer], _BINS, density=True)[0]
        axes[layer].stairs(100 * density, _BINS, **look)


def _reference(axis: Any, value: float) -> None:
    axis.axhline(value, color="black", linewidth=0.8, linestyle=":")
    corner = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "top"}
    axis.annotate(f"paper {value:.1f}", (0.99, value), (0, -2), ha="right", **corner)
