"""The compiled passes over a data set: learning and prediction, all quantities in half-units."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.active import Active
from snnbp.backends.compiled import jit
from snnbp.backends.fused.network import Half, Int64s, Network
from snnbp.backends.kernels import (
    add_rows,
    masked_indices,
    masked_sum,
    outside,
    outside_masked,
    shift,
    sum_rows,
    threshold,
)

Mask = NDArray[np.int16]
Int32s = NDArray[np.int32]

HALF_MAX = 128
"""Largest magnitude of a weight in half-units."""


class Parameters(NamedTuple):
    """A rule and its limits in half-units."""

    spike_above: int
    window_top: int
    too_low: tuple[int, int]  # the target output learns if its potential is above the first, up to the second
    too_high: int  # the others learn above this, up to window_top
    step: int
    low: np.int8
    updates_first: bool
    replays_between: bool
    published: bool
    limits: tuple[tuple[int, int], ...]  # as in CurrentLimits, then base.SUMS


class Scratch(NamedTuple):
    """Activity of one sample: of layer l in row l."""

    v: Int32s  # (layers, widest): potentials
    mask: Mask  # (layers, widest): spikes, 0 or -1
    rows: Int32s  # (layers, widest + 1): indices of the neurons that spike, for layers below the last hidden
    counts: Int64s  # (layers,): number of spikes
    partial: Mask  # (widest,)


@jit
def _scratch(net: Network) -> Scratch:
    layers, widest = net.sizes.size, net.sizes[1:].max()
    return Scratch(
        np.empty((layers, widest), np.int32),
        np.empty((layers, widest), np.int16),
        np.empty((layers, widest + 1), np.int32),
        np.empty(layers, np.int64),
        np.empty(widest, np.int16),
    )


@partial(jit, inline=True)
def _forward(net: Network, active: Int32s, spike_above: int, s: Scratch) -> tuple[int, int]:
    """Fill the scratch; return the smallest and the largest potential."""
    last, above = net.sizes.size - 1, np.int32(spike_above)  # int32 keeps SIMD lanes narrow
    low, high, rows = np.int32(0), np.int32(0), active
    for layer in range(1, last):
        size = net.sizes[layer]
        v, mask = s.v[layer, :size], s.mask[layer, :size]
        sum_rows(net.forward[layer - 1], rows, rows.size, s.partial[:size], v)
        least, most = threshold(v, above, mask)
        low, high = min(low, least), max(high, most)
        if layer < last - 1:
            s.counts[layer] = masked_indices(mask, s.rows[layer])
            rows = s.rows[layer, : s.counts[layer]]
    size = net.sizes[last - 1]
    for k in range(net.sizes[last]):
        s.v[last, k] = masked_sum(net.plus[last - 2, k, :size], s.mask[last - 1, :size])
    least, most = threshold(s.v[last, : net.sizes[last]], above, s.mask[last])
    return int(min(low, least)), int(max(high, most))


@jit
def learn(
    net: Network,
    parameters: Parameters,
    active: Active,
    labels: Int64s,
    order: Int64s,
    outputs: NDArray[np.bool_],
) -> int:
    """One pass; all quantities in half-units. Returns the number of overdriven samples."""
    (
        spike_above,
        window_top,
        too_low,
        too_high,
        step,
        low,
        updates_first,
        replays_between,
        published,
        limits,
    ) = parameters
    inhibited, delta, uninhibited, sums = limits
    s = _scratch(net)
    widest, last = s.partial.size, net.sizes.size - 1
    change, opposite = np.empty(widest, np.int8), np.empty(widest, np.int8)
    up, down = np.empty(widest, np.int32), np.empty(widest, np.int32)
    plus, minus = np.empty(widest + 1, np.int32), np.empty(widest + 1, np.int32)  # neurons with an error
    next_plus, next_minus = np.empty_like(plus), np.empty_like(minus)
    error = np.empty(widest, np.int16)
    slack = np.full(last + 1, -1)
    n_overdriven = 0

    for n in range(order.size):
        x = active.indices[active.first[order[n]] : active.first[order[n] + 1]]
        least, most = _forward(net, x, spike_above, s)
        overdriven = least < inhibited[0] or most > inhibited[1]
        for layer in range(2, last + 1):
            if slack[layer] < 0:
                overdriven |= _feedback_overdrives(net, s, layer, n % 64 == 0, inhibited, up, plus, slack)

        v, label = s.v[last, : net.sizes[last]], labels[order[n]]
        n_plus, n_minus = 0, 0
        for k in range(v.size):
            t = k == label
            outputs[n, k] = v[k] > spike_above
            plus[n_plus] = minus[n_minus] = k
            n_plus += t and too_low[0] < v[k] <= too_low[1]
            n_minus += not t and too_high < v[k] <= window_top

        for layer in range(last, 1, -1):
            if n_plus + n_minus == 0:
                break
            pre = net.sizes[layer - 1]
            w_plus, w_minus = net.plus[layer - 2, : net.sizes[layer]], net.minus[layer - 2]
            back_plus, back_minus = net.back_plus[layer - 2], net.back_minus[layer - 2]
            v_pre, mask, partial = s.v[layer - 1, :pre], s.mask[layer - 1, :pre], s.partial[:pre]
            to_up, to_down, raised, lowered = up[:pre], down[:pre], change[:pre], opposite[:pre]
            for j in range(pre):
                raised[j] = step & mask[j]
                lowered[j] = -raised[j]
            if updates_first:
                _shift_rows(w_plus, w_minus, plus, n_plus, raised, lowered, low)
                _shift_rows(w_plus, w_minus, minus, n_minus, lowered, raised, low)

            sum_rows(back_plus, plus, n_plus, partial, to_up)
            add_rows(back_minus, minus, n_minus, partial, to_up)
            sum_rows(back_plus, minus, n_minus, partial, to_down)
            add_rows(back_minus, plus, n_plus, partial, to_down)
            if (n_plus + n_minus) * HALF_MAX > min(delta[1], -delta[0]):
                overdriven |= outside(to_up, delta) or outside(to_down, delta)
            n_next_plus, n_next_minus = 0, 0
            for j in range(pre):
                inside = 0 < v_pre[j] <= window_top
                next_plus[n_next_plus] = next_minus[n_next_minus] = j
                n_next_plus += inside and to_up[j] > 0
                n_next_minus += inside and to_down[j] > 0

            if not updates_first:
                _shift_rows(w_plus, w_minus, plus, n_plus, raised, lowered, low)
            slack[layer] -= step * (n_plus + n_minus)
            if n_plus and window_top + step * pre > inhibited[1]:
                for k in plus[:n_plus]:
                    overdriven |= masked_sum(w_plus[k], mask) > inhibited[1]
            if replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, n_next_plus, uninhibited, error[:pre])
            if not updates_first:
                _shift_rows(w_plus, w_minus, minus, n_minus, lowered, raised, low)
            if layer < last:
                below = s.rows[layer - 1, : s.counts[layer - 1]]
                _shift_forward(net, layer, below, plus[:n_plus], minus[:n_minus], step, low, change)
            if not replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, n_next_plus, uninhibited, error[:pre])
            overdriven |= _forward_overdrives(w_plus, next_minus, n_next_minus, inhibited, error[:pre])
            plus, next_plus = next_plus, plus
            minus, next_minus = next_minus, minus
            n_plus, n_minus = n_next_plus, n_next_minus

        replay = s.v[1, : net.sizes[1]]  # the current of x when W_1 depresses
        if n_plus + n_minus > 0:
            _shift_forward(net, 1, x, plus[:n_plus], minus[:n_minus], step, low, change)
            if n_plus and window_top + step * x.size > uninhibited[1]:
                sum_rows(net.forward[0], x, x.size, s.partial[: replay.size], replay)
                most = replay.max()
                overdriven |= most > (sums[1] if published else inhibited[1])
        if published and most > uninhibited[1]:
            fires = error[: replay.size]
            threshold(replay, np.int32(uninhibited[1]), fires)
            if -fires.sum() * HALF_MAX > uninhibited[1]:
                overdriven |= outside_masked(net.plus[0], fires, uninhibited)
        n_overdriven += overdriven
    return n_overdriven


@jit
def _shift_rows(
    w_plus: Half, w_minus: Half, rows: Int32s, count: int, change: Half, opposite: Half, low: np.int8
) -> None:
    """Change the weights that lead into these neurons, in W^T+ and W^T-."""
    for k in rows[:count]:
        shift(w_plus[k], change, low)
        shift(w_minus[k], opposite, low)


@jit
def _shift_forward(
    net: Network,
    layer: int,
    active: Int32s,
    plus: Int32s,
    minus: Int32s,
    step: int,
    low: np.int8,
    change: Half,
) -> None:
    """Change the same weights in the forward matrix, from every neuron that spiked."""
    change = change[: net.sizes[layer]]
    change[:] = 0
    for k in plus:
        change[k] = step
    for k in minus:
        change[k] = -step
    for j in active:
        shift(net.forward[layer - 1, j], change, low)


@jit
def _forward_overdrives(w_plus: Half, rows: Int32s, count: int, allowed: tuple[int, int], mask: Mask) -> bool:
    """Whether spikes of the neurons in `rows` bring the next layer a current outside `allowed`."""
    if count * HALF_MAX <= min(allowed[1], -allowed[0]):
        return False
    mask[:] = 0
    for j in rows[:count]:
        mask[j] = -1
    return outside_masked(w_plus, mask, allowed)


@jit
def _feedback_overdrives(
    net: Network,
    s: Scratch,
    layer: int,
    refresh: bool,
    allowed: tuple[int, int],
    total: Int32s,
    rows: Int32s,
    slack: Int64s,
) -> bool:
    """Whether the spikes of a layer bring the layer below a current outside `allowed`, through W^T+.

    No spikes can while slack[layer] >= 0. It is the distance from the sum of all weights of one sign to the
    limit, minus all that has been learned since it was computed.
    """
    pre, size, total = net.sizes[layer - 1], net.sizes[layer], total[: net.sizes[layer - 1]]
    w = net.back_plus[layer - 2]
    if refresh:
        slack[layer] = allowed[1]
        for sign in (1, -1):
            total[:] = 0
            for k in range(w.shape[0]):
                for j in range(pre):
                    total[j] += max(0, sign * w[k, j])
            room = allowed[1] if sign > 0 else -allowed[0]
            slack[layer] = min(slack[layer], room - total.max())
        if slack[layer] >= 0:
            return False
    count = masked_indices(s.mask[layer, :size], rows)
    sum_rows(w, rows, count, s.partial[:pre], total)
    return outside(total, allowed)


@jit
def predict(net: Network, active: Active, spike_above: int, potentials: Int32s) -> tuple[int, int]:
    """Fill `potentials` (n, outputs); return the smallest and the largest potential of all layers."""
    s = _scratch(net)
    low, high = 0, 0
    for n in range(potentials.shape[0]):
        least, most = _forward(net, active.indices[active.first[n] : active.first[n + 1]], spike_above, s)
        low, high = min(low, least), max(high, most)
        potentials[n] = s.v[-1, : potentials.shape[1]]
    return low, high
