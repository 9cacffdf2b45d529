"""Z3 proves that a declared circuit computes backpropagation, for all sizes, weights and samples at once.

The solver gets the circuit executed on symbols, one neuron of each population and one synapse of each matrix,
for one sample after any other; see `symbolic`. It searches a case in which one of two statements fails:

A  bounds    if every current from a matrix is within `current_bounds`, populations that must be silent are
B  equality  if they are silent, all copies of all matrices, and the outputs, are those of the algorithm

Input sums are assumed to fit 24 bits. B includes what carries it from one sample to the next and from one
synapse to all: the ring of gates turns; in every step copies of a matrix are equal and bring the currents of
the algorithm; W_l^T+ is W_l transposed, and W_l^T+ + W_l^T- is 0 or -2, in every synapse. So a synapse brings
no positive error and no positive error of the other sign at once: its two currents add up to 0 or less.
Adding this up over all synapses is the one step that the solver does not take: it assumes the sum.

A counterexample is a complete network, to be replayed with
`snnbp.backends.spiking.trace(example.weights, example, circuit=example.circuit)`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.circuit.backprop import current_bounds
from snnbp.circuit.loihi import WEIGHT_GRID
from snnbp.circuit.spec import Circuit
from snnbp.circuit.symbolic import Execution, Matrix, Spikes, changed, value_of, z3
from snnbp.circuit.weights import Weights


@dataclass(frozen=True)
class Proof:
    """The result of `prove`.

    Attributes
    ----------
    failed : tuple of str
        What does not hold, in words; empty if all is proved.
    silent, equal : int
        Number of pairs of phase and population in A that inputs reach, and of equations in B.
    """

    failed: tuple[str, ...]
    silent: int
    equal: int

    @property
    def proved(self) -> bool:
        """True if A and B hold, and neither for want of a case."""
        return not self.failed


def prove(circuit: Circuit, specification: Circuit | None = None, sums_fit: bool = True) -> Proof:
    """Prove A and B, or say what fails.

    Parameters
    ----------
    circuit : Circuit
        A training or inference circuit. Its sizes and its learning step do not matter.
    specification : Circuit, optional
        The circuit that declares algorithm and bounds, where `circuit` is a changed one.
    sums_fit : bool
        Whether to assume that input sums fit 24 bits; else they wrap.

    Returns
    -------
    Proof

    Raises
    ------
    ValueError
        For a circuit that `symbolic` cannot carry out, or that lacks a matrix of the algorithm.
    """
    case = _Case(Execution(circuit, sums_fit), specification or circuit)
    failed, a, b = [], z3.Solver(), z3.Solver()
    a.add(*case.run.assumed, *case.within_bounds())
    b.add(*case.run.assumed, *map(z3.Not, case.run.forbidden.values()))
    if a.check() != z3.sat:
        failed.append("A: its assumptions exclude one another")
    failed += [f"B: never {words}" for words, event in case.possible() if b.check(event) != z3.sat]
    a.add(z3.Or(False, *case.run.forbidden.values()))
    b.add(case.differ)
    if a.check() != z3.unsat:
        failed += [f"A: {words}" for words in case.firing(a.model())]
    if b.check() != z3.unsat:
        failed += [f"B: {words}" for words in case.differing(b.model())]
    return Proof(tuple(failed), len(case.run.forbidden), len(case.equations))


def largest_silent_currents(circuit: Circuit) -> dict[tuple[int, str], int]:
    """Let the solver find the currents of `current_bounds`, without its formula.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    dict
        (phase, population) -> weight units: one step of the weights' grid below the smallest current from a
        matrix with which the population, before any other, fires although it must be silent.
    """
    run, found = Execution(circuit), {}
    for key, fires in run.forbidden.items():
        search = z3.Optimize()
        search.add(*run.assumed, *(z3.Not(run.forbidden[k]) for k in run.forbidden if k[0] < key[0]), fires)
        least = search.minimize(run.currents.get(key, z3.IntVal(0)))
        if search.check() == z3.sat:
            found[key[:2]] = search.lower(least).as_long() - WEIGHT_GRID
    return found


class _Case:
    """A circuit executed on symbols, and the algorithm that a specification declares, beside it.

    `equations` says what must be equal: in words, in the circuit, by the algorithm.
    """

    def __init__(self, run: Execution, specification: Circuit) -> None:
        self.run, self.specification = run, specification
        self.bounds = current_bounds(specification)
        self.output_phase = next(n for n, phase in enumerate(specification.phases) if "o" in phase.open)
        self.equations: list[tuple[str, Any, Any]] = []
        outputs, weights = self._algorithm()
        for k, output in enumerate(outputs):
            self.equations.append((f"output {k}", run.spikes[self.output_phase, "o"][k], output))
        for p in run.circuit.matrices:
            ours, theirs = run.past[-1][p.pre, p.post], weights[p.symbol]
            for i, j in np.ndindex(len(ours), len(ours[0])):
                words = f"{p.symbol} to {p.post} ({i}, {j})"
                self.equations.append((words, WEIGHT_GRID * ours[i][j], WEIGHT_GRID * theirs[i][j]))
        if run.free:
            self.equations += self._invariant()
        self.differ = z3.Or(*(ours != theirs for _, ours, theirs in self.equations))

    def _invariant(self) -> Iterator[tuple[str, Any, Any]]:
        """What carries B from one sample to the next, from rest to the first, and from one synapse to all."""
        run, circuit = self.run, self.run.circuit
        ring = [phase.gate for phase in circuit.phases]
        for number, weights in enumerate(run.past):
            first: dict[str, Any] = {}
            for p in circuit.matrices:
                w = weights[p.pre, p.post][0][0]
                yield f"copies of {p.symbol} before phase {number}", w, first.setdefault(p.symbol, w)
        for q in circuit.populations:
            start = sum(p.weight or 0 for p in circuit.projections if (p.pre, p.post) == ("in_g", q.name))
            yield f"{q.name} at rest", q.neuron.bias > q.neuron.threshold, False
            yield f"{q.name} at the start", q.neuron.bias + start > q.neuron.threshold, q.name == ring[0]
            for number, following in enumerate((*ring[1:], ring[0])) if q.layer == "gate" else ():
                fires = run.spikes[number, q.name][0]
                yield f"gate {q.name} in phase {number}", fires, q.name == following

    def _algorithm(self) -> tuple[Spikes, dict[str, Matrix]]:
        """Backpropagation as `snnbp.backends.reference` defines it: outputs and new weights."""
        run, c = self.run, self.specification
        weights = {p.symbol: run.initial(p.symbol, p.pre, p.post) for p in c.matrices}
        last = len(c.sizes) - 2
        names = ["x", *(f"h{layer}" for layer in range(1, last)), "o"]
        threshold, half = c["o"].neuron.threshold, c["o"].neuron.threshold // 2
        numbers = range(2, last + 1) if c.plasticity else ()
        carries = {n: f"W{n}T" if {f"W{n}T+", f"W{n}T-"} & weights.keys() else f"B{n}" for n in numbers}
        needed = [f"W{n}" for n in range(1, last + 1)]
        needed += [symbol + sign for symbol in carries.values() for sign in "+-"]
        if missing := [symbol for symbol in needed if symbol not in weights]:
            raise ValueError(f"the algorithm needs matrices that the circuit lacks: {', '.join(missing)}")
        owns: list[Any] = []

        def both_open(pre: str, post: str) -> list[int]:
            return [n for n, phase in enumerate(c.phases) if {pre, post} <= {*phase.open}]

        def received(symbol: str, pre: str, sent: int, spikes: Spikes) -> list[Any]:
            own = [run.current(pre, spikes, weights[symbol], j) for j, _ in enumerate(weights[symbol][0])]
            owns.append(own[0])
            self.equations.extend(
                (f"current of {symbol} to {post}, phase {sent + 1}", ours, own[0])
                for (matrix, phase, post), ours in run.sent.items()
                if run.free and (matrix, phase) == (symbol, sent)
            )
            return [current + run.rest(symbol, sent) for current in own]

        def mirrored(of: dict[str, Matrix], forward: str) -> Any:
            plus, total = of[f"{back}+"][0][0], of[f"{back}+"][0][0] + of[f"{back}-"][0][0]
            return z3.And(plus == of[forward][0][0], z3.Or(total == 0, total == -1))

        # Forward
        spikes, v = [run.x], []
        for n, pre in enumerate(names[:-1], 1):
            v.append(received(f"W{n}", pre, both_open(pre, pre)[0], spikes[-1]))
            spikes.append([u > half for u in v[-1]])
        if not c.plasticity:
            return spikes[-1], weights

        # Error, split by sign
        shares = {name: share for phase in reversed(c.phases) for name, share in phase.opens.items()}
        margin = half - round(shares.get("o_low", 1 / 2) * threshold)
        ends = list(zip(run.t, v[-1], strict=True))
        plus = [z3.And(t, u <= half + margin, z3.Or("d+" in shares, u > 0)) for t, u in ends]
        minus = [z3.And(z3.Not(t), u > half - margin, u <= threshold) for t, u in ends]

        # Backward through the weights from before the sample
        new = dict(weights)
        for n in range(last, 0, -1):
            h, back = spikes[n - 1], carries.get(n, "")
            learning = {f"W{n}": ((h, plus), (h, minus))}
            if back.startswith("W"):
                learning |= {f"{back}+": ((plus, h), (minus, h)), f"{back}-": ((minus, h), (plus, h))}
            for symbol, (up, down) in learning.items():
                new[symbol] = changed(changed(weights[symbol], *up, run.step), *down, -run.step)
            if n > 1:
                to_p, to_d = sorted(both_open(names[n - 1], names[n]), key=lambda m: not c.phases[m].reward)
                currents = [
                    received(back + sign, names[n], phase, spikes)
                    for phase, (same, other) in ((to_p, (plus, minus)), (to_d, (minus, plus)))
                    for sign, spikes in (("+", same), ("-", other))
                ]
                deltas = [[a + b for a, b in zip(*currents[k : k + 2], strict=True)] for k in (0, 2)]
                if run.free and back.startswith("W"):
                    # What the equations below say of one synapse, added up over all of them.
                    run.assumed += [mirrored(weights, f"W{n}"), deltas[0][0] + deltas[1][0] <= 0]
                    self.equations += [
                        (f"{back}+ and {back}- mirror W{n}", mirrored(new, f"W{n}"), True),
                        (f"{back}: signs of the currents", z3.Sum(*owns[-4:]) <= 0, True),
                    ]
                windows = [z3.And(u > 0, u <= threshold) for u in v[n - 2]]
                plus, minus = (
                    [z3.And(d > 0, w) for d, w in zip(delta, windows, strict=True)] for delta in deltas
                )
        return spikes[-1], new

    def within_bounds(self, beyond: tuple[int, str] | None = None) -> list[Any]:
        """All currents within their bounds; or only those before the named one, which is just beyond."""
        found, reached = [], []
        for key, current in self.run.currents.items():
            if key[:2] in self.bounds and (beyond is None or key[0] < beyond[0]):
                found.append(current <= self.bounds[key[:2]])
            if key[:2] == beyond:
                reached.append(current == self.bounds[beyond] + WEIGHT_GRID)
        return [*found, z3.Or(*reached)] if beyond else found

    def possible(self) -> Iterator[tuple[str, Any]]:
        """What must be able to happen, so that B says something."""
        run = self.run
        for spike in (True, False):
            yield f"o = {spike}", run.spikes[self.output_phase, "o"][0] == spike
        for p in run.circuit.matrices if run.circuit.plasticity else ():
            for sign, change in (("+", run.step), ("-", -run.step)) if p.learns else ():
                before, after = (weights[p.pre, p.post][0][0] for weights in (run.past[0], run.past[-1]))
                yield f"{p.symbol} to {p.post} {sign}= step", after - before == change

    def firing(self, model: Any) -> list[str]:
        """Populations that fire and must not, in words."""
        run = self.run
        return [
            f"phase {key[0]}: {key[1]} fires and must be silent, "
            f"current {value_of(model, run.currents.get(key, 0)):,}"
            for key, fires in run.forbidden.items()
            if value_of(model, fires)
        ]

    def differing(self, model: Any) -> list[str]:
        """What differs from the algorithm, in words."""
        values = ((words, *(value_of(model, side) for side in sides)) for words, *sides in self.equations)
        return [f"{words}: {a} in the circuit, {b} by the algorithm" for words, a, b in values if a != b]


@dataclass(frozen=True, eq=False)
class Counterexample:
    """A network, and a sample with which it, from rest, does something else than the algorithm.

    Attributes
    ----------
    circuit : Circuit
    weights : Weights
    inputs : bool array (1, inputs)
    labels : int64 array (1,)
    words : tuple of str
        Populations that fire and must not, and what differs from the algorithm (weights in weight units).
    """

    circuit: Circuit
    weights: Weights
    inputs: NDArray[np.bool_]
    labels: NDArray[np.int64]
    words: tuple[str, ...]


def counterexample(
    circuit: Circuit,
    specification: Circuit | None = None,
    beyond: tuple[int, str] | None = None,
    groups: Sequence[Sequence[int]] = ((1, 68), (1, 68), (1, 1, 68)),
) -> Counterexample | None:
    """Search a network with other weights or outputs than the algorithm's, whose input sums fit 24 bits.

    Parameters
    ----------
    circuit, specification
        As in `prove`.
    beyond : (int, str), optional
        Phase and population that receives the smallest current beyond its bound, before any other. By default
        all currents are within their bounds.
    groups : sequence of sequence of int
        For each layer, how many of its neurons are equal. Targets are among those that have no equal.

    Returns
    -------
    Counterexample or None
        None if there is no such network of these sizes.
    """
    layers = [layer for layer in circuit.sizes if layer != "gate"]
    named = {**dict(zip(layers, groups, strict=True)), "gate": (1,)}
    case = _Case(Execution(circuit, groups=named), specification or circuit)
    solver = z3.Solver()
    solver.add(*case.run.assumed, *case.within_bounds(beyond), case.differ)
    return _example(case, solver.model()) if solver.check() == z3.sat else None


def _example(case: _Case, model: Any) -> Counterexample:
    run = case.run
    *layers, _ = run.groups.values()
    matrices: list[NDArray[Any]] = []
    for n, (pre, post) in enumerate(pairwise(layers), 1):
        matrix = [[WEIGHT_GRID * value_of(model, w) for w in row] for row in run.start[f"W{n}"]]
        matrices.append(np.repeat(np.repeat(matrix, pre, axis=0), post, axis=1))
    x, t = ([value_of(model, spike) for spike in spikes] for spikes in (run.x, run.t))
    populations = (replace(q, size=sum(run.groups[q.layer])) for q in run.circuit.populations)
    return Counterexample(
        replace(run.circuit, populations=tuple(populations)),
        Weights(tuple(matrices), run.circuit["o"].neuron.threshold),
        np.repeat([x], layers[0], axis=1),
        np.repeat([t], layers[-1], axis=1).argmax(axis=1),
        (*case.firing(model), *case.differing(model)),
    )
