"""Comparison of networks with different numbers of hidden layers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from snnbp.plots.curves import _stacked
from snnbp.plots.style import BLUE, COLOURS, DOUBLE, GREY, ORANGE, StyledFigure, panel_letters, styled

if TYPE_CHECKING:
    import pandas as pd

Seeds = tuple[Sequence[float], Sequence[bool]]

_X = "hidden layers L"


@styled
def lines_against_depth(panels: Mapping[str, Mapping[str, Mapping[int, float]]]) -> StyledFigure:
    """Draw quantities over the number of hidden layers.

    Parameters
    ----------
    panels : mapping of str to mapping
        By label of the y axis, by label of the line: value by number of hidden layers.

    Returns
    -------
    StyledFigure
        A panel for each quantity, from 0.
    """
    told = "; ".join(
        f"{quantity}: " + ", ".join(f"{label} {_told(line)}" for label, line in lines.items())
        for quantity, lines in panels.items()
    )
    figure = StyledFigure((DOUBLE, 2.5), f"Quantities over the number of hidden layers. {told}.")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (quantity, lines) in zip(axes, panels.items(), strict=True):
        for (label, line), colour, marker in zip(lines.items(), COLOURS, "osD^v", strict=False):
            style = "-" if len(line) > 1 else ""
            axis.plot([*line], [*line.values()], style, marker=marker, color=colour, label=label)
        axis.set(xlabel=_X, ylabel=quantity, ylim=(0, None))
        axis.margins(x=0.1, y=0.1)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid()
        axis.legend()
    panel_letters(axes)
    return figure


@styled
def accuracy_against_depth(panels: Mapping[str, Mapping[int, Seeds]]) -> StyledFigure:
    """Draw accuracy over the number of hidden layers, one dot a run.

    Parameters
    ----------
    panels : mapping of str to mapping
        By accuracy ("spikes", "potential", "exact"), by number of hidden layers: the runs' values (fractions)
        and which of the runs collapsed.

    Returns
    -------
    StyledFigure
        Bars are means and standard deviations of the runs that did not collapse; collapsed runs are crosses
        on the lower edge, regardless of their accuracy.
    """
    figure = StyledFigure((DOUBLE, 2.9), "")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    told, any_collapsed = [], False
    for axis, (accuracy, depths) in zip(axes, panels.items(), strict=True):
        means = {}
        for depth, (values, collapsed) in depths.items():
            percent, gone = 100 * np.asarray(values), np.asarray(collapsed, bool)
            x = depth + np.linspace(-0.2, 0.2, len(percent))
            axis.plot(x[~gone], percent[~gone], "o", color=BLUE, markersize=2.5, alpha=0.7)
            edge = axis.get_xaxis_transform()
            for place in x[gone]:
                any_collapsed = True
                axis.plot(place, 0.02, "x", color=ORANGE, transform=edge)
            if (~gone).sum() > 1:
                means[depth], sd = percent[~gone].mean(), percent[~gone].std(ddof=1)
                axis.errorbar(depth + 0.32, means[depth], sd, marker="_", color="black", capsize=2, zorder=3)
                told.append(
                    f"{accuracy}, L = {depth}: {means[depth]:.2f} ± {sd:.2f} %, {gone.sum()} collapsed"
                )
        axis.plot([depth + 0.32 for depth in means], [*means.values()], color=GREY, linewidth=0.6)
        axis.set(xlabel=_X, ylabel=f"test accuracy, {accuracy} (%)", xticks=[*depths])
        axis.margins(x=0.1, y=0.12)
        axis.grid(axis="y")
    figure.set_label(f"Test accuracy over the number of hidden layers. {'; '.join(told)}.")
    marks = [
        Line2D([], [], color=BLUE, marker="o", markersize=2.5, linestyle="", label="one run"),
        Line2D([], [], color="black", marker="_", linestyle="-", label="mean and standard deviation"),
    ]
    if any_collapsed:
        marks.append(Line2D([], [], color=ORANGE, marker="x", linestyle="", label="collapsed run"))
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    panel_letters(axes)
    return figure


@styled
def differences_against_depth(
    panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]],
) -> StyledFigure:
    """Draw paired differences of accuracy over the number of hidden layers, one dot a pair of runs.

    Parameters
    ----------
    panels : mapping of str to mapping
        By title, by label, by number of hidden layers: the pairs' differences (fractions), at least two.

    Returns
    -------
    StyledFigure
        Bars are means and their standard errors.
    """
    figure = StyledFigure((DOUBLE, 2.9), "")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    told = []
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        places = 0.24 * (np.arange(len(lines)) - (len(lines) - 1) / 2)
        for (label, depths), colour, place in zip(lines.items(), COLOURS, places, strict=False):
            points = {depth: 100 * np.asarray(values) for depth, values in depths.items()}
            means = {depth: (p.mean(), p.std(ddof=1) / np.sqrt(p.size)) for depth, p in points.items()}
            for depth, values in points.items():
                axis.plot(
                    np.full(values.size, depth + place), values, "o", color=colour, markersize=2, alpha=0.4
                )
            x = np.array([*means]) + place + 0.07
            y, error = np.array([*means.values()]).T
            axis.errorbar(x, y, error, color=colour, marker="_", capsize=2, linewidth=0.8, label=label)
            told += [f"{title}, {label}, L = {n}: {m:.2f} ± {sem:.2f}" for n, (m, sem) in means.items()]
        axis.axhline(0, color=GREY, linewidth=0.6)
        axis.set(xlabel=_X, title=title, xticks=[*depths])
        axis.margins(x=0.1)
        axis.grid(axis="y")
    axes[0].set(ylabel="difference of accuracy (points)")
    figure.set_label(f"Differences of test accuracy in points, mean and standard error. {'; '.join(told)}.")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(lines))
    panel_letters(axes)
    return figure


@styled
def curves_against_depth(
    histories: "Mapping[int, Sequence[pd.DataFrame]]", columns: Sequence[str] = ("spikes", "potential")
) -> StyledFigure:
    """Draw accuracy over training for each number of hidden layers.

    Parameters
    ----------
    histories : mapping of int to sequence of DataFrame
        By number of hidden layers, `Run.history` of the runs; all of equal length.
    columns : sequence of str
        The accuracies to draw (fractions in the history), a panel for each.

    Returns
    -------
    StyledFigure
        Thick lines are means over the runs, bands reach from the lowest to the highest run.
    """
    means = {
        column: {depth: 100 * _stacked(runs, column).mean(axis=0) for depth, runs in histories.items()}
        for column in columns
    }
    told = "; ".join(
        f"{column}: " + ", ".join(f"L = {depth} {mean[-1]:.1f} %" for depth, mean in lines.items())
        for column, lines in means.items()
    )
    figure = StyledFigure((DOUBLE, 2.9), f"Test accuracy over training. Last means, {told}.")
    axes = figure.subplots(1, len(columns), squeeze=False, sharey=True)[0]
    for axis, column in zip(axes, columns, strict=True):
        for (depth, runs), colour in zip(histories.items(), COLOURS, strict=False):
            epochs, curves = runs[0]["epoch"].to_numpy(), 100 * _stacked(runs, column)
            band = curves.min(axis=0), curves.max(axis=0)
            axis.fill_between(epochs, *band, color=colour, alpha=0.15, linewidth=0)
            label = f"L = {depth} (n = {len(runs)})"
            axis.plot(epochs, means[column][depth], color=colour, label=label)
        axis.set(xlabel="epoch", xlim=(0, epochs[-1]))
        axis.set_title(column)
        axis.grid()
    lowest = min(np.quantile(mean, 0.05) for lines in means.values() for mean in lines.values())
    axes[0].set(ylabel="test accuracy (%)", ylim=(np.floor(lowest) - 1, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(histories))
    panel_letters(axes)
    return figure


def _told(line: Mapping[int, float]) -> str:
    return ", ".join(f"{value:.4g} (L = {depth})" for depth, value in line.items())
