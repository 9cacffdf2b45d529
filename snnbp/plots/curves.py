"""Accuracy and loss over training."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.plots.legend import dot, legend_below, mark, spread
from snnbp.plots.style import (
    BLUE,
    DOUBLE,
    GREEN,
    ORANGE,
    StyledFigure,
    coloured,
    panel_letters,
    plain,
    styled,
)

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
        a: accuracies, b: loss, thick lines are means and thin dotted lines single runs; c: best checkpoints.
    """
    epochs = histories[0]["epoch"].to_numpy()
    n, last = len(histories), f"{epochs[-1]:g}"
    runs = {name: 100 * _stacked(histories, name) for name in _ACCURACIES}
    told = ", ".join(f"{values.max(axis=1).mean():.1f} % ({name})" for name, values in runs.items())
    alt = f"Test accuracy and loss over {last} epochs, n = {n}. Mean of the runs' best accuracies: {told}."
    figure = StyledFigure((DOUBLE, 3.6), alt)
    axes = figure.subplot_mosaic([["a", "c"], ["b", "c"]], width_ratios=(3, 1), height_ratios=(2, 1.1))
    axes["a"].sharex(axes["b"])
    axes["a"].tick_params(labelbottom=False)
    handles = []
    for place, (name, (label, colour)) in enumerate(_ACCURACIES.items()):
        handles.append(draw_runs(axes["a"], histories, name, f"accuracy from {label}", color=colour))
        for run in runs[name]:
            axes["a"].plot(epochs[run.argmax()], run.max(), "^", color=colour, markersize=3.5, zorder=3)
        _draw_best(axes["c"], 2.0 * place, runs[name].max(axis=1), (references or {}).get(name), colour)
    handles.append(draw_runs(axes["b"], histories, "mse", "loss", color=ORANGE))
    lowest = min(values.mean(axis=0).min() for values in runs.values())
    axes["a"].set(ylabel="test accuracy (%)", ylim=(5 * (lowest // 5), None))
    axes["b"].set(xlabel="epoch", ylabel="loss, mean of\n$(o - t)^2$", xlim=(0, epochs[-1]), ylim=(0, None))
    axes["c"].set_xticks([0.45, 2.45], list(runs))
    axes["c"].set(xlim=(-0.6, 3.5), ylabel=f"best test accuracy in {last} epochs (%)")
    axes["c"].tick_params("x", length=0)
    axes["c"].margins(y=0.15)
    for axis in (axes["a"], axes["b"], axes["c"].yaxis):
        axis.grid()
    handles += _run_marks(f"mean (n = {n})") if n > 1 else []
    handles += [dot("best of a run", marker="^", markersize=3.5), mark("mean of bests", color="black")]
    if references:
        handles.append(dot("best of the paper", marker="D", markerfacecolor="white"))
    legend_below(figure, handles)
    panel_letters([axes[name] for name in "abc"])
    return figure


@styled
def accuracy_curves(
    histories: "Mapping[str, Sequence[pd.DataFrame]]", columns: Sequence[str] = ("spikes",), lowest: float = 0
) -> StyledFigure:
    """Compare groups of runs: test accuracy over training.

    Parameters
    ----------
    histories : mapping of str to sequence of DataFrame
        By label, `Run.history` of the runs; all of equal length.
    columns : sequence of str, default ("spikes",)
        The accuracies to draw (fractions in the history), a panel for each.
    lowest : float
        Lower end of the axis (%).

    Returns
    -------
    StyledFigure
        Thin dotted lines are single runs, thick lines means. A group without runs is left out.

    Raises
    ------
    ValueError
        For more groups than colours.
    """
    histories = {label: runs for label, runs in histories.items() if runs}
    told = "; ".join(
        f"{column}, {label}: {100 * _stacked(runs, column)[:, -1].mean():.1f} %"
        for column in columns
        for label, runs in histories.items()
    )
    figure = StyledFigure((DOUBLE, 2.9), f"Test accuracy over training. Last mean of {told}.")
    panels = figure.subplots(1, len(columns), squeeze=False, sharey=True)[0]
    for axis, column in zip(panels, columns, strict=True):
        handles = [
            draw_runs(axis, runs, column, f"{label} (n = {len(runs)})", color=colour)
            for (label, runs), colour in coloured(histories.items())
        ]
        last = max((runs[0]["epoch"].iloc[-1] for runs in histories.values()), default=1)
        axis.set(xlabel="epoch", ylabel=f"test accuracy, {column} (%)", xlim=(0, last), ylim=(lowest, 100))
        axis.grid()
    legend_below(figure, [*handles, *_run_marks("mean")], 2)
    panel_letters(panels)
    return figure


def draw_runs(axis: Axes, histories: Sequence[Any], column: str, label: str, **look: Any) -> Line2D:
    """Draw a column of histories over epochs: thin dotted lines for the runs, a thick one for their mean."""
    epochs, runs = np.asarray(histories[0]["epoch"]), _stacked(histories, column)
    if column != "mse":
        runs = 100 * runs
    if len(runs) > 1:
        axis.plot(epochs, runs.T, linewidth=0.7, linestyle=":", alpha=0.8, **look)
    return axis.plot(epochs, runs.mean(axis=0), linewidth=1.5, label=plain(label), **look)[0]


def _run_marks(mean: str) -> list[Line2D]:
    """The legend of `draw_runs`."""
    return [mark(mean, linewidth=1.5), mark("single run", linewidth=0.7, linestyle=":")]


def _stacked(histories: Sequence[Any], name: str) -> NDArray[np.float64]:
    """(runs, checkpoints)."""
    return np.array([history[name] for history in histories], np.float64)


def _draw_best(
    axis: Axes, x: float, values: NDArray[np.float64], reference: float | None, colour: str
) -> None:
    """Our best checkpoints and their mean, beside the paper's value."""
    axis.plot(x + spread(len(values), 0.15), values, "^", color=colour, markersize=3.5)
    axis.hlines(values.mean(), x - 0.35, x + 0.35, color="black", linewidth=1.2)
    numbers = [(x, float(values.max()), float(values.mean()))]
    if reference is not None:
        axis.plot(x + 0.9, 100 * reference, "D", color="white", markeredgecolor=colour, markersize=4.5)
        numbers.append((x + 0.9, 100 * reference, 100 * reference))
    for place, above, value in numbers:
        look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 6.5}
        axis.annotate(f"{value:.1f}", (place, above), (0, 5), **look)
