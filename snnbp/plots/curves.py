"""Accuracy and loss over training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.plots.style import BLUE, COLOURS, DOUBLE, GREEN, GREY, ORANGE, StyledFigure, panel_letters, styled

if TYPE_CHECKING:
    import pandas as pd

_ACCURACIES = {"spikes": ("output spikes", BLUE), "potential": ("membrane potential", GREEN)}


@styled
def learning_curves(
    histories: "Sequence[pd.DataFrame]", references: Mapping[str, float] | None = None
) -> StyledFigure:
    """Draw Fig. 3 of the paper: accuracies and loss over training, and best checkpoints beside the paper's.

    Parameters
    ----------
    histories : sequence of DataFrame
        `Run.history` of runs of equal length: columns epoch, spikes and potential (fractions), mse.
    references : mapping of str to float, optional
        The paper's best accuracies (fractions), by "spikes" or "potential". They are maxima over training, so
        they are drawn beside our maxima only.

    Returns
    -------
    StyledFigure
        a: accuracies, b: loss, thick lines are means and dotted lines single runs; c: best checkpoints.
    """
    epochs = histories[0]["epoch"].to_numpy()
    n, last = len(histories), f"{epochs[-1]:g}"
    bests = {name: 100 * _stacked(histories, name).max(axis=1) for name in _ACCURACIES}
    told = ", ".join(f"{values.mean():.1f} % ({name})" for name, values in bests.items())
    alt = f"Test accuracy and loss over {last} epochs, n = {n}. Mean of the runs' best accuracies: {told}."
    figure = StyledFigure((DOUBLE, 3.6), alt)
    axes = figure.subplot_mosaic([["a", "c"], ["b", "c"]], width_ratios=(3, 1), height_ratios=(2, 1.1))
    axes["a"].sharex(axes["b"])
    axes["a"].tick_params(labelbottom=False)
    for name, (label, colour) in _ACCURACIES.items():
        runs = 100 * _stacked(histories, name)
        _curves(axes["a"], epochs, runs, colour, f"accuracy from {label}")
        for run in runs:
            axes["a"].plot(epochs[run.argmax()], run.max(), "^", color=colour, markersize=3.5, zorder=3)
    _curves(axes["b"], epochs, _stacked(histories, "mse"), ORANGE, "loss")
    lowest = min(100 * _stacked(histories, name).mean(axis=0).min() for name in _ACCURACIES)
    axes["a"].set(ylabel="test accuracy (%)", ylim=(5 * (lowest // 5), None))
    axes["b"].set(xlabel="epoch", ylabel="loss, mean of\n$(o - t)^2$", xlim=(0, epochs[-1]), ylim=(0, None))
    for axis in (axes["a"], axes["b"]):
        axis.grid()
    _best(axes["c"], bests, references or {})
    axes["c"].set(ylabel=f"best test accuracy in {last} epochs (%)")
    handles = [*axes["a"].get_legend_handles_labels()[0], *axes["b"].get_legend_handles_labels()[0]]
    kinds = {f"mean (n = {n})": ("-", 1.5), "single run": (":", 0.6)} if n > 1 else {}
    handles += [_mark(label, linestyle=line, linewidth=width) for label, (line, width) in kinds.items()]
    handles.append(_mark("best of a run", marker="^", markersize=3.5, linestyle=""))
    handles.append(_mark("mean of bests", color="black"))
    if references:
        handles.append(_mark("best of the paper", marker="D", markerfacecolor="white", linestyle=""))
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    panel_letters([axes[name] for name in "abc"])
    return figure


@styled
def accuracy_curves(
    histories: "Mapping[str, Sequence[pd.DataFrame]]", column: str = "spikes", lowest: float = 0
) -> StyledFigure:
    """Compare groups of runs: test accuracy over training.

    Parameters
    ----------
    histories : mapping of str to sequence of DataFrame
        By label, `Run.history` of the runs; all of equal length.
    column : str, default "spikes"
        The accuracy to draw (fractions in the history).
    lowest : float
        Lower end of the axis (%).

    Returns
    -------
    StyledFigure
        Thin lines are single runs, thick lines means.
    """
    last = {label: 100 * _stacked(runs, column)[:, -1].mean() for label, runs in histories.items()}
    told = "; ".join(f"{label}: {value:.1f} %" for label, value in last.items())
    figure = StyledFigure((DOUBLE, 2.9), f"Test accuracy ({column}) over training. Last mean of {told}.")
    axis = figure.add_subplot()
    numbers = set()
    for (label, runs), colour in zip(histories.items(), COLOURS, strict=False):
        epochs, curves = runs[0]["epoch"].to_numpy(), 100 * _stacked(runs, column)
        axis.plot(epochs, curves.T, color=colour, linewidth=0.5, alpha=0.6)
        axis.plot(epochs, curves.mean(axis=0), color=colour, linewidth=1.8, label=label)
        numbers.add(len(runs))
    axis.set(xlabel="epoch", ylabel=f"test accuracy, {column} (%)", xlim=(0, epochs[-1]), ylim=(lowest, 100))
    axis.grid()
    handles, _ = axis.get_legend_handles_labels()
    kinds = (("mean", 1.8), ("single run", 0.5))
    handles += [_mark(label, linewidth=width) for label, width in kinds]
    title = f"n = {', '.join(map(str, sorted(numbers)))} seeds"
    figure.legend(handles=handles, loc="outside lower center", ncols=2, title=title)
    return figure


def _stacked(histories: "Sequence[pd.DataFrame]", name: str) -> NDArray[np.float64]:
    """(runs, checkpoints)."""
    return np.array([history[name].to_numpy(np.float64) for history in histories])


def _curves(axis: Axes, epochs: Any, runs: NDArray[np.float64], colour: str, label: str) -> None:
    axis.plot(epochs, runs.T, color=colour, linewidth=0.6, linestyle=":")
    axis.plot(epochs, runs.mean(axis=0), color=colour, linewidth=1.5, label=label)


def _mark(label: str, **kinds: Any) -> Line2D:
    return Line2D([], [], label=label, **{"color": GREY, **kinds})


def _best(axis: Axes, bests: Mapping[str, NDArray[np.float64]], references: Mapping[str, float]) -> None:
    """Our best checkpoints and their mean, beside the paper's values."""
    for place, name in enumerate(bests):
        values, colour = bests[name], _ACCURACIES[name][1]
        x = 2.0 * place
        spread = np.linspace(-0.15, 0.15, len(values)) if len(values) > 1 else np.zeros(1)
        axis.plot(x + spread, values, "^", color=colour, markersize=3.5)
        axis.hlines(values.mean(), x - 0.35, x + 0.35, color="black", linewidth=1.2)
        _value(axis, x, float(values.max()), float(values.mean()))
        if name in references:
            value = 100 * references[name]
            axis.plot(x + 0.9, value, "D", color="white", markeredgecolor=colour, markersize=4.5)
            _value(axis, x + 0.9, value, value)
    axis.set_xticks([0.45, 2.45], list(bests))
    axis.set(xlim=(-0.6, 3.5))
    axis.tick_params("x", length=0)
    axis.margins(y=0.15)
    axis.grid(axis="y")


def _value(axis: Axes, x: float, above: float, value: float) -> None:
    axis.annotate(f"{value:.1f}", (x, above), (0, 5), textcoords="offset points", ha="center", fontsize=6.5)
