"""Distributions of accuracies over seeds and of weights; confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.plots.labels import Labels, Place
from snnbp.plots.legend import dot, mark
from snnbp.plots.style import BLUE, COLOURS, DOUBLE, GREY, ORANGE, StyledFigure, panel_letters, styled, symbol

Groups = Mapping[str, tuple[Sequence[float], Sequence[bool]]]

_MOST_NUMBERS = 12
"""More classes than that leave no room for a number in each cell."""

_PLACES: list[Place] = [(0, 2 + 8 * line, align) for line in range(4) for align in ("center", "right")]
"""Above the axis, in as many lines as the labels need."""


@styled
def seed_distributions(
    panels: Mapping[str, Groups], references: Mapping[str, Mapping[str, float]] | None = None
) -> StyledFigure:
    """Draw one dot a run, a row for each group of runs.

    Parameters
    ----------
    panels : mapping of str to mapping
        By accuracy ("spikes", "potential"), by the group's label: the runs' values (fractions) and which of
        the runs collapsed.
    references : mapping of str to mapping, optional
        The paper's values (fractions) to draw as lines, by accuracy, by label.

    Returns
    -------
    StyledFigure
        Collapsed runs are crosses in a separate part of the axis. The black bar is the median of the other
        runs.
    """
    references = references or {}
    told = "; ".join(f"{accuracy}: {_told(groups)}" for accuracy, groups in panels.items())
    rows = sum(len(groups) for groups in panels.values())
    figure = StyledFigure((DOUBLE, 0.9 + 0.26 * rows + 0.5 * len(panels)), f"Accuracies over seeds. {told}.")
    crossed = any(any(gone) for groups in panels.values() for _, gone in groups.values())
    widths = (1, 5) if crossed else (1,)
    grid = figure.subplots(len(panels), len(widths), squeeze=False, sharey="row", width_ratios=widths)
    for axes, (accuracy, groups) in zip(grid, panels.items(), strict=True):
        main = axes[-1]
        for place, (values, collapsed) in enumerate(groups.values()):
            percent, gone = 100 * np.asarray(values), np.asarray(collapsed, bool)
            offsets = np.linspace(-0.3, 0.3, len(percent))
            axes[0].plot(percent[gone], place + offsets[gone], "x", color=ORANGE)
            main.plot(percent[~gone], place + offsets[~gone], "o", color=BLUE, markersize=2.5)
            if not gone.all():
                median = np.median(percent[~gone])
                main.vlines(median, place - 0.4, place + 0.4, "black", linewidth=1.4, zorder=3)
        named = [f"{label} (n = {len(values)})" for label, (values, _) in groups.items()]
        axes[0].set_yticks(range(len(groups)), named)
        axes[0].set(ylim=(len(groups) - 0.5, -0.5))
        main.set(xlabel=f"test accuracy, {accuracy} (%)")
        if crossed:
            axes[0].set(xlabel="collapsed runs (%)")
            axes[0].margins(x=0.25)
            main.tick_params(left=False)
            main.spines["left"].set_visible(False)
        shown = references.get(accuracy, {})
        main.set_title(" \n" * (len(shown) - 1) + " ", fontsize=6)  # reserves space for the labels
        for value in shown.values():
            main.axvline(100 * value, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
        main.grid(axis="x")
    handles = [
        dot("one run", color=BLUE, markersize=2.5),
        dot("median" + " without collapsed runs" * crossed, color="black", marker="|", markersize=8),
    ]
    if crossed:
        handles.append(dot("collapsed run", color=ORANGE, marker="x"))
    if references:
        handles.append(mark("paper", linewidth=0.8, linestyle="--"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    panel_letters(grid[:, 0])
    figure.settle()
    for axes, accuracy in zip(grid, panels, strict=True):
        labels = Labels(axes[-1])
        for label, value in sorted(references.get(accuracy, {}).items(), key=lambda item: item[1]):
            settings: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "fontsize": 6, "color": GREY}
            labels.add(label, (100 * value, 1), _PLACES, **settings)
    return figure


def _told(groups: Groups) -> str:
    medians = []
    for label, (values, collapsed) in groups.items():
        kept = [value for value, gone in zip(values, collapsed, strict=True) if not gone]
        middle = f"{100 * np.median(kept):.2f} %" if kept else "none"
        medians.append(f"{label} median {middle}, {len(values) - len(kept)} of {len(values)} collapsed")
    return ", ".join(medians)


@styled
def weight_distributions(networks: Sequence[Sequence[NDArray[np.int16]]]) -> StyledFigure:
    """Draw the distribution of each weight matrix, an outline a network.

    Parameters
    ----------
    networks : sequence of sequence of array
        `Weights.matrices` of networks with equally many layers.

    Returns
    -------
    StyledFigure
        A panel for each matrix: share of weights (%) per weight unit, between the weight bounds.
    """
    layers = len(networks[0])
    told = ", ".join(f"W{layer}" for layer in range(1, layers + 1))
    figure = StyledFigure((DOUBLE, 2.3), f"Distributions of the weights in {told}, n = {len(networks)}.")
    panels = figure.subplots(1, layers, squeeze=False)[0]
    for layer, axis in enumerate(panels):
        for run, (matrices, colour) in enumerate(zip(networks, COLOURS, strict=False), 1):
            draw_density(axis, matrices[layer], 4 * WEIGHT_GRID, color=colour, label=f"run {run}")
        for bound, label in ((WEIGHT_MIN, None), (WEIGHT_MAX, "weight bounds")):
            axis.axvline(bound, color=GREY, linewidth=0.8, linestyle="--", label=label)
        axis.set_title(symbol(f"W{layer + 1}"))
        axis.set(xlabel="weight (weight units)", ylim=(0, None))
    panels[0].set(ylabel="density (% per weight unit)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    panel_letters(panels)
    return figure


def draw_density(axis: Axes, matrix: NDArray[np.int16], width: int, **look: Any) -> None:
    """Draw the share of weights (%) per weight unit, in bins of a width, between the weight bounds."""
    bins = np.arange(WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + width, width)
    axis.stairs(100 * np.histogram(matrix, bins, density=True)[0], bins, **look)


@styled
def confusion_matrices(matrices: Mapping[str, NDArray[np.int64]], names: Sequence[str]) -> StyledFigure:
    """Draw confusion matrices.

    Parameters
    ----------
    matrices : mapping of str to array
        By title, counts (classes, classes + 1): rows are the true classes, columns the first output that
        spikes; the last column counts silent samples.
    names : sequence of str
        The classes.

    Returns
    -------
    StyledFigure
        Numbers are counts, colours shares of a row.
    """
    told = ", ".join(f"{title}: {np.trace(c) / c.sum():.1%} right" for title, c in matrices.items())
    size = (DOUBLE, DOUBLE / len(matrices) + 0.1) if len(matrices) > 1 else (4.4, 3.7)
    figure = StyledFigure(size, f"Confusion matrices. {told}.")
    panels = figure.subplots(1, len(matrices), squeeze=False, sharey=True)[0]
    for axis, (title, counts) in zip(panels, matrices.items(), strict=True):
        shares = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        shown = axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)
        for (row, column), number in np.ndenumerate(counts):
            if number and len(names) <= _MOST_NUMBERS:
                colour = "white" if shares[row, column] > 50 else "black"
                axis.text(column, row, str(number), ha="center", va="center", fontsize=5, color=colour)
        axis.set_title(title, parse_math=False)
        axis.set(xlabel="first output that spikes")
        axis.set_yticks(range(len(names)), names, parse_math=False)
        axis.set_xticks(range(len(names) + 1), [*names, "silent"], parse_math=False)
        axis.tick_params("x", rotation=90)
        axis.spines[["top", "right"]].set_visible(True)
    panels[0].set(ylabel="class")
    figure.colorbar(shown, ax=panels, label="share of the class (%)", shrink=0.6, pad=0.01)
    if len(panels) > 1:
        panel_letters(panels)
    return figure
