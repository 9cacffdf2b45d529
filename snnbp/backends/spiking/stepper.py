"""Run the tables of any circuit, step by step, in integers.

In each step, input sums become spikes; spikes are sent along the projections, with the weights from before
this step's learning; then weights between populations that fired together learn. Only populations that
receive input, or whose bias exceeds their threshold, are updated.

`run` contains the logic, the small functions the loops over neurons.
"""

from functools import partial as with_options
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit
from snnbp.backends.kernels import active_indices, add_rows, extremes
from snnbp.backends.spiking.tables import MATRIX, ONE_TO_ONE, SimulatorState, Table, Tables
from snnbp.circuit.loihi import SUM_LIMIT

Flags = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


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
            sums, spiking = (
                arrived[population.start : population.stop],
                spikes[population.start : population.stop],
            )
            low, high = extremes(sums)
            if high + shared >= SUM_LIMIT or low + shared < -SUM_LIMIT:
                overflows[s] += _wrap(sums, shared)
                low, high = extremes(sums)
            needed = np.int32(population.threshold - population.bias - shared)
            if high > needed:
                _compare(sums, needed, spiking)
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
                    _add_copies(spiking, projection.weight, target)
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
                    _add_sums(total, target)
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
                _set_change(spikes[populations[post].start : populations[post].stop], step_change, change)
                _change_rows(
                    stored.reshape(size, projection.stride),
                    indices[first + p : first + p + counts[p]],
                    change,
                )
        clock[0] = step + 1


@jit
def _compare(sums: Int32s, needed: np.int32, spiking: Flags) -> None:
    """Set a spike where the sum exceeds `needed`."""
    for j in range(sums.size):
        spiking[j] = sums[j] > needed


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
def _add_copies(spiking: Flags, weight: int, target: Int32s) -> None:
    """Add the weight to the input of each target of a one-to-one projection whose source spikes."""
    for j in range(spiking.size):
        target[j] += weight if spiking[j] else 0


@jit
def _add_sums(total: Int32s, target: Int32s) -> None:
    """Add half-unit sums to the targets' input."""
    for j in range(target.size):
        target[j] += 2 * total[j]


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
def _set_change(spiking: Flags, step_change: int, change: NDArray[np.int8]) -> None:
    for j in range(spiking.size):
        change[j] = step_change if spiking[j] else 0


@jit
def _change_rows(matrix: NDArray[np.int8], rows: Int32s, change: NDArray[np.int8]) -> None:
    """Add the change to the listed rows, saturating at the weight bounds; int16 keeps SIMD lanes narrow."""
    lowest, highest = np.int16(-128), np.int16(127)
    for k in rows:
        row = matrix[k]
        for j in range(row.size):
            row[j] = min(max(np.int16(row[j]) + np.int16(change[j]), lowest), highest)
