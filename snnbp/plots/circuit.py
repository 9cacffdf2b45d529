"""Figs. 1 and 2 of the paper, drawn from the circuit's declaration: only Fig. 1's nodes have set places."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from snnbp.circuit.spec import Circuit, Projection
from snnbp.plots.results import BLUE, GREEN, GREY, ORANGE

ROLE_COLOURS = {"plastic": ORANGE, "trained": ORANGE, "gating": GREEN, "copy": BLUE, "chain": GREY}
ROLE_NAMES = {
    "plastic": "plastic, all-to-all",
    "trained": "trained, all-to-all",
    "gating": "gating",
    "copy": "copy, one-to-one",
    "chain": "gating chain",
}

# Fig. 1's nodes: name, where, and the populations that stand behind it.
_CONCEPTS: dict[str, tuple[tuple[float, float], tuple[str, ...]]] = {
    "x": ((0, 2), ("x",)),
    "h": ((2, 2), ("h1", "h1_copy", "h1_copy2")),
    "o": ((4, 2), ("o", "o_copy", "o_copy2")),
    "t": ((6, 2), ("t",)),
    "e = t − o:\nd2+, d2−": ((5, 0.9), ("d+", "d-")),
    "oT−": ((3.6, 0.1), ("oT-",)),
    "d1": ((2, 0.1), ("h1T",)),
    "h<, h>:\nbox": ((0.6, 0.9), ("c_h1",)),
}


def conceptual_circuit(circuit: Circuit) -> Figure:
    """Fig. 1: forward pass, error, feedback through W2 transposed, and the gating that brings it back.

    An arrow is drawn where the circuit declares a projection between the populations behind two nodes.
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    node_of = {population: node for node, (_, behind) in _CONCEPTS.items() for population in behind}
    edges: dict[tuple[str, str, str], set[str]] = {}
    for projection in circuit.projections:
        ends = node_of.get(projection.pre), node_of.get(projection.post)
        if ends[0] and ends[1] and ends[0] != ends[1]:
            names = edges.setdefault((ends[0], ends[1], circuit.role(projection)), set())
            names.add(projection.symbol)
    for (pre, post, role), names in edges.items():
        label = ", ".join(sorted(name for name in names if name))
        _arrow(axes, _CONCEPTS[pre][0], _CONCEPTS[post][0], ROLE_COLOURS[role], label)
    for node, ((x, y), _) in _CONCEPTS.items():
        axes.text(
            x,
            y,
            node,
            ha="center",
            va="center",
            fontsize=12,
            bbox={"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"},
        )
    axes.set(xlim=(-0.6, 6.6), ylim=(-0.5, 2.6))
    axes.axis("off")
    _legend(axes, sorted({role for _, _, role in edges}))
    return figure


def functional_connectivity(circuit: Circuit) -> Figure:
    """Fig. 2: rows are populations, columns the steps of a cycle.

    A population is drawn only in the phases in which it is open, a projection only where its target is open
    and its spikes can come from an open source. Spikes that left in the previous cycle come in from the left.
    """
    rows = population_rows(circuit)
    steps = len(circuit.phases)
    figure = Figure(figsize=(1.0 * steps + 2.5, 0.36 * len(rows) + 1.6), layout="constrained")
    axes = figure.add_subplot()
    for number in range(steps):
        for projection in circuit.arriving(number):
            start = number - 1 - projection.delay
            _synapse(
                axes, circuit, projection, (start, rows[projection.pre]), (number, rows[projection.post])
            )
    for number, phase in enumerate(circuit.phases):
        for name in (*phase.open, *phase.presents):
            axes.plot(number, rows[name], "o", color="black", markersize=9, zorder=3)
        for name in phase.holds:
            axes.plot(number, rows[name], "x", color=GREY, markersize=7, zorder=3)
        axes.plot((number - 1) % steps, rows[phase.gate], "s", color=GREY, markersize=7, zorder=3)
        if phase.reward:
            axes.axvspan(number - 0.5, number + 0.5, color=ORANGE, alpha=0.12, zorder=0)
    labels = {row: circuit[name].symbol for name, row in rows.items() if not _is_gate(circuit, name)}
    labels[max(rows.values())] = "gates"
    axes.set_yticks(list(labels), list(labels.values()))
    axes.set_xticks(range(steps), [str(number) for number in range(steps)])
    axes.set(xlim=(-0.9, steps - 0.4), ylim=(max(rows.values()) + 0.7, -0.7), xlabel="step (phase)")
    axes.grid(axis="y", alpha=0.15)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    marks = [
        Line2D([], [], marker="o", color="black", linestyle="", label="open"),
        Line2D([], [], marker="x", color=GREY, linestyle="", label="held down"),
        Line2D([], [], marker="s", color=GREY, linestyle="", label="a gate opens the next step"),
    ]
    if circuit.reward:
        marks.append(Line2D([], [], marker="s", color=ORANGE, alpha=0.3, linestyle="", label="reward"))
    roles = {circuit.role(p) for number in range(steps) for p in circuit.arriving(number)} - {"chain"}
    _legend(axes, sorted(roles), marks)
    return figure


def meanings(circuit: Circuit) -> list[tuple[int, str, str]]:
    """The table beside Fig. 2: step, what happens, what each open population's spikes stand for."""
    table = []
    for number, phase in enumerate(circuit.phases):
        names = [f"{circuit[name].symbol}: {what}" for name, what in phase.meaning.items()]
        table.append((number, phase.event, "; ".join(names) or "-"))
    return table


def population_rows(circuit: Circuit) -> dict[str, int]:
    """Row of each population; all gates share the last one, and the ring's starter is left out."""
    drawn = [p for p in sorted(circuit.populations, key=lambda p: p.row) if p.kind != "gat"]
    rows = {population.name: row for row, population in enumerate(drawn)}
    return rows | {phase.gate: len(drawn) for phase in circuit.phases}


def _is_gate(circuit: Circuit, name: str) -> bool:
    return any(phase.gate == name for phase in circuit.phases)


def _synapse(
    axes: Axes, circuit: Circuit, projection: Projection, start: tuple[int, int], end: tuple[int, int]
) -> None:
    role = circuit.role(projection)
    vetoing = projection.weight is not None and projection.weight < 0
    gate = _is_gate(circuit, projection.pre)
    axes.plot(
        *np.transpose([start, end]),
        color=ROLE_COLOURS[role],
        linewidth={"plastic": 2.2, "trained": 2.2}.get(role, 0.5 if gate else 1.1),
        linestyle=":" if vetoing else "-",
        alpha=0.5 if gate else 0.9,
        zorder=1 if gate else 2,
        clip_on=True,
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, label: str) -> None:
    bend = 0.3 if colour == ROLE_COLOURS["gating"] else 0.12
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=16,
            shrinkA=24,
            shrinkB=24,
            color=colour,
            linewidth=1.8,
        )
    )
    (x0, y0), (x1, y1) = start, end
    middle = ((x0 + x1) / 2 + bend * (y1 - y0) / 2, (y0 + y1) / 2 - bend * (x1 - x0) / 2)
    if label:
        background = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        axes.text(*middle, label, ha="center", va="center", fontsize=10, color=colour, bbox=background)


def _legend(axes: Axes, roles: Sequence[str], more: Sequence[Line2D] = ()) -> None:
    lines = [Line2D([], [], color=ROLE_COLOURS[role], label=ROLE_NAMES[role]) for role in roles]
    axes.legend(
        handles=[*more, *lines],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.08),
        ncols=7,
        frameon=False,
        fontsize=9,
    )
