"""Parts of an energy estimate, and Table 1 of the paper as a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from snnbp.plots.legend import legend_below, mark
from snnbp.plots.style import BLUE, DOUBLE, GREY, ORANGE, StyledFigure, coloured, panel_letters, plain, styled

if TYPE_CHECKING:
    import pandas as pd

# Around a point, nearest first: right and up (points), and the alignment of the text.
_PLACES = [(0, 5, "center"), (0, -5, "center"), (6, 0, "left"), (-6, 0, "right")]
_PLACES += [
    (side * right, way * up, align)
    for up in (5, 8, 12, 16, 20, 25, 30, 36)
    for right in (4, 10, 20, 30)
    for way in (1, -1)
    for side, align in ((1, "left"), (-1, "right"))
]

_Placed = tuple[Bbox, list[NDArray[np.float64]]]
"""The box of a label, and points of the line from there to what it names."""

_OURS = {"marker": "D", "color": BLUE, "markersize": 5}
_RING = {"marker": "o", "color": ORANGE, "markersize": 10, "fillstyle": "none", "linestyle": ""}
_OTHERS = {"marker": "o", "color": GREY, "markersize": 3.5, "zorder": 3, "linestyle": ""}
_GROUPS: dict[str, tuple[str, dict[str, Any]]] = {
    "ours": ("this reproduction (energy estimated; line: range)", _OURS),
    "paper": ("the paper (reported)", _RING | {"markeredgewidth": 1.2}),
    "others": ("other studies (reported)", _OTHERS),
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
        for (part, colour), heights in zip(coloured(parts), values.T, strict=True):
            axis.bar([plain(label) for label in labels], heights, bottom=bottom, color=colour, label=part)
            bottom = bottom + heights
        axis.set(xlabel=plain(title))
        axis.grid(axis="y")
    axes[0].set(ylabel=plain(unit))
    handles = [mark(plain(part), color=c, linewidth=6) for part, c in coloured(parts)]
    legend_below(figure, handles)
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
    shown: list[dict[Any, Any]] = rows.dropna(subset=["energy_mj", "accuracy"]).to_dict("records")
    for row in shown:
        row["group"] = "ours" if row["kind"] != "reported" else "paper" if row["study"] == paper else "others"
    shown.sort(key=lambda row: (list(_GROUPS).index(row["group"]), -row["energy_mj"]))
    told = "; ".join(
        f"{row['study']}, {row['mode']}: {row['energy_mj']:.3g} mJ, {row['accuracy']:.1f} %"
        for row in shown
        if row["group"] != "others"
    )
    figure = StyledFigure((DOUBLE, 3.6), f"MNIST accuracy over energy a sample. {told}.")
    modes = list(rows["mode"].unique())
    panels = dict(zip(modes, figure.subplots(1, len(modes), sharey=True, squeeze=False)[0], strict=True))
    for mode, axis in panels.items():
        axis.set_title(mode)
        axis.set(xscale="log", xlabel="energy a sample (mJ)")
        axis.margins(x=0.32, y=0.12)
        axis.grid()
    for row in shown:
        panels[row["mode"]].plot(row["energy_mj"], row["accuracy"], **_GROUPS[row["group"]][1])
        if row["energy_mj_max"] > row["energy_mj"]:
            ends = [row["energy_mj"], row["energy_mj_max"]]
            panels[row["mode"]].plot(ends, [row["accuracy"]] * 2, color=BLUE)
    figure.axes[0].set(ylabel="MNIST test accuracy (%)")
    legend_below(figure, [mark(label, **look) for label, look in _GROUPS.values()])
    panel_letters(figure.axes)
    figure.settle()
    for mode, axis in panels.items():
        _write_studies(axis, [row for row in shown if row["mode"] == mode])
    return figure


def _write_studies(axis: Axes, rows: Sequence[Mapping[Any, Any]]) -> None:
    """Write the name of each study beside its point, at the first place that is free."""
    taken, drawn = [line.get_window_extent().padded(1) for line in axis.lines], list[Any]()
    for row in rows:
        colour = _GROUPS[row["group"]][1]["color"]
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6, "color": colour}
        point = row["energy_mj"], row["accuracy"]
        label = axis.annotate(plain(row["study"]), point, (0, 0), arrowprops=arrow, **look)

        def placed(right: float, up: float, align: str, label: Any = label, to: Any = point) -> _Placed:
            label.xyann = right, up
            label.set(ha=align, va="bottom" if up > 0 else "top" if up < 0 else "center")
            label.get_window_extent()  # moves the text to its place
            box = Text.get_window_extent(label).padded(1)
            dots = np.linspace(np.add(box.min, box.max) / 2, axis.transData.transform(to), 40)
            return box, [dot for dot in dots if not box.contains(*dot)]

        costs = []
        for number, place in enumerate(_PLACES):
            box, line = placed(*place)
            outside = not (axis.bbox.contains(*box.min) and axis.bbox.contains(*box.max))
            overlaps = sum(box.overlaps(other) for other in taken)
            others = [other for other in taken if not (line and other.contains(*line[-1]))]
            crossed = sum(other.contains(*dot) for other in others for dot in line)
            crossed += sum(box.contains(*dot) for dot in drawn)
            costs.append(1000 * (outside + overlaps) + 20 * crossed + number)
            if costs[-1] == number:
                break
        box, line = placed(*_PLACES[int(np.argmin(costs))])
        taken.append(box)
        drawn += line
