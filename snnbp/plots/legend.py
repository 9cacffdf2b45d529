"""What figures share: entries of legends, lines of a circuit, dots side by side, what they need."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit
from snnbp.plots.style import BLUE, GREEN, GREY, ORANGE, StyledFigure

if TYPE_CHECKING:
    from snnbp.backends.spiking import Trace

ROLE_COLOURS = {"plastic": ORANGE, "trained": ORANGE, "gating": GREEN, "copy": BLUE, "chain": GREY}
"""Colours of lines by `Circuit.role`."""


def mark(label: str, **look: Any) -> Line2D:
    """An entry of a legend; grey unless `look` says otherwise."""
    return Line2D([], [], label=label, **{"color": GREY, **look})


def dot(label: str, **look: Any) -> Line2D:
    """An entry of a legend for a marker without a line."""
    return mark(label, **{"marker": "o", "linestyle": "", **look})


def spread(n: int, width: float) -> NDArray[np.float64]:
    """Places for n dots side by side, around 0."""
    return np.linspace(-width, width, n) if n > 1 else np.zeros(n)


def legend_below(figure: StyledFigure, handles: Iterable[Line2D], columns: int = 4) -> None:
    """Write the legend below the panels."""
    figure.legend(handles=list(handles), loc="outside lower center", ncols=columns)


def line_of(circuit: Circuit, projection: Projection) -> dict[str, Any]:
    """The look of a projection's line: a colour for each role; inhibitory ones are dotted."""
    inhibitory = projection.weight is not None and projection.weight < 0
    return {"color": ROLE_COLOURS[circuit.role(projection)], "linestyle": ":" if inhibitory else "-"}


def needs(circuit: Circuit, names: Iterable[str]) -> None:
    """Raise ValueError unless a circuit has these populations, and as many layers."""
    if missing := [name for name in names if name not in circuit]:
        raise ValueError(f"this figure draws a circuit that learns; it lacks {', '.join(missing)}")


def needs_whole(trace: "Trace") -> None:
    """Raise ValueError for a trace of some populations or phases only."""
    circuit = trace.circuit
    if {*trace.spikes} != {p.name for p in circuit.populations} or len(trace.phases) < len(circuit.phases):
        raise ValueError("this figure needs a trace of all populations in all phases")
