"""The interface of a backend, and the checks of input on which the compiled kernels rely."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import BIAS, INHIBITION, SUM_LIMIT, current_bound
from snnbp.circuit.weights import Weights


class Range(NamedTuple):
    """Smallest and largest input current (weight units) that a matrix may bring."""

    low: int
    high: int


SUMS = Range(-SUM_LIMIT, SUM_LIMIT - 1)


OVERFLOW = "an input sum exceeds the chip's 24 bits: use fewer inputs or smaller weights"


class CurrentLimits(NamedTuple):
    """Input currents (weight units) within which the circuit computes what the algorithm does.

    Above `high` a population fires that must be silent, or the input sum (gate or inhibition included) leaves
    the chip's 24 bits; below `low` it leaves them. The forward pass needs no limits of its own: its currents
    come again when spikes are replayed, to inhibited populations.
    """

    inhibited: Range
    delta: Range
    """Currents to h_lT while it is open."""
    uninhibited: Range
    """Currents to a layer that the published schedule does not inhibit and the compact one does."""

    @classmethod
    def of(cls, inhibition: int, threshold: int, published: bool) -> "CurrentLimits":
        """Compute the limits for the published or the compact schedule; arguments in weight units."""
        top = SUM_LIMIT - 1 + BIAS - threshold
        inhibited, gated_off = (
            Range(-SUM_LIMIT - weight, min(current_bound(weight, threshold), top))
            for weight in (inhibition, 0)
        )
        delta = Range(BIAS - threshold - SUM_LIMIT, top)
        return cls(inhibited, delta, gated_off if published else inhibited)


class Learner(ABC):
    """A network in training: made from weights, which `learn` changes and `weights` returns.

    Parameters
    ----------
    weights : Weights
        Clipped to the rule's bounds. The transposed copies start from them.
    rule : Rule
        Learning rule, with the threshold of `weights`.
    inhibition : int
        Weight (weight units, negative) that inhibits a population.
    feedback : Weights, optional
        Of the same sizes: its matrices from the second on, transposed, carry the error back and do not learn.
        Default: those of the network itself, which learn.

    Attributes
    ----------
    n_overdriven : int
        Number of presented samples in which the circuit fires (or would fire) a population that must be
        silent, or in which an input sum leaves 24 bits. While it is 0, all backends agree bit for bit.

    Raises
    ------
    ValueError
        If rule and weights have different thresholds, or the backend does not offer the rule.
    """

    def __init__(
        self,
        weights: Weights,
        rule: Rule,
        inhibition: int = INHIBITION,
        feedback: Weights | None = None,
    ) -> None:
        if rule.threshold != weights.threshold:
            raise ValueError(f"the weights' threshold is {weights.threshold}, the rule's {rule.threshold}")
        self.sizes = weights.sizes
        self.rule = rule
        self.feedback = feedback
        if feedback is not None and checks.an(Weights, "feedback", feedback).sizes != self.sizes:
            raise ValueError(f"the feedback has the sizes {feedback.sizes}, the network {self.sizes}")
        self.published_schedule = len(self.sizes) == 3
        """Whether the default schedule is the published one."""
        self.limits = CurrentLimits.of(inhibition, rule.threshold, self.published_schedule)
        self.replays_between = self.published_schedule and not rule.updates_first
        """Whether the deltas potentiate W_l after W_l+1 is potentiated and before it is depressed."""
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
            Indices of the samples to present, in this order; default: all samples in turn.

        Returns
        -------
        bool array (m, outputs)
            Output spikes, in presented order.

        Raises
        ------
        ValueError
            For a wrong shape, type, label or index.
        """
        return self._learn(*checked_samples(inputs, labels, order, self.sizes))

    @abstractmethod
    def _learn(
        self, inputs: NDArray[np.bool_], labels: NDArray[np.int64], order: NDArray[np.int64]
    ) -> NDArray[np.bool_]: ...

    @property
    @abstractmethod
    def weights(self) -> Weights:
        """The weights as they are now."""


def checked_samples(
    inputs: Any, labels: Any, order: Any, sizes: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return inputs, labels and order (None: all in turn) as contiguous read-only arrays; or ValueError."""
    inputs = _checked(inputs, sizes[0])
    labels = checks.indices(
        "labels", labels, len(inputs), sizes[-1], f": the network has {sizes[-1]} outputs"
    )
    order = np.arange(len(inputs)) if order is None else checks.indices("order", order, None, len(inputs))
    return inputs, frozen(labels.astype(np.int64)), frozen(order.astype(np.int64))


def checked_inputs(inputs: Any, weights: Weights) -> NDArray[np.bool_]:
    """Return inputs as a contiguous read-only array; ValueError unless they are bool (n, inputs)."""
    return _checked(inputs, weights.sizes[0])


def refuse_overflow(threshold: int, low: int, high: int, output_low: int) -> None:
    """Raise ValueError if an input sum of a prediction leaves 24 bits, or an output's potential saturates.

    `low` and `high` bound the currents (weight units) of all neurons, `output_low` those of the outputs.
    """
    gate = threshold // 2 - BIAS
    if low + gate < -SUM_LIMIT or high + gate >= SUM_LIMIT or output_low + threshold // 2 <= -SUM_LIMIT:
        raise ValueError(OVERFLOW)


def _checked(inputs: Any, width: int) -> NDArray[np.bool_]:
    inputs = checks.array("inputs", inputs)
    if inputs.dtype != np.bool_ or inputs.ndim != 2 or inputs.shape[1] != width:
        raise ValueError(f"the network takes bool inputs (n, {width}), got {inputs.dtype} {inputs.shape}")
    return frozen(inputs)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous read-only view: one type of array, so that Numba compiles once."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
