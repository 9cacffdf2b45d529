"""Samples presented to the paper's circuits: learning, prediction and complete traces."""

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp import checks
from snnbp.backends import base
from snnbp.backends.kernels import Active, active_inputs
from snnbp.backends.rule import Rule
from snnbp.backends.spiking.network import Matrices, Network, by_population, population_names
from snnbp.backends.spiking.stepper import Events
from snnbp.cards import Card
from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.circuit.loihi import INHIBITION, SUM_LIMIT, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights

if TYPE_CHECKING:
    from snnbp.training.data import Samples

Spikes = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Trace(Card):
    """The activity of n samples in the chosen phases.

    Attributes
    ----------
    circuit : Circuit
    phases : tuple of int
    spikes : dict of str to bool array (n, phases, size)
        By population.
    potentials : dict of str to int32 array (n, phases, size)
        Input sum + bias (weight units) by population; empty unless asked for.
    before, after : dict of (str, str) to int16 array (pre.size, post.size)
        The matrices before the first and after the last sample, by (pre, post).
    n_overdriven : int
        As in `base.Learner`.
    """

    circuit: Circuit
    phases: tuple[int, ...]
    spikes: dict[str, Spikes]
    potentials: dict[str, NDArray[np.int32]]
    before: Matrices
    after: Matrices
    n_overdriven: int

    def _card(self) -> dict[str, Any]:
        return {
            "samples": next((len(spikes) for spikes in self.spikes.values()), 0),
            "phases": self.phases,
            "populations": list(self.spikes),
            "spikes": sum(int(spikes.sum()) for spikes in self.spikes.values()),
            "potentials": bool(self.potentials),
            "n_overdriven": self.n_overdriven,
        }


class Presented(NamedTuple):
    """The activity of n samples, by phase and neuron, and which of them were overdriven."""

    spikes: Spikes  # (n, phases, neurons)
    potentials: NDArray[np.int32]  # the same shape; no phases if not asked for
    overdriven: Spikes  # (n,)


class StimulusDriver:
    """Presents samples to a circuit, one after the other without a gap.

    One spike of `in_g` starts the synfire chain of gates.

    Sample k occupies steps T (k + 1) + 1 to T (k + 1) + T, counted from 1, with T = len(circuit.phases). Its
    input spikes enter in the phase in which `input` receives input, the target's where `in_tgt` does.

    Parameters
    ----------
    circuit : Circuit
    weights : Weights
        Of the same layer sizes.
    feedback : optional
        As in `base.Learner`.

    Raises
    ------
    ValueError
        For a circuit without `in_g` or `input`, or with matrices that the weights do not give.
    """

    samples_at_once = 256
    """Samples whose input spikes are listed at a time: few enough for the processor's cache."""

    def __init__(self, circuit: Circuit, weights: Weights, feedback: Weights | None = None) -> None:
        for name in ("in_g", "input"):
            if name not in circuit:
                raise ValueError(
                    f"samples need a circuit with a population {name!r}; for others see simulate"
                )
        self.circuit = circuit
        self.network = Network(circuit, initial_matrices(circuit, weights, feedback))
        self._takes_input = np.array(["input" in phase.receives_input for phase in circuit.phases])
        self._takes_target = np.array(["in_tgt" in phase.receives_input for phase in circuit.phases])
        gated = {population.name for population in circuit.populations if population.neuron.bias < 0}
        may_fire = [{*phase.open, *phase.may_fire_while_gated_off} for phase in circuit.phases]
        self._silent = np.array(
            [[p.name in gated - names for p in circuit.populations] for names in may_fire]
        )
        period = len(circuit.phases)
        start = np.zeros(period + 1, np.int64)
        start[period - 1 :] = 1  # in_g fires in the last step but one, the first gate in the last one
        self.network.run(Events(start, np.array([self.network.start["in_g"]], np.int32)), np.full(period, -1))

    @property
    def output_phase(self) -> int:
        """The phase in which `o` fires for the prediction."""
        return next(n for n, phase in enumerate(self.circuit.phases) if "o" in phase.opens)

    def present(
        self,
        inputs: Spikes,
        labels: Integers,
        order: Integers,
        populations: tuple[str, ...],
        phases: tuple[int, ...],
        potentials: bool = False,
    ) -> Presented:
        """Present inputs[order] with their labels; record the named populations in these phases.

        The arrays are not checked; see `base.checked_samples`.
        """
        period = len(self.circuit.phases)
        active, spikes, values, wrong = active_inputs(inputs), [], [], []
        for begin in range(0, max(order.size, 1), self.samples_at_once):
            batch = order[begin : begin + self.samples_at_once]
            n = batch.size
            events = self._list_spikes(active, labels, batch)
            rows = np.full((n, period), -1)
            rows[:, list(phases)] = np.arange(n * len(phases)).reshape(n, len(phases))
            record = self.network.run(events, rows.ravel(), populations, potentials)
            width = record.spikes.shape[1]
            spikes.append(record.spikes.reshape(n, len(phases), width))
            values.append(record.potentials.reshape(n, len(phases) if potentials else 0, width))
            wrong.append(record.overflows > 0)
            fired = np.flatnonzero(record.active.reshape(n, *self._silent.shape) & self._silent)
            wrong[-1][fired // self._silent.shape[1]] = True
        # The last spikes of a sample arrive in the next one's phase 0; those that they cause, in phase 1.
        tail = self.network.next_steps(2)
        wrong.append((tail.active & self._silent[:2]).any(axis=1) | (tail.overflows > 0))
        overdriven = np.logical_or.reduce(np.concatenate(wrong)[2:].reshape(order.size, period), axis=1)
        return Presented(np.concatenate(spikes), np.concatenate(values), overdriven)

    def _list_spikes(self, inputs: Active, labels: Integers, batch: Integers) -> Events:
        """List the neurons that receive a spike from outside, step by step."""
        n_spikes = inputs.first[batch + 1] - inputs.first[batch]
        nth = np.arange(n_spikes.sum()) - np.repeat(np.cumsum(n_spikes) - n_spikes, n_spikes)
        active = inputs.indices[np.repeat(inputs.first[batch], n_spikes) + nth]
        n_by_step = n_spikes[:, None] * self._takes_input + self._takes_target
        first = np.append(0, np.cumsum(n_by_step))
        begin, neurons = first[:-1].reshape(n_by_step.shape), np.empty(first[-1], np.int32)
        for phase in np.flatnonzero(self._takes_input):
            neurons[np.repeat(begin[:, phase], n_spikes) + nth] = active + self.network.start["input"]
        for phase in np.flatnonzero(self._takes_target):  # the last of its step
            last = begin[:, phase] + n_by_step[:, phase] - 1
            neurons[last] = labels[batch] + self.network.start["in_tgt"]
        return Events(first, neurons)


class Learner(base.Learner):
    """See `base.Learner`; successive calls of `learn` continue one uninterrupted run.

    Parameters
    ----------
    weights, rule, inhibition, feedback
        As in `base.Learner`. The rule must be "circuit"; gate weights that follow from the threshold must
        fit 8 bits.
    circuit : Circuit, optional
        Another circuit of the same layers in place of `rule.circuit(...)`. It decides on all but the name and
        the threshold of the rule.

    Raises
    ------
    ValueError
        For a circuit that lacks what is read or driven in training.
    """

    driver_type = StimulusDriver

    def __init__(
        self,
        weights: Weights,
        rule: Rule,
        inhibition: int = INHIBITION,
        feedback: Weights | None = None,
        circuit: Circuit | None = None,
    ) -> None:
        super().__init__(weights, rule, inhibition, feedback)
        declared = rule.circuit(self.sizes, inhibition, feedback is not None)
        if circuit is not None:
            _check_trainable(circuit, declared)
        self.driver = self.driver_type(circuit or declared, weights, feedback)

    def _learn(self, inputs: Spikes, labels: Integers, order: Integers) -> Spikes:
        done = self.driver.present(inputs, labels, order, ("o",), (self.driver.output_phase,))
        self.n_overdriven += int(done.overdriven.sum())
        return done.spikes[:, 0]

    @property
    def weights(self) -> Weights:
        """The matrices that lead into h1, h2, ..., o."""
        matrices = self.matrices
        return Weights(tuple(matrices[pair] for pair in _read(len(self.sizes))), self.rule.threshold)

    @property
    def matrices(self) -> Matrices:
        """All plastic matrices, int16 (pre.size, post.size), by (pre, post)."""
        return self.driver.network.matrices


def _read(n_layers: int) -> list[tuple[str, str]]:
    """The matrices, (pre, post), that are read as the weights."""
    return list(pairwise(["x", *(f"h{n}" for n in range(1, n_layers - 1)), "o"]))


def _check_trainable(circuit: Circuit, declared: Circuit) -> None:
    """Raise ValueError unless the circuit has all that is driven and read in the declared one."""
    read = _read(len(declared.sizes) - 1)
    for name in dict.fromkeys(["in_g", "input", "in_tgt", *(name for pair in read for name in pair)]):
        size = declared[name].size
        if name not in circuit or circuit[name].size != size:
            found = circuit[name].size if name in circuit else "none"
            raise ValueError(f"training needs a population {name!r} of size {size}, the circuit has {found}")
    symbols = {(p.pre, p.post): p.symbol for p in circuit.matrices}
    for n, (pre, post) in enumerate(read, 1):
        if symbols.get((pre, post)) != f"W{n}":
            raise ValueError(f"training needs a matrix {pre} -> {post} with the symbol W{n} in the circuit")
    if circuit["o"].neuron.threshold != declared["o"].neuron.threshold:
        raise ValueError(
            f"the circuit's threshold is {circuit['o'].neuron.threshold}, "
            f"the configuration's {declared['o'].neuron.threshold}: give both the same"
        )
    for name, how in (("o", "opens"), ("input", "receives_input"), ("in_tgt", "receives_input")):
        if not any(name in getattr(phase, how) for phase in circuit.phases):
            raise ValueError(f"training needs a phase whose {how} names {name!r}, the circuit has none")
    if any(p.symbol[0] == "B" for p in declared.matrices):
        for symbol in symbols.values():
            if "T" in symbol:
                raise ValueError(f"the circuit has learning feedback, {symbol}: choose feedback='exact'")


def predict(
    weights: Weights, inputs: Spikes, driver_type: type[StimulusDriver] = StimulusDriver
) -> tuple[Spikes, NDArray[np.int32]]:
    """Output spikes and potentials of the inference circuit, see `snnbp.predict`."""
    driver = driver_type(inference_circuit(weights.sizes, weights.threshold), weights)
    order = np.arange(len(inputs))
    done = driver.present(inputs, order, order, ("o",), (driver.output_phase,), potentials=True)
    if done.overdriven.any() or done.potentials.min(initial=0) <= -SUM_LIMIT + 1:
        raise ValueError(base.OVERFLOW)
    return done.spikes[:, 0], done.potentials[:, 0] - weights.threshold // 2


def trace(
    weights: Weights,
    samples: "Samples",
    populations: Iterable[str] | None = None,
    phases: Iterable[int] | None = None,
    *,
    potentials: bool = False,
    circuit: Circuit | None = None,
    driver_type: type[StimulusDriver] = StimulusDriver,
) -> Trace:
    """Record the spikes of the training circuit while it learns samples in the given order.

    Parameters
    ----------
    weights : Weights
    samples : Samples
    populations : iterable of str, optional
        Default: all.
    phases : iterable of int, optional
        Default: all. One sample at 400-400-10 then takes 44 KB.
    potentials : bool
        Whether to record potentials, too.
    circuit : Circuit, optional
        Another circuit of the same layers in place of `training_circuit(weights.sizes)`, for example one
        made by `Circuit.without`.
    driver_type : type
        The class that presents the samples; `snnbp.backends.lava` has its own.

    Returns
    -------
    Trace

    Raises
    ------
    ValueError
        For unknown populations or phases, and for samples that do not fit.
    """
    checks.an(Weights, "weights", weights)
    if not hasattr(samples, "inputs") or not hasattr(samples, "labels"):
        raise TypeError(f"samples must be of class Samples, got {reprlib.repr(samples)}")
    circuit = circuit or training_circuit(weights.sizes, threshold=weights.threshold)
    names = population_names(circuit, populations)
    period = range(len(circuit.phases))
    chosen = tuple(period) if phases is None else checks.wholes("phases", phases)
    if not set(chosen) <= set(period) or len(set(chosen)) < len(chosen):
        raise ValueError(f"phases must be different and within 0 to {period[-1]}, got {chosen}")
    arrays = base.checked_samples(samples.inputs, samples.labels, None, weights.sizes)
    driver = driver_type(circuit, weights)
    before = driver.network.matrices
    done = driver.present(*arrays, names, chosen, potentials)
    return Trace(
        circuit,
        chosen,
        by_population(circuit, names, done.spikes),
        by_population(circuit, names, done.potentials) if potentials else {},
        before,
        driver.network.matrices,
        int(done.overdriven.sum()),
    )


def initial_matrices(circuit: Circuit, weights: Weights, feedback: Weights | None = None) -> Matrices:
    """Return the initial weights of every projection with a matrix, by (pre, post).

    They follow from its symbol: W1, W2, ..., from W2 on the transposed matrix (W2T+) and its negative within
    the weight bounds (W2T-), or fixed feedback and its negative (B2+ and B2-).
    """
    values: dict[str, NDArray[np.int16]] = {}
    for n, matrix in enumerate(weights.matrices, 1):
        values[f"W{n}"] = matrix
    for source, symbol in ((weights, "W{}T"), (feedback, "B{}")):
        for n, matrix in enumerate(source.matrices[1:] if source else (), 2):
            values[symbol.format(n) + "+"] = matrix.T
            values[symbol.format(n) + "-"] = np.clip(-matrix.T, WEIGHT_MIN, WEIGHT_MAX)
    for p in circuit.matrices:
        if p.symbol not in values:
            raise ValueError(f"{p}: its matrix {p.symbol!r} is unknown: choose one of {', '.join(values)}")
    return {(p.pre, p.post): values[p.symbol] for p in circuit.matrices}
