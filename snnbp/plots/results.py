"""Results in, matplotlib Figures out: nothing here runs a network or writes a file."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN

if TYPE_CHECKING:
    from snnbp.backends.spiking.samples import Trace

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
"""Okabe and Ito's colours, told apart by colour-blind people."""

_RASTER_COLOURS = {"o": BLUE, "t": GREEN, "d+": ORANGE, "d-": PURPLE}


def learning_curves(
    epochs: NDArray[np.float64],
    spikes: NDArray[np.float64],
    potential: NDArray[np.float64],
    mse: NDArray[np.float64],
    references: Mapping[str, float],
) -> Figure:
    """Fig. 3: accuracies and loss over training.

    epochs (checkpoints,); spikes, potential (fractions) and mse (runs, checkpoints): the mean is drawn
    thick, single runs thin and dotted. `references` are accuracies of the paper, drawn as lines.
    """
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    left = figure.add_subplot()
    right = left.twinx()
    curves = (
        (left, 100 * potential, GREEN, "accuracy from membrane potential"),
        (left, 100 * spikes, BLUE, "accuracy from output spikes"),
        (right, mse, ORANGE, "loss (mse of output spikes)"),
    )
    handles = []
    for axis, runs, colour, label in curves:
        axis.plot(epochs, runs.T, color=colour, linewidth=0.6, linestyle=":")
        handles += axis.plot(epochs, runs.mean(axis=0), color=colour, linewidth=1.8, label=label)
    for label, value in references.items():
        left.axhline(100 * value, color=GREY, linewidth=0.8, linestyle="--")
        left.annotate(
            f"{label}: {100 * value:.1f} %",
            (epochs[-1], 100 * value),
            (0, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=GREY,
        )
    top = 100 * max([*references.values(), potential.max(), spikes.max()])
    left.set_ylim(min(85, 100 * float(np.median(spikes[:, 0]))), top + 0.08 * (top - 85))
    left.set(xlabel="epoch", ylabel="test accuracy (%)", xlim=(0, epochs[-1]))
    right.set(ylabel="loss, mean of (o − t)²", ylim=(0, None))
    left.grid(alpha=0.25)
    title = (
        "mean (thick)" if len(spikes) == 1 else f"mean of {len(spikes)} runs (thick), single runs (dotted)"
    )
    left.legend(handles=handles, loc="center right", title=title)
    return figure


def seed_distributions(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[bool]]]],
    references: Mapping[str, Mapping[str, float]],
) -> Figure:
    """One dot a run: for each accuracy, for each row's label, the values (fractions) and which collapsed.

    Collapsed runs are crosses in a part of the axis of their own; the black line is the median of the
    others. `references` are the paper's values, by accuracy and label, drawn as lines.
    """
    rows = max(len(groups) for groups in panels.values())
    figure = Figure(figsize=(9, 1.1 + 0.42 * rows * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 2, sharey="row", squeeze=False, width_ratios=(1, 4))
    for (left, right), (accuracy, groups) in zip(axes, panels.items(), strict=True):
        for place, (values, collapsed) in enumerate(groups.values()):
            percent, gone = 100 * np.asarray(values), np.asarray(collapsed, bool)
            offsets = np.linspace(-0.3, 0.3, len(percent))
            for axis in (left, right):
                axis.plot(percent[gone], place + offsets[gone], "x", color=ORANGE, markersize=5)
            right.plot(percent[~gone], place + offsets[~gone], "o", color=BLUE, markersize=3, alpha=0.7)
            if not gone.all():
                right.vlines(np.median(percent[~gone]), place - 0.4, place + 0.4, color="black")
        crosses = [v for values, gone in groups.values() for v, g in zip(values, gone, strict=True) if g]
        dots = [v for values, gone in groups.values() for v, g in zip(values, gone, strict=True) if not g]
        left.set(xlabel="collapsed (%)" if crosses else "none collapsed", ylim=(len(groups) - 0.5, -0.5))
        left.set_yticks(range(len(groups)), list(groups))
        if crosses:
            left.set_xlim(100 * min(crosses) - 0.5, 100 * max(crosses) + 0.5)
        else:
            left.set_xticks([])
        shown = [*dots, *references.get(accuracy, {}).values()]
        right.set(
            xlabel=f"test accuracy, {accuracy} (%)", xlim=(100 * min(shown) - 0.1, 100 * max(shown) + 0.1)
        )
        for label, value in references.get(accuracy, {}).items():
            right.axvline(100 * value, color=GREY, linewidth=0.9, linestyle="--")
            right.annotate(
                label,
                (100 * value, 1),
                (2, 2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                fontsize=7,
                color=GREY,
                rotation=25,
            )
        right.grid(axis="x", alpha=0.25)
    return figure


def weight_distributions(w1: Sequence[NDArray[np.int16]], w2: Sequence[NDArray[np.int16]]) -> Figure:
    """Histograms of W1 and W2, one outline per network, over the whole range between the rails."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    bins = np.arange(WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + 4 * WEIGHT_GRID, 4 * WEIGHT_GRID)
    for axis, name, matrices in zip(figure.subplots(1, 2), ("W1", "W2"), (w1, w2), strict=True):
        for run, (matrix, colour) in enumerate(zip(matrices, (BLUE, ORANGE, GREEN), strict=False), 1):
            axis.hist(matrix.ravel(), bins, density=True, histtype="step", color=colour, label=f"run {run}")
        for rail in (WEIGHT_MIN, WEIGHT_MAX):
            axis.axvline(rail, color=GREY, linewidth=0.8, linestyle="--")
        axis.set(title=name, xlabel="weight (weight units; dashed: rails)", ylabel="density")
    figure.axes[0].legend(loc="upper left")
    return figure


def activation_functions(
    v: NDArray[np.float64], f: NDArray[np.float64], surrogate: NDArray[np.float64], box: NDArray[np.float64]
) -> Figure:
    """The step f(v), its surrogate, and the surrogate's derivative; all (n,), v in units of the threshold."""
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    curves = (
        ("activation f(v) = H(v − 1/2)", f, BLUE),
        ("surrogate: truncated ReLU", surrogate, GREEN),
        ("its derivative: H(v) − H(v − 1)", box, ORANGE),
    )
    for axis, (title, values, colour) in zip(figure.subplots(1, 3, sharey=True), curves, strict=True):
        axis.plot(v, values, color=colour, linewidth=2)
        axis.set(title=title, xlabel="membrane potential v (thresholds)", ylim=(-0.1, 1.2))
        axis.grid(alpha=0.25)
    return figure


def images(pictures: Mapping[str, NDArray[Any]], columns: int = 6) -> Figure:
    """Small pictures with titles, by title, (rows, columns), in rows of `columns`: spikes (bool) and
    brightness (unsigned) in grey, signed numbers in two colours."""
    lines = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.7 * columns, 1.9 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in grid[len(pictures) :]:
        axis.axis("off")
    for axis, (title, picture) in zip(grid, pictures.items(), strict=False):
        extreme = max(1, int(np.abs(picture).max()))
        colours, low = ("Greys", 0) if picture.dtype.kind in "bu" else ("PuOr", -extreme)
        axis.imshow(picture, cmap=colours, vmin=low, vmax=extreme, interpolation="nearest", aspect="equal")
        axis.set_title(title, fontsize=9)
        axis.set(xticks=[], yticks=[])
    return figure


def raster(trace: "Trace") -> Figure:
    """Spikes of all phases of consecutive samples, with what happens marked where the spikes show it.

    Rows are neurons, grouped as in the paper: outputs, hidden, inputs, gates.
    """
    steps = len(trace.phases)
    groups = {
        "out": ("o", "t", "d+", "d-"),
        "hid": ("h1",),
        "in": ("x",),
        "gates": tuple(phase.gate for phase in trace.circuit.phases),
    }
    spikes = {
        name: trace.spikes[name].reshape(-1, trace.spikes[name].shape[-1])
        for g in groups.values()
        for name in g
    }
    figure = Figure(figsize=(12, 7.5), layout="constrained")
    panels = figure.subplots(len(groups), 1, sharex=True, height_ratios=[3, 4, 4, 1.4])
    for axis, (group, names) in zip(panels, groups.items(), strict=True):
        base = 0
        for name in names:
            when, who = np.nonzero(spikes[name])
            colour = _RASTER_COLOURS.get(name, "black")
            size = 3 if group in ("hid", "in") else 22
            axis.scatter(when, base + who, s=size, marker="|", color=colour, rasterized=True)
            if group == "out":
                middle = base + spikes[name].shape[1] / 2
                axis.text(-1.5, middle, trace.circuit[name].symbol, color=colour, va="center", ha="right")
                axis.axhline(base - 0.5, color=GREY, linewidth=0.4)
            base += spikes[name].shape[1]
        axis.set(ylim=(base - 0.5, -0.5), yticks=[], ylabel=group)
        axis.yaxis.set_label_coords(-0.06, 0.5)
        for sample in range(1, len(trace.spikes["x"])):
            axis.axvline(steps * sample - 0.5, color=GREY, linewidth=0.6)
    for step, text in spike_events(trace):
        panels[0].annotate(
            text,
            (step, -0.5),
            (0, 4),
            textcoords="offset points",
            rotation=60,
            fontsize=8,
            ha="left",
            va="bottom",
            annotation_clip=False,
        )
    panels[-1].set(xlabel=f"step ({steps} a sample)", xlim=(-1, len(spikes["x"])))
    panels[-1].set_xticks(range(0, len(spikes["x"]) + 1, steps))
    return figure


def spike_events(trace: "Trace") -> list[tuple[int, str]]:
    """(step, what happens) where the spikes of a trace over all phases show it, one entry a step."""
    spikes, steps = trace.spikes, len(trace.phases)
    events = []
    for sample in range(len(spikes["x"])):
        seen = {name: spikes[name][sample].any(axis=1) for name in ("x", "d+", "d-", "h1")}
        error = (spikes["o"][sample, 3] != spikes["t"][sample, 3]).any()
        found = {
            1: ["input"] * seen["x"][1],
            3: ["error: o ≠ t"] * error,
            4: ["d2+"] * seen["d+"][4] + ["d2−"] * seen["d-"][4],
            7: ["x again"] * seen["x"][7] + ["hidden deltas +"] * seen["h1"][7],
            11: ["x again"] * seen["x"][11] + ["hidden deltas −"] * seen["h1"][11],
        }
        events += [(sample * steps + phase, ", ".join(texts)) for phase, texts in found.items() if texts]
    return events
