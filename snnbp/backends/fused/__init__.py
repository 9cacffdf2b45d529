"""The algorithm of `reference`, compiled: a pass over a data set in one kernel.

`layout` lays the weights out in memory, `kernel` is the compiled pass. Weight units outside, half-units
inside.
"""

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import base
from snnbp.backends.fused import kernel
from snnbp.backends.fused.layout import layout_of
from snnbp.backends.kernels import Int64s, active_inputs
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION, WEIGHT_GRID
from snnbp.circuit.weights import Weights


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
        self._layout = layout_of(weights, rule.bounds)
        if feedback is not None:
            fixed = layout_of(feedback, rule.bounds)
            self._layout = self._layout._replace(back_plus=fixed.plus, back_minus=fixed.minus)
        limits = ((-(-low // WEIGHT_GRID), high // WEIGHT_GRID) for low, high in (*self.limits, base.SUMS))
        self._parameters = kernel.Parameters(
            rule.spike_above // WEIGHT_GRID,
            rule.window_top // WEIGHT_GRID,
            (base.SUMS.low if rule.open_target else 0, (rule.spike_above + rule.margin) // WEIGHT_GRID),
            (rule.spike_above - rule.margin) // WEIGHT_GRID,
            rule.step // WEIGHT_GRID,
            np.int8(rule.bounds[0] // WEIGHT_GRID),
            rule.updates_first,
            self.replays_between,
            self.published_schedule,
            tuple(limits),
        )

    def _learn(self, inputs: NDArray[np.bool_], labels: Int64s, order: Int64s) -> NDArray[np.bool_]:
        net, parameters = self._layout, self._parameters
        potentials = np.empty((order.size, self.sizes[-1]), np.int32)
        scratch = kernel.Scratch.of(net.sizes, slack=-1)
        overdriven, *_ = kernel.learn(
            net, parameters, active_inputs(inputs), labels, order, scratch, potentials
        )
        self.n_overdriven += overdriven
        return potentials > parameters.spike_above

    @property
    def weights(self) -> Weights:
        *_, hidden, outputs = self.sizes
        layers = zip(self._layout.forward, self.sizes, self.sizes[1:], strict=False)
        halves = [w[:pre, :post] for w, pre, post in layers]
        halves.append(self._layout.plus[-1, :outputs, :hidden].T)
        return Weights(tuple(half.astype(np.int16) * WEIGHT_GRID for half in halves), self.rule.threshold)


def predict(weights: Weights, inputs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials (n, outputs), weight units, see `snnbp.predict`."""
    net, order = layout_of(weights), base.frozen(np.arange(len(inputs)))
    halves = np.empty((order.size, weights.sizes[-1]), np.int32)
    spike_above = weights.threshold // 2
    nothing = kernel.Parameters(spike_above // WEIGHT_GRID)
    scratch = kernel.Scratch.of(net.sizes, slack=0)
    _, low, high = kernel.learn(net, nothing, active_inputs(inputs), order, order, scratch, halves)
    potentials = halves * WEIGHT_GRID
    base.refuse_overflow(weights.threshold, 2 * low, 2 * high, int(potentials.min(initial=0)))
    return potentials > spike_above, potentials
