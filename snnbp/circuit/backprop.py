"""The paper's two circuits, declared once as data: training in 12 steps a sample, inference in 4.

Names are the official code's, symbols the paper's. A star names a layer together with its two copies: `h1*`
is h1, h1_copy and h1_copy2, the paper's h, h< and h>. They receive the same input and compare it with half
the threshold, with nothing and with the threshold: f = H(v - 1/2) and the two edges of its derivative, the
box H(v) - H(v - 1), v in units of the threshold. The gating chain, all that the gates open or hold down, and
the connections of the copies follow from the declaration.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from snnbp.circuit.spec import (
    Cell,
    Circuit,
    Counts,
    LearningRule,
    Phase,
    Population,
    Projection,
    gating_projections,
    mantissa_exponent,
)
from snnbp.circuit.loihi import BIAS, INHIBITION, THRESHOLD, WEIGHT_GRID

__all__ = [
    "Cell",
    "Circuit",
    "Counts",
    "LearningRule",
    "Phase",
    "Population",
    "Projection",
    "gating_projections",
    "inference_circuit",
    "mantissa_exponent",
    "training_circuit",
]

T = TypeVar("T")

MARGIN = 8
"""What a copied spike adds beyond half the threshold, to fire an open neuron (official code: 520)."""

CHAIN_MARGIN = 64
"""What the gating chain adds beyond threshold - bias (official code: 9280)."""

_COPIES = ("", "_copy", "_copy2")

# One row of the drawing each: name, size kind, cell, symbol (one for each copy).
_Row = tuple[str, str, str, str]
_INPUT_ROWS: tuple[_Row, ...] = (
    ("input", "in", "n_inp", "input"),
    ("x", "in", "n_sfc", "x"),
)
_TRAINING_ROWS: tuple[_Row, ...] = (
    *_INPUT_ROWS,
    ("m_x6", "in", "n_sfc", "mx"),
    ("h1*", "hid", "n_sfl", "h h< h>"),
    ("c_h1", "hid", "n_sfc", "hbox"),
    ("m_h1", "hid", "n_sfc", "mh"),
    ("h1T", "hid", "n_sfl_nr", "d1"),
    ("o*", "out", "n_sfl", "o o< o>"),
    ("in_tgt", "out", "n_inp", "target"),
    ("t", "out", "n_sfc", "t"),
    ("d+", "out", "n_sfc", "d2+"),
    ("d-", "out", "n_sfc", "d2-"),
    ("oT-", "out", "n_sfl", "oT-"),
)
_INFERENCE_ROWS: tuple[_Row, ...] = (
    *_INPUT_ROWS,
    ("h1", "hid", "n_sfl", "h"),
    ("o", "out", "n_sfl", "o"),
)

# Source, target, what a spike carries (a matrix, or +1 and -1 for a copied spike and a vetoing one), delays.
# A spike arrives delay + 1 steps later.
_Wire = tuple[str, str, str | int, tuple[int, ...]]
_TRAINING_WIRES: tuple[_Wire, ...] = (
    # forward, phases 0 to 3
    ("input", "x", +1, (0,)),
    ("x", "h1*", "W1", (0,)),
    ("h1", "o*", "W2", (0,)),
    ("in_tgt", "t", +1, (0,)),
    # the error, phase 4: d2+ = t and not o, d2- = o and not t and not o>; both are opened by o<
    ("t", "d+", +1, (0,)),
    ("o", "d+", -1, (0,)),
    ("o", "d-", +1, (0,)),
    ("t", "d-", -1, (0,)),
    ("o_copy2", "d-", -1, (0,)),
    # back to the outputs: d2+ potentiates in phase 5 and depresses through oT- in phase 9, d2- the reverse
    ("d+", "o*", +1, (0,)),
    ("d+", "oT-", +1, (4,)),
    ("d-", "o*", +1, (4,)),
    ("d-", "oT-", +1, (0,)),
    # back through the transposed weights to the hidden layer, phases 6 and 10
    ("o", "h1T", "W2T+", (0,)),
    ("oT-", "h1T", "W2T-", (0,)),
    ("h1T", "h1*", +1, (0,)),
    # memories: of h for phases 5 and 9, of x for phases 7 and 11, of the box for the hidden layer's gate
    ("h1", "m_h1", +1, (0,)),
    ("m_h1", "h1", +1, (1, 5)),
    ("m_h1", "h1T", +1, (1, 5)),
    ("x", "m_x6", +1, (4,)),
    ("m_x6", "x", +1, (0, 4)),
    ("h1_copy", "c_h1", +1, (3,)),
    ("h1_copy2", "c_h1", -1, (3,)),
)
_INFERENCE_WIRES: tuple[_Wire, ...] = (
    ("input", "x", +1, (0,)),
    ("x", "h1", "W1", (0,)),
    ("h1", "o", "W2", (0,)),
)

_TRAINING_PHASES = (
    Phase(
        "g00",
        event="the sample is presented; the previous one's last replay still drives the closed hidden layer",
        holds=("o*",),
        presents=("input",),
        tolerates=("h1*",),
    ),
    Phase("g01", event="input", opens={"x": 1 / 2}, meaning={"x": "x"}),
    Phase(
        "g02",
        event="hidden layer; the target is presented",
        opens={"h1": 1 / 2, "h1_copy": 0, "h1_copy2": 1},
        presents=("in_tgt",),
        meaning={"h1": "h = f(v1)", "h1_copy": "v1 > 0", "h1_copy2": "v1 > 1"},
    ),
    Phase(
        "g03",
        event="output and target",
        opens={"o": 1 / 2, "o_copy": 0, "o_copy2": 1, "t": 1 / 2, "m_h1": 1 / 2},
        meaning={"o": "o = f(v2)", "o_copy": "v2 > 0", "o_copy2": "v2 > 1", "t": "t", "m_h1": "h"},
    ),
    Phase(
        "g04",
        event="error",
        opened_by={"d+": "o_copy", "d-": "o_copy"},
        holds=("h1T", "oT-"),
        meaning={"d+": "output too low", "d-": "output too high"},
    ),
    Phase(
        "g05",
        event="W2 potentiates",
        opens={"h1": 1 / 2, "h1T": 1 / 2, "o*": 1 / 2, "oT-": 1 / 2},
        reward=True,
        meaning={"h1": "h", "h1T": "h", "o*": "d2+", "oT-": "d2-"},
    ),
    Phase(
        "g06",
        event="hidden deltas, to potentiate",
        opens={"m_x6": 1 / 2, "c_h1": 1 / 2, "h1T": 0},
        holds=("o*",),
        meaning={"m_x6": "x", "c_h1": "f'(v1): 0 < v1 <= 1", "h1T": "d1+: W2T d2 > 0"},
    ),
    Phase(
        "g07",
        event="W1 potentiates; the input is replayed",
        opens={"x": 1 / 2},
        opened_by={"h1*": "c_h1"},
        reward=True,
        meaning={"x": "x", "h1*": "d1+ and f'(v1)"},
    ),
    Phase("g08", event="the replay is kept from the hidden layer", holds=("h1*",)),
    Phase(
        "g09",
        event="W2 depresses",
        opens={"h1": 1 / 2, "h1T": 1 / 2, "o*": 1 / 2, "oT-": 1 / 2},
        meaning={"h1": "h", "h1T": "h", "o*": "d2-", "oT-": "d2+"},
    ),
    Phase(
        "g10",
        event="hidden deltas, to depress",
        opens={"h1T": 0},
        holds=("o*",),
        meaning={"h1T": "d1-: W2T d2 < 0"},
    ),
    Phase(
        "g11",
        event="W1 depresses; the input is replayed",
        opens={"x": 1 / 2},
        opened_by={"h1*": "c_h1"},
        meaning={"x": "x", "h1*": "d1- and f'(v1)"},
    ),
)
_INFERENCE_PHASES = (
    Phase("g00", event="the sample is presented", presents=("input",)),
    Phase("g01", event="input", opens={"x": 1 / 2}, meaning={"x": "x"}),
    Phase("g02", event="hidden layer", opens={"h1": 1 / 2}, meaning={"h1": "h = f(v1)"}),
    Phase("g03", event="output", opens={"o": 1 / 2}, meaning={"o": "o = f(v2)"}),
)


def training_circuit(
    inputs: int = 400,
    hidden: int = 400,
    outputs: int = 10,
    inhibition: int = INHIBITION,
    threshold: int = THRESHOLD,
    step: int = WEIGHT_GRID,
) -> Circuit:
    """The learning circuit: 30 populations, 102 projections, 8 plastic matrices.

    Sizes are neurons; `inhibition`, `threshold` and the learning `step` are in weight units. A closed neuron
    has bias -8192 and fires iff its input exceeds 8192 + threshold: 9216 as published. All fixed weights but
    the inhibition follow from the threshold: gates -bias + threshold / 2 (8704), threshold / 2 more for h<,
    o< and the deltas (512), threshold / 2 less for h> and o> (8192), copied spikes threshold / 2 + 8 (520),
    the gating chain -bias + threshold + 64 (9280).

    Raises ValueError if a weight that follows fits no 8-bit mantissa (a threshold must be a multiple of 128),
    if inhibition is not negative, or a size or step is out of range.
    """
    if inhibition >= 0:
        raise ValueError(f"inhibition must be negative, got {inhibition}")
    if threshold <= 0 or step <= 0:
        raise ValueError(f"threshold and step must be positive, got {threshold} and {step}")
    return _build(
        (inputs, hidden, outputs),
        _TRAINING_ROWS,
        _TRAINING_WIRES,
        _TRAINING_PHASES,
        threshold,
        inhibition,
        LearningRule(2 * step, -step),
    )


def inference_circuit(
    inputs: int = 400, hidden: int = 400, outputs: int = 10, threshold: int = THRESHOLD
) -> Circuit:
    """The forward part alone, with trained weights: 9 populations, 11 projections, 4 steps a sample."""
    sizes = (inputs, hidden, outputs)
    return _build(sizes, _INFERENCE_ROWS, _INFERENCE_WIRES, _INFERENCE_PHASES, threshold, INHIBITION, None)


def _build(
    sizes: tuple[int, int, int],
    rows: tuple[_Row, ...],
    wires: tuple[_Wire, ...],
    phases: tuple[Phase, ...],
    threshold: int,
    inhibition: int,
    learning: LearningRule | None,
) -> Circuit:
    neurons = dict(zip(("in", "hid", "out", "gat"), (*sizes, 1), strict=True))
    driven = {name: Cell(name, 0, threshold) for name in ("n_inp", "n_gat")}
    gated = {name: Cell(name, BIAS, threshold) for name in ("n_sfc", "n_sfl", "n_sfl_nr")}
    cells = driven | gated
    gates = [phase.gate for phase in phases]
    rows += tuple((name, "gat", "n_inp" if name == "in_g" else "n_gat", name) for name in ("in_g", *gates))
    populations = tuple(
        Population(copy, neurons[kind], cells[cell], kind, symbol, row)
        for row, (copy, kind, cell, symbol) in enumerate(
            (copy, kind, cell, symbol)
            for name, kind, cell, symbols in rows
            for copy, symbol in zip(_starred(name), symbols.split(), strict=True)
        )
    )
    phases = tuple(_star_free(phase) for phase in phases)
    ring = zip(("in_g", *gates), (*gates, gates[0]), strict=True)
    chain = threshold - BIAS + CHAIN_MARGIN
    projections = (
        *(
            _wire(pre, copy, carries, delay, threshold)
            for pre, post, carries, delays in wires
            for delay in delays
            for copy in _starred(post)
        ),
        *gating_projections(populations, phases, inhibition),
        *(Projection(pre, post, "one-to-one", chain) for pre, post in ring),
    )
    return Circuit(populations, projections, phases, learning, inhibition)


def _wire(pre: str, post: str, carries: str | int, delay: int, threshold: int) -> Projection:
    if isinstance(carries, str):
        return Projection(pre, post, "all-to-all", None, delay, carries)
    return Projection(pre, post, "one-to-one", carries * (threshold // 2 + MARGIN), delay)


def _starred(name: str) -> tuple[str, ...]:
    """A star stands for a population and its copies."""
    return tuple(name[:-1] + copy for copy in _COPIES) if name.endswith("*") else (name,)


def _spread(entries: Mapping[str, T]) -> dict[str, T]:
    return {copy: value for name, value in entries.items() for copy in _starred(name)}


def _star_free(phase: Phase) -> Phase:
    return replace(
        phase,
        opens=_spread(phase.opens),
        opened_by=_spread(phase.opened_by),
        holds=tuple(copy for name in phase.holds for copy in _starred(name)),
        tolerates=tuple(copy for name in phase.tolerates for copy in _starred(name)),
        meaning=_spread(phase.meaning),
    )
