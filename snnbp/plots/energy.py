"""Energy: what an estimate consists of, and Table 1 of the paper as a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.plots.style import (
    BLUE,
    COLOURS,
    DOUBLE,
    GREY,
    ORANGE,
    StyledFigure,
    panel_letters,
    place_label,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd

# Where a label may stand: right and up from its point, in points, and its alignment; the nearest places first.
_PLACES = [(0.0, 5.0, "center"), (0.0, -5.0, "center"), (6.0, 0.0, "left"), (-6.0, 0.0, "right")]
_PLACES += [
    (right, up, align)
    for up in (6.0, -6.0, 12.0, -12.0, 18.0, -18.0, 26.0, -26.0, 34.0, -34.0)
    for right, align in ((4.0, "left"), (-4.0, "right"), (0.0, "center"), (14.0, "left"), (-14.0, "right"))
]

_MARKERS: dict[str, dict[str, Any]] = {
    "ours": {"marker": "D", "color": BLUE, "markersize": 5},
    "paper": {"marker": "o", "color": ORANGE, "markersize": 8, "fillstyle": "none", "markeredgewidth": 1.5},
    "others": {"marker": "o", "color": GREY, "markersize": 3.5},
}
_GROUPS = {
    "ours": "this reproduction (energy estimated; line: range)",
    "paper": "the paper (reported)",
    "others": "other studies (reported)",
}


@styled
def stacked_bars(
    panels: Mapping[str, tuple[Sequence[Any], NDArray[np.float64]]], parts: Sequence[str], unit: str
) -> StyledFigure:
    """Draw bars made of parts, for instance energy by operation.

    Parameters
    ----------
    panels : mapping of str to (labels, array)
        By the label of the x axis: what is written below the bars, and their values (bars, parts).
    parts : sequence of str
    unit : str
        The label of the y axis.

    Returns
    -------
    StyledFigure
    """
    alt = f"Stacked bars of {unit}, made of {', '.join(parts)}, over {' and over '.join(panels)}."
    figure = StyledFigure((DOUBLE, 2.6), alt)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, (labels, values)) in zip(axes, panels.items(), strict=True):
        bottom = np.zeros(len(labels))
        for part, heights, colour in zip(parts, values.T, COLOURS, strict=False):
            axis.bar([str(label) for label in labels], heights, bottom=bottom, color=colour, label=part)
            bottom = bottom + heights
        axis.set(xlabel=title)
        axis.grid(axis="y")
    axes[0].set(ylabel=unit)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(parts))
    panel_letters(axes)
    return figure


@styled
def accuracy_energy(rows: "pd.DataFrame", paper: str) -> StyledFigure:
    """Draw Table 1 of the paper: accuracy over energy, a panel for each mode.

    Parameters
    ----------
    rows : DataFrame
        A row for each study and mode, with the columns mode, study, energy_mj, energy_mj_max (the other end
        of an estimate's range, or NaN), accuracy (%) and kind; a kind other than "reported" marks this
        reproduction's rows. Rows without energy or accuracy are left out.
    paper : str
        `study` of the paper's rows, to highlight them.

    Returns
    -------
    StyledFigure
    """
    rows = rows.dropna(subset=["energy_mj", "accuracy"])
    kinds = np.select([rows["kind"] != "reported", rows["study"] == paper], ["ours", "paper"], "others")
    rows = rows.assign(group=kinds)
    told = "; ".join(
        f"{row.study}, {row.mode}: {row.energy_mj:.3g} mJ, {row.accuracy:.1f} %"
        for row in rows[rows["group"] != "others"].itertuples()
    )
    figure = StyledFigure((DOUBLE, 3.6), f"MNIST accuracy over energy a sample. {told}.")
    panels = figure.subplots(1, rows["mode"].nunique(), sharey=True, squeeze=False)[0]
    modes = dict(zip(rows["mode"].unique(), panels, strict=True))
    for mode, axis in modes.items():
        axis.set_title(mode)
        axis.set(xscale="log", xlabel="energy a sample (mJ)")
        axis.margins(x=0.32, y=0.12)
        axis.grid()
    for row in rows.itertuples():
        modes[row.mode].plot(row.energy_mj, row.accuracy, linestyle="", **_MARKERS[row.group])
        if row.energy_mj_max > row.energy_mj:
            modes[row.mode].plot([row.energy_mj, row.energy_mj_max], [row.accuracy] * 2, color=BLUE)
    panels[0].set(ylabel="MNIST test accuracy (%)")
    lines = {"ours": "-"}
    handles = [
        Line2D([], [], linestyle=lines.get(group, ""), label=_GROUPS[group], **marker)
        for group, marker in _MARKERS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    panel_letters(panels)
    figure.settle()
    for mode, axis in modes.items():
        _name_points(axis, rows[rows["mode"] == mode].sort_values("group", key=_order))
    return figure


def _order(groups: "pd.Series[str]") -> "pd.Series[int]":
    return groups.map(list(_MARKERS).index)


def _name_points(axis: Axes, rows: "pd.DataFrame") -> None:
    """Write the studies beside their points, in the rows' order."""
    taken = [line.get_window_extent().padded(1) for line in axis.lines]
    for row in rows.itertuples():
        colour = _MARKERS[row.group]["color"]
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
        settings = {"fontsize": 6, "color": colour, "arrowprops": line}
        point = (row.energy_mj, row.accuracy)
        place_label(axis, row.study, point, _PLACES, taken, within=axis.bbox, **settings)
