"""The learning explorer's figure: accuracies, loss and weights of runs of any length."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

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


@styled
def progress_figure(
    curves: Sequence[tuple[str, pd.DataFrame, Weights | None]], references: Mapping[str, float]
) -> StyledFigure:
    """Draw each run, a name, a history and weights, as a line in six panels.

    `references` are accuracies (fractions) to compare with, by column of the history.
    """
    told = "; ".join(f"{name}: {100 * history['spikes'].iloc[-1]:.1f} %" for name, history, _ in curves)
    alt = f"Learning curves and weights. Test accuracy, spikes: {told or 'no run'}."
    figure = StyledFigure((DOUBLE, 3.4 + 0.07 * len(curves)), alt)
    panels = dict(zip((*_CURVES, *_MATRICES), figure.subplots(2, 3).ravel(), strict=True))
    handles = []
    for (name, history, weights), (colour, line) in zip(curves, LINES, strict=False):
        look: dict[str, Any] = {"color": colour, "linestyle": line}
        for column in _CURVES:
            drawn = draw_runs(panels[column], [history], column, name, **look)
        handles.append(drawn)
        if weights is not None:
            for layer in _MATRICES:
                draw_density(panels[layer], weights.matrices[layer], 8 * WEIGHT_GRID, **look)
    for column, value in references.items():
        paper = panels[column].axhline(
            100 * value, color="black", linewidth=0.8, linestyle=":", label="paper"
        )
    for column, label in _CURVES.items():
        panels[column].set(xlabel="epoch", ylabel=label, xlim=(0, None))
    for layer, label in _MATRICES.items():
        panels[layer].set(xlabel=label, ylabel="density (%)")
    panels["mse"].set_ylim(0, None)
    for panel in panels.values():
        panel.grid()
    handles += [paper] if references else []
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure
