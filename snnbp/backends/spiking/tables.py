"""A circuit as flat tables of integers, and the state that changes while it runs.

Neurons are numbered consecutively, population after population; projections are sorted by their source.
Nothing here or in `stepper` knows what a population or a phase is for.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit

ONE_TO_ONE, SAME_TO_ALL, MATRIX = 0, 1, 2

ROW_MULTIPLE = 16
"""Rows of a matrix are padded with zeros to a multiple of this, so that they fill vector registers."""

Matrices = dict[tuple[str, str], NDArray[np.int16]]
"""Weights of the projections that have matrices: (pre, post) -> int16 (pre.size, post.size)."""


Table = NDArray[np.void]

POPULATION = np.dtype(
    [
        ("start", np.int64),  # its neurons are start to stop - 1
        ("stop", np.int64),
        ("fan_out", np.int64),  # its projections are fan_out to fan_out_end - 1
        ("fan_out_end", np.int64),
        ("bias", np.int32),  # weight units
        ("threshold", np.int32),
        ("refractory", np.int64),  # steps
    ],
    align=True,
)

PROJECTION = np.dtype(
    [
        ("pre", np.int64),  # populations
        ("post", np.int64),
        ("kind", np.int64),  # ONE_TO_ONE, SAME_TO_ALL or MATRIX
        ("weight", np.int32),  # weight units
        ("delay_steps", np.int64),  # steps until a spike arrives, delay + 1
        ("first_weight", np.int64),  # where the matrix starts among all weights
        ("stride", np.int64),  # its padded row length
    ],
    align=True,
)


class Tables(NamedTuple):
    """The part of a compiled circuit that does not change."""

    populations: Table  # POPULATION (P,)
    projections: Table  # PROJECTION (Q,), sorted by source
    matrices: NDArray[np.int64]  # the projections that have matrices
    plastic: NDArray[np.int64]  # those whose matrices learn
    population_of: NDArray[np.int32]  # (neurons,): population of each neuron
    changes: NDArray[np.int8]  # (phases,): what coincident spikes add to a weight, half-units


class SimulatorState(NamedTuple):
    """The part that changes. A slot of the ring buffers is a step modulo the longest delay_steps + 1.

    Equal matrices of one source are stored once, by the first of them, until one learns something else.
    """

    weights: NDArray[np.int8]  # all matrices, half-units
    stored_by: NDArray[np.int64]  # (Q,): the projection that stores this one's matrix
    arriving: NDArray[np.int32]  # (slots * neurons,): input that differs between a population's neurons
    shared_input: NDArray[np.int32]  # (slots, P): input that all neurons of a population share
    has_input: NDArray[np.bool_]  # (slots, P): whether the population must be updated
    spikes: NDArray[np.bool_]  # (neurons,): of this step, where the population is active
    active: NDArray[np.bool_]  # (P,): whether any neuron fired in this step
    silent_until: NDArray[np.int64]  # (neurons,): last step of the refractory period
    clock: NDArray[np.int64]  # (1,): steps done
    # Of one step:
    indices: NDArray[np.int32]  # the counts[p] spiking neurons of population p, from its first neuron + p on
    counts: NDArray[np.int64]  # (P,): -1 until they are listed
    partial: NDArray[np.int16]  # (longest row,)
    total: NDArray[np.int32]
    change: NDArray[np.int8]


def compile_circuit(
    circuit: Circuit, matrices: Mapping[tuple[str, str], Any]
) -> tuple[Tables, SimulatorState]:
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


def read_matrices(circuit: Circuit, tables: Tables, state: SimulatorState) -> Matrices:
    """The matrices as they are now, in weight units."""
    names = [population.name for population in circuit.populations]
    matrices = {}
    for q in tables.matrices:
        projection = tables.projections[q]
        pre, post = names[projection["pre"]], names[projection["post"]]
        rows, stride = circuit[pre].size, projection["stride"]
        base = tables.projections["first_weight"][state.stored_by[q]]
        block = state.weights[base : base + rows * stride].reshape(rows, stride)
        matrices[pre, post] = block[:, : circuit[post].size].astype(np.int16) * np.int16(WEIGHT_GRID)
    return matrices


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
    if matrix.min() < WEIGHT_MIN or matrix.max() > WEIGHT_MAX or (matrix % WEIGHT_GRID).any():
        raise ValueError(f"{name}: weights must be even and within [{WEIGHT_MIN}, {WEIGHT_MAX}]")
    padded = np.zeros((shape[0], -(-shape[1] // ROW_MULTIPLE) * ROW_MULTIPLE), np.int8)
    padded[:, : shape[1]] = matrix // WEIGHT_GRID
    return padded
