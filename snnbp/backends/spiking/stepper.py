"""Run the tables of any circuit, step by step, in integers.

In each step, input sums become spikes; spikes are sent along the projections, with the weights from before
this step's learning; then weights between populations that fired together learn. Only populations that
receive input, or whose bias exceeds their threshold, are updated.

`run` contains the logic, the small functions the loops over neurons. They take whole arrays and bounds
instead of slices, because Numba counts references to every slice that is passed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit
from snnbp.backends.kernels import active_indices, sum_rows
from snnbp.backends.spiking.tables import MATRIX, ONE_TO_ONE, SimulatorState, Table, Tables
from snnbp.circuit.loihi import SUM_LIMIT

Flags = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


class Events(NamedTuple):
    """Spikes from outside: `neurons[first[s] : first[s + 1]]` spike in step s of the run."""

    first: Int64s
    neurons: Int32s


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


@jit
def run(tables: Tables, state: SimulatorState, events: Events, record: SpikeRecord) -> None:
    """Advance `state` by record.row.size steps."""
    populations, projections, plastic, population_of, changes = tables
    weights, stored_by, arriving, shared_input, has_input, spikes, active, silent_until, clock = state
    event_first, event_neurons = events
    rows, column, recorded_spikes, recorded_potentials, recorded_active, overflows = record

    slots, neurons = shared_input.shape[0], population_of.size
    widest = projections[0].stride if projections.size else 0
    for q in range(projections.size):
        widest = max(widest, projections[q].stride)
    partial, total, change = np.empty(widest, np.int16), np.empty(widest, np.int32), np.empty(widest, np.int8)
    # Indices of the count[p] spiking neurons of population p, from first + p on; filled when first needed.
    indices, count = np.empty(neurons + populations.size, np.int32), np.empty(populations.size, np.int64)

    for s in range(rows.size):
        step, row = clock[0], rows[s]
        now = step % slots
        if row >= 0 and recorded_potentials.shape[0] > 0:
            _record_potentials(
                populations, column, arriving, now * neurons, shared_input, now, recorded_potentials, row
            )

        # Input sums become spikes.
        for p in range(populations.size):
            active[p] = False
            if not has_input[now, p]:
                continue
            population, shared = populations[p], shared_input[now, p]
            first, size = population.start, population.stop - population.start
            here = now * neurons + first
            low, high = _extremes(arriving, here, size)
            if high + shared >= SUM_LIMIT or low + shared < -SUM_LIMIT:
                overflows[s] += _wrap(arriving, here, size, shared)
                low, high = _extremes(arriving, here, size)
            needed = np.int32(population.threshold - population.bias - shared)
            if high > needed:
                _compare(arriving, here, size, needed, spikes, first)
                active[p] = True
                if population.refractory > 0:
                    active[p] = _drop_resting(spikes, silent_until, first, size, step, population.refractory)
            arriving[here : here + size] = 0
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
            _record_spikes(populations, column, spikes, active, recorded_spikes, row)

        # Send the spikes along the projections.
        for p in range(populations.size):
            recorded_active[s, p] = active[p]
            if not active[p]:
                continue
            first, size = populations[p].start, populations[p].stop - populations[p].start
            count[p], summed = -1, -1
            for q in range(populations[p].fan_out, populations[p].fan_out_end):
                projection = projections[q]
                post, ring_slot = projection.post, (now + projection.delay_steps) % slots
                target = ring_slot * neurons + populations[post].start
                has_input[ring_slot, post] = True
                if projection.kind == ONE_TO_ONE:
                    _add_copies(spikes, first, size, projection.weight, arriving, target)
                    continue
                if count[p] < 0:
                    count[p] = active_indices(spikes[first : first + size], indices[first + p :])
                if projection.kind == MATRIX:
                    if summed != stored_by[q]:
                        summed = stored_by[q]
                        matrix = _matrix(weights, projections[summed].first_weight, size, projection.stride)
                        sum_rows(
                            matrix,
                            indices[first + p :],
                            count[p],
                            partial[: matrix.shape[1]],
                            total[: matrix.shape[1]],
                        )
                    _add_sums(total, populations[post].stop - populations[post].start, arriving, target)
                else:
                    shared_input[ring_slot, post] += projection.weight * count[p]

        # Learn: change the weights between populations that fired.
        step_change = changes[step % changes.size]
        if step_change:
            _separate(populations, projections, plastic, spikes, active, weights, stored_by)
        for q in plastic[: plastic.size if step_change else 0]:
            projection = projections[q]
            p, post = projection.pre, projection.post
            if stored_by[q] == q and active[p] and active[post]:
                first, size = populations[p].start, populations[p].stop - populations[p].start
                matrix = _matrix(weights, projection.first_weight, size, projection.stride)
                target, width = populations[post].start, populations[post].stop - populations[post].start
                change[:] = 0
                _set_change(spikes, target, width, step_change, change)
                _change_rows(matrix, indices, first + p, count[p], change)
        clock[0] = step + 1


@jit
def _extremes(sums: Int32s, first: int, size: int) -> tuple[int, int]:
    part = sums[first : first + size]
    low, high = part[0], part[0]
    for j in range(part.size):
        low, high = min(low, part[j]), max(high, part[j])
    return low, high


@jit
def _compare(sums: Int32s, first: int, size: int, needed: np.int32, spikes: Flags, target: int) -> None:
    """Set a spike where the sum exceeds `needed`."""
    part, spiking = sums[first : first + size], spikes[target : target + size]
    for j in range(part.size):
        spiking[j] = part[j] > needed


@jit
def _wrapped(value: int) -> int:
    return (value + SUM_LIMIT) % (2 * SUM_LIMIT) - SUM_LIMIT


@jit
def _wrap(sums: Int32s, first: int, size: int, shared: int) -> int:
    """Wrap the input sums + shared around their range; return how many were outside."""
    wrapped = 0
    for j in range(first, first + size):
        inside = _wrapped(sums[j] + shared) - shared
        wrapped += inside != sums[j]
        sums[j] = inside
    return wrapped


@jit
def _drop_resting(
    spikes: Flags, silent_until: Int64s, first: int, size: int, step: int, refractory: int
) -> bool:
    """Remove the spikes of refractory neurons; return whether any spike is left."""
    fired = False
    for j in range(first, first + size):
        spikes[j] &= step > silent_until[j]
        if spikes[j]:
            silent_until[j] = step + refractory
            fired = True
    return fired


@jit
def _record_potentials(
    populations: Table,
    column: Int64s,
    sums: Int32s,
    first: int,
    shared_input: Int32s,
    now: int,
    out: Int32s,
    row: int,
) -> None:
    for p in range(populations.size):
        if column[p] >= 0:
            population = populations[p]
            for j in range(population.stop - population.start):
                potential = (
                    _wrapped(sums[first + population.start + j] + shared_input[now, p]) + population.bias
                )
                out[row, column[p] + j] = min(max(potential, 1 - SUM_LIMIT), SUM_LIMIT - 1)


@jit
def _record_spikes(
    populations: Table, column: Int64s, spikes: Flags, active: Flags, out: Flags, row: int
) -> None:
    for p in range(populations.size):
        if column[p] >= 0 and active[p]:
            for j in range(populations[p].stop - populations[p].start):
                out[row, column[p] + j] = spikes[populations[p].start + j]


@jit
def _add_copies(spikes: Flags, first: int, size: int, weight: int, sums: Int32s, begin: int) -> None:
    """Add the weight to the input of each target of a one-to-one projection whose source spikes."""
    spiking, target = spikes[first : first + size], sums[begin : begin + size]
    for j in range(spiking.size):
        target[j] += weight if spiking[j] else 0


@jit
def _add_sums(total: Int32s, size: int, sums: Int32s, begin: int) -> None:
    """Add half-unit sums to the targets' input."""
    target = sums[begin : begin + size]
    for j in range(target.size):
        target[j] += 2 * total[j]


@jit
def _matrix(weights: NDArray[np.int8], base: int, rows: int, stride: int) -> NDArray[np.int8]:
    return weights[base : base + rows * stride].reshape(rows, stride)


@jit
def _separate(
    populations: Table,
    projections: Table,
    plastic: Int64s,
    spikes: Flags,
    active: Flags,
    weights: NDArray[np.int8],
    stored_by: Int64s,
) -> None:
    """Give a matrix that shares its storage its own, where its targets fire otherwise than the other's."""
    for q in plastic:
        one, other = projections[q], projections[stored_by[q]]
        if stored_by[q] == q or not active[one.pre]:
            continue
        same = active[one.post] == active[other.post]
        if same and active[one.post]:
            size = populations[one.post].stop - populations[one.post].start
            same = _same(spikes, populations[one.post].start, populations[other.post].start, size)
        if not same:
            size = (populations[one.pre].stop - populations[one.pre].start) * one.stride
            stored = weights[other.first_weight : other.first_weight + size]
            weights[one.first_weight : one.first_weight + size] = stored
            stored_by[q] = q


@jit
def _same(spikes: Flags, first: int, other: int, size: int) -> bool:
    """Whether two groups of neurons fire alike; no early exit, so that it takes vectors."""
    a, b = spikes[first : first + size], spikes[other : other + size]
    differing = False
    for j in range(size):
        differing |= a[j] != b[j]
    return not differing


@jit
def _set_change(spikes: Flags, first: int, size: int, step_change: int, change: NDArray[np.int8]) -> None:
    spiking = spikes[first : first + size]
    for j in range(spiking.size):
        change[j] = step_change if spiking[j] else 0


@jit
def _change_rows(
    matrix: NDArray[np.int8], rows: Int32s, first: int, count: int, change: NDArray[np.int8]
) -> None:
    """Add the change to the listed rows, saturating at the weight bounds; int16 keeps SIMD lanes narrow."""
    lowest, highest = np.int16(-128), np.int16(127)
    for k in range(first, first + count):
        row = matrix[rows[k]]
        for j in range(row.size):
            row[j] = min(max(np.int16(row[j]) + np.int16(change[j]), lowest), highest)
