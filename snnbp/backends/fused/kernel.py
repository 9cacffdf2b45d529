"""The compiled passes over a data set: learning and prediction, all quantities in half-units."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit
from snnbp.backends.fused.layout import Half, Layout
from snnbp.backends.kernels import (
    Active,
    Int32s,
    Int64s,
    active_indices,
    add_rows,
    extremes,
    masked_sum,
    outside,
    outside_masked,
    shift,
    threshold,
)

Mask = NDArray[np.int16]

HALF_MAX = 128
"""Largest magnitude of a weight in half-units."""


class Parameters(NamedTuple):
    """A rule and its limits in half-units."""

    spike_above: int
    window_top: int = 0
    too_low: tuple[int, int] = (0, 0)  # the target output learns above the first potential, up to the second
    too_high: int = 0  # the others learn above this, up to window_top
    step: int = 0
    low: np.int8 = np.int8(0)
    updates_first: bool = False
    replays_between: bool = False
    published: bool = False
    limits: tuple[tuple[int, int], ...] = ((0, 0),) * 4  # as in CurrentLimits, then base.SUMS


class Scratch(NamedTuple):
    """Memory that a pass works in. Activity of layer l stands in row l."""

    v: Int32s  # (layers, widest): potentials
    mask: Mask  # (layers, widest): spikes, 0 or -1
    rows: Int32s  # (layers, widest + 1): indices of the neurons that spike, for layers below the last hidden
    counts: Int64s  # (layers,): number of spikes
    slack: Int64s  # (layers,): see `_slack`
    deltas: Int32s  # (2, widest): what the errors bring to the layer below, up and down
    errors: Int32s  # (4, widest + 1): neurons with an error of either sign, in this layer and the one below
    changes: Half  # (2, widest)
    masks: Mask  # (2, widest)

    @classmethod
    def of(cls, sizes: Int64s, slack: int) -> "Scratch":
        """Scratch for a network of these sizes; `slack` is -1, or 0 if nothing is learned."""
        layers, widest = sizes.size, sizes[1:].max()
        return cls(
            np.empty((layers, widest), np.int32),
            np.empty((layers, widest), np.int16),
            np.empty((layers, widest + 1), np.int32),
            np.empty(layers, np.int64),
            np.full(layers, slack),
            np.empty((2, widest), np.int32),
            np.empty((4, widest + 1), np.int32),
            np.empty((2, widest), np.int8),
            np.empty((2, widest), np.int16),
        )


@partial(jit, entry=True)
def learn(
    net: Layout,
    parameters: Parameters,
    active: Active,
    labels: Int64s,
    order: Int64s,
    scratch: Scratch,
    potentials: Int32s,
) -> tuple[int, int, int]:
    """One pass; fill `potentials` (order.size, outputs).

    Returns the number of overdriven samples, and the smallest and the largest potential of all layers.
    """
    sizes, forward, plus_stack, minus_stack, back_plus_stack, back_minus_stack = net
    spike_above, window_top, too_low, too_high, step, low = parameters[:6]
    updates_first, replays_between, published, limits = parameters[6:]
    inhibited, delta, uninhibited, sums = limits
    potential, spikes, spiking, counts, slack, deltas, errors, changes, masks = scratch
    partial, error = masks[0], masks[1]
    last, above = sizes.size - 1, np.int32(spike_above)  # int32 keeps SIMD lanes narrow
    n_overdriven, lowest, highest = 0, 0, 0
    tight = delta[1] if delta[1] < -delta[0] else -delta[0]

    for n in range(order.size):
        x = active.indices[active.first[order[n]] : active.first[order[n] + 1]]
        least, most, rows = 0, 0, x
        v, mask = potential[0], spikes[0]
        for layer in range(1, last + 1):
            below, v, mask = mask, potential[layer, : sizes[layer]], spikes[layer, : sizes[layer]]
            if layer < last:
                for j in range(v.size):
                    v[j] = 0
                add_rows(forward[layer - 1], rows, partial, v)
            else:
                for k in range(v.size):
                    v[k] = masked_sum(plus_stack[last - 2, k], below)
            bottom, top = threshold(v, above, mask)
            least, most = bottom if bottom < least else least, top if top > most else most
            if layer < last - 1:
                counts[layer] = active_indices(mask, spiking[layer])
                rows = spiking[layer, : counts[layer]]
        lowest, highest = least if least < lowest else lowest, most if most > highest else highest
        overdriven = least < inhibited[0] or most > inhibited[1]
        for layer in range(2, last + 1):
            if slack[layer] < 0:
                back, total = back_plus_stack[layer - 2], deltas[0, : sizes[layer - 1]]
                if n % 64 == 0:
                    slack[layer] = _slack(back, inhibited, total)
                if slack[layer] < 0:
                    rows = errors[0, : active_indices(spikes[layer, : sizes[layer]], errors[0])]
                    for j in range(total.size):
                        total[j] = 0
                    add_rows(back, rows, partial, total)
                    overdriven |= outside(total, inhibited)

        label, n_plus, n_minus = labels[order[n]], 0, 0
        for k in range(v.size):
            t = k == label
            potentials[n, k] = v[k]
            errors[0, n_plus] = errors[1, n_minus] = k
            n_plus += t and too_low[0] < v[k] <= too_low[1]
            n_minus += not t and too_high < v[k] <= window_top
        plus, minus = errors[0, :n_plus], errors[1, :n_minus]

        for layer in range(last, 1, -1):
            if plus.size + minus.size == 0:
                break
            pre = sizes[layer - 1]
            w_plus, w_minus = plus_stack[layer - 2, : sizes[layer]], minus_stack[layer - 2]
            back_plus, back_minus = back_plus_stack[layer - 2], back_minus_stack[layer - 2]
            v, mask, fires = potential[layer - 1, :pre], spikes[layer - 1, :pre], error[:pre]
            up, down, raised, lowered = deltas[0, :pre], deltas[1, :pre], changes[0, :pre], changes[1, :pre]
            for j in range(pre):
                raised[j] = step & mask[j]
                lowered[j] = -raised[j]
                up[j] = down[j] = 0
            if updates_first:
                _shift_rows(w_plus, w_minus, plus, raised, lowered, low)
                _shift_rows(w_plus, w_minus, minus, lowered, raised, low)

            add_rows(back_plus, plus, partial, up)
            add_rows(back_minus, minus, partial, up)
            add_rows(back_plus, minus, partial, down)
            add_rows(back_minus, plus, partial, down)
            if (plus.size + minus.size) * HALF_MAX > tight:
                overdriven |= outside(up, delta) or outside(down, delta)
            n_plus, n_minus, first = 0, 0, 2 * ((last + 1 - layer) % 2)
            for j in range(pre):
                inside = 0 < v[j] <= window_top
                errors[first, n_plus] = errors[first + 1, n_minus] = j
                n_plus += inside and up[j] > 0
                n_minus += inside and down[j] > 0
            next_plus, next_minus = errors[first, :n_plus], errors[first + 1, :n_minus]

            if not updates_first:
                _shift_rows(w_plus, w_minus, plus, raised, lowered, low)
            slack[layer] -= step * (plus.size + minus.size)
            if plus.size and window_top + step * pre > inhibited[1]:
                for k in plus:
                    overdriven |= masked_sum(w_plus[k], mask) > inhibited[1]
            if replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, uninhibited, fires)
            if not updates_first:
                _shift_rows(w_plus, w_minus, minus, lowered, raised, low)
            if layer < last:
                rows, change = spiking[layer - 1, : counts[layer - 1]], changes[0, : sizes[layer]]
                _shift_forward(forward[layer - 1], rows, plus, minus, step, low, change)
            if not replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, uninhibited, fires)
            overdriven |= _forward_overdrives(w_plus, next_minus, inhibited, fires)
            plus, minus = next_plus, next_minus

        v = potential[1, : sizes[1]]  # the current of x when W_1 depresses
        if plus.size + minus.size > 0:
            _shift_forward(forward[0], x, plus, minus, step, low, changes[0, : v.size])
            if plus.size and window_top + step * x.size > uninhibited[1]:
                for j in range(v.size):
                    v[j] = 0
                add_rows(forward[0], x, partial, v)
                most = extremes(v)[1]
                overdriven |= most > (sums[1] if published else inhibited[1])
        if published and most > uninhibited[1]:
            fires = error[: v.size]
            threshold(v, np.int32(uninhibited[1]), fires)
            rows = errors[0, : active_indices(fires, errors[0])]
            overdriven |= _forward_overdrives(plus_stack[0], rows, uninhibited, fires)
        n_overdriven += overdriven
    return n_overdriven, lowest, highest


@jit
def _shift_rows(
    w_plus: Half, w_minus: Half, rows: Int32s, change: Half, opposite: Half, low: np.int8
) -> None:
    """Change the weights that lead into these neurons, in W^T+ and W^T-."""
    for k in rows:
        shift(w_plus[k], change, low)
        shift(w_minus[k], opposite, low)


@jit
def _shift_forward(
    weights: Half, active: Int32s, plus: Int32s, minus: Int32s, step: int, low: np.int8, change: Half
) -> None:
    """Change the same weights in the forward matrix, from every neuron that spiked."""
    change[:] = 0
    for k in plus:
        change[k] = step
    for k in minus:
        change[k] = -step
    for j in active:
        shift(weights[j], change, low)


@jit
def _forward_overdrives(w_plus: Half, rows: Int32s, allowed: tuple[int, int], mask: Mask) -> bool:
    """Whether spikes of the neurons in `rows` bring the next layer a current outside `allowed`."""
    if rows.size * HALF_MAX <= min(allowed[1], -allowed[0]):
        return False
    mask[:] = 0
    for j in rows:
        mask[j] = -1
    return outside_masked(w_plus, mask, allowed)


@jit
def _slack(back: Half, allowed: tuple[int, int], total: Int32s) -> int:
    """How far the current is from its limits that all weights of one sign bring together.

    Less all that has been learned since, it is 0 or more as long as no spikes can exceed the limits.
    """
    slack = allowed[1]
    for sign in (1, -1):
        total[:] = 0
        for k in range(back.shape[0]):
            for j in range(total.size):
                total[j] += max(0, sign * back[k, j])
        room = allowed[1] if sign > 0 else -allowed[0]
        slack = min(slack, room - extremes(total)[1])
    return slack
