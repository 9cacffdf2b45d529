"""Results in, a matplotlib Figure out: the learning explorer's picture."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from snnbp.claims import claims
from snnbp.figures import BLUE, GREEN, GREY, ORANGE, PURPLE
from snnbp.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.training import Checkpoint
from snnbp.weights import Weights

_CLAIMED = {claim.id: claim.paper for claim in claims()}
PAPER = {"spikes": _CLAIMED["mnist-best-spikes"], "potential": _CLAIMED["mnist-best-potential-journal"]}
"""The paper's accuracies on MNIST, best of 60 epochs."""

_LINES = [(colour, line) for line in ("-", "--") for colour in (GREY, BLUE, ORANGE, GREEN, PURPLE)]
_BINS = np.arange(WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + 8 * WEIGHT_GRID, 8 * WEIGHT_GRID)


class Curve(NamedTuple):
    """What is drawn of one run."""

    history: tuple[Checkpoint, ...]
    weights: Weights


def runs_figure(names: Sequence[str], curves: Sequence[Curve], paper: bool) -> Figure:
    """Three accuracies, loss and both weight distributions, one line a run; `paper`: with its values.

    A figure of 1,000 x 500 pixels, laid out by hand: constrained layout would take most of the time.
    """
    figure = Figure(figsize=(12.5, 6.25), dpi=80)
    grid = figure.subplots(2, 3)
    figure.subplots_adjust(left=0.06, right=0.99, bottom=0.09, top=0.88, wspace=0.2, hspace=0.35)
    panels = zip(("exact", "spikes", "potential", "mse"), grid.flat, strict=False)
    for column, axes in panels:
        share = 1 if column == "mse" else 100
        for curve, (colour, line) in zip(curves, _LINES, strict=False):
            epochs = [row.epoch for row in curve.history]
            values = [share * getattr(row, column) for row in curve.history]
            axes.plot(
                epochs, values, line, color=colour, linewidth=1.6, marker="." if len(epochs) < 9 else ""
            )
        if column == "mse":
            axes.set(ylabel="loss, mean of (o − t)²")
        else:
            axes.set(ylabel=f"accuracy, {column} (%)")
        if paper and column in PAPER:
            axes.axhline(100 * PAPER[column], color="black", linewidth=0.9, linestyle=":")
            text = f"paper {100 * PAPER[column]:.1f}"
            axes.text(
                0.99, 100 * PAPER[column], text, transform=axes.get_yaxis_transform(), ha="right", va="bottom"
            )
        axes.set(xlabel="epoch")
        axes.margins(y=0.12)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.25)
    for layer, axes in zip(("w1", "w2"), grid.flat[4:], strict=True):
        for curve, (colour, line) in zip(curves, _LINES, strict=False):
            counts, edges = np.histogram(getattr(curve.weights, layer), _BINS, density=True)
            axes.stairs(100 * counts, edges, color=colour, linestyle=line, linewidth=1.3)
        axes.set(xlabel=f"{layer.upper()} (weight units)", ylabel="% of weights per unit")
        axes.grid(alpha=0.25)
    shown = [grid[0, 0].lines[n] for n in range(len(curves))]
    figure.legend(shown, names, loc="upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def folded(size: int) -> tuple[int, int]:
    """Neurons in rows, as square as their number allows."""
    rows = next(n for n in range(int(size**0.5), 0, -1) if size % n == 0)
    return rows, size // rows
