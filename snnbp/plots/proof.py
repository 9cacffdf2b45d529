"""What a proof for all networks leaves free."""

from itertools import pairwise

from matplotlib.axes import Axes

from snnbp.plots.legend import panel_letters
from snnbp.plots.style import BLUE, DOUBLE, GREY, StyledFigure, styled

_Place = tuple[float, float]


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
        _node(whole, layer[1], f"${name}$", BLUE)
    whole.set(xlim=(-0.4, 2.4), ylim=(-3, 2.4), title="the network: any size; blue is in (b)")

    for place, text, colour in (
        ((0, 2), "$z_x$: $x$ fires or not", BLUE),
        ((3.5, 1), "$z_h = 1$ if and only if\n$\\sum_q c_{qh} z_q + w z_x + r$\n> 9,216", "black"),
        ((6.6, 1), "$o$, and\nso on", "black"),
        ((0, 1), "all other synapses:\nany even number $r$", BLUE),
        ((0, 0), "gates, copied spikes:\n$c_{qh}$ as declared", "black"),
        ((0, -1), "the sample before:\nany spikes it may send", BLUE),
    ):
        _node(symbolic, place, text, colour)
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


def _node(axes: Axes, place: _Place, text: str, colour: str) -> None:
    box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": colour, "linewidth": 0.8}
    axes.text(*place, text, ha="center", va="center", color=colour, bbox=box)


def _arrow(axes: Axes, start: _Place, end: _Place, colour: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour}, zorder=0)
