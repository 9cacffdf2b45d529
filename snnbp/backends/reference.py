"""Backpropagation as the spiking circuit computes it, one sample at a time: the reference definition.

Plain NumPy, in the order of the circuit's phases and with the paper's symbols. All quantities are integers in
weight units. Every other backend must agree with this one bit for bit, as long as no sample is overdriven.
Layer 0 is the input, layers 1 to L are hidden, L + 1 is the output; W_l leads into layer l and is
`matrices[l - 1]`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import base
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.weights import Weights

Spikes = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """The activity of the network during one sample.

    Attributes
    ----------
    v : tuple of int64 array
        Potentials of layers 1 to L + 1 (weight units), each (neurons,).
    h, window, up, down : tuple of bool array
        Of hidden layers 1 to L: spikes; surrogate derivative, 0 < v <= threshold; whether the error that is
        propagated back to a neuron is positive; and whether it is negative.
    o, d_plus, d_minus : bool array (outputs,)
        Output spikes; outputs that should have fired, and that should not have.
    """

    v: tuple[Integers, ...]
    h: tuple[Spikes, ...]
    window: tuple[Spikes, ...]
    o: Spikes
    d_plus: Spikes
    d_minus: Spikes
    up: tuple[Spikes, ...]
    down: tuple[Spikes, ...]


class Learner(base.Learner):
    """See `base.Learner`.

    Attributes
    ----------
    matrices : list of int64 array (pre, post)
        W_1, ..., W_L+1.
    feedback_plus, feedback_minus : list of int64 array (post, pre)
        For W_2, ..., W_L+1: the matrices that carry the error back. They start as W transposed and its
        negative, within the weight bounds, and learn with W. They differ from it only at the bounds.
    """

    def __init__(
        self,
        weights: Weights,
        rule: Rule,
        inhibition: int = INHIBITION,
        feedback: Weights | None = None,
    ) -> None:
        super().__init__(weights, rule, inhibition, feedback)
        self.matrices = [self._bounded(matrix.astype(np.int64)) for matrix in weights.matrices]
        back = self.matrices if feedback is None else feedback.matrices
        self.feedback_plus = [self._bounded(matrix.T.astype(np.int64)) for matrix in back[1:]]
        self.feedback_minus = [self._bounded(-matrix) for matrix in self.feedback_plus]

    def _learn(self, inputs: Spikes, labels: Integers, order: Integers) -> Spikes:
        outputs = np.empty((order.size, self.sizes[-1]), np.bool_)
        classes = np.arange(self.sizes[-1])
        for n, k in enumerate(order):
            outputs[n] = self.learn_sample(inputs[k], classes == labels[k]).o
        return outputs

    def learn_sample(self, x: Spikes, t: Spikes) -> Sample:
        """Learn from input spikes x, bool (inputs,), and a one-hot target t, bool (outputs,)."""
        rule, limits, self._overdriven = self.rule, self.limits, False

        # Forward: f(v) with half the threshold, since the gate spike adds the other half. Window: f'(v).
        spikes, v = [x], []
        for w in self.matrices:
            v.append(spikes[-1] @ w)
            spikes.append(v[-1] > rule.spike_above)
        window = [(u > 0) & (u <= rule.window_top) for u in v]
        o = spikes[-1]

        # Error: t - o, split by sign and gated by the derivative of the truncated ReLU.
        u = v[-1]
        d_plus = plus = t & (u <= rule.spike_above + rule.margin) & ((u > 0) | rule.open_target)
        d_minus = minus = ~t & (u > rule.spike_above - rule.margin) & (u <= rule.window_top)

        # When spikes are replayed, these currents reach inhibited populations.
        for u in v:
            self._check(u, limits.inhibited)
        for h, w_plus in zip(spikes[2:], self.feedback_plus, strict=True):
            self._check(h @ w_plus, limits.inhibited)

        up: list[Spikes] = []
        down: list[Spikes] = []
        for layer in range(len(v), 0, -1):
            h = spikes[layer - 1]
            if rule.updates_first:
                potentiated, w = self._update(layer, h, plus, minus)
            if layer > 1:
                # Backward: W^T d, once to potentiate and once to depress.
                w_plus, w_minus = self.feedback_plus[layer - 2], self.feedback_minus[layer - 2]
                potentiates = plus @ w_plus + minus @ w_minus
                depresses = minus @ w_plus + plus @ w_minus
                up.insert(0, potentiates > 0)
                down.insert(0, depresses > 0)
                self._check(potentiates, limits.delta)
                self._check(depresses, limits.delta)
            if not rule.updates_first:
                potentiated, w = self._update(layer, h, plus, minus)
            replay = h @ potentiated if plus.any() else v[layer - 1]
            if layer > 1 or not self.published:
                self._check(replay, limits.inhibited)
            else:
                # In the published circuit the hidden layer may fire now: this is phase 0 of the next sample.
                self._check(replay, base.SUMS)
                self._check((replay > limits.uninhibited.high) @ self.matrices[1], limits.uninhibited)
            if layer > 1:
                # Error of the layer below, gated by f'(v). It also goes forward, to a silent layer.
                plus, minus = up[0] & window[layer - 2], down[0] & window[layer - 2]
                self._check(plus @ (potentiated if self.replays_between else w), limits.uninhibited)
                self._check(minus @ w, limits.inhibited)

        self.n_overdriven += self._overdriven
        hidden = slice(len(up))
        return Sample(
            tuple(v),
            tuple(spikes[1:-1]),
            tuple(window[hidden]),
            o,
            d_plus,
            d_minus,
            tuple(up),
            tuple(down),
        )

    @property
    def weights(self) -> Weights:
        return Weights(tuple(matrix.astype(np.int16) for matrix in self.matrices), self.rule.threshold)

    def _update(self, layer: int, h: Spikes, plus: Spikes, minus: Spikes) -> tuple[Integers, Integers]:
        """Apply dW = step * h (plus - minus). Return W after potentiation, and after depression."""
        n, w = layer - 1, self.matrices[layer - 1]
        potentiated = self._shifted(w, h, plus, +1)
        self.matrices[n] = self._shifted(potentiated, h, minus, -1)
        if layer > 1 and self.feedback is None:
            w_plus, w_minus = self.feedback_plus[n - 1], self.feedback_minus[n - 1]
            self.feedback_plus[n - 1] = self._shifted(self._shifted(w_plus, plus, h, +1), minus, h, -1)
            self.feedback_minus[n - 1] = self._shifted(self._shifted(w_minus, minus, h, +1), plus, h, -1)
        return potentiated, self.matrices[n]

    def _shifted(self, matrix: Integers, pre: Spikes, post: Spikes, sign: int) -> Integers:
        """Change weights by one learning step where pre and post spike together."""
        if not (pre.any() and post.any()):
            return matrix
        return self._bounded(matrix + sign * self.rule.step * np.outer(pre, post))

    def _bounded(self, matrix: Integers) -> Integers:
        return np.clip(matrix, *self.rule.bounds)

    def _check(self, current: Integers, allowed: base.Range) -> None:
        self._overdriven |= bool(current.min() < allowed.low or current.max() > allowed.high)


def predict(weights: Weights, inputs: Spikes) -> tuple[Spikes, NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials (n, outputs), weight units, see `snnbp.predict`."""
    spikes, low, high = inputs, 0, 0
    for matrix in weights.matrices:
        v = spikes @ matrix.astype(np.int64)
        low, high = min(low, v.min(initial=0)), max(high, v.max(initial=0))
        spikes = v > weights.threshold // 2
    base.refuse_overflow(weights.threshold, low, high, v.min(initial=0))
    return spikes, v.astype(np.int32)
