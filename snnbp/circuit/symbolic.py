"""A circuit executed on symbols of the solver Z3 for one sample, for `proof`.

Neurons come in *groups* of equal ones, which do the same. A circuit of given groups starts from rest. In a
*free* execution one neuron stands for each population. What the other synapses of a matrix add to an input
current is then a free integer, the *rest*, and the last spikes of the sample before are free, too.

A spike is a value or a symbol, a weight too (half-units); currents are in weight units.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from snnbp.circuit.loihi import SUM_LIMIT, WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.parts import Phase, Population
from snnbp.circuit.spec import Circuit

try:
    import z3 as z3
except ImportError:
    raise ImportError("proofs need the solver Z3: pip install z3-solver") from None

Spikes = Sequence[Any]
Matrix = Sequence[Sequence[Any]]
LOW, HIGH = WEIGHT_MIN // WEIGHT_GRID, WEIGHT_MAX // WEIGHT_GRID


class Execution:
    """The phases of a sample.

    Parameters
    ----------
    circuit : Circuit
        Its sizes do not matter.
    sums_fit : bool
        Whether to assume that input sums fit 24 bits; else they wrap.
    groups : mapping of str to sequence of int, optional
        Layer -> neurons of each group. Targets are among the groups of one neuron. Default: a free execution.

    Attributes
    ----------
    assumed : list
        What the solver assumes.
    forbidden, currents : dict of (int, str, int) to symbol
        (phase, population, group) -> whether it fires although it must be silent; current from matrices.
    sent : dict of (str, int, str) to symbol
        (matrix symbol, phase of sending, target) -> current through the synapse of a free execution.
    past : list of dict
        Phase -> weights before it; the last entry holds the final weights.

    Raises
    ------
    ValueError
        For a circuit that it cannot carry out.
    """

    def __init__(
        self, circuit: Circuit, sums_fit: bool = True, groups: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        _check(circuit)
        self.circuit, self.sums_fit, self.free = circuit, sums_fit, groups is None
        self.groups = groups or dict.fromkeys(circuit.sizes, (1,))
        self.layer = {p.name: p.layer for p in circuit.populations}
        self.assumed: list[Any] = []
        self.forbidden: dict[tuple[int, str, int], Any] = {}
        self.currents: dict[tuple[int, str, int], Any] = {}
        self.sent: dict[tuple[str, int, str], Any] = {}
        self.spikes: dict[tuple[int, str], Spikes] = {}
        inputs, outputs = self.groups["input"], self.groups["output"]
        self.x = [z3.Bool(f"x 0 {i}") for i, _ in enumerate(inputs)]
        self.t = [(self.free or size == 1) and z3.Bool(f"t 0 {i}") for i, size in enumerate(outputs)]
        self.step: Any = -circuit.plasticity.always // WEIGHT_GRID if circuit.plasticity else 0
        if self.free:
            self.step = z3.Int("step")
            self.assumed.append(z3.And(self.step > 0, self.step <= HIGH))
        else:
            self.assumed.append(z3.PbEq([(target, 1) for target in self.t if target is not False], 1))
        self.start: dict[str, Matrix] = {}
        self.past = [{(p.pre, p.post): self.initial(p.symbol, p.pre, p.post) for p in circuit.matrices}]
        for number, phase in enumerate(circuit.phases):
            self._run(number, phase)

    def initial(self, symbol: str, pre: str, post: str) -> Matrix:
        """Symbols for a matrix. Of given groups, the transposed ones follow from the forward ones."""
        plain = symbol.rstrip("T+-")
        if symbol not in self.start and (self.free or symbol == plain):
            rows, columns = (range(len(self.groups[self.layer[name]])) for name in (pre, post))
            matrix = [[z3.Int(f"{symbol} {i} {j}") for j in columns] for i in rows]
            self.assumed += [z3.And(w >= LOW, w <= HIGH) for row in matrix for w in row]
            self.start[symbol] = matrix
        elif symbol not in self.start:
            transposed = list(zip(*self.initial(plain, post, pre), strict=True))
            negative = [[z3.If(w == LOW, HIGH, -w) for w in row] for row in transposed]
            self.start[symbol] = negative if symbol.endswith("-") else transposed
        return self.start[symbol]

    def _run(self, number: int, phase: Phase) -> None:
        for q in self.circuit.populations:
            if q.name in phase.receives_input:
                self.spikes[number, q.name] = self.x if q.layer == "input" else self.t
            else:
                groups = range(len(self.groups[q.layer]))
                self.spikes[number, q.name] = [self._fires(number, phase, q, group) for group in groups]
        weights, rule = dict(self.past[number]), self.circuit.plasticity
        for p in self.circuit.matrices:
            if rule and p.learns:
                change = self.step * ((rule.always + rule.rewarded * phase.reward) // -rule.always)
                ends = self.spikes[number, p.pre], self.spikes[number, p.post]
                weights[p.pre, p.post] = changed(weights[p.pre, p.post], *ends, change)
        self.past.append(weights)

    def _fires(self, number: int, phase: Phase, q: Population, group: int) -> Any:
        key, fixed, currents = (number, q.name, group), [z3.IntVal(0)], []
        for p in self.circuit.projections:
            sent = number - 1 - p.delay
            spikes = self.spikes_of(p.pre, sent) if p.post == q.name else ()
            if all(spike is False for spike in spikes):
                continue
            if p.weight is not None:
                fixed.append(_gated(spikes[0 if p.pattern == "one-to-all" else group], p.weight))
                continue
            own = self.current(p.pre, spikes, self.past[sent][p.pre, p.post], group) if sent >= 0 else 0
            self.sent[p.symbol, sent, q.name] = own
            currents.append(own + self.rest(p.symbol, sent))
        total = z3.Sum(*fixed, *currents)
        if currents:
            self.currents[key] = z3.Sum(*currents)
            if self.sums_fit:
                self.assumed.append(z3.And(total >= -SUM_LIMIT, total < SUM_LIMIT))
            else:
                total = (total + SUM_LIMIT) % (2 * SUM_LIMIT) - SUM_LIMIT
        fires = z3.simplify(total > q.neuron.threshold - q.neuron.bias)
        fires = True if z3.is_true(fires) else not z3.is_false(fires) and fires
        if fires is not False and not _may_fire(q, phase):
            self.forbidden[key] = fires
            return not self.free and fires
        return fires

    def spikes_of(self, name: str, number: int) -> Spikes:
        """The spikes of a population, of each group; before phase 0 those of the sample before, or rest."""
        if number >= 0:
            return self.spikes[number, name]
        phases = self.circuit.phases
        if self.layer[name] == "gate":
            following = phases[(number + 1) % len(phases)]
            return [name == following.gate and (self.free or number == -1)]
        if self.free and _may_fire(self.circuit[name], phases[number % len(phases)]):
            return [z3.Bool(f"{name} {number}")]
        return [False] * len(self.groups[self.layer[name]])

    def current(self, pre: str, spikes: Spikes, weights: Matrix, group: int) -> Any:
        """The current from the groups of `pre` to one neuron of a group."""
        rows = zip(self.groups[self.layer[pre]], spikes, weights, strict=True)
        return z3.Sum(*(WEIGHT_GRID * n * _gated(spike, row[group]) for n, spike, row in rows))

    def rest(self, symbol: str, sent: int) -> Any:
        """The current from all other synapses; equal for the copies of a matrix."""
        return WEIGHT_GRID * z3.Int(f"rest {symbol} {sent}") if self.free else 0


def changed(matrix: Matrix, pre: Spikes, post: Spikes, change: Any) -> Matrix:
    """Change the weights between spikes, within the bounds of weights."""
    rows = zip(matrix, pre, strict=True)
    return [[_changed(w, a, b, change) for w, b in zip(row, post, strict=True)] for row, a in rows]


def value_of(model: Any, symbol: Any) -> Any:
    """The value of a symbol in a counterexample."""
    if isinstance(symbol, int):
        return symbol
    found = model.eval(symbol, model_completion=True)
    return z3.is_true(found) if z3.is_bool(found) else found.as_long()


def _changed(w: Any, a: Any, b: Any, change: Any) -> Any:
    if a is False or b is False:
        return w
    new = w + change
    return z3.If(z3.And(a, b), z3.If(new > HIGH, HIGH, z3.If(new < LOW, LOW, new)), w)


def _gated(spike: Any, value: Any) -> Any:
    return value if spike is True else 0 if spike is False else z3.If(spike, value, 0)


def _check(circuit: Circuit) -> None:
    layer, rule = {q.name: q.layer for q in circuit.populations}, circuit.plasticity
    given = {"in_g", *(name for phase in circuit.phases for name in phase.receives_input)}
    if (
        not circuit.phases
        or any(q.neuron.refractory for q in circuit.populations)
        or any(p.pattern == "one-to-one" and layer[p.pre] != layer[p.post] for p in circuit.projections)
        or any(p.pattern == "all-to-all" and p.weight is not None for p in circuit.projections)
        or any(p.post in given or (p.pre == "in_g" and p.delay) for p in circuit.projections)
        or len({p.symbol for p in circuit.matrices}) < len({(p.symbol, p.pre) for p in circuit.matrices})
        or (rule and (rule.always >= 0 or rule.rewarded % rule.always))
    ):
        raise ValueError(
            "a proof needs phases; neurons without refractory period; one-to-one projections inside a layer; "
            "matrices for all-to-all projections, each of one source; no projections to what receives input, "
            "and no delay from in_g; and changes of weights by whole steps"
        )


def _may_fire(q: Population, phase: Phase) -> bool:
    names = (*phase.open, *phase.receives_input, *phase.may_fire_while_gated_off)
    return q.layer == "gate" or q.name in names
