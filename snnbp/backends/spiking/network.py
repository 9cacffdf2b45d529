"""Any circuit as tables of integers, run on input spikes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.backends.spiking.stepper import (
    MATRIX,
    ONE_TO_ONE,
    POPULATION,
    PROJECTION,
    SAME_TO_ALL,
    Events,
    SimulatorState,
    SpikeRecord,
    Tables,
    run,
)
from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit

Matrices = dict[tuple[str, str], NDArray[np.int16]]
"""Weights of the projections that have matrices: (pre, post) -> int16 (pre.size, post.size)."""

ROW_MULTIPLE = 16
"""Rows of a matrix are padded with zeros to a multiple of this, so that they fill vector registers."""


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
        self._tables, self._state = _compiled(circuit, plastic)
        starts = self._tables.populations["start"].tolist()
        self.start = {p.name: start for p, start in zip(circuit.populations, starts, strict=True)}

    @property
    def matrices(self) -> Matrices:
        """The weights as they are now, int16 (pre.size, post.size), by (pre, post)."""
        circuit, state, projections, found = self.circuit, self._state, self._tables.projections, {}
        for q in self._tables.matrices:
            pre, post = (circuit.populations[projections[q][end]] for end in ("pre", "post"))
            first, stride = projections["first_weight"][state.stored_by[q]], projections["stride"][q]
            block = state.weights[first : first + pre.size * stride].reshape(pre.size, stride)
            found[pre.name, post.name] = block[:, : post.size].astype(np.int16) * np.int16(WEIGHT_GRID)
        return found

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


def _compiled(circuit: Circuit, matrices: Mapping[tuple[str, str], Any]) -> tuple[Tables, SimulatorState]:
    """Make the tables of a circuit and its state at rest.

    `matrices` has one entry for each projection with a matrix: integers (pre.size, post.size), even, within
    [-256, 254]. Raises ValueError naming the entry that is missing, unknown or has another shape or value.
    """
    number = {population.name: n for n, population in enumerate(circuit.populations)}
    projections = sorted(circuit.projections, key=lambda projection: number[projection.pre])
    sizes = [population.size for population in circuit.populations]
    start = np.cumsum([0, *sizes])

    wanted = {(p.pre, p.post) for p in circuit.matrices}
    for pre, post in matrices.keys() - wanted:
        raise ValueError(f"weights given for {pre} -> {post}, which has no matrix in this circuit")
    blocks, bases, strides, end = [], [], [], 0
    for projection in projections:
        block = np.zeros((0, 0), np.int8)
        if projection.weight is None:
            if (projection.pre, projection.post) not in matrices:
                raise ValueError(f"{projection}: its weights are missing")
            matrix = matrices[projection.pre, projection.post]
            shape = circuit[projection.pre].size, circuit[projection.post].size
            block = _half_units(str(projection), matrix, shape)
        blocks.append(block)
        bases.append(end)
        strides.append(block.shape[1])
        end += block.size

    fan_out = np.searchsorted([number[p.pre] for p in projections], np.arange(len(sizes) + 1))
    populations = np.zeros(len(sizes), POPULATION)
    populations["start"], populations["stop"] = start[:-1], start[1:]
    populations["fan_out"], populations["fan_out_end"] = fan_out[:-1], fan_out[1:]
    for field in ("bias", "threshold", "refractory"):
        populations[field] = [getattr(population.neuron, field) for population in circuit.populations]

    table = np.array(
        [
            (number[p.pre], number[p.post], _kind(p), p.weight or 0, p.delay + 1, base, stride)
            for p, base, stride in zip(projections, bases, strides, strict=True)
        ],
        PROJECTION,
    )
    changes = [0]
    if circuit.plasticity:
        rule, rewards = circuit.plasticity, [phase.reward for phase in circuit.phases] or [False]
        changes = [(rule.always + rule.rewarded * reward) // WEIGHT_GRID for reward in rewards]
    tables = Tables(
        populations.view(np.recarray),
        table.view(np.recarray),
        np.flatnonzero(table["kind"] == MATRIX),
        np.flatnonzero([circuit.role(p) == "plastic" for p in projections]),
        np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
        np.array(changes, np.int8),
    )
    widest = max(strides, default=0)
    slots = max((p.delay for p in projections), default=0) + 2
    state = SimulatorState(
        weights=np.concatenate([np.zeros(0, np.int8), *(block.ravel() for block in blocks)]),
        stored_by=_first_equals([(p.pre, circuit[p.post].size, p.learns) for p in projections], blocks),
        arriving=np.zeros(slots * start[-1], np.int32),
        shared_input=np.zeros((slots, len(sizes)), np.int32),
        has_input=np.tile(populations["bias"] > populations["threshold"], (slots, 1)),
        spikes=np.zeros(start[-1], np.bool_),
        active=np.zeros(len(sizes), np.bool_),
        silent_until=np.full(start[-1], -1, np.int64),
        clock=np.zeros(1, np.int64),
        indices=np.empty(start[-1] + len(sizes), np.int32),
        counts=np.empty(len(sizes), np.int64),
        partial=np.empty(widest, np.int16),
        total=np.empty(widest, np.int32),
        change=np.empty(widest, np.int8),
    )
    return tables, state


def _first_equals(ends: list[tuple[str, int, bool]], blocks: list[NDArray[np.int8]]) -> NDArray[np.int64]:
    """For each projection the first one with the same source, number of targets and matrix, if both learn."""
    first: dict[tuple[tuple[str, int, bool], bytes], int] = {}
    keys = ((end, block.tobytes()) for end, block in zip(ends, blocks, strict=True))
    return np.array([first.setdefault(key, q) for q, key in enumerate(keys)], np.int64)


def _kind(projection: Projection) -> int:
    if projection.weight is None:
        return MATRIX
    return ONE_TO_ONE if projection.pattern == "one-to-one" else SAME_TO_ALL


def _half_units(name: str, matrix: Any, shape: tuple[int, int]) -> NDArray[np.int8]:
    """Check a matrix; return it in half-units with padded rows."""
    matrix = np.asarray(matrix)
    if matrix.shape != shape or not np.issubdtype(matrix.dtype, np.integer):
        raise ValueError(f"{name}: weights must be integers {shape}, got {matrix.dtype} {matrix.shape}")
    if matrix.min() < WEIGHT_MIN or matrix.max() > WEIGHT_MAX or (matrix & WEIGHT_GRID - 1).any():
        raise ValueError(f"{name}: weights must be even and within [{WEIGHT_MIN}, {WEIGHT_MAX}]")
    padded = np.zeros((shape[0], -(-shape[1] // ROW_MULTIPLE) * ROW_MULTIPLE), np.int8)
    padded[:, : shape[1]] = matrix // WEIGHT_GRID
    return padded
