"""The algorithm of `reference`, compiled: a pass over a data set in one kernel.

Potentials and weights are held in half-units (see `kernels`). A hidden layer's matrix is stored as
(pre, post) for the forward pass. From the second matrix on, the feedback matrices W^T+ and W^T- are stored as
in the circuit, (post, pre): the backward pass and the updates touch only the rows of neurons with an error.
The output layer is narrow and computed from W^T+ directly. All matrices, and the neurons of all layers, are
concatenated in flat arrays, so that one compiled kernel serves any number of layers.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import base
from snnbp.backends.compiled import jit
from snnbp.backends.kernels import active_indices, add_rows, sum_rows
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION, WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights

Half = NDArray[np.int8]
Mask = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

HALF_MAX = 128
"""Largest magnitude of a weight in half-units."""


class Network(NamedTuple):
    """Weights in half-units, and the offsets of the layers. Layer 0 is the input, the last one the output."""

    sizes: Int64s  # (layers,)
    neurons: Int64s  # (layers,): first neuron of each layer
    forward: Half  # W_1 to W_L, each (pre, post)
    plus: Half  # W_2 to W_L+1 transposed, each (post, pre)
    minus: Half  # their negatives, trained
    back_plus: Half  # what carries the error back: `plus`, or matrices that do not learn
    back_minus: Half
    forward_base: Int64s  # (layers,): where W_l begins, by l
    feedback_base: Int64s  # (layers,): where its transposes begin


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
    """Buffers for the activity of one sample."""

    v: Int32s  # (neurons,): potentials
    mask: Mask  # (neurons,): spikes, 0 or -1
    rows: Int32s  # indices of the neurons of layer l that spike, from neurons[l] + l on
    counts: Int64s  # (layers,): number of spikes
    partial: Mask  # (widest,)


@jit
def _scratch(net: Network) -> Scratch:
    layers, neurons = net.sizes.size, net.sizes.sum()
    return Scratch(
        np.empty(neurons, np.int32),
        np.empty(neurons, np.int16),
        np.empty(neurons + layers, np.int32),
        np.empty(layers, np.int64),
        np.empty(net.sizes.max(), np.int16),
    )


@partial(jit, inline=True)
def _forward(net: Network, x: NDArray[np.bool_], spike_above: int, s: Scratch) -> tuple[int, int]:
    """Fill the scratch; return the smallest and the largest potential."""
    last, above = net.sizes.size - 1, np.int32(spike_above)  # int32 keeps SIMD lanes narrow
    low, high = np.int32(0), np.int32(0)
    s.counts[0] = active_indices(x, s.rows)
    for layer in range(1, last):
        before, first, size = net.neurons[layer - 1], net.neurons[layer], net.sizes[layer]
        v, mask = s.v[first : first + size], s.mask[first : first + size]
        w = _matrix(net.forward, net.forward_base[layer], net.sizes[layer - 1], size)
        sum_rows(w, s.rows[before + layer - 1 :], s.counts[layer - 1], s.partial[:size], v)
        for j in range(size):
            low, high = min(low, v[j]), max(high, v[j])
            mask[j] = -np.int16(v[j] > above)
        if layer < last - 1:
            s.counts[layer] = _indices(mask, s.rows[first + layer :])
    first, pre, size = net.neurons[last], net.sizes[last - 1], net.sizes[last]
    w = _matrix(net.plus, net.feedback_base[last], size, pre)
    mask = s.mask[first - pre : first]
    for k in range(size):
        v_k = _masked_sum(w[k], mask)
        s.v[first + k] = v_k
        s.mask[first + k] = -np.int16(v_k > above)
        low, high = min(low, np.int32(v_k)), max(high, np.int32(v_k))
    return int(low), int(high)


@jit
def _learn(
    net: Network,
    parameters: Parameters,
    inputs: NDArray[np.bool_],
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
    widest, last = net.sizes.max(), net.sizes.size - 1
    change, raised, lowered = np.empty(widest, np.int8), np.empty(widest, np.int8), np.empty(widest, np.int8)
    up, down = np.empty(widest, np.int32), np.empty(widest, np.int32)
    plus, minus = np.empty(widest + 1, np.int32), np.empty(widest + 1, np.int32)  # neurons with an error
    next_plus, next_minus = np.empty_like(plus), np.empty_like(minus)
    error = np.empty(widest, np.int16)
    slack = np.full(last + 1, -1)
    n_overdriven = 0

    for n in range(order.size):
        least, most = _forward(net, inputs[order[n]], spike_above, s)
        overdriven = least < inhibited[0] or most > inhibited[1]
        for layer in range(2, last + 1):
            if slack[layer] < 0:
                overdriven |= _feedback_overdrives(net, s, layer, n % 64 == 0, inhibited, up, plus, slack)

        v, label = s.v[net.neurons[last] :], labels[order[n]]
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
            before, pre, size = net.neurons[layer - 1], net.sizes[layer - 1], net.sizes[layer]
            base = net.feedback_base[layer]
            w_plus, w_minus = _matrix(net.plus, base, size, pre), _matrix(net.minus, base, size, pre)
            back_plus = _matrix(net.back_plus, base, size, pre)
            back_minus = _matrix(net.back_minus, base, size, pre)
            mask, partial, to_up, to_down = (
                s.mask[before : before + pre],
                s.partial[:pre],
                up[:pre],
                down[:pre],
            )
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
                overdriven |= _outside(to_up, delta) or _outside(to_down, delta)
            n_next_plus, n_next_minus = 0, 0
            for j in range(pre):
                inside = 0 < s.v[before + j] <= window_top
                next_plus[n_next_plus] = next_minus[n_next_minus] = j
                n_next_plus += inside and to_up[j] > 0
                n_next_minus += inside and to_down[j] > 0

            if not updates_first:
                _shift_rows(w_plus, w_minus, plus, n_plus, raised, lowered, low)
            slack[layer] -= step * (n_plus + n_minus)
            if n_plus and window_top + step * pre > inhibited[1]:
                for k in plus[:n_plus]:
                    overdriven |= _masked_sum(w_plus[k], mask) > inhibited[1]
            if replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, n_next_plus, uninhibited, error[:pre])
            if not updates_first:
                _shift_rows(w_plus, w_minus, minus, n_minus, lowered, raised, low)
            if layer < last:
                _shift_forward(net, s, layer, plus, n_plus, minus, n_minus, step, low, change)
            if not replays_between:
                overdriven |= _forward_overdrives(w_plus, next_plus, n_next_plus, uninhibited, error[:pre])
            overdriven |= _forward_overdrives(w_plus, next_minus, n_next_minus, inhibited, error[:pre])
            plus, next_plus = next_plus, plus
            minus, next_minus = next_minus, minus
            n_plus, n_minus = n_next_plus, n_next_minus

        replay = s.v[net.sizes[0] : net.sizes[0] + net.sizes[1]]  # the current of x when W_1 depresses
        if n_plus + n_minus > 0:
            w = _shift_forward(net, s, 1, plus, n_plus, minus, n_minus, step, low, change)
            if n_plus and window_top + step * s.counts[0] > uninhibited[1]:
                sum_rows(w, s.rows, s.counts[0], s.partial[: replay.size], replay)
                most = replay.max()
                overdriven |= most > (sums[1] if published else inhibited[1])
        if published and most > uninhibited[1]:
            count = 0
            for j in range(replay.size):
                count += replay[j] > uninhibited[1]
            if count * HALF_MAX > uninhibited[1]:
                for j in range(replay.size):
                    error[j] = -np.int16(replay[j] > uninhibited[1])
                w_plus = _matrix(net.plus, 0, net.sizes[2], replay.size)
                overdriven |= _outside_masked(w_plus, error[: replay.size], uninhibited)
        n_overdriven += overdriven
    return n_overdriven


@jit
def _shift_rows(
    w_plus: Half, w_minus: Half, rows: Int32s, count: int, change: Half, opposite: Half, low: np.int8
) -> None:
    """Change the weights that lead into these neurons, in W^T+ and W^T-."""
    for k in rows[:count]:
        _shift(w_plus[k], change, low)
        _shift(w_minus[k], opposite, low)


@jit
def _shift_forward(
    net: Network,
    s: Scratch,
    layer: int,
    plus: Int32s,
    n_plus: int,
    minus: Int32s,
    n_minus: int,
    step: int,
    low: np.int8,
    change: Half,
) -> Half:
    """Change the same weights in the forward matrix, from every neuron that spiked; return W_l."""
    before, pre, size = net.neurons[layer - 1] + layer - 1, net.sizes[layer - 1], net.sizes[layer]
    change[:size] = 0
    for k in plus[:n_plus]:
        change[k] = step
    for k in minus[:n_minus]:
        change[k] = -step
    w = _matrix(net.forward, net.forward_base[layer], pre, size)
    for j in s.rows[before : before + s.counts[layer - 1]]:
        _shift(w[j], change, low)
    return w


@jit
def _shift(row: Half, change: Half, low: np.int8) -> None:
    """row += change, saturating at `low` and at 127.

    Written so that the compiler uses saturating 8-bit addition, 64 weights an instruction.
    """
    for j in range(row.size):
        wide = np.int16(np.int16(row[j]) + np.int16(change[j]))
        row[j] = max(np.int8(min(max(wide, np.int16(-128)), np.int16(127))), low)


@jit
def _forward_overdrives(w_plus: Half, rows: Int32s, count: int, allowed: tuple[int, int], mask: Mask) -> bool:
    """Whether spikes of the neurons in `rows` bring the next layer a current outside `allowed`."""
    if count * HALF_MAX <= min(allowed[1], -allowed[0]):
        return False
    mask[:] = 0
    for j in rows[:count]:
        mask[j] = -1
    return _outside_masked(w_plus, mask, allowed)


@jit
def _outside_masked(w_plus: Half, mask: Mask, allowed: tuple[int, int]) -> bool:
    for k in range(w_plus.shape[0]):
        total = _masked_sum(w_plus[k], mask)
        if total < allowed[0] or total > allowed[1]:
            return True
    return False


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
    pre, size, first = net.sizes[layer - 1], net.sizes[layer], net.neurons[layer]
    w = _matrix(net.back_plus, net.feedback_base[layer], size, pre)
    if refresh:
        slack[layer] = allowed[1]
        for sign in (1, -1):
            total[:pre] = 0
            for k in range(size):
                for j in range(pre):
                    total[j] += max(0, sign * w[k, j])
            room = allowed[1] if sign > 0 else -allowed[0]
            slack[layer] = min(slack[layer], room - total[:pre].max())
        if slack[layer] >= 0:
            return False
    count = _indices(s.mask[first : first + size], rows)
    sum_rows(w, rows, count, s.partial[:pre], total[:pre])
    return _outside(total[:pre], allowed)


@jit
def _outside(current: Int32s, allowed: tuple[int, int]) -> bool:
    return bool(current.min() < allowed[0] or current.max() > allowed[1])


@jit
def _masked_sum(row: Half, mask: Mask) -> int:
    total = np.int32(0)
    for j in range(row.size):
        total = np.int32(total + np.int32(np.int16(row[j] & mask[j])))  # narrow lanes vectorize
    return int(total)


@jit
def _indices(mask: Mask, indices: Int32s) -> int:
    """Write the positions of the spikes in `mask` into `indices`; return their number."""
    count = 0
    for j in range(mask.size):
        indices[count] = j
        count -= mask[j]
    return count


@jit
def _matrix(flat: Half, base: int, rows: int, columns: int) -> Half:
    return flat[base : base + rows * columns].reshape(rows, columns)


@jit
def _predict(
    net: Network, inputs: NDArray[np.bool_], spike_above: int, potentials: Int32s
) -> tuple[int, int]:
    s = _scratch(net)
    low, high = 0, 0
    for n in range(inputs.shape[0]):
        least, most = _forward(net, inputs[n], spike_above, s)
        low, high = min(low, least), max(high, most)
        potentials[n] = s.v[net.neurons[-1] :]
    return low, high


class Learner(base.Learner):
    """See `base.Learner`."""

    def __init__(
        self,
        weights: Weights,
        rule: Rule,
        inhibition: int = INHIBITION,
        feedback: Weights | None = None,
    ) -> None:
        super().__init__(weights, rule, inhibition, feedback)
        self._network = _network([np.clip(matrix, *rule.bounds) for matrix in weights.matrices], rule.bounds)
        if feedback is not None:
            fixed = _network([np.clip(matrix, *rule.bounds) for matrix in feedback.matrices], rule.bounds)
            self._network = self._network._replace(back_plus=fixed.plus, back_minus=fixed.minus)
        self._parameters = Parameters(
            rule.spike_above // WEIGHT_GRID,
            rule.window_top // WEIGHT_GRID,
            (
                base.SUMS.low if rule.open_target else 0,
                (rule.spike_above + rule.margin) // WEIGHT_GRID,
            ),
            (rule.spike_above - rule.margin) // WEIGHT_GRID,
            rule.step // WEIGHT_GRID,
            np.int8(rule.bounds[0] // WEIGHT_GRID),
            rule.updates_first,
            self.replays_between,
            self.published,
            tuple(
                (-(-limit.low // WEIGHT_GRID), limit.high // WEIGHT_GRID)
                for limit in (*self.limits, base.SUMS)
            ),
        )

    def _learn(self, inputs: NDArray[np.bool_], labels: Int64s, order: Int64s) -> NDArray[np.bool_]:
        outputs = np.empty((order.size, self.sizes[-1]), np.bool_)
        self.n_overdriven += _learn(self._network, self._parameters, inputs, labels, order, outputs)
        return outputs

    @property
    def weights(self) -> Weights:
        forward, base = self._network.forward, self._network.forward_base
        halves = [
            forward[start : start + pre * post].reshape(pre, post)
            for start, pre, post in zip(base[1:-1], self.sizes, self.sizes[1:-1], strict=False)
        ]
        halves.append(self._network.plus[self._network.feedback_base[-1] :].reshape(self.sizes[:-3:-1]).T)
        return Weights(tuple(half.astype(np.int16) * WEIGHT_GRID for half in halves), self.rule.threshold)


def _network(
    matrices: Sequence[NDArray[np.int16]], bounds: tuple[int, int] = (WEIGHT_MIN, WEIGHT_MAX)
) -> Network:
    sizes = [matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices)]
    synapses = [0, *(matrix.size for matrix in matrices)]

    def half(parts: list[NDArray[np.int16]]) -> Half:
        return np.concatenate([(part.ravel() // WEIGHT_GRID).astype(np.int8) for part in parts])

    plus = half([matrix.T for matrix in matrices[1:]])
    minus = half([np.clip(-matrix.T, *bounds) for matrix in matrices[1:]])
    return Network(
        np.array(sizes),
        np.cumsum([0, *sizes[:-1]]),
        half(list(matrices[:-1])),
        plus,
        minus,
        plus,
        minus,
        np.cumsum([0, 0, *synapses[1:-1]]),
        np.cumsum([0, 0, 0, *synapses[2:-1]]),
    )


def predict(weights: Weights, inputs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Int32s]:
    """Output spikes (n, outputs) and membrane potentials (n, outputs), weight units, see `snnbp.predict`."""
    halves = np.empty((inputs.shape[0], weights.sizes[-1]), np.int32)
    spike_above = weights.threshold // 2
    low, high = _predict(_network(weights.matrices), inputs, spike_above // WEIGHT_GRID, halves)
    potentials = halves * WEIGHT_GRID
    base.refuse_overflow(weights.threshold, 2 * low, 2 * high, potentials.min(initial=0))
    return potentials > spike_above, potentials
