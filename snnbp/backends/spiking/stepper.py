"""Run the tables of any circuit, step by step, in integers.

In each step, input sums become spikes; spikes are sent along the projections, with the weights from before
this step's learning; then weights between populations that fired together learn. Only populations that
receive input, or whose bias exceeds their threshold, are updated.

Neurons are numbered consecutively, population after population; projections are sorted by their source.
Nothing here knows what a population or a phase is for. `run` contains the logic, the small functions loops.
"""

from functools import partial as with_options
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit
from snnbp.backends.kernels import Int32s, Int64s, active_indices, add_rows, extremes
from snnbp.circuit.loihi import SUM_LIMIT

Flags = NDArray[np.bool_]
Halves = NDArray[np.int8]

ONE_TO_ONE, SAME_TO_ALL, MATRIX = 0, 1, 2

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
    matrices: Int64s  # the projections that have matrices
    plastic: Int64s  # those whose matrices learn
    population_of: Int32s  # (neurons,): population of each neuron
    changes: Halves  # (phases,): what coincident spikes add to a weight, half-units


class SimulatorState(NamedTuple):
    """The part that changes. A slot of the ring buffers is a step modulo the longest delay_steps + 1.

    Equal matrices of one source are stored once, by the first of them, until one learns something else.
    """

    weights: Halves  # all matrices, half-units
    stored_by: Int64s  # (Q,): the projection that stores this one's matrix
    arriving: Int32s  # (slots * neurons,): input that differs between a population's neurons
    shared_input: Int32s  # (slots, P): input that all neurons of a population share
    has_input: Flags  # (slots, P): whether the population must be updated
    spikes: Flags  # (neurons,): of this step, where the population is active
    active: Flags  # (P,): whether any neuron fired in this step
    silent_until: Int64s  # (neurons,): last step of the refractory period
    clock: Int64s  # (1,): steps done
    # Of one step:
    indices: Int32s  # the counts[p] spiking neurons of population p, from its first neuron + p on
    counts: Int64s  # (P,): -1 until they are listed
    partial: NDArray[np.int16]  # (longest row,)
    total: Int32s
    change: Halves


class Events(NamedTuple):
    """Spikes from outside: `neurons[first[s] : first[s + 1]]` spike in step s of the run."""

    first: Int64s
    neurons: Int32s

    @classmethod
    def of(cls, step: Int64s, neuron: Int64s, steps: int) -> "Events":
        """Sort spikes by the step (0 to steps - 1) in which they happen."""
        in_turn = np.argsort(step, kind="stable")
        first = np.searchsorted(step[in_turn], np.arange(steps + 1))
        return cls(first.astype(np.int64), neuron[in_turn].astype(np.int32))


class SpikeRecord(NamedTuple):
    """Arrays that `run` fills.

    For every step, `active` says which populations fired, `overflows` how many input sums left 24 bits.
    Neurons of population p are recorded in the columns from `column[p]` on, step s in row `row[s]`; -1 means
    that they are not recorded.
    """

    row: Int64s  # (steps,)
    column: Int64s  # (P,)
    spikes: Flags  # (rows, columns)
    potentials: Int32s  # (rows, columns); no rows if not asked for
    active: Flags  # (steps, P)
    overflows: Int64s  # (steps,)


@with_options(jit, entry=True)
def run(tables: Tables, state: SimulatorState, events: Events, record: SpikeRecord) -> None:
    """Advance `state` by record.row.size steps."""
    populations, projections, _, plastic, population_of, changes = tables
    weights, stored_by, arriving, shared_input, has_input, spikes, active, silent_until, clock = state[:9]
    indices, counts, partial, total, change = state[9:]
    event_first, event_neurons = events
    rows, column, recorded_spikes, recorded_potentials, recorded_active, overflows = record
    slots, neurons = shared_input.shape[0], population_of.size

    for s in range(rows.size):
        step, row = clock[0], rows[s]
        now = step % slots
        arrived = arriving[now * neurons : (now + 1) * neurons]
        if row >= 0 and recorded_potentials.shape[0] > 0:
            _record_potentials(populations, column, arrived, shared_input[now], recorded_potentials[row])

        # Input sums become spikes.
        for p in range(populations.size):
            active[p] = False
            if not has_input[now, p]:
                continue
            population, shared = populations[p], shared_input[now, p]
            sums = arrived[population.start : population.stop]
            spiking = spikes[population.start : population.stop]
            low, high = extremes(sums)
            if high + shared >= SUM_LIMIT or low + shared < -SUM_LIMIT:
                overflows[s] += _wrap(sums, shared)
                low, high = extremes(sums)
            needed = np.int32(population.threshold - population.bias - shared)
            if high > needed:
                for j in range(sums.size):
                    spiking[j] = sums[j] > needed
                active[p] = True
                if population.refractory > 0:
                    until = silent_until[population.start : population.stop]
                    active[p] = _drop_resting(spiking, until, step, population.refractory)
            sums[:] = 0
            shared_input[now, p] = 0
            has_input[now, p] = population.bias > population.threshold

        # Add spikes from outside.
        for k in range(event_first[s], event_first[s + 1]):
            neuron = event_neurons[k]
            p = population_of[neuron]
            if not active[p]:
                spikes[populations[p].start : populations[p].stop] = False
                active[p] = True
            spikes[neuron] = True
            silent_until[neuron] = step + populations[p].refractory
        if row >= 0:
            _record_spikes(populations, column, spikes, active, recorded_spikes[row])

        # Send the spikes along the projections.
        for p in range(populations.size):
            recorded_active[s, p] = active[p]
            if not active[p]:
                continue
            first, size = populations[p].start, populations[p].stop - populations[p].start
            spiking, listed = spikes[first : first + size], indices[first + p :]
            counts[p], summed = -1, -1
            for q in range(populations[p].fan_out, populations[p].fan_out_end):
                projection = projections[q]
                post, ring_slot = projection.post, (now + projection.delay_steps) % slots
                begin = ring_slot * neurons
                target = arriving[begin + populations[post].start : begin + populations[post].stop]
                has_input[ring_slot, post] = True
                if projection.kind == ONE_TO_ONE:
                    weight = projection.weight
                    for j in range(size):
                        target[j] += weight if spiking[j] else 0
                    continue
                if counts[p] < 0:
                    counts[p] = active_indices(spiking, listed)
                if projection.kind == MATRIX:
                    if summed != stored_by[q]:
                        summed = stored_by[q]
                        stored = weights[projections[summed].first_weight :][: size * projection.stride]
                        matrix = stored.reshape(size, projection.stride)
                        total[:] = 0
                        add_rows(matrix, listed[: counts[p]], partial, total[: projection.stride])
                    for j in range(target.size):
                        target[j] += 2 * total[j]
                else:
                    shared_input[ring_slot, post] += projection.weight * counts[p]

        # Learn: change the weights between populations that fired.
        step_change = changes[step % changes.size]
        if step_change:
            _separate(populations, projections, plastic, spikes, active, weights, stored_by)
        for q in plastic[: plastic.size if step_change else 0]:
            projection = projections[q]
            p, post = projection.pre, projection.post
            if stored_by[q] == q and active[p] and active[post]:
                first, size = populations[p].start, populations[p].stop - populations[p].start
                stored = weights[projection.first_weight :][: size * projection.stride]
                change[:] = 0
                for j in range(populations[post].start, populations[post].stop):
                    change[j - populations[post].start] = step_change if spikes[j] else 0
                rows_p = indices[first + p : first + p + counts[p]]
                _change_rows(stored.reshape(size, projection.stride), rows_p, change)
        clock[0] = step + 1


@jit
def _wrapped(value: int) -> int:
    return (value + SUM_LIMIT) % (2 * SUM_LIMIT) - SUM_LIMIT


@jit
def _wrap(sums: Int32s, shared: int) -> int:
    """Wrap the input sums + shared around their range; return how many were outside."""
    wrapped = 0
    for j in range(sums.size):
        inside = _wrapped(sums[j] + shared) - shared
        wrapped += inside != sums[j]
        sums[j] = inside
    return wrapped


@jit
def _drop_resting(spiking: Flags, silent_until: Int64s, step: int, refractory: int) -> bool:
    """Remove the spikes of refractory neurons; return whether any spike is left."""
    fired = False
    for j in range(spiking.size):
        spiking[j] &= step > silent_until[j]
        if spiking[j]:
            silent_until[j] = step + refractory
            fired = True
    return fired


@jit
def _record_potentials(
    populations: Table, column: Int64s, sums: Int32s, shared_input: Int32s, out: Int32s
) -> None:
    for p in range(populations.size):
        if column[p] >= 0:
            population = populations[p]
            for j in range(population.stop - population.start):
                potential = _wrapped(sums[population.start + j] + shared_input[p]) + population.bias
                out[column[p] + j] = min(max(potential, 1 - SUM_LIMIT), SUM_LIMIT - 1)


@jit
def _record_spikes(populations: Table, column: Int64s, spikes: Flags, active: Flags, out: Flags) -> None:
    for p in range(populations.size):
        if column[p] >= 0 and active[p]:
            for j in range(populations[p].stop - populations[p].start):
                out[column[p] + j] = spikes[populations[p].start + j]


@jit
def _separate(
    populations: Table,
    projections: Table,
    plastic: Int64s,
    spikes: Flags,
    active: Flags,
    weights: Halves,
    stored_by: Int64s,
) -> None:
    """Give a matrix that shares its storage its own, where its targets fire otherwise than the other's."""
    for q in plastic:
        one, other = projections[q], projections[stored_by[q]]
        if stored_by[q] == q or not active[one.pre]:
            continue
        same = active[one.post] == active[other.post]
        if same and active[one.post]:
            same = _same(
                spikes[populations[one.post].start : populations[one.post].stop],
                spikes[populations[other.post].start : populations[other.post].stop],
            )
        if not same:
            size = (populations[one.pre].stop - populations[one.pre].start) * one.stride
            for k in range(size):
                weights[one.first_weight + k] = weights[other.first_weight + k]
            stored_by[q] = q


@jit
def _same(one: Flags, other: Flags) -> bool:
    """Whether two groups of neurons fire alike; no early exit, so that it takes vectors."""
    differing = False
    for j in range(one.size):
        differing |= one[j] != other[j]
    return not differing


@jit
def _change_rows(matrix: Halves, rows: Int32s, change: Halves) -> None:
    """Add the change to the listed rows, saturating at the weight bounds; int16 keeps SIMD lanes narrow."""
    lowest, highest = np.int16(-128), np.int16(127)
    for k in rows:
        row = matrix[k]
        for j in range(row.size):
            row[j] = min(max(np.int16(row[j]) + np.int16(change[j]), lowest), highest)
