"""The paper's circuits for any number of hidden layers, derived from layer sizes and two tables of phases.

Hidden layers are numbered 1 to L, the output layer is L + 1, W_l leads into layer l. `Schedule` says in which
phase each W_l potentiates (P_l) and depresses (D_l); populations, projections, delays, gates, inhibition and
vetoes (inhibitory one-to-one projections) follow.

Names are the official code's, symbols the paper's. A star names a layer together with its two
copies: h1* is h1, h1_copy and h1_copy2, the paper's h, h< and h>. They receive the same input and compare it
with half the threshold, with zero and with the threshold: f = H(v - 1/2) and the two edges of its
surrogate derivative, the window H(v) - H(v - 1), v in units of the threshold.
"""

from collections.abc import Iterator, Sequence

from snnbp import checks
from snnbp.circuit.drafts import Draft, starred
from snnbp.circuit.gating import gating_projections
from snnbp.circuit.loihi import (
    BIAS,
    INHIBITION,
    MARGIN_GRID,
    THRESHOLD,
    WEIGHT_GRID,
    current_bound,
    has_mantissa,
)
from snnbp.circuit.schedule import Schedule, schedule_of
from snnbp.circuit.spec import Circuit, NeuronType, PlasticityRule, Population, Projection

COPY_MARGINS = (8, 16)
"""Weight of a copied spike beyond half the threshold, which makes it fire an open neuron: the first of these
whose sum has an 8-bit mantissa (official code: 520)."""

CHAIN_MARGIN = 64
"""Weight of the synfire chain beyond threshold - bias (official code: 9280)."""

# Name, neuron type, symbol (one for each copy); grouped by layer, one row of the drawing for each copy.
_Rows = dict[str, list[tuple[str, str, str]]]

# Source, target, what a spike carries (a matrix, or +1 and -1 for a copied spike and a veto), delay.
_Wire = tuple[str, str, str | int, int]


def training_circuit(
    sizes: Sequence[int] = (400, 400, 10),
    inhibition: int = INHIBITION,
    threshold: int = THRESHOLD,
    step: int = WEIGHT_GRID,
    schedule: str | None = None,
    open_target: bool = False,
    margin: int = 0,
    fixed_feedback: bool = False,
) -> Circuit:
    """Build the learning circuit.

    As published: 30 populations, 102 projections, 8 plastic matrices, 12 phases. A gated neuron has bias
    -8192 and fires iff its input exceeds 8192 + threshold: 9216 as published. All fixed weights but the
    inhibition follow from the threshold: gates -bias + threshold / 2 (8704), threshold / 2 more for h<, o<
    and the deltas (512), threshold / 2 less for h> and o> (8192), copied spikes threshold / 2 + 8 (520), the
    synfire chain -bias + threshold + 64 (9280).

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer: inputs, hidden layers, outputs.
    inhibition : int
        Weight that inhibits a population (weight units, negative).
    threshold : int
        Firing threshold (weight units, a multiple of 128).
    step : int
        Learning step (weight units, even).
    schedule : {"published", "compact"}, optional
        See `schedule_of`.
    open_target : bool
        Whether the gate opens d+, in place of o<; see `Rule`.
    margin : int
        If it is not 0, two more copies of the outputs, which compare their potential with half the threshold
        minus and plus the margin, take the place of o in the error; see `Rule`.
    fixed_feedback : bool
        Whether matrices B_l that do not learn carry the error back, in place of the transposed W_l.

    Returns
    -------
    Circuit

    Raises
    ------
    ValueError
        If a weight or delay that follows does not fit the chip, or an argument is out of range.
    """
    inhibition, threshold = checks.whole("inhibition", inhibition), checks.whole("threshold", threshold)
    step, sizes = checks.whole("step", step), checks.wholes("sizes", sizes)
    margin = checks.whole("margin", margin)
    for name, switch in (("open_target", open_target), ("fixed_feedback", fixed_feedback)):
        checks.an(bool, name, switch)
    if inhibition >= 0:
        raise ValueError(f"inhibition must be negative, got {inhibition}")
    if threshold <= 0 or step <= 0:
        raise ValueError(f"threshold and step must be positive, got {threshold} and {step}")
    if not 0 <= margin <= threshold // 2 or margin % MARGIN_GRID:
        raise ValueError(f"margin must be a multiple of {MARGIN_GRID}, from 0 to threshold / 2, got {margin}")
    n_hidden = _n_hidden(sizes)
    plan = schedule_of(n_hidden, schedule)
    outputs = "o**" if margin else "o*"
    phases = _forward_phases(n_hidden, "*", outputs, margin / threshold)
    phases += [Draft() for _ in range(plan.period - len(phases))]
    _add_learning(phases, plan, outputs, open_target)
    wires = [
        *_forward_wires(n_hidden, "*", outputs),
        *_learning_wires(n_hidden, plan, outputs, fixed_feedback),
    ]
    _inhibit_matrix_targets(phases, wires, plan)
    wires += _vetoes(n_hidden, plan, phases)
    rows = _training_rows(n_hidden, plan, outputs)
    return _build(sizes, rows, wires, phases, threshold, inhibition, PlasticityRule(2 * step, -step))


def inference_circuit(sizes: Sequence[int] = (400, 400, 10), threshold: int = THRESHOLD) -> Circuit:
    """Build the forward part alone, for trained weights.

    As published: 9 populations, 11 projections, 4 phases; L + 3 phases for L hidden layers.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of each layer: inputs, hidden layers, outputs.
    threshold : int
        Firing threshold (weight units, a multiple of 128).

    Returns
    -------
    Circuit
    """
    sizes, threshold = checks.wholes("sizes", sizes), checks.whole("threshold", threshold)
    if threshold <= 0:
        raise ValueError(f"threshold must be positive, got {threshold}")
    n_hidden = _n_hidden(sizes)
    rows: _Rows = {"input": _INPUT_ROWS}
    for layer in range(1, n_hidden + 1):
        rows[f"hidden{layer}"] = [(f"h{layer}", "n_sfl", _numbered("h", layer, n_hidden))]
    rows["output"] = [("o", "n_sfl", "o")]
    phases = _forward_phases(n_hidden, "", "o")
    return _build(sizes, rows, _forward_wires(n_hidden, "", "o"), phases, threshold, INHIBITION, None)


def current_bounds(circuit: Circuit) -> dict[tuple[int, str], int]:
    """Compute the largest input current at which each population stays silent while a matrix reaches it.

    Parameters
    ----------
    circuit : Circuit
        With phases.

    Returns
    -------
    dict
        (phase, population) -> weight units, for every population that is not open and that is the target of
        a matrix whose source can fire one step before. Those that may fire while gated off are left out.
    """
    bounds = {}
    for number, phase in enumerate(circuit.phases):
        before = circuit.phases[number - 1]
        sources = (*before.open, *before.may_fire_while_gated_off)
        for projection in circuit.matrices:
            post = projection.post
            if projection.pre in sources and post not in (*phase.open, *phase.may_fire_while_gated_off):
                inhibition = (circuit.inhibition or 0) if post in phase.inhibits else 0
                bounds[number, post] = current_bound(inhibition, circuit[post].neuron.threshold)
    return bounds


# Populations.

_INPUT_ROWS = [("input", "n_inp", "input"), ("x", "n_sfc", "x")]


def _training_rows(n_hidden: int, plan: Schedule, outputs: str) -> _Rows:
    rows: _Rows = {"input": [*_INPUT_ROWS, (plan.memory_of_x, "n_sfc", "mx")]}
    for layer in range(1, n_hidden + 1):
        h, name = _numbered("h", layer, n_hidden), f"h{layer}"
        rows[f"hidden{layer}"] = [
            (f"{name}*", "n_sfl", f"{h} {h}< {h}>"),
            (f"c_{name}", "n_sfc", f"f'(v{layer})"),
            (f"m_{name}", "n_sfc", f"m{h}"),
            (f"{name}T", "n_sfl_nr", f"d{layer}"),
        ]
        if layer > 1:
            rows[f"hidden{layer}"].append((f"{name}T-", "n_sfl", f"{h}T-"))
    d = f"d{n_hidden + 1}"
    rows["output"] = [
        (outputs, "n_sfl", " ".join(("o", "o<", "o>", "o-m", "o+m")[: len(starred(outputs))])),
        ("in_tgt", "n_inp", "target"),
        ("t", "n_sfc", "t"),
        ("d+", "n_sfc", f"{d}+"),
        ("d-", "n_sfc", f"{d}-"),
        ("oT-", "n_sfl", "oT-"),
    ]
    return rows


def _numbered(symbol: str, layer: int, n_hidden: int) -> str:
    """The symbol with the layer's number; the paper's single hidden layer has none."""
    return symbol if n_hidden == 1 else f"{symbol}{layer}"


def _hidden_layer(layer: int, n_hidden: int) -> str:
    return "hidden layer" if n_hidden == 1 else f"hidden layer {layer}"


# Wires.


def _forward_wires(n_hidden: int, star: str, outputs: str) -> Iterator[_Wire]:
    yield "input", "x", +1, 0
    for layer in range(1, n_hidden + 1):
        yield _layer(layer - 1, n_hidden), f"h{layer}{star}", f"W{layer}", 0
    yield f"h{n_hidden}", outputs, f"W{n_hidden + 1}", 0


def _learning_wires(n_hidden: int, plan: Schedule, outputs: str, fixed_feedback: bool) -> Iterator[_Wire]:
    p, d, last = plan.potentiate, plan.depress, n_hidden + 1

    # The error: d+ = t and not o, d- = o and not t and not o>; both are open only where o< spiked. With a
    # margin, o-m and o+m take the place of o.
    *_, low, high = starred(outputs) if outputs == "o**" else ("o", "o")
    yield "in_tgt", "t", +1, 0
    yield from (("t", "d+", +1, 0), (high, "d+", -1, 0))
    yield from ((low, "d-", +1, 0), ("t", "d-", -1, 0), ("o_copy2", "d-", -1, 0))

    # To the outputs: d+ potentiates in P and depresses through oT- in D, d- the reverse.
    to_p, to_d = (phase - (n_hidden + 3) - 1 for phase in (p[last], d[last]))
    yield from (("d+", outputs, +1, to_p), ("d+", "oT-", +1, to_d))
    yield from (("d-", outputs, +1, to_d), ("d-", "oT-", +1, to_p))

    for layer in range(n_hidden, 0, -1):
        h, above = f"h{layer}", _layer(layer + 1, n_hidden)
        matrix = f"B{layer + 1}" if fixed_feedback else f"W{layer + 1}T"
        up, down = p[layer + 1] + 1, d[layer + 1] + 1  # in these phases hT fires the deltas

        # Back through the transposed weights, and on to where the deltas change W_l.
        yield from ((above, f"{h}T", f"{matrix}+", 0), (f"{above}T-", f"{h}T", f"{matrix}-", 0))
        yield f"{h}T", f"{h}*", +1, p[layer] - up - 1
        if layer > 1:
            yield f"{h}T", f"{h}T-", +1, p[layer] - down - 1
            yield f"{h}T", f"{h}T-", +1, d[layer] - up - 1

        # Memories: of h for P and D of the layer above; of the window, to open h* and hT- in P and D.
        yield h, f"m_{h}", +1, 0
        for phase in (p[layer + 1], d[layer + 1]):
            delay = phase - (layer + 2) - 1
            yield from ((f"m_{h}", h, +1, delay), (f"m_{h}", f"{h}T", +1, delay))
        delay = up - (layer + 1) - 1
        yield from ((f"{h}_copy", f"c_{h}", +1, delay), (f"{h}_copy2", f"c_{h}", -1, delay))

    # Memory of x for P and D of the first layer.
    yield "x", plan.memory_of_x, +1, p[1] - 3
    yield from ((plan.memory_of_x, "x", +1, phase - p[1]) for phase in (p[1], d[1]))


def _vetoes(n_hidden: int, plan: Schedule, phases: "list[Draft]") -> list[_Wire]:
    """Vetoes from m_h_l that cancel the delayed spikes of h_lT at h_l*, wherever h_l* is open or inhibited.

    h_lT fires not only for the deltas but also when it repeats h_l, and its projection to h_l* carries both.
    """
    vetoes: list[_Wire] = []
    for layer in range(1, n_hidden + 1):
        for replay in (plan.potentiate[layer + 1], plan.depress[layer + 1]):
            arrival = replay + plan.potentiate[layer] - plan.potentiate[layer + 1] - 1
            phase = phases[arrival]
            if f"h{layer}" in (*phase.opens, *phase.inhibits):
                vetoes.append((f"m_h{layer}", f"h{layer}*", -1, arrival - (layer + 2) - 1))
    return vetoes


# Phases.


def _forward_phases(n_hidden: int, star: str, outputs: str, margin: float = 0) -> list[Draft]:
    phases = [Draft() for _ in range(n_hidden + 3)]
    phases[0].events.append("the sample is presented")
    phases[0].receives_input.append("input")
    phases[1].events.append("input")
    phases[1].open("x", "x")
    for layer in range(1, n_hidden + 1):
        phases[layer + 1].events.append(_hidden_layer(layer, n_hidden))
        phases[layer + 1].compare(f"h{layer}{star}", layer)
    phases[n_hidden + 2].events.append("output")
    phases[n_hidden + 2].compare(outputs, n_hidden + 1, margin)
    return phases


def _add_learning(phases: list[Draft], plan: Schedule, outputs: str, open_target: bool) -> None:
    p, d, last = plan.potentiate, plan.depress, max(plan.potentiate)
    target, error = phases[last], phases[last + 2]
    target.events.append("the target is presented")
    target.receives_input.append("in_tgt")
    phases[last + 1].events.append("target")
    phases[last + 1].open("t", "t")
    error.events.append("error")
    error.open("d+", "output too low", by="" if open_target else "o_copy")
    error.open("d-", "output too high", by="o_copy")
    error.inhibits.append("oT-")

    for layer in range(last, 0, -1):
        for replay, sign in ((phases[p[layer]], "+"), (phases[d[layer]], "-")):
            replay.reward = sign == "+"
            replay.events.append(f"W{layer} {'potentiates' if replay.reward else 'depresses'}")
            other = "-" if replay.reward else "+"
            if layer == last:
                replay.open(outputs, f"d{layer}{sign}")
                replay.open("oT-", f"d{layer}{other}")
            else:
                replay.open(f"h{layer}*", f"d{layer}{sign} and f'(v{layer})", by=f"c_h{layer}")
                if layer > 1:
                    replay.open(f"h{layer}T-", f"d{layer}{other} and f'(v{layer})", by=f"c_h{layer}")
            if layer > 1:
                for name in (f"h{layer - 1}", f"h{layer - 1}T"):
                    replay.open(name, _numbered("h", layer - 1, last - 1))
            else:
                replay.open("x", "x")

    for layer in range(last - 1, 0, -1):
        h = f"h{layer}"
        up, down = phases[p[layer + 1] + 1], phases[d[layer + 1] + 1]
        phases[layer + 2].open(f"m_{h}", _numbered("h", layer, last - 1))
        up.open(f"c_{h}", f"f'(v{layer}): 0 < v{layer} <= 1")
        for delta, sign, purpose, relation in ((up, "+", "potentiate", ">"), (down, "-", "depress", "<")):
            delta.events.append(f"deltas of {_hidden_layer(layer, last - 1)}, to {purpose}")
            delta.open(f"{h}T", f"d{layer}{sign}: W{layer + 1}T d{layer + 1} {relation} 0", 0)
    phases[p[1] - 1].open(plan.memory_of_x, "x")


def _inhibit_matrix_targets(phases: list[Draft], wires: Sequence[_Wire], plan: Schedule) -> None:
    """Inhibit every population that a matrix reaches while it is not open, except where the plan does not."""
    for number, phase in enumerate(phases):
        before = phases[number - 1]
        reached = {
            post: None
            for pre, post, carries, _ in wires
            if isinstance(carries, str) and pre in (*before.opens, *before.opened_by, *before.may_fire)
        }
        for post in reached:
            if starred(post)[0] in (*phase.opens, *phase.opened_by):
                continue
            name = post.rstrip("*") + "*"
            if (number, name) in plan.may_fire:
                phase.may_fire += starred(post)
            if (number, name) not in plan.uninhibited:
                phase.inhibits += starred(post)
                phase.events.append(f"{post} inhibited")


# Assembly.


def _build(
    sizes: Sequence[int],
    rows: _Rows,
    wires: Iterator[_Wire] | list[_Wire],
    drafts: list[Draft],
    threshold: int,
    inhibition: int,
    plasticity: PlasticityRule | None,
) -> Circuit:
    types = {name: NeuronType(name, 0, threshold) for name in ("n_inp", "n_gat")}
    types |= {name: NeuronType(name, BIAS, threshold) for name in ("n_sfc", "n_sfl", "n_sfl_nr")}
    phases = tuple(draft.finished(f"g{number:02}") for number, draft in enumerate(drafts))
    gates = [phase.gate for phase in phases]
    rows |= {"gate": [("in_g", "n_inp", "in_g"), *((gate, "n_gat", gate) for gate in gates)]}
    neurons = dict(zip(rows, (*sizes, 1), strict=True))
    populations = tuple(
        Population(copy, neurons[layer], types[neuron], layer, symbol, row)
        for row, (copy, neuron, layer, symbol) in enumerate(
            (copy, neuron, layer, symbol)
            for layer, entries in rows.items()
            for name, neuron, symbols in entries
            for copy, symbol in zip(starred(name), symbols.split(" "), strict=True)
        )
    )
    ring = zip(("in_g", *gates), (*gates, gates[0]), strict=True)
    projections = (
        *(_wire(*wire, copy, threshold) for wire in wires for copy in starred(wire[1])),
        *gating_projections(populations, phases, inhibition),
        *(Projection(pre, post, "one-to-one", threshold - BIAS + CHAIN_MARGIN) for pre, post in ring),
    )
    return Circuit(populations, projections, phases, plasticity, inhibition)


def _wire(pre: str, _: str, carries: str | int, delay: int, post: str, threshold: int) -> Projection:
    if isinstance(carries, str):
        return Projection(pre, post, "all-to-all", None, delay, carries, learns=carries.startswith("W"))
    return Projection(pre, post, "one-to-one", carries * _copied_spike(threshold), delay)


def _copied_spike(threshold: int) -> int:
    weights = [threshold // 2 + more for more in COPY_MARGINS]
    return next((weight for weight in weights if has_mantissa(weight)), weights[0])


def _layer(layer: int, n_hidden: int) -> str:
    """The population that fires for a layer."""
    return "x" if layer == 0 else "o" if layer > n_hidden else f"h{layer}"


def _n_hidden(sizes: Sequence[int]) -> int:
    if len(sizes) < 3:
        raise ValueError(f"sizes must name inputs, hidden layers and outputs, got {tuple(sizes)}")
    return len(sizes) - 2
