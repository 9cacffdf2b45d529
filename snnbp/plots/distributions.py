"""Results of many runs: over seeds, over depth; distributions of weights; confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.plots.legend import dot, legend_below, mark, spread
from snnbp.plots.style import BLUE, DOUBLE, GREY, ORANGE, StyledFigure, coloured, panel_letters, plain, styled

Groups = Mapping[str, tuple[Sequence[float], Sequence[bool]]]

_FEW = 5
"""So many runs show their mean, more their median."""

_MOST_NUMBERS = 12
"""More classes than that leave no room for a number in each cell."""


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
        runs; the mean if no group has more than five.
    """
    references, told = references or {}, []
    found = [group for groups in panels.values() for group in groups.values()]
    few, crossed = max(len(values) for values, _ in found) <= _FEW, any(any(gone) for _, gone in found)
    average, name = (np.mean, "mean") if few else (np.median, "median")
    figure = StyledFigure((DOUBLE, 0.9 + 0.26 * len(found) + 0.5 * len(panels)), "")
    widths = (1, 5) if crossed else (1,)
    grid = figure.subplots(len(panels), len(widths), squeeze=False, sharey="row", width_ratios=widths)
    for axes, (accuracy, groups) in zip(grid, panels.items(), strict=True):
        main = axes[-1]
        for place, (label, (values, collapsed)) in enumerate(groups.items()):
            percent, gone = 100 * np.asarray(values), np.asarray(collapsed, bool)
            rows = place + spread(len(percent), 0.3)
            axes[0].plot(percent[gone], rows[gone], "x", color=ORANGE)
            main.plot(percent[~gone], rows[~gone], "o", color=BLUE, markersize=2.5)
            middle = "none"
            if not gone.all():
                middle = f"{average(percent[~gone]):.2f} %"
                main.vlines(average(percent[~gone]), place - 0.4, place + 0.4, "black", linewidth=1.2)
            told.append(f"{accuracy}, {label}: {name} {middle}, {gone.sum()} of {gone.size} collapsed")
        named = [plain(f"{label} (n = {len(values)})") for label, (values, _) in groups.items()]
        axes[0].set_yticks(range(len(groups)), named)
        axes[0].set(ylim=(len(groups) - 0.5, -0.5))
        main.set(xlabel=f"test accuracy, {accuracy} (%)")
        main.grid(axis="x")
        if crossed:
            axes[0].set(xlabel="collapsed runs (%)")
            axes[0].margins(x=0.25)
            main.tick_params(left=False)
            main.spines["left"].set_visible(False)
        _draw_references(main, references.get(accuracy, {}))
    figure.set_label(f"Accuracies over seeds. {'; '.join(told)}.")
    bar = f"{name} without collapsed runs" if crossed else name
    handles = [
        dot("one run", color=BLUE, markersize=2.5),
        dot(bar, color="black", marker="|", markersize=8),
    ]
    if crossed:
        handles.append(dot("collapsed run", color=ORANGE, marker="x"))
    if references:
        handles.append(mark("paper", linewidth=0.8, linestyle="--"))
    legend_below(figure, handles)
    panel_letters(grid[:, 0])
    return figure


def _draw_references(axis: Axes, references: Mapping[str, float]) -> None:
    """Lines, each with its label in a line of its own above the axis."""
    for line, (label, value) in enumerate(sorted(references.items(), key=lambda item: item[1])):
        axis.axvline(100 * value, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
        align = "right" if 100 * value > np.mean(axis.get_xlim()) else "left"
        look: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        place = (100 * value, 1), (0, 2 + 8 * line)
        axis.annotate(plain(label), *place, ha=align, fontsize=6, color=GREY, **look)


@styled
def against_depth(
    panels: Mapping[str, Mapping[str, Mapping[int, ArrayLike]]], zero: bool = False
) -> StyledFigure:
    """Draw quantities over the number of hidden layers, one dot a seed.

    Parameters
    ----------
    panels : mapping of str to mapping
        By label of the y axis, by label of the line, by number of hidden layers: one value or those of
        several seeds.
    zero : bool, default False
        Whether to draw a line at 0.

    Returns
    -------
    StyledFigure
        A panel for each quantity. Lines join means, bars are standard deviations over the seeds; beside a
        line at 0, numbers are means.
    """
    figure, told = StyledFigure((DOUBLE, 2.9), ""), []
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    found = [values for lines in panels.values() for line in lines.values() for values in line.values()]
    dotted = any(np.size(values) > 1 for values in found)
    for axis, (quantity, lines) in zip(axes, panels.items(), strict=True):
        lane, handles = 0.6 / len(lines), []
        for number, ((label, line), colour) in enumerate(coloured(lines.items())):
            seeds = [np.atleast_1d(values) for values in line.values()]
            means = [values.mean() for values in seeds]
            deviations = [values.std(ddof=min(1, values.size - 1)) for values in seeds]
            x = np.array([*line]) + lane * (number - (len(lines) - 1) / 2)
            for place, values in zip(x, seeds, strict=True):
                if values.size > 1:
                    look: dict[str, Any] = {"color": colour, "markersize": 2.5, "alpha": 0.5}
                    axis.plot(place + spread(values.size, 0.25 * lane), values, "o", **look)
            bars = axis.errorbar(
                x + 0.4 * lane * dotted,
                means,
                deviations if dotted else None,
                color=colour,
                marker="oD^sv"[number],
                linewidth=0.8,
                capsize=2,
                zorder=3,
                label=plain(f"{label} (mean, standard deviation)" if dotted else label),
            )
            handles.append(bars)
            for at, depth, values, mean, sd in zip(x, line, seeds, means, deviations, strict=True):
                told.append(
                    f"{quantity}, {label}, L = {depth}: {mean:.4g}{f' ± {sd:.2g}' * (values.size > 1)}"
                )
                if dotted and zero:  # a mean close to the line
                    look = {"textcoords": "offset points", "ha": "center", "fontsize": 6}
                    axis.annotate(f"{mean:.2f}", (at + 0.4 * lane, mean), (0, 5), **look)
        axis.set(xlabel="hidden layers L", ylabel=plain(quantity))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.margins(x=0.1, y=0.1)
        axis.grid(axis="y")
        if zero:
            axis.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    what = "Means ± standard deviations" if dotted else "Quantities"
    figure.set_label(f"{what} over the number of hidden layers. {'; '.join(told)}.")
    legend_below(figure, [*handles, *([dot("one seed", markersize=2.5)] if dotted else [])])
    panel_letters(axes)
    return figure


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
        for run, (matrices, colour) in enumerate(coloured(networks), 1):
            draw_density(axis, matrices[layer], 4 * WEIGHT_GRID, color=colour, label=f"run {run}")
        for bound, label in ((WEIGHT_MIN, None), (WEIGHT_MAX, "weight bounds")):
            axis.axvline(bound, color=GREY, linewidth=0.8, linestyle="--", label=label)
        axis.set_title(f"$W_{{{layer + 1}}}$")
        axis.set(xlabel="weight (weight units)", ylim=(0, None))
    panels[0].set(ylabel="density (% per weight unit)")
    legend_below(figure, panels[0].get_legend_handles_labels()[0], 6)
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
        axis.set_title(plain(title))
        axis.set(xlabel="first output that spikes")
        axis.set_yticks(range(len(names)), map(plain, names))
        axis.set_xticks(range(len(names) + 1), [*map(plain, names), "silent"])
        axis.tick_params("x", rotation=90)
        axis.spines[["top", "right"]].set_visible(True)
    panels[0].set(ylabel="class")
    figure.colorbar(shown, ax=panels, label="share of the class (%)", shrink=0.6, pad=0.01)
    panel_letters(panels)
    return figure
