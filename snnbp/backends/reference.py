"""Backpropagation as the spiking circuit computes it, one sample at a time: the definition.

Plain NumPy, in the order of the circuit's phases and with the paper's symbols. All quantities are integers in
weight units. Every other rung of the package must agree with this one bit for bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnbp.circuit.loihi import INHIBITION, drive_bound
from snnbp.backends import base
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights

Spikes = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """What one sample made the network do. (hidden,) or (outputs,) each; v1, v2 in weight units."""

    v1: Integers
    h: Spikes
    box: Spikes
    v2: Integers
    o: Spikes
    d2_plus: Spikes
    d2_minus: Spikes
    up: Spikes
    down: Spikes


class Learner(base.Learner):
    """W1, W2 and the two feedback matrices, changed by one sample after the other.

    `w2t_plus` and `w2t_minus` (outputs, hidden) carry the error back; they start as W2 transposed and its
    negative, within the rails, and are trained with W2. They mirror it everywhere but at the rails.
    `overdriven` counts the samples in which the circuit would fire a closed neuron, see `loihi.drive_bound`.
    """

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        super().__init__(weights, rule, inhibition)
        self.held = drive_bound(inhibition, rule.threshold)
        self.closed = drive_bound(0, rule.threshold)
        self.w1 = self._within_rails(weights.matrices[0].astype(np.int64))
        self.w2 = self._within_rails(weights.matrices[1].astype(np.int64))
        self.w2t_plus = self.w2.T.copy()
        self.w2t_minus = self._within_rails(-self.w2.T)

    def _learn(self, inputs: Spikes, labels: NDArray[np.int64], order: Integers) -> Spikes:
        """Present `inputs[order]` (n, inputs), labels (n,); return the output spikes (n, outputs)."""
        outputs = np.empty((order.size, self.w2.shape[1]), np.bool_)
        classes = np.arange(self.w2.shape[1])
        for n, k in enumerate(order):
            outputs[n] = self.learn_sample(inputs[k], classes == labels[k]).o
        return outputs

    def learn_sample(self, x: Spikes, t: Spikes) -> Sample:
        """One sample: input spikes x (inputs,), one-hot target t (outputs,)."""
        rule = self.rule

        # Phases 1 to 3: forward. An open neuron is lifted half-way to its threshold.
        v1 = x @ self.w1
        h = v1 > rule.spike_above
        box = (v1 > 0) & (v1 <= rule.window_top)
        v2 = h @ self.w2
        o = v2 > rule.spike_above

        # Phase 4: the error t - o, split by sign and gated by the derivative of the truncated ReLU.
        d2_plus = t & ~o & (v2 > 0)
        d2_minus = o & ~t & (v2 <= rule.window_top)

        if rule.updates_first:
            self._update_w2(h, d2_plus, d2_minus)

        # Phases 6 and 10: the error travels back, once for potentiation and once for depression.
        up = d2_plus @ self.w2t_plus + d2_minus @ self.w2t_minus > 0
        down = d2_minus @ self.w2t_plus + d2_plus @ self.w2t_minus > 0

        # Phases 5 and 9: local updates of W2 and of its transposed copies; W2 in between drives phase 8.
        potentiated = self._shifted(self.w2, h, d2_plus, np.zeros_like(d2_plus))
        if not rule.updates_first:
            self._update_w2(h, d2_plus, d2_minus)

        # Phases 7 and 11: local updates of W1.
        self.w1 = self._shifted(self.w1, x, box & up, box & down)

        # Where this is not the circuit: drives that open a closed neuron, in phases 8 and 6, 8, 0.
        opens_outputs = ((box & up) @ potentiated).max() > self.closed
        opens_held = max(v1.max(), v2.max(), ((box & down) @ self.w2).max()) > self.held
        self.n_overdriven += int(opens_outputs or opens_held)
        return Sample(v1, h, box, v2, o, d2_plus, d2_minus, up, down)

    @property
    def weights(self) -> Weights:
        return Weights((self.w1.astype(np.int16), self.w2.astype(np.int16)), self.rule.threshold)

    def _update_w2(self, h: Spikes, d2_plus: Spikes, d2_minus: Spikes) -> None:
        self.w2 = self._shifted(self.w2, h, d2_plus, d2_minus)
        self.w2t_plus = self._shifted(self.w2t_plus.T, h, d2_plus, d2_minus).T
        self.w2t_minus = self._shifted(self.w2t_minus.T, h, d2_minus, d2_plus).T

    def _shifted(self, matrix: Integers, pre: Spikes, potentiate: Spikes, depress: Spikes) -> Integers:
        """Coincident spikes move a weight by one step; potentiation comes before depression."""
        if not (potentiate | depress).any():
            return matrix
        matrix = self._within_rails(matrix + self.rule.step * np.outer(pre, potentiate))
        return self._within_rails(matrix - self.rule.step * np.outer(pre, depress))

    def _within_rails(self, matrix: Integers) -> Integers:
        return np.clip(matrix, *self.rule.bounds)


def predict(weights: Weights, inputs: Spikes) -> tuple[Spikes, NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials v2 (n, outputs), weight units."""
    h = inputs @ weights.matrices[0].astype(np.int64) > weights.threshold // 2
    v2 = h @ weights.matrices[1].astype(np.int64)
    return v2 > weights.threshold // 2, v2.astype(np.int32)
