"""Backpropagation as the spiking circuit computes it, one sample at a time: the reference definition.

Plain NumPy, in the order of the paper's phases and with its symbols. Fig. 1 is its conceptual circuit, Fig. 2
the same by phases. All quantities are integers in weight units; the comments count in thresholds. Every other
backend must agree with this one bit for bit, as long as no sample is *overdriven*: a current so large that in
the circuit it would fire a population that must be silent, in spite of its inhibition (see `bounds`).

Layer 0 is the input x, layers 1 to L are hidden, L + 1 is the output; W_l leads into layer l and is
`matrices[l - 1]`. The paper has L = 1, to which the numbers of phases refer. Spikes have no sign, so that an
error d has two rows, bool (2, neurons): d[0] is d+, neurons that should have been more active and to which
weights potentiate, d[1] is d-, less active and depress. `d[::-1]` is -d. No neuron has both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import base
from snnbp.backends.bounds import is_overdriven
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
    h, window : tuple of bool array
        Of hidden layers 1 to L: spikes, and surrogate derivative, 0 < v <= threshold.
    o : bool array (outputs,)
        Output spikes.
    d_plus, d_minus : bool array (outputs,)
        Error of the outputs by sign: those that should have fired, and those that should not have.
    up, down : tuple of bool array
        The same of hidden layers 1 to L, before the window: where the error that comes back asks for more
        activity (d1+ as it fires in phase 6) and for less (d1-, phase 10).
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
        For W_2, ..., W_L+1: W^T+ and W^T-, the matrices that carry the error back. They start as W transposed
        and its negative, within the weight bounds, and learn with W; they differ from it only at the bounds.
        If `feedback` is given, they come from it and do not learn.
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
        rule, before = self.rule, (list(self.matrices), list(self.feedback_plus))

        # Phases 1 to 3: h = f(x W_1) and o = f(h W_2) with f(v) = H(v - 1/2) (Fig. 1). The gate that opens a
        # neuron supplies the other half of the threshold (Fig. 2).
        spikes, v = [x], []
        for w in self.matrices:
            v.append(spikes[-1] @ w)
            spikes.append(v[-1] > rule.spike_above)

        # Phases 2 and 3: the window f'(v) = H(v) - H(v - 1), from copies that compare the same v with 0 and
        # with 1 (Fig. 2: h< and h>, o< and o>).
        window = [(potential > 0) & (potential <= rule.window_top) for potential in v]

        # Phase 4: the error d2 = (t - o) f'(v2) (Fig. 1), split by sign (Fig. 2: d2+ and d2-). In the paper,
        # `margin` is 0 and `open_target` False (see `rule`): "too high" is then o, "too low" its contrary.
        too_low, too_high = v[-1] <= rule.spike_above + rule.margin, v[-1] > rule.spike_above - rule.margin
        too_low &= (v[-1] > 0) | rule.open_target
        d: list[Spikes] = [np.array([t & too_low, ~t & too_high & window[-1]])]
        back: list[Integers] = []

        for layer in range(len(v), 1, -1):
            # Phases 5 and 9: d2 fires again, with h from its memory: W_2 += h d2+ (5), W_2 -= h d2- (9), and
            # the same in the transposed matrices (Fig. 2). No neuron has both signs, so the order is free.
            w_plus, w_minus = self.feedback_plus[layer - 2], self.feedback_minus[layer - 2]
            self._update(layer, spikes[layer - 1], d[-1])
            if rule.updates_first:  # not the circuit, but the authors' simulation, see `rule`
                w_plus, w_minus = self.feedback_plus[layer - 2], self.feedback_minus[layer - 2]

            # Phases 6 and 10: these spikes come back as d1 = f'(v1) W_2^T d2 (Fig. 1), of which only the sign
            # is kept: d1+ in phase 6, d1- in phase 10. What counts negative comes through W_2^T- (Fig. 2:
            # oT-). The weights are those of before: phase 9 sends through rows that phase 5 left alone. As
            # W_2^T+ + W_2^T- is 0, at the bounds -2, the two currents add up to 0 or less: never both signs.
            back.append(d[-1] @ w_plus + d[-1][::-1] @ w_minus)
            d.append((back[-1] > 0) & window[layer - 2])

        # Phases 7 and 11: d1 fires with x from its memory: W_1 += x d1+, then W_1 -= x d1- (Fig. 2).
        self._update(1, x, d[-1])

        d, back = d[::-1], back[::-1]  # from the first layer on
        self.n_overdriven += is_overdriven(self, spikes, v, d, back, *before, self.matrices)
        up, down = zip(*(current > 0 for current in back), strict=True)
        return Sample(
            tuple(v), tuple(spikes[1:-1]), tuple(window[:-1]), spikes[-1], d[-1][0], d[-1][1], up, down
        )

    @property
    def weights(self) -> Weights:
        return Weights(tuple(matrix.astype(np.int16) for matrix in self.matrices), self.rule.threshold)

    def _update(self, layer: int, h: Spikes, d: Spikes) -> None:
        """Change W_l and, with the same pairs of neurons, W_l^T+ and its negative W_l^T-."""
        self.matrices[layer - 1] = self._changed(self.matrices[layer - 1], h, d)
        if layer > 1 and self.feedback is None:
            n = layer - 2
            self.feedback_plus[n] = self._changed(self.feedback_plus[n].T, h, d).T
            self.feedback_minus[n] = self._changed(self.feedback_minus[n].T, h, d[::-1]).T

    def _changed(self, w: Integers, h: Spikes, d: Spikes) -> Integers:
        """Return w + step * h (d+ - d-), within the bounds."""
        return self._bounded(w + self.rule.step * np.outer(h, d[0] * 1 - d[1])) if d.any() else w

    def _bounded(self, matrix: Integers) -> Integers:
        return np.clip(matrix, *self.rule.bounds)


def predict(weights: Weights, inputs: Spikes) -> tuple[Spikes, NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials (n, outputs), weight units, see `snnbp.predict`."""
    spikes, low, high = inputs, 0, 0
    for matrix in weights.matrices:
        v = spikes @ matrix.astype(np.int64)
        low, high = min(low, int(v.min(initial=0))), max(high, int(v.max(initial=0)))
        spikes = v > weights.threshold // 2
    base.refuse_overflow(weights.threshold, low, high, int(v.min(initial=0)))
    return spikes, v.astype(np.int32)
