"""A network small enough to draw every neuron and synapse."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit
from snnbp.plots.legend import ROLE_COLOURS, dot, legend_below, line_of, mark, needs_whole
from snnbp.plots.style import BLUE, DOUBLE, GREY, ORANGE, SINGLE, StyledFigure, minus, plain, styled, symbol

if TYPE_CHECKING:
    from snnbp.backends.spiking import Trace

_MOST_NEURONS = 8

Places = dict[str, NDArray[np.float64]]


@styled
def toy_network(
    matrices: Sequence[NDArray[Any]], spikes: Sequence[NDArray[np.bool_]] | None = None
) -> StyledFigure:
    """Draw a small network: every neuron, every synapse and its weight.

    Parameters
    ----------
    matrices : sequence of array
        `Weights.matrices`, (pre, post) each.
    spikes : sequence of array, optional
        Which neurons spike, bool, one array for each layer from the inputs to the outputs.

    Returns
    -------
    StyledFigure

    Raises
    ------
    ValueError
        If a layer has more than 8 neurons.
    """
    sizes = [matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices)]
    _check_size(sizes)
    size = max(SINGLE, 1.4 * len(sizes)), 0.6 + 0.55 * max(sizes)
    figure = StyledFigure(size, f"A {'-'.join(map(str, sizes))} network with its weights.")
    axes = figure.add_subplot()
    places = [
        [np.array([layer, (n - 1) / 2 - neuron]) for neuron in range(n)] for layer, n in enumerate(sizes)
    ]
    for layer, matrix in enumerate(matrices):
        strongest = max(1, int(np.abs(matrix).max()))
        for (pre, post), weight in np.ndenumerate(matrix):
            start, end = places[layer][pre], places[layer + 1][post]
            colour = BLUE if weight > 0 else ORANGE if weight < 0 else GREY
            width = 0.3 + 1.5 * abs(weight) / strongest
            axes.plot(*np.transpose([start, end]), color=colour, linewidth=width, zorder=1)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6.5, "bbox": box}
            place = start + (0.3 if (pre + post) % 2 else 0.66) * (end - start)
            axes.text(place[0], place[1], f"{weight:d}".replace("-", "−"), color=colour, **look)
    hidden = [f"h_{{{layer},%d}}" if len(sizes) > 3 else "h_{%d}" for layer in range(1, len(sizes) - 1)]
    for layer, (neurons, letter) in enumerate(zip(places, ("x_{%d}", *hidden, "o_{%d}"), strict=True)):
        for number, place in enumerate(neurons):
            fires = spikes is not None and bool(spikes[layer][number])
            face, text = ("black", "white") if fires else ("white", "black")
            axes.plot(*place, "o", markersize=17, color=face, markeredgecolor="black", zorder=2)
            name = f"${letter % (number + 1)}$"
            axes.text(place[0], place[1], name, ha="center", va="center", color=text, zorder=3)
    axes.set(xlim=(-0.25, len(sizes) - 0.75), ylim=(-max(sizes) / 2, max(sizes) / 2))
    axes.axis("off")
    handles = [mark("positive weight", color=BLUE), mark("negative weight", color=ORANGE)]
    if spikes is not None:
        handles.append(dot("spikes", color="black", markersize=6))
    legend_below(figure, handles)
    return figure


@styled
def toy_phases(trace: "Trace", sample: int = 0, phases: Iterable[int] | None = None) -> StyledFigure:
    """Draw what every neuron of a small circuit does, a panel for each phase.

    Parameters
    ----------
    trace : Trace
        All populations in all phases.
    sample : int, default 0
        Which of its samples.
    phases : iterable of int, optional
        The phases to draw; all by default.

    Returns
    -------
    StyledFigure
        Circles are neurons, filled if they spike. Arrows are the spikes that arrive in the phase at
        populations that are gated on; those of the gates are left out.

    Raises
    ------
    ValueError
        If a population has more than 8 neurons, or for a trace of some populations or phases only.
    """
    needs_whole(trace)
    circuit = trace.circuit
    _check_size([population.size for population in circuit.populations])
    chosen = list(range(len(circuit.phases)) if phases is None else phases)
    places, width, height = _places(circuit)
    columns = min(len(chosen), 4 if len(circuit.sizes) == 4 else 3)
    lines = -(-len(chosen) // columns)
    told = minus("; ".join(_told(trace, sample, number) for number in chosen))
    size = DOUBLE, lines * 1.75 * height / 8 + 0.7
    figure = StyledFigure(size, f"A small circuit phase by phase. {told}.")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels[len(chosen) :]:
        axes.axis("off")
    for axes, number in zip(panels, chosen, strict=False):
        for projection in circuit.projections_into(number):
            if circuit[projection.pre].layer != "gate":
                _arrivals(axes, trace, sample, projection, number, places)
        _draw_populations(axes, trace, sample, number, places)
        title = plain(minus(circuit.phases[number].event or "inhibition"))
        axes.set_title(textwrap.fill(f"{number}: {title}", 100 // columns + 8), loc="left", fontsize=6.5)
        axes.set(xlim=(-1.6, width), ylim=(height - 0.4, -0.6))
        axes.axis("off")
    legend_below(figure, _legend())
    return figure


def _check_size(sizes: Sequence[int]) -> None:
    if max(sizes) > _MOST_NEURONS:
        raise ValueError(f"too large to draw each neuron: at most {_MOST_NEURONS} a layer, got {max(sizes)}")


def _told(trace: "Trace", sample: int, phase: int) -> str:
    firing = [
        p.symbol
        for p in trace.circuit.populations
        if p.layer != "gate" and trace.spikes[p.name][sample, phase].any()
    ]
    return f"phase {phase}: {', '.join(firing) or 'no'} spikes"


def _places(circuit: Circuit) -> tuple[Places, float, float]:
    """Positions of all neurons, with layers side by side; and width and height of the drawing."""
    layers: dict[str, list[Any]] = {}
    for population in sorted(circuit.populations, key=lambda p: p.row):
        if population.layer != "gate":
            layers.setdefault(population.layer, []).append(population)
    places, left = {}, 0.0
    for members in layers.values():
        for row, population in enumerate(members):
            across = left + np.arange(population.size)
            places[population.name] = np.column_stack([across, np.full(population.size, float(row))])
        left += max(population.size for population in members) + 3.0
    return places, left - 2.6, max(map(len, layers.values()))


def _arrivals(
    axes: Axes, trace: "Trace", sample: int, projection: Projection, phase: int, places: Places
) -> None:
    """Draw the spikes that a projection brings into a phase."""
    circuit, sent = trace.circuit, phase - 1 - projection.delay
    pre, post = places[projection.pre], places[projection.post]
    bend = 0.35 * (circuit[projection.pre].layer == circuit[projection.post].layer)
    line = {
        "arrowstyle": "->",
        "mutation_scale": 5,
        "connectionstyle": f"arc3,rad={bend}",
        "shrinkA": 3,
        "shrinkB": 3,
        "linewidth": 0.7,
    } | line_of(circuit, projection)
    for neuron in np.flatnonzero(trace.spikes[projection.pre][sample, sent]) if sent >= 0 else ():
        for end in post if projection.pattern == "all-to-all" else post[neuron : neuron + 1]:
            axes.annotate("", end, pre[neuron], arrowprops=line, zorder=1)


def _draw_populations(axes: Axes, trace: "Trace", sample: int, phase: int, places: Places) -> None:
    now = trace.circuit.phases[phase]
    for name, neurons in places.items():
        on = name in (*now.open, *now.receives_input)
        colour = "black" if on else "0.75"
        for (x, y), fires in zip(neurons, trace.spikes[name][sample, phase], strict=True):
            face = "black" if fires else "white"
            axes.plot(x, y, "o", markersize=5, color=face, markeredgecolor=colour, zorder=2)
            if name in now.inhibits:
                axes.plot(x, y, "x", markersize=3, color=GREY, zorder=3)
        x, y = neurons[0]
        text = symbol(trace.circuit[name].symbol)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
        axes.text(x - 0.6, y, text, ha="right", va="center", fontsize=6, color=colour, bbox=box, zorder=2)


def _legend() -> list[Line2D]:
    lines = {"spike through a plastic synapse": "plastic", "copied spike": "copy", "gating spike": "gating"}
    return [
        dot("spike", color="black", markersize=5),
        dot("gated on", color="white", markeredgecolor="black", markersize=5),
        dot("gated off", color="white", markeredgecolor="0.75", markersize=5),
        dot("inhibited", marker="x", markersize=3),
        *(mark(name, color=ROLE_COLOURS[role], linewidth=0.7) for name, role in lines.items()),
        mark("inhibitory spike", color=BLUE, linewidth=0.7, linestyle=":"),
    ]
