"""One sample in the training circuit: spikes and weight changes in each phase, and their picture."""

from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import spiking
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights
from snnbp.plots import functional_connectivity, to_png
from snnbp.plots.connectivity import population_rows
from snnbp.plots.style import BLUE, ORANGE, minus, style
from snnbp.training.data import Samples
from snnbp.widgets.panel import grid_shape, image_card, neurons_card


class Move(NamedTuple):
    """Synapses of one projection that change in a phase: how many, and the changes (pre, post)."""

    pre: str
    post: str
    symbol: str
    synapses: int
    change: NDArray[np.int64]


class SampleTrace:
    """One sample in the circuit: spikes (phases, size) by population, changes of weights by (pre, post)."""

    def __init__(self, weights: Weights, sample: Samples, circuit: Circuit) -> None:
        trace = spiking.trace(weights, sample, circuit=circuit)
        self.circuit = circuit
        self.label = int(sample.labels[0])
        self.spikes = {name: record[0] for name, record in trace.spikes.items()}
        self.change = {
            pair: after.astype(np.int64) - trace.before[pair] for pair, after in trace.after.items()
        }
        self.overdriven = bool(trace.n_overdriven)
        output_phase = next(n for n, phase in enumerate(circuit.phases) if "o" in phase.open)
        self.outputs = self.spikes["o"][output_phase]

    def spiking(self, phase: int) -> dict[str, int]:
        """Number of neurons that spike, for each population with spikes."""
        counts = {name: int(record[phase].sum()) for name, record in self.spikes.items()}
        return {name: count for name, count in counts.items() if count}

    def moves(self, phase: int) -> list[Move]:
        """The weight changes in a phase: synapses whose two neurons spike and that are not at a bound."""
        found = []
        for projection in self.circuit.matrices:
            pre, post = projection.pre, projection.post
            both = np.outer(self.spikes[pre][phase], self.spikes[post][phase])
            sign = 1 if self.circuit.phases[phase].reward else -1
            change = np.where(both & (sign * self.change[pre, post] > 0), self.change[pre, post], 0)
            if count := int(np.count_nonzero(change)):
                found.append(Move(pre, post, projection.symbol, count, change))
        return found

    def story(self, phase: int, classes: tuple[str, ...]) -> list[str]:
        """Describe a phase in three lines: label and outputs, event, synapses that change."""
        outputs = ", ".join(classes[n] for n in np.flatnonzero(self.outputs)) or "none"
        verdict = "right" if list(np.flatnonzero(self.outputs)) == [self.label] else "wrong"
        bound = "; beyond the circuit's validity bound" if self.overdriven else ""
        direction = "up" if self.circuit.phases[phase].reward else "down"
        moves = {
            move.symbol: f"{minus(move.symbol)}: {move.synapses:,} {direction}" for move in self.moves(phase)
        }
        return [
            f"Label {classes[self.label]}; outputs that spike: {outputs} ({verdict}){bound}.",
            f"Phase {phase}: {self.circuit.phases[phase].event or 'inhibition'}.",
            f"Synapses that change: {'; '.join(moves.values()) or 'none'}.",
        ]

    def cards(self, phase: int, image_shape: tuple[int, int], classes: tuple[str, ...]) -> list[str]:
        """HTML of the spikes of each population that can spike in a phase, and of the weight changes."""
        shown: dict[tuple[bytes, str], list[str]] = {}
        now = self.circuit.phases[phase]
        for name in (*now.receives_input, *now.open):
            key = self.spikes[name][phase].tobytes(), now.encodes.get(name, "spikes from outside")
            shown.setdefault(key, []).append(name)
        moves = {
            move.symbol: move for move in reversed(self.moves(phase)) if self._layer(move.pre) != "output"
        }
        return [
            *(
                self._spikes(phase, names, encodes, image_shape, classes)
                for (_, encodes), names in shown.items()
            ),
            *(self._change(move, image_shape) for move in moves.values()),
        ]

    def _spikes(
        self, phase: int, names: list[str], encodes: str, shape: tuple[int, int], classes: tuple[str, ...]
    ) -> str:
        record, layer = self.spikes[names[0]][phase], self._layer(names[0])
        symbols = minus(", ".join(self.circuit[name].symbol for name in names))
        encodes = minus(encodes)
        caption = f"<b>{escape(symbols)}</b>: {escape(encodes)}<br>{record.sum()} of {record.size} spike"
        if layer == "output":
            return neurons_card(record, classes, caption)
        image = record.reshape(shape if layer == "input" else grid_shape(record.size))
        return image_card(
            image, caption, f"{symbols}, {encodes}: {record.sum()} of {record.size} neurons spike"
        )

    def _change(self, move: Move, shape: tuple[int, int]) -> str:
        total = move.change.sum(axis=1)
        image = total.reshape(shape if self._layer(move.pre) == "input" else grid_shape(total.size))
        direction = "up (purple)" if total.sum() > 0 else "down (orange)"
        ends = minus(f"{self.circuit[move.pre].symbol} → {self.circuit[move.post].symbol}")
        text = f"{minus(move.symbol)}, {ends}: {move.synapses:,} weights {direction}"
        return image_card(image, f"<b>change of</b> {escape(text)}", f"Change of {text}, by source neuron")

    def _layer(self, name: str) -> str:
        return self.circuit[name].layer


class CircuitPicture:
    """Fig. 2 with one phase highlighted; the background is drawn once."""

    def __init__(self, circuit: Circuit) -> None:
        self.figure = functional_connectivity(circuit)
        self._rows = population_rows(circuit)

    def at(self, trace: SampleTrace, phase: int) -> bytes:
        """The picture of a phase, as PNG."""
        with style():
            artists = self._highlight(trace, phase)
        png = to_png(self.figure)
        for artist in artists:
            artist.remove()
        return png

    def _highlight(self, trace: SampleTrace, phase: int) -> list[Any]:
        axes, rows = self.figure.axes[0], self._rows
        artists: list[Any] = [
            axes.axvspan(phase - 0.5, phase + 0.5, fill=False, edgecolor=BLUE, linewidth=1.5)
        ]
        for projection in trace.circuit.projections_into(phase):
            start = phase - 1 - projection.delay
            if start >= 0 and trace.spikes[projection.pre][start].any():
                ends = [start, phase], [rows[projection.pre], rows[projection.post]]
                artists += axes.plot(*ends, color=BLUE, linewidth=2, zorder=4)
        for move in trace.moves(phase):
            ends = [phase, phase], [rows[move.pre], rows[move.post]]
            artists += axes.plot(*ends, color=ORANGE, linewidth=4, alpha=0.8, zorder=4)
        for number in range(phase + 1):
            spiking = trace.spiking(number)
            for name in {*trace.circuit.phases[number].open, *spiking} & rows.keys():
                count, now = spiking.get(name, 0), number == phase
                colour = ORANGE if count else "white"
                size = 7 if now else 4.5
                artists += axes.plot(
                    number, rows[name], "o", markersize=size, color=colour, markeredgecolor="black", zorder=5
                )
                if now:
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
                    where = (number + 0.2, rows[name])
                    artists.append(axes.text(*where, str(count), va="center", bbox=box, zorder=6))
        return artists
