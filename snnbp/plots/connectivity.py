"""Fig. 2 of the paper and its table: which populations are gated on in which phase, and what reaches them."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from snnbp.circuit.parts import Phase, Projection
from snnbp.circuit.spec import Circuit
from snnbp.plots.legend import dot, legend_below, line_of, mark
from snnbp.plots.style import DOUBLE, GREY, ORANGE, SINGLE, StyledFigure, minus, plain, styled, symbol

if TYPE_CHECKING:
    import pandas as pd

_ROLE_NAMES = {
    "plastic": "plastic, all-to-all",
    "trained": "trained, all-to-all",
    "gating": "gating, one-to-all or one-to-one",
    "copy": "copy, one-to-one",
    "chain": "chain of gates",
}
_OUTSIDE: dict[str, Any] = {"marker": "o", "color": "white", "markeredgecolor": "black", "linestyle": ""}


@styled
def functional_connectivity(circuit: Circuit) -> StyledFigure:
    """Draw Fig. 2 of the paper: rows are populations, columns the phases of the cycle.

    Parameters
    ----------
    circuit : Circuit
        With phases; any number of layers.

    Returns
    -------
    StyledFigure
        A population is drawn only in phases in which it is gated on, a projection only where its target is
        gated on and an earlier phase can have fired its source. Lines from the left edge come from the cycle
        before. x counts phases from 0, y is `population_rows`.
    """
    rows, period = population_rows(circuit), len(circuit.phases)
    drawn = sum(circuit[name].layer != "gate" for name in rows)
    alt = f"Functional connectivity: {drawn} populations and the gates in {period} phases. "
    rewarded = ", ".join(map(str, circuit.reward))
    alt += f"Third factor on in phases {rewarded}." if rewarded else "No learning."
    width = DOUBLE if period > 6 else SINGLE
    figure = StyledFigure((width, 1.7 + 0.2 * (max(rows.values()) + 1)), alt)
    axes = figure.add_subplot()
    lines = {
        str(line.get_label()): line
        for number in range(period)
        for projection in circuit.projections_into(number)
        for line in [_draw_line(axes, circuit, projection, number, rows)]
    }
    _draw_phases(axes, circuit, rows)
    names = {
        row: "gates" if circuit[name].layer == "gate" else symbol(circuit[name].symbol)
        for name, row in rows.items()
    }
    axes.set_yticks(list(names), list(names.values()))
    axes.set_xticks(range(period))
    axes.tick_params("y", length=0)
    axes.set(xlim=(-0.7, period - 0.4), ylim=(max(rows.values()) + 0.7, -0.7), xlabel="phase")
    axes.spines["left"].set_visible(False)
    _draw_layers(axes, circuit, rows)
    handles = [*_marks(circuit), *(lines[name] for name in sorted(lines))]
    legend_below(figure, handles, 4 if width == DOUBLE else 2)
    return figure


def meanings(circuit: Circuit) -> "pd.DataFrame":
    """Make the table beside Fig. 2: what happens in each phase, and what spikes encode.

    Parameters
    ----------
    circuit : Circuit
        With phases; any number of layers.

    Returns
    -------
    DataFrame
        Index phase; columns event, spikes and inhibited.
    """
    import pandas as pd

    rows = [(p.event, _encoded(circuit, p), _symbols(circuit, p.inhibits)) for p in circuit.phases]
    table = pd.DataFrame(rows, columns=["event", "spikes", "inhibited"])
    return table.map(minus).rename_axis("phase")


def _encoded(circuit: Circuit, phase: Phase) -> str:
    """What spikes encode; populations with the same meaning are grouped."""
    names: dict[str, list[str]] = {}
    for name, what in phase.encodes.items():
        names.setdefault(what, []).append(name)
    found = {what: f"{_symbols(circuit, group)}: " for what, group in names.items()}
    return "; ".join(what if what.startswith(group) else group + what for what, group in found.items())


def _symbols(circuit: Circuit, names: Iterable[str]) -> str:
    return ", ".join(circuit[name].symbol for name in names)


def population_rows(circuit: Circuit) -> dict[str, int]:
    """Row of each population in Fig. 2; all gates share the last one; `in_g`, the chain's start, has none."""
    drawn = [p for p in sorted(circuit.populations, key=lambda p: p.row) if p.layer != "gate"]
    rows = {population.name: row for row, population in enumerate(drawn)}
    return rows | {phase.gate: len(drawn) for phase in circuit.phases if phase.gate}


def _draw_line(
    axes: Axes, circuit: Circuit, projection: Projection, phase: int, rows: dict[str, int]
) -> Line2D:
    """Draw a projection into a phase; return its entry in the legend."""
    is_matrix, gate = projection.weight is None, circuit[projection.pre].layer == "gate"
    look = line_of(circuit, projection)
    x, y = (phase - 1 - projection.delay, phase), (rows[projection.pre], rows[projection.post])
    axes.plot(x, y, linewidth=1.6 if is_matrix else 0.3 if gate else 0.8, zorder=1 if gate else 2, **look)
    name, place = symbol(projection.symbol), (sum(x) / 2, sum(y) / 2)
    labelled = {(text.get_text(), text.get_label()) for text in axes.texts}
    if is_matrix and (name, f"{phase}") not in labelled:
        box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6, "bbox": box}
        axes.text(*place, name, color=look["color"], zorder=3, label=f"{phase}", **centred)
    return mark(_ROLE_NAMES[circuit.role(projection)] + ", inhibitory" * (look["linestyle"] == ":"), **look)


def _draw_phases(axes: Axes, circuit: Circuit, rows: dict[str, int]) -> None:
    for number, phase in enumerate(circuit.phases):
        for name in phase.open:
            axes.plot(number, rows[name], "o", color="black", markersize=4.5, zorder=3)
        for name in phase.receives_input:
            axes.plot(number, rows[name], markersize=4.5, zorder=3, **_OUTSIDE)
        for name in phase.inhibits:
            axes.plot(number, rows[name], "x", color=GREY, markersize=3.5, zorder=3)
        if phase.gate:
            fires = (number - 1) % len(circuit.phases)
            axes.plot(fires, rows[phase.gate], "s", color=GREY, markersize=4, zorder=3)
        if phase.reward:
            axes.axvspan(number - 0.5, number + 0.5, color=ORANGE, alpha=0.13, zorder=0, linewidth=0)
    top = axes.secondary_xaxis("top")
    events = [plain("\n".join(textwrap.wrap(minus(phase.event), 24))) for phase in circuit.phases]
    top.set_xticks(range(len(events)), events, rotation=90, fontsize=6, color=GREY)
    top.tick_params(length=0)
    top.spines["top"].set_visible(False)


def _draw_layers(axes: Axes, circuit: Circuit, rows: dict[str, int]) -> None:
    """Separate the layers by lines and write their names at the right."""
    layers: dict[str, list[int]] = {}
    for population in circuit.populations:
        if population.name in rows and population.layer != "gate":
            layers.setdefault(population.layer, []).append(rows[population.name])
    for layer, members in layers.items():
        axes.axhline(max(members) + 0.5, color="0.8", linewidth=0.5, zorder=0)
        name = layer.replace("hidden", "hidden ") if "hidden2" in layers else layer.rstrip("1")
        text = axes.text(1.01, sum(members) / len(members), plain(name), va="center", color=GREY)
        text.set(transform=axes.get_yaxis_transform(), rotation=90 if len(members) > 3 else 0)


def _marks(circuit: Circuit) -> list[Line2D]:
    marks = [dot("gated on", color="black"), dot("spikes from outside", **_OUTSIDE)]
    if any(phase.inhibits for phase in circuit.phases):
        marks.append(dot("inhibited", marker="x"))
    marks.append(dot("gate of the next phase fires", marker="s"))
    if circuit.reward:
        marks.append(dot("third factor (reward) on", marker="s", color=ORANGE, alpha=0.3, markersize=7))
    return marks
