"""Comparison of networks with different numbers of hidden layers."""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from snnbp.plots.legend import dot
from snnbp.plots.style import COLOURS, DOUBLE, GREY, StyledFigure, panel_letters, styled


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
        A panel for each quantity. Lines join means, bars are standard deviations over the seeds.
    """
    figure = StyledFigure((DOUBLE, 2.9), "")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    told = []
    found = [values for lines in panels.values() for line in lines.values() for values in line.values()]
    dotted = any(np.size(values) > 1 for values in found)
    for axis, (quantity, lines) in zip(axes, panels.items(), strict=True):
        lane = 0.6 / len(lines)
        for number, (label, line) in enumerate(lines.items()):
            seeds = [np.atleast_1d(values) for values in line.values()]
            means = [values.mean() for values in seeds]
            deviations = [values.std(ddof=min(1, values.size - 1)) for values in seeds]
            x = np.array([*line]) + lane * (number - (len(lines) - 1) / 2)
            for place, values in zip(x, seeds, strict=True):
                if values.size > 1:
                    dots = place + lane * np.linspace(-0.25, 0.25, values.size)
                    axis.plot(dots, values, "o", color=COLOURS[number], markersize=2.5, alpha=0.5)
            axis.errorbar(
                x + 0.4 * lane * dotted,
                means,
                deviations if dotted else None,
                color=COLOURS[number],
                marker="oD^sv"[number],
                linewidth=0.8,
                capsize=2,
                zorder=3,
                label=f"{label} (mean, standard deviation)" if dotted else label,
            )
            points = zip(line, seeds, means, deviations, strict=True)
            numbers = [f"{m:.4g}{f' ± {sd:.2g}' * (v.size > 1)} (L = {depth})" for depth, v, m, sd in points]
            told.append(f"{quantity}, {label}: {', '.join(numbers)}")
        axis.set(xlabel="hidden layers L", ylabel=quantity)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.margins(x=0.1, y=0.1)
        axis.grid(axis="y")
        if zero:
            axis.axhline(0, color=GREY, linewidth=0.6)
    what = "Means ± standard deviations" if dotted else "Quantities"
    figure.set_label(f"{what} over the number of hidden layers. {'; '.join(told)}.")
    handles, _ = axes[0].get_legend_handles_labels()
    if dotted:
        handles.append(dot("one seed", markersize=2.5))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    panel_letters(axes)
    return figure
