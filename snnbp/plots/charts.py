"""Charts of what notebooks compare: accuracy, confusion, energy. As in `figures`, results in, Figure out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnbp.plots.results import BLUE, GREEN, GREY, ORANGE, PURPLE
from snnbp.paper.table1 import PAPER, Row

COLOURS = (ORANGE, BLUE, GREEN, PURPLE, GREY)


def accuracy_curves(epochs: NDArray[np.float64], curves: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Test accuracies (fractions) over training, by label (runs, checkpoints): one thin line a run, the mean
    of the runs thick."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axis = figure.add_subplot()
    for (label, runs), colour in zip(curves.items(), COLOURS, strict=False):
        axis.plot(epochs, 100 * runs.T, color=colour, linewidth=0.8, alpha=0.6)
        axis.plot(epochs, 100 * runs.mean(axis=0), color=colour, linewidth=2.4, label=label)
    axis.set(xlabel="epoch", ylabel="test accuracy, spikes (%)", xlim=(0, epochs[-1]), ylim=(0, 100))
    axis.grid(alpha=0.25)
    axis.legend(loc="lower left", title="mean (thick), single runs (thin)")
    return figure


def confusion_matrices(matrices: Mapping[str, NDArray[np.int64]], names: Sequence[str]) -> Figure:
    """Counts by title, (classes, classes + 1): rows are true classes, columns what the network says, the last
    one that it says nothing; colours are shares of a row."""
    figure = Figure(figsize=(6.2 * len(matrices), 5.4), layout="constrained")
    for axis, (title, counts) in zip(
        figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
    ):
        shares = counts / counts.sum(axis=1, keepdims=True)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), number in np.ndenumerate(counts):
            if number:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axis.text(column, row, str(number), ha="center", va="center", fontsize=7, color=colour)
        axis.set(title=title, xlabel="first output that spikes", ylabel="class")
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set_xticks(range(len(names) + 1), [*names, "silent"], fontsize=8, rotation=45, ha="right")
    return figure


def stacked_bars(
    panels: Mapping[str, tuple[Sequence[Any], NDArray[np.float64]]], parts: Sequence[str], unit: str
) -> Figure:
    """One panel of bars a title: labels of the bars, and values (bars, parts)."""
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axis, (title, (labels, values)) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        bottom = np.zeros(len(labels))
        for part, heights, colour in zip(parts, values.T, COLOURS, strict=False):
            axis.bar([str(label) for label in labels], heights, bottom=bottom, color=colour, label=part)
            bottom = bottom + heights
        axis.set(xlabel=title, ylabel=unit)
        axis.grid(alpha=0.25, axis="y")
        axis.set_axisbelow(True)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(parts), fontsize=9)
    return figure


def accuracy_energy(rows: Sequence[Row]) -> Figure:
    """Table 1 as a picture: accuracy over energy (log), a panel for each mode. Rows without either number
    are left out; a line to the right of an estimate is its range."""
    figure = Figure(figsize=(12, 6), layout="constrained")
    modes = list(dict.fromkeys(row.mode for row in rows))
    panels = dict(zip(modes, figure.subplots(1, len(modes), sharey=True, squeeze=False)[0], strict=True))
    for mode, axis in panels.items():
        axis.set(title=mode, xscale="log", xlabel="energy of one sample (mJ)")
        axis.grid(alpha=0.25)
        axis.margins(x=0.22, y=0.12)
    figure.axes[0].set_ylabel("MNIST test accuracy (%)")
    shown = [row for row in rows if row.energy_mj is not None and row.accuracy is not None]
    shown.sort(key=lambda row: (row.basis == "reported" and row.study != PAPER, -(row.accuracy or 0)))
    points = []
    for row in shown:
        points += panels[row.mode].plot(row.energy_mj, row.accuracy, linestyle="", **_marker(row))
        if row.most_mj:
            panels[row.mode].plot([row.energy_mj, row.most_mj], [row.accuracy] * 2, color=BLUE)
    figure.draw_without_rendering()  # fixes the layout, so that labels know where others are
    taken = [point.get_window_extent() for point in points]
    for row in shown:
        taken.append(_label(panels[row.mode], row, taken))
    return figure


def _marker(row: Row) -> dict[str, Any]:
    if row.basis != "reported":
        return {"marker": "D", "color": BLUE, "markersize": 9}
    if row.study == PAPER:
        return {"marker": "o", "color": ORANGE, "markersize": 12, "fillstyle": "none", "markeredgewidth": 2.5}
    return {"marker": "o", "color": GREY, "markersize": 6}


def _label(axis: Any, row: Row, taken: Sequence[Any]) -> Any:
    """Write a row's label at the first place around its point that is free; returns the box it takes."""
    places = [(0, 10, "center", "bottom"), (0, -10, "center", "top"), (10, 0, "left", "center")]
    places += [
        (0, way * far, "center", at) for far in (22, 34, 46) for way, at in ((1, "bottom"), (-1, "top"))
    ]
    for right, up, horizontal, vertical in places:
        text = axis.annotate(
            row.study,
            (row.energy_mj, row.accuracy),
            (right, up),
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=8,
            color=_marker(row)["color"],
        )
        box = text.get_window_extent()
        if not any(box.overlaps(other) for other in taken):
            break
        if (right, up) != places[-1][:2]:
            text.remove()
    return box
