"""The learning explorer's figure: accuracies, loss and weights of runs of any length."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from snnbp.circuit.loihi import WEIGHT_GRID
from snnbp.circuit.weights import Weights
from snnbp.plots.curves import draw_runs
from snnbp.plots.distributions import draw_density
from snnbp.plots.style import COLOURS, DOUBLE, StyledFigure, styled

LINES = [(colour, line) for line in ("-", "--") for colour in COLOURS]
"""Styles of the runs' lines: 5 colours, 2 line styles."""

_CURVES = {
    "exact": "accuracy, exact (%)",
    "spikes": "accuracy, spikes (%)",
    "potential": "accuracy, potential (%)",
    "mse": "loss, mean (o − t)²",
}
_MATRICES = {0: "first matrix, W1 (weight units)", -1: "last matrix (weight units)"}


class Curve(NamedTuple):
    """One run's history (columns epoch, exact, spikes, potential, mse) and its weights now."""

    name: str
    history: Mapping[str, Any]
    weights: Weights | None


@styled
def progress_figure(curves: Sequence[Curve], references: Mapping[str, float]) -> StyledFigure:
    """Draw each run as a line in six panels; `references` (fractions) are accuracies to compare with."""
    told = "; ".join(f"{curve.name}: {100 * curve.history['spikes'][-1]:.1f} %" for curve in curves)
    alt = f"Learning curves and weights. Test accuracy, spikes: {told or 'no run'}."
    figure = StyledFigure((DOUBLE, 3.4 + 0.07 * len(curves)), alt)
    panels = dict(zip((*_CURVES, *_MATRICES), figure.subplots(2, 3).ravel(), strict=True))
    for curve, (colour, line) in zip(curves, LINES, strict=False):
        look: dict[str, Any] = {"color": colour, "linestyle": line}
        for column in _CURVES:
            draw_runs(panels[column], [curve.history], column, curve.name, **look)
        if curve.weights is not None:
            for layer in _MATRICES:
                draw_density(panels[layer], curve.weights.matrices[layer], 8 * WEIGHT_GRID, **look)
    for column, value in references.items():
        panels[column].axhline(100 * value, color="black", linewidth=0.8, linestyle=":", label="paper")
    for column, label in _CURVES.items():
        panels[column].set(xlabel="epoch", ylabel=label, xlim=(0, None))
    for layer, label in _MATRICES.items():
        panels[layer].set(xlabel=label, ylabel="density (%)")
    panels["mse"].set_ylim(0, None)
    for panel in panels.values():
        panel.grid()
    handles, names = panels["spikes"].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure
