"""The learning explorer's picture of all runs, quick enough to be redrawn while they grow."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.paper.claims import claims
from snnbp.plots.results import BLUE, GREEN, GREY, ORANGE, PURPLE
from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.training.train import Checkpoint
from snnbp.circuit.weights import Weights

Numbers = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Limits = tuple[tuple[float, float], tuple[float, float]]

_CLAIMED = {claim.id: claim.paper for claim in claims() if claim.paper is not None}
PAPER = {"spikes": _CLAIMED["mnist-best-spikes"], "potential": _CLAIMED["mnist-best-potential-journal"]}
"""The paper's accuracies on MNIST, best of 60 epochs."""

_PANELS = {
    "exact": "accuracy, exact (%)",
    "spikes": "accuracy, spikes (%)",
    "potential": "accuracy, potential (%)",
    "mse": "loss, mean of (o − t)²",
    "w1": "% of weights per unit",
    "w2": "% of weights per unit",
}
_LINES = [(colour, line) for line in ("-", "--") for colour in (GREY, BLUE, ORANGE, GREEN, PURPLE)]
_BINS: Numbers = np.arange(
    WEIGHT_MIN - WEIGHT_GRID, WEIGHT_MAX + 8 * WEIGHT_GRID, 8 * WEIGHT_GRID, dtype=np.float64
)


class Curve(NamedTuple):
    """What is drawn of one run. `epochs` is how far it will go."""

    history: tuple[Checkpoint, ...]
    weights: Weights
    epochs: int


class RunsPicture:
    """Three accuracies, loss and both weight distributions: 1,000 x 500 pixels, a line a run.

    Axes and labels take a third of a second to draw and are drawn only when they change; curves, ten times
    less. A long curve is thinned to some 1,000 points.
    """

    def __init__(self) -> None:
        self._figure = Figure(figsize=(12.5, 6.25), dpi=80)
        self._canvas = FigureCanvasAgg(self._figure)
        panels = self._figure.subplots(2, 3).ravel()
        self._figure.subplots_adjust(left=0.06, right=0.99, bottom=0.09, top=0.88, wspace=0.27, hspace=0.35)
        self._axes = dict(zip(_PANELS, panels, strict=True))
        for name, axes in self._axes.items():
            axes.set(xlabel="epoch", ylabel=_PANELS[name])
            axes.grid(alpha=0.25)
        for layer in ("w1", "w2"):
            self._axes[layer].set(xlabel=f"{layer.upper()} (weight units)")
        self._references: list[Artist] = []
        self._shown: object = None

    def at(self, names: Sequence[str], curves: Sequence[Curve], paper: bool) -> Pixels:
        """The picture of these runs, (rows, columns, 4). `paper`: with the paper's accuracies."""
        points = [_points(curve) for curve in curves]
        limits = {name: _limits(name, [run[name] for run in points], curves, paper) for name in self._axes}
        if (wanted := (tuple(names), limits, paper)) != self._shown:
            self._draw_axes(names, limits, paper)
            self._shown = wanted
        self._canvas.restore_region(self._background)
        for name, axes in self._axes.items():
            for run, (colour, line) in zip(points, _LINES, strict=False):
                (drawn,) = axes.plot(*run[name], line, color=colour, linewidth=1.6)
                axes.draw_artist(drawn)
                drawn.remove()
        return np.asarray(self._canvas.buffer_rgba()).copy()

    def _draw_axes(self, names: Sequence[str], limits: Mapping[str, Limits], paper: bool) -> None:
        for artist in self._references:
            artist.remove()
        lines = [Line2D([], [], color=colour, linestyle=line) for colour, line in _LINES]
        place = {"loc": "upper center", "ncols": 3, "frameon": False, "fontsize": 9}
        self._references = [self._figure.legend(lines[: len(names)], names, **place)]
        for name, axes in self._axes.items():
            (left, right), (low, high) = limits[name]
            axes.set(xlim=(left, right), ylim=(low, high))
            if paper and name in PAPER:
                value, across = 100 * PAPER[name], axes.get_yaxis_transform()
                text = axes.text(0.99, value, f"paper {value:.1f}", transform=across, ha="right", va="bottom")
                self._references += [axes.axhline(value, color="black", linewidth=0.9, linestyle=":"), text]
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)


def _points(curve: Curve) -> dict[str, tuple[Numbers, Numbers]]:
    """x and y of a run's line in every panel."""
    thin = 1 + len(curve.history) // 1000
    rows = [*curve.history[::thin], curve.history[-1]]
    epochs = np.array([row.epoch for row in rows])
    points: dict[str, tuple[Numbers, Numbers]] = {}
    for name in ("exact", "spikes", "potential", "mse"):
        share = 1 if name == "mse" else 100
        points[name] = epochs, share * np.array([getattr(row, name) for row in rows], np.float64)
    for layer in ("w1", "w2"):
        density = np.histogram(getattr(curve.weights, layer), _BINS, density=True)[0]
        heights = np.zeros(2 * _BINS.size)
        heights[1:-1] = 100 * density.repeat(2)
        points[layer] = _BINS.repeat(2), heights
    return points


def _limits(
    name: str, points: Sequence[tuple[Numbers, Numbers]], curves: Sequence[Curve], paper: bool
) -> Limits:
    """Axis limits that hold all points and move in few, round steps while these grow."""
    highest = max((y.max() for _, y in points), default=1.0)
    if name in ("w1", "w2"):
        return (_BINS[0], _BINS[-1]), (0, _rounded(1.05 * highest))
    reached = (min(_rounded(curve.history[-1].epoch), curve.epochs) for curve in curves)
    last = max(reached, default=1)
    if name == "mse":
        return (0, last), (0, _rounded(highest))
    lowest = min((y.min() for _, y in points), default=80.0)
    if paper and name in PAPER:
        highest = max(highest, 100 * PAPER[name])
    return (0, last), (5 * (lowest // 5), min(101.0, 5 * (highest // 5 + 1)))


def _rounded(value: float) -> float:
    """The next of ... 1, 1.5, 2, 3, 5, 7, 10, 15 ..."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-9)))
    return float(
        power * next(step for step in (1, 1.5, 2, 3, 5, 7, 10) if power * step >= value * (1 - 1e-9))
    )


def folded(size: int) -> tuple[int, int]:
    """Neurons in rows, as square as their number allows."""
    rows = next(n for n in range(int(size**0.5), 0, -1) if size % n == 0)
    return rows, size // rows
