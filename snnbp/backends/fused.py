"""The algebra of `reference`, compiled: a pass over a data set in one kernel.

Membrane potentials and weights are held in half-units (see `kernels`). W2 and its negative copy W2T- are
stored transposed, (outputs, hidden), so that every inner loop runs along the hidden layer. W2T+ sees the
same updates and the same rails as W2 and is therefore W2 itself.
"""

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.kernels import active_indices, jit, sum_rows
from snnbp.circuit.loihi import INHIBITION, WEIGHT_GRID, drive_bound
from snnbp.backends import base
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights

Half = NDArray[np.int8]


@jit
def _forward(
    x: NDArray[np.bool_],
    w1: Half,
    w2t: Half,
    spike_above: int,
    rows: NDArray[np.int32],
    partial: NDArray[np.int16],
    v1: NDArray[np.int32],
    h: NDArray[np.int16],
    v2: NDArray[np.int32],
) -> tuple[int, int]:
    """Fill v1, h (0 or -1: a mask) and v2; return the number of active inputs and the peak potential."""
    active = active_indices(x, rows)
    sum_rows(w1, rows, active, partial, v1)
    peak = v1[0]
    for j in range(v1.size):
        peak = max(peak, v1[j])
        h[j] = -(v1[j] > spike_above)
    for k in range(v2.size):
        v2[k] = _masked_sum(w2t[k], h)
        peak = max(peak, v2[k])
    return active, peak


@jit
def _shift(row: Half, change: Half, low: np.int8) -> None:
    """row += change, saturating at `low` and at 127.

    Written so that the compiler finds its saturating 8-bit addition, 64 weights to an instruction.
    """
    for j in range(row.size):
        wide = np.int16(row[j] + change[j])
        row[j] = max(np.int8(min(max(wide, np.int16(-128)), np.int16(127))), low)


@jit
def _learn(
    w1: Half,
    w2t: Half,
    w2t_minus: Half,
    inputs: NDArray[np.bool_],
    labels: NDArray[np.uint8],
    order: NDArray[np.int64],
    spike_above: int,
    window_top: int,
    step: int,
    low: np.int8,
    updates_first: bool,
    held: int,
    closed: int,
    outputs: NDArray[np.bool_],
) -> int:
    """One pass; all quantities in half-units. Returns how many samples drove a closed neuron to fire: beyond
    `held` where inhibition holds it, beyond `closed` where its bias alone does."""
    hidden = w1.shape[1]
    rows = np.empty(inputs.shape[1] + 1, np.int32)
    partial = np.empty(hidden, np.int16)
    v1 = np.empty(hidden, np.int32)
    v2 = np.empty(w2t.shape[0], np.int32)
    h = np.empty(hidden, np.int16)
    change = np.empty(hidden, np.int8)
    up = np.empty(hidden, np.int16)
    down = np.empty(hidden, np.int16)
    d2 = np.empty(w2t.shape[0], np.int8)
    overdriven = 0

    for n in range(order.size):
        active, peak = _forward(inputs[order[n]], w1, w2t, spike_above, rows, partial, v1, h, v2)
        beyond = peak > held

        label = labels[order[n]]
        any_error = False
        for k in range(v2.size):
            o, t = v2[k] > spike_above, k == label
            outputs[n, k] = o
            d2[k] = (t and not o and v2[k] > 0) - (o and not t and v2[k] <= window_top)
            any_error |= d2[k] != 0
        if not any_error:
            overdriven += beyond
            continue

        if updates_first:
            _update_outputs(w2t, w2t_minus, h, d2, 1, step, low, change)
            _update_outputs(w2t, w2t_minus, h, d2, -1, step, low, change)
        up[:] = 0
        down[:] = 0
        for k in range(v2.size):
            plus, minus = w2t[k], w2t_minus[k]
            if d2[k] < 0:
                plus, minus = minus, plus
            if d2[k] != 0:
                for j in range(hidden):
                    up[j] += plus[j]
                    down[j] += minus[j]
        for j in range(hidden):
            box = (v1[j] > 0) & (v1[j] <= window_top)
            up[j] = -((up[j] > 0) & box)
            down[j] = -((down[j] > 0) & box)

        if not updates_first:
            _update_outputs(w2t, w2t_minus, h, d2, 1, step, low, change)
        beyond |= _peak_drive(w2t, up) > closed
        any_change = False
        for j in range(hidden):
            change[j] = step * (down[j] - up[j])
            any_change |= change[j] != 0
        if any_change:
            for k in range(active):
                _shift(w1[rows[k]], change, low)
        if not updates_first:
            _update_outputs(w2t, w2t_minus, h, d2, -1, step, low, change)
        beyond |= _peak_drive(w2t, down) > held
        overdriven += beyond
    return overdriven


@jit
def _peak_drive(w2t: Half, mask: NDArray[np.int16]) -> int:
    """Largest drive of an output by the hidden neurons in `mask` (0 or -1)."""
    peak = 0
    for k in range(w2t.shape[0]):
        peak = max(peak, _masked_sum(w2t[k], mask))
    return peak


@jit
def _masked_sum(row: Half, mask: NDArray[np.int16]) -> int:
    total = np.int32(0)
    for j in range(row.size):
        total = np.int32(total + np.int32(np.int16(row[j] & mask[j])))  # narrow lanes, so that it vectorizes
    return int(total)


@jit
def _update_outputs(
    w2t: Half,
    w2t_minus: Half,
    h: NDArray[np.int16],
    d2: Half,
    sign: int,
    step: int,
    low: np.int8,
    change: Half,
) -> None:
    """Where h spiked, move the weights of the outputs whose d2 is `sign` that way, their copies the other."""
    for k in range(d2.size):
        if d2[k] == sign:
            for j in range(h.size):
                change[j] = (sign * step) & h[j]
            _shift(w2t[k], change, low)
            for j in range(h.size):
                change[j] = -change[j]
            _shift(w2t_minus[k], change, low)


@jit
def _predict(
    w1: Half, w2t: Half, inputs: NDArray[np.bool_], spike_above: int, potentials: NDArray[np.int32]
) -> None:
    rows = np.empty(inputs.shape[1] + 1, np.int32)
    partial = np.empty(w1.shape[1], np.int16)
    v1 = np.empty(w1.shape[1], np.int32)
    h = np.empty(w1.shape[1], np.int16)
    for n in range(inputs.shape[0]):
        _forward(inputs[n], w1, w2t, spike_above, rows, partial, v1, h, potentials[n])


def _half(matrix: NDArray[np.int16], rails: tuple[int, int]) -> Half:
    return np.ascontiguousarray(np.clip(matrix, *rails) // WEIGHT_GRID, dtype=np.int8)


class Learner(base.Learner):
    """A network in training: state goes in once, samples stream through, weights come out.

    The weights are clipped to the rule's rails. W2T- starts as the clipped negative of W2.
    `overdriven` counts the presented samples in which the circuit would fire a closed neuron, see
    `loihi.drive_bound`: the algebra is then no longer what the circuit would do.
    """

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        super().__init__(weights, rule, inhibition)
        self.held = drive_bound(inhibition, rule.threshold)
        self.closed = drive_bound(0, rule.threshold)
        self._w1 = _half(weights.matrices[0], rule.bounds)
        self._w2t = _half(weights.matrices[1].T, rule.bounds)
        self._w2t_minus = _half(-np.clip(weights.matrices[1].T, *rule.bounds), rule.bounds)

    def _learn(
        self, inputs: NDArray[np.bool_], labels: NDArray[np.int64], order: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Present `inputs[order]` (n, inputs) with their labels (n,); return the output spikes (n, outputs).

        Inputs and labels are trusted: `training` checks them.
        """
        outputs = np.empty((order.size, self._w2t.shape[0]), np.bool_)
        rule = self.rule
        self.n_overdriven += _learn(
            self._w1,
            self._w2t,
            self._w2t_minus,
            inputs,
            labels,
            order,
            rule.spike_above // WEIGHT_GRID,
            rule.window_top // WEIGHT_GRID,
            rule.step // WEIGHT_GRID,
            np.int8(rule.bounds[0] // WEIGHT_GRID),
            rule.updates_first,
            self.held // WEIGHT_GRID,
            self.closed // WEIGHT_GRID,
            outputs,
        )
        return outputs

    @property
    def weights(self) -> Weights:
        matrices = (self._w1, self._w2t.T)
        return Weights(tuple(m.astype(np.int16) * WEIGHT_GRID for m in matrices), self.rule.threshold)


def predict(
    weights: Weights, inputs: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials v2 (n, outputs), weight units."""
    halves = np.empty((inputs.shape[0], weights.sizes[-1]), np.int32)
    unclipped = (np.iinfo(np.int16).min, np.iinfo(np.int16).max)
    _predict(
        _half(weights.matrices[0], unclipped),
        _half(weights.matrices[1].T, unclipped),
        inputs,
        weights.threshold // 2 // WEIGHT_GRID,
        halves,
    )
    potentials = halves * WEIGHT_GRID
    return potentials > weights.threshold // 2, potentials
