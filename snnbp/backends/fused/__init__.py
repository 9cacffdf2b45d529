"""The algorithm of `reference`, compiled: a pass over a data set in one kernel.

`network` lays the weights out in memory, `kernel` is the compiled pass. Weight units outside, half-units
inside.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import base
from snnbp.backends.fused import kernel
from snnbp.backends.fused.network import Int64s, network_of
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
        self._network = network_of(weights, rule.bounds)
        if feedback is not None:
            fixed = network_of(feedback, rule.bounds)
            self._network = self._network._replace(back_plus=fixed.plus, back_minus=fixed.minus)
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
        net, parameters = self._network, self._parameters
        potentials = np.empty((order.size, self.sizes[-1]), np.int32)
        scratch = kernel.Scratch.of(net.sizes, slack=-1)
        overdriven, *_ = kernel.learn(net, parameters, _active(inputs), labels, order, scratch, potentials)
        self.n_overdriven += overdriven
        return potentials > parameters.spike_above

    @property
    def weights(self) -> Weights:
        *_, hidden, outputs = self.sizes
        layers = zip(self._network.forward, self.sizes, self.sizes[1:], strict=False)
        halves = [w[:pre, :post] for w, pre, post in layers]
        halves.append(self._network.plus[-1, :outputs, :hidden].T)
        return Weights(tuple(half.astype(np.int16) * WEIGHT_GRID for half in halves), self.rule.threshold)


def predict(weights: Weights, inputs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes (n, outputs) and membrane potentials (n, outputs), weight units, see `snnbp.predict`."""
    net, order = network_of(weights), base.frozen(np.arange(len(inputs)))
    halves = np.empty((order.size, weights.sizes[-1]), np.int32)
    spike_above = weights.threshold // 2
    nothing = kernel.Parameters(
        spike_above // WEIGHT_GRID, 0, (0, 0), 0, 0, np.int8(0), False, False, False, ((0, 0),) * 4
    )
    scratch = kernel.Scratch.of(net.sizes, slack=0)
    _, low, high = kernel.learn(net, nothing, _active(inputs), order, order, scratch, halves)
    potentials = halves * WEIGHT_GRID
    base.refuse_overflow(weights.threshold, 2 * low, 2 * high, potentials.min(initial=0))
    return potentials > spike_above, potentials


def _active(inputs: NDArray[np.bool_]) -> kernel.Active:
    """List the active inputs, or return the list of an earlier call, if they lie in immutable memory."""
    owner: Any = inputs
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, bytes) and len(owner) == inputs.size:
        return _listed(owner, inputs.shape[1])
    return kernel.Active.of(inputs)


@functools.lru_cache(maxsize=2)  # those of a training and a test set
def _listed(content: bytes, width: int) -> kernel.Active:
    return kernel.Active.of(np.frombuffer(content, np.bool_).reshape(-1, width))
