"""Results in, matplotlib Figures out: nothing here runs a network or writes a file."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnbp.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
"""Okabe and Ito's colours, told apart by colour-blind people."""


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
