"""Every population, every spike, every step: the declared circuit itself, run in integers.

`simulate` runs any circuit on any input spikes. `Learner`, `infer` and `trace` present samples to the paper's
two circuits: they choose the input spikes and read the record, all else is done by the circuit. Twelve steps
a sample compute the algebra of `reference` as long as no closed population fires. Neurons that are driven
hard enough fire through their bias or their inhibition; the circuit then does something else, and so does
this module.

An input sum is a 24-bit number of 1/64 weight units, so it wraps beyond [-131072, 131072) weight units, as in
Lava's bit-accurate neuron, and the event is counted. Potentials saturate there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snnbp.circuit.backprop import Circuit, inference_circuit, training_circuit
from snnbp.backends.kernels import active_indices, jit
from snnbp.circuit.loihi import INHIBITION, THRESHOLD, WEIGHT_MAX, WEIGHT_MIN
from snnbp.backends.spiking.network import Network, Simulation, by_population, simulate
from snnbp.backends import base
from snnbp.backends.rule import Rule
from snnbp.backends.spiking.stepper import Events
from snnbp.backends.spiking.tables import Matrices
from snnbp.circuit.weights import Weights

__all__ = ["Learner", "Network", "Presenter", "Simulation", "Trace", "predict", "simulate", "trace"]

Spikes = NDArray[np.bool_]
Integers = NDArray[np.int64]

OUTPUT_PHASE = 3
"""The phase in which `o` fires, in both circuits."""


class Samples(Protocol):
    """Inputs bool (n, inputs) and labels uint8 (n,)."""

    @property
    def inputs(self) -> Spikes: ...
    @property
    def labels(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Trace:
    """What n samples did in the chosen phases: spikes bool and potentials int32 (input sum + bias, weight
    units), by population, each (n, phases, size); the matrices before and after. `potentials` is empty unless
    asked for. `overdriven` counts samples as `Learner` does."""

    circuit: Circuit
    phases: tuple[int, ...]
    spikes: dict[str, Spikes]
    potentials: dict[str, NDArray[np.int32]]
    before: Matrices
    after: Matrices
    n_overdriven: int


class Presented(NamedTuple):
    """What n samples did: spikes and potentials by phase and neuron; whether a closed population fired."""

    spikes: Spikes  # (n, phases, neurons)
    potentials: NDArray[np.int32]  # the same, or no phases: not wanted
    overdriven: Spikes  # (n,)


class Presenter:
    """A circuit with a ring of gates, set going by one spike of `in_g`; samples then follow without a gap.

    Sample k occupies steps T (k + 1) + 1 to T (k + 1) + T, counted from 1, with T = len(circuit.phases). Its
    input spikes enter in the phase that presents `input`, the target's in the one that presents `in_tgt`.
    Raises ValueError for a circuit without `in_g` or `input`, or with matrices that W1 and W2 don't give.
    """

    samples_at_once = 256
    """Samples whose input spikes are listed ahead: few enough to stay in the cache."""

    def __init__(self, circuit: Circuit, weights: Weights) -> None:
        for name in ("in_g", "input"):
            if name not in circuit:
                raise ValueError(
                    f"samples need a circuit with a population {name!r}; for others see simulate"
                )
        self.circuit = circuit
        self.network = Network(circuit, initial_matrices(circuit, weights))
        self._shape = weights.sizes[0], weights.sizes[-1]
        self._takes_input = np.array(["input" in phase.presents for phase in circuit.phases])
        self._takes_target = np.array(["in_tgt" in phase.presents for phase in circuit.phases])
        gated = [population for population in circuit.populations if population.cell.bias < 0]
        may_fire = [{*phase.open, *phase.tolerates} for phase in circuit.phases]
        self._closed = np.array(
            [[p in gated and p.name not in names for p in circuit.populations] for names in may_fire]
        )
        period = len(circuit.phases)
        first = np.zeros(period + 1, np.int64)
        first[period - 1 :] = 1  # in_g fires in the last step but one, the first gate in the last
        start = Events(first, np.array([self.network.first["in_g"]], np.int32))
        self.network.run(start, np.full(period, -1))

    def present(
        self,
        inputs: Spikes,
        labels: NDArray[np.uint8] | None,
        order: Integers | None,
        populations: tuple[str, ...],
        phases: tuple[int, ...],
        potentials: bool = False,
    ) -> Presented:
        """Present inputs[order], all of them by default, with their labels; record the named populations.

        Raises ValueError for wrong shapes, types, labels or indices.
        """
        inputs, labels, order = _checked(inputs, labels, order, *self._shape)
        parts = [
            self._present(
                inputs, labels, order[begin : begin + self.samples_at_once], populations, phases, potentials
            )
            for begin in range(0, max(order.size, 1), self.samples_at_once)
        ]
        return Presented(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _present(
        self,
        inputs: Spikes,
        labels: NDArray[np.uint8],
        order: Integers,
        populations: tuple[str, ...],
        phases: tuple[int, ...],
        potentials: bool,
    ) -> Presented:
        first, n, period = self.network.first, order.size, len(self.circuit.phases)
        neurons = first["input"], first.get("in_tgt", 0)
        events = _list_spikes(inputs, labels, order, self._takes_input, self._takes_target, *neurons)
        rows = np.full((n, period), -1)
        rows[:, list(phases)] = np.arange(n * len(phases)).reshape(n, len(phases))
        record = self.network.run(Events(*events), rows.ravel(), populations, potentials)
        width = record.spikes.shape[1]
        return Presented(
            record.spikes.reshape(n, len(phases), width),
            record.potentials.reshape(n, len(phases) if potentials else 0, width),
            (record.active.reshape(n, *self._closed.shape) & self._closed).any(axis=(1, 2)),
        )


@jit
def _list_spikes(
    inputs: Spikes,
    labels: NDArray[np.uint8],
    order: Integers,
    takes_input: Spikes,
    takes_target: Spikes,
    input_neuron: int,
    target_neuron: int,
) -> tuple[Integers, NDArray[np.int32]]:
    """The neurons that fire from outside, step after step, and where each step's begin."""
    phases = takes_input.size
    first = np.zeros(order.size * phases + 1, np.int64)
    each = takes_input.sum() * inputs.shape[1] + takes_target.sum()
    neurons = np.empty(order.size * each + 1, np.int32)
    count, step = 0, 0
    for n in order:
        for phase in range(phases):
            if takes_input[phase]:
                active = active_indices(inputs[n], neurons[count:])
                neurons[count : count + active] += input_neuron
                count += active
            if takes_target[phase]:
                neurons[count] = target_neuron + labels[n]
                count += 1
            step += 1
            first[step] = count
    return first, neurons


class Learner(base.Learner):
    """The training circuit with its eight plastic matrices, fed one sample after the other.

    Successive calls of `learn` continue one uninterrupted run. `overdriven` counts the samples during whose
    12 steps a closed population fired, because it was driven past 9216 weight units, or past
    `drive_bound(inhibition)` where inhibition holds it down. Without such samples the circuit is the algebra.
    Raises ValueError for another rule, and for a threshold that 8-bit gate weights cannot follow.
    """

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        if rule.name != "circuit":
            raise ValueError(f"the spiking circuit learns by the rule 'circuit' only, not {rule.name!r}")
        super().__init__(weights, rule, inhibition)
        circuit = training_circuit(*weights.sizes, inhibition, rule.threshold, rule.step)
        self._presenter = Presenter(circuit, weights)

    def _learn(
        self, inputs: Spikes, labels: NDArray[np.int64], order: Integers
    ) -> NDArray[np.bool_]:
        """Present inputs[order] (n, inputs), bool, with labels (n,), uint8; all of them in turn by default.

        Returns the spikes of `o` in phase 3, bool (order.size, outputs), in presented order.
        Raises ValueError for wrong shapes, types, labels or indices.
        """
        done = self._presenter.present(inputs, labels.astype(np.uint8), order, ("o",), (OUTPUT_PHASE,))
        self.n_overdriven += int(done.overdriven.sum())
        return done.spikes[:, 0]

    @property
    def weights(self) -> Weights:
        """W1 as it leads into h1 and W2 as it leads into o."""
        matrices = self.matrices
        return Weights((matrices["x", "h1"], matrices["h1", "o"]), self.rule.threshold)

    @property
    def matrices(self) -> Matrices:
        """All eight plastic matrices, int16 (pre.size, post.size), by (pre, post)."""
        return self._presenter.network.matrices


def predict(weights: Weights, inputs: Spikes) -> tuple[Spikes, NDArray[np.int32]]:
    """Output spikes and potentials of the inference circuit."""
    circuit = inference_circuit(*weights.sizes, weights.threshold)
    spikes, potentials, _ = Presenter(circuit, weights).present(
        inputs, None, None, ("o",), (OUTPUT_PHASE,), True
    )
    return spikes[:, 0], potentials[:, 0] - weights.threshold // 2  # an open output is lifted half-way


def trace(
    weights: Weights,
    samples: Samples,
    populations: Iterable[str] | None = None,
    phases: Iterable[int] | None = None,
    *,
    potentials: bool = False,
    circuit: Circuit | None = None,
) -> Trace:
    """Let the training circuit learn `samples` in their order and record the chosen populations and phases.

    Default: all 30 populations in all 12 phases, spikes only: 44 KB a sample at 400-400-10. Another `circuit`
    of the same layers may take the place of `training_circuit(...)`, say one with a connection less.
    Raises ValueError for unknown populations or phases and for samples that do not fit.
    """
    circuit = circuit or training_circuit(*weights.sizes, threshold=weights.threshold)
    names = tuple(p.name for p in circuit.populations) if populations is None else tuple(populations)
    period = range(len(circuit.phases))
    chosen = tuple(period if phases is None else phases)
    if not set(chosen) <= set(period) or len(set(chosen)) < len(chosen):
        raise ValueError(f"phases must be different and within 0 to {period[-1]}, got {chosen}")
    presenter = Presenter(circuit, weights)
    before = presenter.network.matrices
    done = presenter.present(samples.inputs, samples.labels, None, names, chosen, potentials)
    return Trace(
        circuit,
        chosen,
        by_population(circuit, names, done.spikes),
        by_population(circuit, names, done.potentials) if potentials else {},
        before,
        presenter.network.matrices,
        int(done.overdriven.sum()),
    )


def initial_matrices(circuit: Circuit, weights: Weights) -> Matrices:
    """The weights of every projection with a matrix, by its symbol: W1, W2, and the transposed W2 (W2T+) and
    its negative (W2T-), within the rails."""
    transposed = weights.matrices[1].T.astype(np.int16)
    values: Mapping[str, NDArray[np.int16]] = {
        "W1": weights.matrices[0],
        "W2": weights.matrices[1],
        "W2T+": transposed,
        "W2T-": np.clip(-transposed, WEIGHT_MIN, WEIGHT_MAX),
    }
    for projection in circuit.matrices:
        if projection.symbol not in values:
            raise ValueError(f"{projection}: its matrix {projection.symbol!r} is none of {', '.join(values)}")
    return {(p.pre, p.post): values[p.symbol] for p in circuit.matrices}


def _checked(
    inputs: Any, labels: Any, order: Any, neurons: int, classes: int
) -> tuple[Spikes, NDArray[np.uint8], Integers]:
    inputs = np.asarray(inputs)
    if inputs.ndim != 2 or inputs.shape[1] != neurons or inputs.dtype != np.bool_:
        raise ValueError(f"inputs must be bool (n, {neurons}), got {inputs.dtype} {inputs.shape}")
    labels = np.zeros(len(inputs), np.uint8) if labels is None else np.asarray(labels)
    if labels.shape != (len(inputs),) or labels.dtype != np.uint8:
        raise ValueError(f"labels must be uint8 ({len(inputs)},), got {labels.dtype} {labels.shape}")
    if labels.max(initial=0) >= classes:
        raise ValueError(f"label {labels.max()} has no output: the network has {classes}")
    order = np.arange(len(inputs)) if order is None else np.asarray(order)
    if order.ndim != 1 or not np.issubdtype(order.dtype, np.integer):
        raise ValueError(f"order must be indices (n,), got {order.dtype} {order.shape}")
    if order.size and not 0 <= order.min() <= order.max() < len(inputs):
        raise ValueError(f"order has an index outside 0 to {len(inputs) - 1}")
    return _frozen(inputs), _frozen(labels), order.astype(np.int64)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous read-only view: one type of array, so that Numba compiles once."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
