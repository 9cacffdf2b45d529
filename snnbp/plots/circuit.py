"""Fig. 1 of the paper, drawn from the circuit: forward pass, error and feedback."""

from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.text import Text

from snnbp.circuit.spec import Circuit
from snnbp.plots.legend import ROLE_COLOURS, legend_below, mark, needs
from snnbp.plots.style import DOUBLE, GREY, StyledFigure, styled, symbol

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
    place = {name: index for index, node in enumerate(nodes) for name in node.populations}
    for projection in circuit.projections:
        ends = place.get(projection.pre), place.get(projection.post)
        if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
            edges.setdefault((ends[0], ends[1]), {})[circuit.role(projection)] = projection.symbol
    for (pre, post), roles in edges.items():
        pair = len(roles) + len(edges.get((post, pre), ()))
        for number, (role, name) in enumerate(sorted(roles.items())):
            bend = (0.18 + 0.27 * number) if pair > 1 else 0.0
            _arrow(axes, texts[pre], texts[post], ROLE_COLOURS[role], bend)
            if name:
                _label(axes, nodes[pre], nodes[post], symbol(name), ROLE_COLOURS[role])
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


def _arrow(axes: Axes, start: Text, end: Text, colour: str, bend: float) -> None:
    axes.annotate(
        "",
        end.get_position(),
        start.get_position(),
        arrowprops={
            "arrowstyle": "-|>",
            "patchA": start.get_bbox_patch(),
            "patchB": end.get_bbox_patch(),
            "shrinkA": 2,
            "shrinkB": 2,
            "connectionstyle": f"arc3,rad={bend}",
            "color": colour,
            "linewidth": 1.2,
        },
    )


def _label(axes: Axes, start: Node, end: Node, text: str, colour: str) -> None:
    way = 0.62 if start.y > end.y else 0.5  # position along the arrow
    place = start.x + way * (end.x - start.x), start.y + way * (end.y - start.y)
    _box(axes, place, text, color=colour, boxstyle="square,pad=0.15", edgecolor="none")


def _box(axes: Axes, place: tuple[float, float], text: str, color: str = "black", **look: Any) -> Text:
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8} | look
    return axes.text(*place, text, ha="center", va="center", fontsize=8, color=color, bbox=box)
