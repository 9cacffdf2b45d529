"""Entries of legends."""

from typing import Any

from matplotlib.lines import Line2D

from snnbp.plots.style import GREY


def mark(label: str, **look: Any) -> Line2D:
    """An entry of a legend; grey unless `look` says otherwise."""
    return Line2D([], [], label=label, **{"color": GREY, **look})


def dot(label: str, **look: Any) -> Line2D:
    """An entry of a legend for a marker without a line."""
    return mark(label, **{"marker": "o", "linestyle": "", **look})
