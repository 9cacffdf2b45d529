"""Diagrams: Fig. 1 of the paper, drawn from the circuit, and what a proof for all networks leaves free."""

from itertools import pairwise
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.text import Text

from snnbp.circuit.spec import Circuit
from snnbp.plots.legend import ROLE_COLOURS, legend_below, mark, needs
from snnbp.plots.style import BLUE, DOUBLE, GREY, StyledFigure, panel_letters, styled, symbol

_Place = tuple[float, float]

_ROWS = {"surrogate\nderivative": 3.0, "forward\npass": 2.0, "backward\npass": 0.0}
_ROLES = {"plastic": "plastic, all-to-all", "copy": "copy, one-to-one", "gating": "gating"}


class Node(NamedTuple):
    """A node of the drawing, and the populations that it stands for."""

    x: float
    y: float
    text: str
    populations: tuple[str, ...]


@styled
def conceptual_circuit(circuit: Circuit) -> StyledFigure:
    """Draw Fig. 1 of the paper: forward pass, error, feedback through transposed weights, weight changes.

    Parameters
    ----------
    circuit : Circuit
        A training circuit with any number of hidden layers.

    Returns
    -------
    StyledFigure
        An arrow is drawn where the circuit has a projection between the populations behind two nodes.
        Memories and gates are left out.
    """
    n_hidden = sum(layer.startswith("hidden") for layer in circuit.sizes)
    needs(circuit, ("x", *(f"h{layer + 1}T" for layer in range(n_hidden)), "o", "t", "d+", "d-", "oT-"))
    nodes = _nodes(circuit, n_hidden)
    alt = (
        f"The circuit with {n_hidden} hidden layer{'s' * (n_hidden > 1)}: x, h and o feed forward; o and the "
        "target t give the output deltas; transposed weights carry them back to the hidden deltas, which "
        "are gated by the surrogate derivative and change the weights."
    )
    figure = StyledFigure((DOUBLE, 3.0 + 0.5 * (n_hidden > 1)), alt)
    axes = figure.add_subplot()
    texts = [_box(axes, (node.x, node.y), node.text) for node in nodes]
    edges: dict[tuple[int, int], dict[str, str]] = {}
    node_of = {name: index for index, node in enumerate(nodes) for name in node.populations}
    for projection in circuit.projections:
        ends = node_of.get(projection.pre), node_of.get(projection.post)
        if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
            edges.setdefault((ends[0], ends[1]), {})[circuit.role(projection)] = projection.symbol
    for (pre, post), roles in edges.items():
        pair = len(roles) + len(edges.get((post, pre), ()))
        for number, (role, name) in enumerate(sorted(roles.items())):
            bend = (0.18 + 0.27 * number) if pair > 1 else 0.0
            start, end, colour = texts[pre], texts[post], ROLE_COLOURS[role]
            patches = {
                "patchA": start.get_bbox_patch(),
                "patchB": end.get_bbox_patch(),
                "shrinkA": 2,
                "shrinkB": 2,
            }
            path = {"connectionstyle": f"arc3,rad={bend}", "linewidth": 1.2}
            _arrow(axes, start.get_position(), end.get_position(), colour, **patches, **path)
            if name:
                (x, y), (to_x, to_y) = start.get_position(), end.get_position()
                way = 0.62 if y > to_y else 0.5  # position along the arrow
                place = x + way * (to_x - x), y + way * (to_y - y)
                _box(axes, place, symbol(name), colour, boxstyle="square,pad=0.15", edgecolor="none")
    right = max(node.x for node in nodes)
    for name, y in _ROWS.items():
        axes.text(-0.55, y, name, ha="right", va="center", color=GREY, style="italic")
    axes.set(xlim=(-1.4, right + 0.6), ylim=(min(node.y for node in nodes) - 0.4, 3.4))
    axes.axis("off")
    handles = [mark(label, color=ROLE_COLOURS[role]) for role, label in _ROLES.items()]
    legend_below(figure, handles)
    return figure


def _nodes(circuit: Circuit, n_hidden: int) -> list[Node]:
    """Place the nodes: columns are layers; a hidden layer's window is above it, its deltas below."""
    names = {population.name: symbol(population.symbol) for population in circuit.populations}
    nodes = [Node(0, 2, names["x"], ("x",))]
    for layer in range(1, n_hidden + 1):
        h = f"h{layer}"
        nodes += [
            Node(2 * layer, 2, names[h], (h, f"{h}_copy", f"{h}_copy2")),
            Node(2 * layer - 0.7, 3, f"window {names[f'c_{h}']}", (f"c_{h}",)),
            Node(2 * layer, 0, names[f"{h}T"], (f"{h}T",)),
        ]
        if layer > 1:
            nodes.append(Node(2 * layer - 0.75, -1.2, names[f"{h}T-"], (f"{h}T-",)))
    end = 2 * n_hidden + 2
    error = f"error $e = t - o$\n{names['d+']}, {names['d-']}"
    return [
        *nodes,
        Node(end, 2, names["o"], ("o", "o_copy", "o_copy2")),
        Node(end + 2, 2, names["t"], ("t",)),
        Node(end + 1.4, 0.7, error, ("d+", "d-")),
        Node(end, 0, names["oT-"], ("oT-",)),
    ]


@styled
def symbolic_network() -> StyledFigure:
    """Draw a network of any size, and the part of it that the solver executes on symbols.

    Returns
    -------
    StyledFigure
    """
    alt = (
        "Left: a network with all its neurons; one synapse of each matrix is marked. Right: what the solver "
        "gets: this synapse, and free numbers in place of all others and of the sample before."
    )
    figure = StyledFigure((DOUBLE, 2.3), alt)
    whole, symbolic = figure.subplots(1, 2, width_ratios=(0.75, 1))
    layers = [[(x, y - n / 2) for y in range(n)] for x, n in enumerate((5, 4, 3))]
    for left, right in pairwise(layers):
        for start in left:
            for end in right:
                _arrow(whole, start, end, "0.85")
        _arrow(whole, left[1], right[1], BLUE)
    for layer, name in zip(layers, ("x", "h", "o"), strict=True):
        whole.plot(*zip(*layer, strict=True), "o", color="white", markeredgecolor=GREY)
        _box(whole, layer[1], f"${name}$", BLUE, edgecolor=BLUE)
    whole.set(xlim=(-0.4, 2.4), ylim=(-3, 2.4), title="the network: any size; blue is in (b)")

    for place, text, colour in (
        ((0, 2), "$z_x$: $x$ fires or not", BLUE),
        ((3.5, 1), "$z_h = 1$ if and only if\n$\\sum_q c_{qh} z_q + w z_x + r$\n> 9,216", "black"),
        ((6.6, 1), "$o$, and\nso on", "black"),
        ((0, 1), "all other synapses:\nany even number $r$", BLUE),
        ((0, 0), "gates, copied spikes:\n$c_{qh}$ as declared", "black"),
        ((0, -1), "the sample before:\nany spikes it may send", BLUE),
    ):
        _box(symbolic, place, text, colour, edgecolor=colour)
    for y in (2, 1, 0, -1):
        _arrow(symbolic, (1.35, y), (2.0, 1 + (y - 1) / 8), "black" if y == 0 else BLUE)
    _arrow(symbolic, (5.0, 1), (6.0, 1), "black")
    symbolic.text(1.95, 1.95, "weight $w$:\nany", ha="center", color=BLUE)
    symbolic.set(
        xlim=(-1.5, 7.5), ylim=(-1.5, 2.6), title="what the solver gets: blue is free, black is as declared"
    )
    for axes in (whole, symbolic):
        axes.axis("off")
    panel_letters((whole, symbolic))
    return figure


def _box(axes: Axes, place: _Place, text: str, colour: str = "black", **look: Any) -> Text:
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8} | look
    return axes.text(*place, text, ha="center", va="center", color=colour, bbox=box)


def _arrow(axes: Axes, start: _Place, end: _Place, colour: str, **look: Any) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour} | look, zorder=0)
