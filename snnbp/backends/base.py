"""What every backend offers, and the checks that the compiled kernels rely on."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.weights import Weights


class Learner(ABC):
    """A network in training: weights go in once, passes change them, weights come out.

    Parameters
    ----------
    weights : Weights
        Clipped to the rule's bounds. The transposed copies start from them.
    rule : Rule
        Learning rule, with the threshold of `weights`.
    inhibition : int
        Weight (weight units, negative) that inhibits a population.

    Attributes
    ----------
    n_overdriven : int
        Presented samples in which the circuit would fire, or did fire, a population that should be silent.

    Raises
    ------
    ValueError
        If rule and weights have different thresholds, or the backend does not offer the rule.
    """

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        if rule.threshold != weights.threshold:
            raise ValueError(f"the weights' threshold is {weights.threshold}, the rule's {rule.threshold}")
        self.sizes = weights.sizes
        self.rule = rule
        self.n_overdriven = 0

    def learn(
        self,
        inputs: NDArray[np.bool_],
        labels: NDArray[np.integer[Any]],
        order: NDArray[np.integer[Any]] | None = None,
    ) -> NDArray[np.bool_]:
        """Learn from samples, one after the other.

        Parameters
        ----------
        inputs : bool array (n, inputs)
        labels : integer array (n,)
            Each names one of the outputs.
        order : integer array (m,), optional
            Which samples to present, in this order; default: all of them in turn.

        Returns
        -------
        bool array (m, outputs)
            Output spikes, in presented order.

        Raises
        ------
        ValueError
            For a wrong shape, type, label or index.
        """
        inputs = _checked(inputs, self.sizes[0])
        labels = np.asarray(labels)
        if labels.shape != (len(inputs),) or labels.dtype.kind not in "iu":
            raise ValueError(f"labels must be integers ({len(inputs)},), got {labels.dtype} {labels.shape}")
        if labels.size and not 0 <= labels.min() <= labels.max() < self.sizes[-1]:
            wrong = labels[(labels < 0) | (labels >= self.sizes[-1])][0]
            raise ValueError(f"label {wrong} has no output: the network has {self.sizes[-1]}")
        order = np.arange(len(inputs)) if order is None else np.asarray(order)
        if order.ndim != 1 or order.dtype.kind not in "iu":
            raise ValueError(f"order must be indices (n,), got {order.dtype} {order.shape}")
        if order.size and not 0 <= order.min() <= order.max() < len(inputs):
            raise ValueError(f"order has an index outside 0 to {len(inputs) - 1}")
        return self._learn(inputs, _frozen(labels.astype(np.int64)), _frozen(order.astype(np.int64)))

    @abstractmethod
    def _learn(
        self, inputs: NDArray[np.bool_], labels: NDArray[np.int64], order: NDArray[np.int64]
    ) -> NDArray[np.bool_]: ...

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """The weights as they are now."""


def checked_inputs(inputs: Any, weights: Weights) -> NDArray[np.bool_]:
    """Contiguous read-only inputs; ValueError unless they are bool (n, inputs)."""
    return _checked(inputs, weights.sizes[0])


def _checked(inputs: Any, width: int) -> NDArray[np.bool_]:
    inputs = np.asarray(inputs)
    if inputs.dtype != np.bool_ or inputs.ndim != 2 or inputs.shape[1] != width:
        raise ValueError(f"the network takes bool inputs (n, {width}), got {inputs.dtype} {inputs.shape}")
    return _frozen(inputs)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous read-only view: one type of array, so that Numba compiles once."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
