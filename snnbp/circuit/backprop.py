"""The paper's circuits for any number of hidden layers, derived from layer sizes and two tables of phases.

Hidden layers are numbered 1 to L, the output layer is L + 1, W_l leads into layer l. `Schedule` says in which
phase each W_l potentiates (P_l) and depresses (D_l); populations, projections, delays, gates, inhibition and
vetoes (inhibitory one-to-one projections) follow. `layers` lists the layers, `wires` says what connects the
populations, `phases` what happens in each phase, `gating` what opens and inhibits.

Names are the official code's, symbols the paper's. A layer is three populations, its copies: h1, h1_copy and
h1_copy2 are the paper's h, h< and h>. They receive the same input and compare it with half the threshold,
with zero and with the threshold: f = H(v - 1/2) and the two edges of its surrogate derivative, the window
H(v) - H(v - 1), v in units of the threshold. Of the others, d+ and d- are the error of the outputs; h1T is
where it arrives, and fires the deltas of h1; oT- and h2T- send back errors of the other sign; c_h1 is the
window of h1; m_h1 and m_x6 keep h1 and x until weights learn; t is the target; g00, g01, ... are the gates.
"""

import itertools
from collections.abc import Iterable, Sequence

from snnbp import checks
from snnbp.circuit.gating import gating_projections
from snnbp.circuit.layers import Layer, layers_of
from snnbp.circuit.loihi import (
    BIAS,
    INHIBITION,
    MANTISSA_MAX,
    MARGIN_GRID,
    THRESHOLD,
    WEIGHT_GRID,
    current_bound,
)
from snnbp.circuit.parts import NeuronType, Phase, PlasticityRule, Population, Projection
from snnbp.circuit.phases import forward_phases, training_phases
from snnbp.circuit.schedule import Schedule, schedule_of
from snnbp.circuit.spec import Circuit
from snnbp.circuit.wires import forward_wires, learning_wires, vetoes

CHAIN_MARGIN = 64
"""Weight of the synfire chain beyond threshold - bias (official code: 9280)."""

# The populations of a layer: name, neuron type, symbol.
_Rows = list[tuple[str, str, str]]


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
    layers, spike = layers_of(n_hidden, learns=True, margin=margin / threshold), _copied_spike(threshold)
    wires = [*forward_wires(layers, spike), *learning_wires(layers, plan, spike, fixed_feedback)]
    phases = training_phases(layers, plan, [p for p in wires if p.weight is None], open_target)
    wires += vetoes(layers, plan, phases, spike)
    rows = _training_rows(layers, plan)
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
    layers = layers_of(_n_hidden(sizes), learns=False)
    rows = [_INPUT, *(_compared(layer) for layer in layers[1:])]
    wires = forward_wires(layers, _copied_spike(threshold))
    return _build(sizes, rows, wires, forward_phases(layers), threshold, INHIBITION, None)


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


_INPUT: _Rows = [("input", "n_inp", "input"), ("x", "n_sfc", "x")]


def _compared(layer: Layer) -> _Rows:
    return [(copy.name, "n_sfl", copy.symbol) for copy in layer.copies]


def _training_rows(layers: Sequence[Layer], plan: Schedule) -> list[_Rows]:
    rows = [[*_INPUT, (plan.memory_of_x, "n_sfc", "mx")], *(_compared(layer) for layer in layers[1:])]
    for layer in layers[1:-1]:
        n, h = layer.number, layer.name
        rows[n].append((f"c_{h}", "n_sfc", f"f'(v{n})"))
        rows[n].append((f"m_{h}", "n_sfc", f"m{layer.symbol}"))
        rows[n].append((f"{h}T", "n_sfl_nr", f"d{n}"))
        if n > 1:
            rows[n].append((f"{h}T-", "n_sfl", f"{layer.symbol}T-"))
    rows[-1] += [("in_tgt", "n_inp", "target"), ("t", "n_sfc", "t")]
    rows[-1] += [(d, "n_sfc", f"d{layers[-1].number}{d[-1]}") for d in ("d+", "d-")]
    rows[-1].append(("oT-", "n_sfl", "oT-"))
    return rows


def _build(
    sizes: Sequence[int],
    rows: Sequence[_Rows],
    wires: Iterable[Projection],
    phases: tuple[Phase, ...],
    threshold: int,
    inhibition: int,
    plasticity: PlasticityRule | None,
) -> Circuit:
    # The official code's types; those with a bias differ only in refractory periods, which change nothing.
    types = {name: NeuronType(name, 0, threshold) for name in ("n_inp", "n_gat")}
    types |= {name: NeuronType(name, BIAS, threshold) for name in ("n_sfc", "n_sfl", "n_sfl_nr")}
    gates = [phase.gate for phase in phases]
    rows = [*rows, [("in_g", "n_inp", "in_g"), *((gate, "n_gat", gate) for gate in gates)]]
    names = ("input", *(f"hidden{n}" for n in range(1, len(sizes) - 1)), "output", "gate")
    row = itertools.count()
    populations = tuple(
        Population(name, size, types[neuron], layer, symbol, next(row))
        for layer, size, members in zip(names, (*sizes, 1), rows, strict=True)
        for name, neuron, symbol in members
    )
    ring = zip(("in_g", *gates), (*gates, gates[0]), strict=True)
    projections = (
        *wires,
        *gating_projections(populations, phases, inhibition),
        *(Projection(pre, post, "one-to-one", threshold - BIAS + CHAIN_MARGIN) for pre, post in ring),
    )
    return Circuit(populations, projections, phases, plasticity, inhibition)


def _copied_spike(threshold: int) -> int:
    """Weight of a copied spike: over half the threshold, so that it fires an open neuron (official: 520)."""
    weight = threshold // 2 + 8
    return weight if weight <= 8 * MANTISSA_MAX else weight + 8


def _n_hidden(sizes: Sequence[int]) -> int:
    if len(sizes) < 3:
        raise ValueError(f"sizes must name inputs, hidden layers and outputs, got {tuple(sizes)}")
    return len(sizes) - 2
