"""Labels that find a free place beside their points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

Place = tuple[float, float, str]
"""Right and up from a point, in points, and the text's horizontal alignment."""


class Labels:
    """Places labels in an axes whose layout is fixed (`StyledFigure.settle`); `taken` are boxes to avoid."""

    def __init__(self, axis: Axes, taken: Sequence[Bbox] = ()) -> None:
        self._axis = axis
        self._taken = list(taken)
        self._lines: list[Any] = []

    def add(self, text: str, point: tuple[float, float], places: Sequence[Place], **settings: Any) -> None:
        """Write a label at the best of `places`; the first one is the best if it is free.

        The label stays inside the figure; with `arrowprops`, inside the axes, and a line leads to the point.
        """
        limits = self._axis.bbox if "arrowprops" in settings else self._axis.figure.bbox
        costs = []
        for number, place in enumerate(places):
            label = self._write(text, point, place, settings)
            box, line = self._extent(label, point, settings)
            outside = not all(limits.contains(*corner) for corner in (box.min, box.max))
            overlaps = sum(box.overlaps(other) for other in self._taken)
            others = [other for other in self._taken if not (line and other.contains(*line[-1]))]
            crossed = sum(other.contains(*dot) for other in others for dot in line)
            crossed += sum(box.contains(*dot) for dot in self._lines)
            costs.append(1000 * (outside + overlaps) + 20 * crossed + number)
            label.remove()
            if costs[-1] == number:
                break
        box, line = self._extent(
            self._write(text, point, places[int(np.argmin(costs))], settings), point, settings
        )
        self._taken.append(box)
        self._lines += line

    def _write(self, text: str, point: tuple[float, float], place: Place, settings: Any) -> Annotation:
        right, up, align = place
        vertical = "bottom" if up > 0 else "top" if up < 0 else "center"
        return self._axis.annotate(
            text, point, (right, up), textcoords="offset points", ha=align, va=vertical, **settings
        )

    def _extent(self, label: Annotation, point: tuple[float, float], settings: Any) -> tuple[Bbox, list[Any]]:
        """The bounding box of the text, and points along the line from there to the labelled point."""
        label.get_window_extent()  # moves the text to its place
        box = Text.get_window_extent(label).padded(1)
        if "arrowprops" not in settings:
            return box, []
        middle = box.x0 + box.width / 2, box.y0 + box.height / 2
        dots = np.linspace(middle, self._axis.transData.transform(point), 40)
        return box, [dot for dot in dots if not box.contains(*dot)]
