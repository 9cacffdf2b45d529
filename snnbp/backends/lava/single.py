"""The circuit as one Lava Process, for runs of more than a few samples.

The Process steps the tables that `spiking` steps. Their state and the record of the run lie in memory that
Lava's operating system processes share with this one: weights and spikes are read at once, not number by
number. Ports and sources are Lava's own.
"""

import mmap
import sys
from typing import Any

import numpy as np
from lava.proc.io.dataloader import SpikeDataloader
from numpy.typing import NDArray
from tqdm import tqdm

from snnbp.backends.lava.runtime import started
from snnbp.backends.lava.whole.process import WholeCircuit
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import samples as spiking
from snnbp.backends.spiking.network import Network
from snnbp.backends.spiking.stepper import Events, Record, run
from snnbp.backends.spiking.tables import State
from snnbp.circuit.backprop import Circuit
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.weights import Weights

SAMPLES_AT_ONCE = 50
"""Samples between two updates of the progress bar; each update costs Lava a few milliseconds."""


class LavaNetwork(Network):
    """Takes over a network as it is and carries on with it in Lava: each `run` starts and stops a runtime.

    Spikes from outside can go to `input` and `in_tgt` only, in whole cycles of the circuit's phases.
    """

    def __init__(self, network: Network) -> None:
        self.circuit, self.first, self._tables = network.circuit, network.first, network._tables
        self._state = State(*(_shared(array) for array in network._state))

    def run(
        self, events: Events, rows: NDArray[np.int64], populations: Any = (), potentials: bool = False
    ) -> Record:
        """As `Network.run`; a progress bar on stderr if it takes longer than five seconds."""
        record = self._empty_record(rows, populations, potentials)
        record = Record(*(_shared(array) for array in record))
        period, inputs, outputs = len(self.circuit.phases), self.circuit["input"].size, self.circuit["o"].size
        if not rows.size:
            return record
        circuit = self.process(record)
        frames = _Frames(events, period, self.first["input"], inputs)
        _loader(frames).s_out.connect(circuit.input)
        if "in_tgt" in self.circuit:
            frames = _Frames(events, period, self.first["in_tgt"], outputs)
            _loader(frames).s_out.connect(circuit.target)
        with started(circuit) as go, tqdm(total=len(frames), unit="sample", delay=5, leave=False) as bar:
            for begin in range(0, len(frames), SAMPLES_AT_ONCE):
                samples = min(SAMPLES_AT_ONCE, len(frames) - begin)
                go(samples * period)
                bar.update(samples)
        return record

    def process(self, record: Record) -> WholeCircuit:
        """The circuit as a Process that carries on from here, to be connected to any sources and sinks."""
        return WholeCircuit(self.circuit["input"].size, self.circuit["o"].size, _Stepper(self, record))


class Presenter(spiking.Presenter):
    """As `spiking.Presenter`, with every step of every sample done in Lava."""

    samples_at_once = sys.maxsize  # to start Lava takes a second

    def __init__(self, circuit: Circuit, weights: Weights) -> None:
        super().__init__(circuit, weights)
        self.network = LavaNetwork(self.network)


class Learner(spiking.Learner):
    """As `spiking.Learner`, with every step of every sample done in Lava."""

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        super().__init__(weights, rule, inhibition)
        self._presenter = Presenter(self._presenter.circuit, weights)


class _Stepper:
    """One step of a shared network, as `WholeCircuit` wants it."""

    def __init__(self, network: LavaNetwork, record: Record) -> None:
        self._network, self._record, self._done = network, record, 0
        self._number = [p.name for p in network.circuit.populations].index("o")

    def __call__(self, inputs: NDArray[Any], target: NDArray[Any]) -> NDArray[np.bool_]:
        network, record, step = self._network, self._record, self._done
        neurons = np.flatnonzero(inputs) + network.first["input"]
        if target.any():
            neurons = np.append(neurons, np.flatnonzero(target) + network.first["in_tgt"])
        events = Events(np.array([0, neurons.size]), neurons.astype(np.int32))
        row, active = record.row[step : step + 1], record.active[step : step + 1]
        run(network._tables, network._state, events, record._replace(row=row, active=active))
        self._done += 1
        fired = network._state.spikes[network.first["o"] :][: target.size]
        return np.asarray(fired & active[0, self._number], np.bool_)


class _Frames:
    """The spikes that go to one population, cycle after cycle, as Lava's SpikeDataloader wants them."""

    def __init__(self, events: Events, period: int, neuron: int, size: int) -> None:
        self._events, self._period, self._neuron, self._size = events, period, neuron, size

    def __len__(self) -> int:
        return (self._events.first.size - 1) // self._period

    def __getitem__(self, cycle: int) -> tuple[NDArray[np.int32], int]:
        """The cycle after this one: the loader holds the very first when it starts."""
        begin = (cycle + 1) % len(self) * self._period
        first = self._events.first[begin : begin + self._period + 1]
        neurons = self._events.neurons[first[0] : first[-1]] - self._neuron
        phases = np.repeat(np.arange(self._period), np.diff(first))
        mine = (neurons >= 0) & (neurons < self._size)
        spikes = np.zeros((self._size, self._period), np.int32)
        spikes[neurons[mine], phases[mine]] = 1
        return spikes, 0


def _loader(frames: _Frames) -> SpikeDataloader:
    period = frames._period
    loader = SpikeDataloader(dataset=frames, interval=period, offset=period - 1)
    loader.data.init = frames[-1][0]
    return loader


def _shared(array: NDArray[Any]) -> NDArray[Any]:
    """A copy that the processes forked from this one see change."""
    copy = np.frombuffer(mmap.mmap(-1, max(array.nbytes, 1)), array.dtype, array.size).reshape(array.shape)
    copy[...] = array
    return copy
