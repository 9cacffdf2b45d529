"""A canvas to draw on, and the conversion of a drawing to a network input as in MNIST."""

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from snnbp.widgets.panel import FOLDER

SIDE = 140
"""Side of the canvas (pixels)."""

MNIST_SHAPE = (20, 20)
"""Rows and columns of a cropped MNIST image."""


class Sheet(anywidget.AnyWidget):
    """A canvas for mouse, touch and keys. `ink` holds one byte a pixel, 0 or 1."""

    _esm = FOLDER / "sheet.js"
    _css = FOLDER / "style.css"
    side = traitlets.Int(SIDE).tag(sync=True)
    ink = traitlets.CBytes(bytes(SIDE * SIDE)).tag(sync=True)  # the front end sends a memoryview

    def drawing(self) -> NDArray[np.bool_]:
        """Which pixels are black, (side, side)."""
        return np.frombuffer(self.ink, np.bool_).reshape(SIDE, SIDE)


def enlarged(image: NDArray[np.bool_]) -> bytes:
    """Enlarge an image (rows, columns) to the whole canvas; the value of `ink`."""
    rows, columns = (np.arange(SIDE) * size // SIDE for size in image.shape)
    return bytes(image[np.ix_(rows, columns)].tobytes())


def as_input(drawing: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Scale a drawing to fit `shape`, keeping its proportions, and centre it by its centre of mass.

    For 20x20 this is as in MNIST: pixels that the centring moves out of the image are cropped. In other
    shapes the drawing stays inside, as the 8x8 digits do. A pixel is on iff more than half of it is black.
    An empty drawing gives an empty image.
    """
    image = np.zeros(shape, np.bool_)
    if not drawing.any():
        return image
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    drawn = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = min(shape[0] / drawn.shape[0], shape[1] / drawn.shape[1])
    height, width = (max(1, round(side * factor)) for side in drawn.shape)
    grey = _overlaps(drawn.shape[0], height) @ drawn @ _overlaps(drawn.shape[1], width).T
    shift = _shift(grey, shape)
    if shape != MNIST_SHAPE:
        shift = np.clip(shift, 0, np.array(shape) - grey.shape)
    for y, x in np.argwhere(grey > 0.5) + shift:
        if 0 <= y < shape[0] and 0 <= x < shape[1]:
            image[y, x] = True
    return image


def _shift(grey: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Whole pixels (rows, columns) that bring the centre of mass into the middle of an image."""
    total = grey.sum()
    centre = [(grey.sum(axis=1 - axis) * np.arange(grey.shape[axis])).sum() / total for axis in (0, 1)]
    shift: NDArray[np.int64] = np.round((np.array(shape) - 1) / 2 - centre).astype(np.int64)
    return shift


def _overlaps(pixels: int, cells: int) -> NDArray[np.float64]:
    """How much of each cell each pixel covers, (cells, pixels); each row sums to 1."""
    edges = np.linspace(0, pixels, cells + 1)
    low, high = edges[:-1, None], edges[1:, None]
    overlap = np.minimum(high, np.arange(1, pixels + 1)) - np.maximum(low, np.arange(pixels))
    overlaps: NDArray[np.float64] = np.clip(overlap, 0, None) / (high - low)
    return overlaps
