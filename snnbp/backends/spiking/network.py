"""Run any circuit on input spikes: tables, state and spike record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.backends.spiking.stepper import Events, SpikeRecord, run
from snnbp.backends.spiking.tables import Matrices, SimulatorState, compile_circuit, read_matrices
from snnbp.circuit.spec import Circuit


@dataclass(frozen=True)
class Simulation:
    """The result of `simulate`.

    Attributes
    ----------
    spikes : dict of str to bool array (steps, size)
        By population.
    potentials : dict of str to int32 array (steps, size)
        Input sum + bias (weight units) by population; empty unless asked for.
    plastic : dict of (str, str) to int16 array (pre.size, post.size)
        The matrices after the last step, by (pre, post).
    overflows : int
        Number of input sums that left 24 bits.
    """

    spikes: dict[str, NDArray[np.bool_]]
    potentials: dict[str, NDArray[np.int32]]
    plastic: Matrices
    overflows: int


class Network:
    """A circuit, its matrices and its state. Successive runs continue one another.

    Attributes
    ----------
    circuit : Circuit
    start : dict of str to int
        Index of each population's first neuron.
    """

    def __init__(self, circuit: Circuit, plastic: Mapping[tuple[str, str], Any]) -> None:
        self.circuit = circuit
        self._tables, self._state = compile_circuit(circuit, plastic)
        starts = self._tables.populations["start"].tolist()
        self.start = {p.name: start for p, start in zip(circuit.populations, starts, strict=True)}

    @property
    def matrices(self) -> Matrices:
        """The weights as they are now, int16 (pre.size, post.size), by (pre, post)."""
        return read_matrices(self.circuit, self._tables, self._state)

    def run(
        self,
        events: Events,
        rows: NDArray[np.int64],
        populations: Iterable[str] = (),
        potentials: bool = False,
    ) -> SpikeRecord:
        """Run rows.size steps.

        Parameters
        ----------
        events : Events
            Spikes from outside.
        rows : int64 array (steps,)
            Step s is recorded in row rows[s], or not at all if that is -1.
        populations : iterable of str
            The record's columns are their neurons, in this order.
        potentials : bool
            Whether to record potentials, too.

        Returns
        -------
        SpikeRecord

        Raises
        ------
        ValueError
            For a name that the circuit does not have.
        """
        record = self._empty_record(rows, populations, potentials)
        run(self._tables, self._state, events, record)
        return record

    def next_steps(self, steps: int) -> SpikeRecord:
        """Record what the spikes in flight would do in the next steps, without changing the network."""
        record = self._empty_record(np.full(steps, -1))
        tables = self._tables._replace(changes=np.zeros(1, np.int8))
        state = SimulatorState._make([self._state.weights, *(array.copy() for array in self._state[1:])])
        run(tables, state, Events(np.zeros(steps + 1, np.int64), np.zeros(0, np.int32)), record)
        return record

    def _empty_record(
        self, rows: NDArray[np.int64], populations: Iterable[str] = (), potentials: bool = False
    ) -> SpikeRecord:
        numbers = {population.name: n for n, population in enumerate(self.circuit.populations)}
        column = np.full(len(numbers), -1)
        width = 0
        for name in population_names(self.circuit, populations):
            column[numbers[name]] = width
            width += self.circuit[name].size
        height = int(rows.max(initial=-1)) + 1
        return SpikeRecord(
            row=rows,
            column=column,
            spikes=np.zeros((height, width), np.bool_),
            potentials=np.zeros((height if potentials else 0, width), np.int32),
            active=np.zeros((rows.size, len(numbers)), np.bool_),
            overflows=np.zeros(rows.size, np.int64),
        )


def simulate(
    circuit: Circuit,
    plastic: Mapping[tuple[str, str], Any],
    inputs: Mapping[str, NDArray[np.bool_]],
    steps: int,
    *,
    populations: Iterable[str] | None = None,
    potentials: bool = False,
) -> Simulation:
    """Run any circuit from rest.

    Parameters
    ----------
    circuit : Circuit
    plastic : mapping of (str, str) to integer array (pre.size, post.size)
        One matrix for each projection without a fixed weight, by (pre, post): even, within [-256, 254].
    inputs : mapping of str to bool array (steps, size)
        Spikes that a population emits besides its own.
    steps : int
        Row s of the record is step s, counted from 0, which is phase s mod len(circuit.phases).
    populations : iterable of str, optional
        Those to record; default: all.
    potentials : bool
        Whether to record potentials, too.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        For unknown names, and for wrong shapes or values.
    """
    checks.an(Circuit, "circuit", circuit)
    steps = checks.whole("steps", steps)
    if steps < 0:
        raise ValueError(f"steps must not be negative, got {steps}")
    names = population_names(circuit, populations)
    network = Network(circuit, plastic)
    record = network.run(_events(network, inputs, steps), np.arange(steps), names, potentials)
    return Simulation(
        by_population(circuit, names, record.spikes),
        by_population(circuit, names, record.potentials) if potentials else {},
        network.matrices,
        int(record.overflows.sum()),
    )


def population_names(circuit: Circuit, populations: Iterable[str] | None) -> tuple[str, ...]:
    """Return the names of the chosen populations, or of all; ValueError for one that is unknown or twice."""
    known = tuple(population.name for population in circuit.populations)
    names = known if populations is None else checks.each("populations", populations, str)
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is not a population of this circuit: choose from {', '.join(known)}")
        if names.count(name) > 1:
            raise ValueError(f"population {name!r} is listed twice")
    return names


def by_population(circuit: Circuit, names: tuple[str, ...], columns: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Split the last axis of a record into the named populations' neurons."""
    ends = np.cumsum([circuit[name].size for name in names])
    return dict(zip(names, np.split(columns, ends[:-1], axis=-1), strict=True)) if names else {}


def _events(network: Network, inputs: Mapping[str, NDArray[np.bool_]], steps: int) -> Events:
    when, who = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for name, spikes in inputs.items():
        if name not in network.circuit:
            raise ValueError(f"input spikes for {name!r}, which is not a population of this circuit")
        shape, spikes = (steps, network.circuit[name].size), np.asarray(spikes)
        if spikes.shape != shape or spikes.dtype != np.bool_:
            raise ValueError(
                f"input spikes of {name!r} must be bool {shape}, got {spikes.dtype} {spikes.shape}"
            )
        step, neuron = np.nonzero(spikes)
        when.append(step)
        who.append(neuron + network.start[name])
    return Events.of(np.concatenate(when), np.concatenate(who), steps)
