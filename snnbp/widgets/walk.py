"""One sample's walk through the learning circuit: what fires, what moves, and the picture of each step."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

import snnbp
from snnbp.circuit.backprop import training_circuit
from snnbp.training.data import Samples
from snnbp.plots.circuit import ROLE_COLOURS, functional_connectivity, population_rows
from snnbp.widgets.panel import pixels
from snnbp.widgets.pictures import Pixels, folded
from snnbp.plots.results import BLUE, ORANGE
from snnbp.circuit.weights import Weights

# What is shown as an image: title, population, the step in which it means that.
_IMAGES = (
    ("x", "x", 1),
    ("h", "h1", 2),
    ("box f'(v1)", "c_h1", 6),
    ("o", "o", 3),
    ("t", "t", 3),
    ("d2+", "d+", 4),
    ("d2−", "d-", 4),
    ("d1+", "h1T", 6),
    ("h = d1+ and box", "h1", 7),
    ("d1−", "h1T", 10),
    ("h = d1− and box", "h1", 11),
)
_COLUMNS = 3


class Move(NamedTuple):
    """Synapses of one projection that a step changes: how many, and whether upwards."""

    pre: str
    post: str
    synapses: int
    upwards: bool


class Walk:
    """A sample (n = 1) learned by the circuit from the given weights, every population in every step."""

    def __init__(self, weights: Weights, sample: Samples) -> None:
        trace = snnbp.trace(weights, sample)
        self.circuit = trace.circuit
        self.label = int(sample.labels[0])
        self.spikes = {name: record[0] for name, record in trace.spikes.items()}
        self.change = {
            pair: after.astype(np.int64) - trace.before[pair] for pair, after in trace.after.items()
        }
        self.overdriven = bool(trace.overdriven)

    def firing(self, step: int) -> dict[str, int]:
        """How many neurons fire, by population, for those in which some do."""
        counts = {name: int(record[step].sum()) for name, record in self.spikes.items()}
        return {name: count for name, count in counts.items() if count}

    def moves(self, step: int) -> list[Move]:
        """What learns in a step: synapses whose two ends fire then, as far as they did move."""
        moves = []
        upwards = self.circuit.phases[step].reward
        for (pre, post), change in self.change.items():
            both = change[self.spikes[pre][step]][:, self.spikes[post][step]]
            if count := int((both > 0).sum() if upwards else (both < 0).sum()):
                moves.append(Move(pre, post, count, upwards))
        return moves

    def story(self, step: int) -> list[str]:
        """Three lines: what the sample is, what happens in the step, which synapses move."""
        fired = np.flatnonzero(self.spikes["o"][3])
        outputs = "outputs that fire: " + (", ".join(map(str, fired)) or "none")
        verdict = "right" if list(fired) == [self.label] else "wrong"
        bound = "; driven beyond the circuit's bound" if self.overdriven else ""
        phase = self.circuit.phases[step]
        meaning = "; ".join(f"{self.circuit[name].symbol}: {what}" for name, what in phase.meaning.items())
        moved = ", ".join(
            f"{self.circuit[move.pre].symbol} → {self.circuit[move.post].symbol} "
            f"{'+' if move.upwards else '−'}{move.synapses}"
            for move in self.moves(step)
        )
        return [
            f"A {self.label}; {outputs} ({verdict}){bound}.",
            f"Step {step}: {phase.event}. {meaning}",
            f"Synapses that move: {moved or 'none'}",
        ]


class WalkPicture:
    """Fig. 2 with a step lit, and images of what the spikes mean. The drawing itself is made once."""

    def __init__(self, weights: Weights, image_shape: tuple[int, int] | None) -> None:
        circuit = training_circuit(weights.sizes[0], weights.sizes[1], weights.sizes[-1])
        self._rows = population_rows(circuit)
        self._shapes = {"in": image_shape or folded(weights.sizes[0]), "hid": folded(weights.sizes[1])}
        self._figure = functional_connectivity(circuit)
        self._figure.set(dpi=72, size_inches=(9.6, 7.4))
        self._canvas = FigureCanvasAgg(self._figure)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)

    def at(self, walk: Walk, step: int) -> Pixels:
        """The picture of a step, (rows, columns, 4)."""
        self._canvas.restore_region(self._background)
        self._light(walk, step)
        drawing = np.asarray(self._canvas.buffer_rgba()).copy()
        images = pixels(self._images(walk, step, drawing.shape[0] / 72))
        return np.concatenate([drawing, images], axis=1)

    def _light(self, walk: Walk, step: int) -> None:
        axes = self._figure.axes[0]
        firing, circuit = walk.firing(step), walk.circuit
        artists: list[Any] = [axes.axvspan(step - 0.5, step + 0.5, color=BLUE, alpha=0.15)]
        for projection in circuit.arriving(step):
            start = step - 1 - projection.delay
            if start >= 0 and walk.spikes[projection.pre][start].any():
                ends = [start, step], [self._rows[projection.pre], self._rows[projection.post]]
                role = circuit.role(projection)
                width = 1.6 if role == "gating" else 3.5
                artists += axes.plot(*ends, color=ROLE_COLOURS[role], linewidth=width)
        for move in walk.moves(step):
            rows = self._rows[move.pre], self._rows[move.post]
            artists += axes.plot([step + 0.12] * 2, rows, color="black", linewidth=6)
            artists += axes.plot([step + 0.12] * 2, rows, color=ORANGE, linewidth=3)
        for name in {*circuit.phases[step].open, *firing} & self._rows.keys():
            face = ORANGE if name in firing else "white"
            artists += axes.plot(
                step, self._rows[name], "o", markersize=11, color=face, markeredgecolor="black"
            )
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            count = str(firing.get(name, 0))
            artists.append(
                axes.text(step + 0.24, self._rows[name], count, fontsize=10, va="center", bbox=box)
            )
        for artist in artists:
            axes.draw_artist(artist)
            artist.remove()

    def _images(self, walk: Walk, step: int, height: float) -> Figure:
        """All images in one axes: twelve axes would take ten times as long."""
        figure = Figure(figsize=(5.0, height), dpi=72)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _COLUMNS), ylim=(-(-len(_IMAGES) // _COLUMNS), 0))
        axes.axis("off")
        for place, (title, name, when) in enumerate(_IMAGES):
            row, column = divmod(place, _COLUMNS)
            record = walk.spikes[name][when]
            image = record.reshape(self._shapes.get(walk.circuit[name].kind, (2, -1)))
            known = when <= step
            extent = (column + 0.06, column + 0.94, row + 0.95, row + 0.17)
            axes.imshow(
                image if known else image * 0, cmap="Greys", vmin=0, vmax=1, extent=extent, aspect="auto"
            )
            if walk.circuit[name].kind == "out":
                _number(axes, record, known, extent)
            colour = ORANGE if when == step else "black" if known else "0.6"
            text = f"{when}: {title}" + (f" ({record.sum()})" if known else "")
            axes.text(column + 0.06, row + 0.14, text, fontsize=10, color=colour)
            width = 3 if when == step else 0.8
            left, right, bottom, top = extent
            corners = [left, right, right, left, left], [bottom, bottom, top, top, bottom]
            axes.plot(*corners, color=colour, linewidth=width)
        return figure


def _number(axes: Axes, fires: NDArray[np.bool_], known: bool, extent: tuple[float, ...]) -> None:
    """Write each output's number on it: two rows of them."""
    left, right, bottom, top = extent
    across = fires.size // 2
    for output, black in enumerate(fires & known):
        row, column = divmod(output, across)
        x = left + (column + 0.5) * (right - left) / across
        y = top + (row + 0.5) * (bottom - top) / 2
        axes.text(x, y, str(output), fontsize=9, color="white" if black else "0.5", ha="center", va="center")
