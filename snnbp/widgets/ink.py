"""From a drawing to what the network sees: ink on a sheet, then centred and scaled as MNIST's digits are."""

import numpy as np
from numpy.typing import NDArray

SHEET = 280
"""Side of the sheet, pixels."""

PEN = 15
"""Radius of the pen, pixels: a digit that fills the sheet is then drawn as thick as MNIST's are."""


MNIST_SHAPE = (20, 20)
"""Rows and columns that the network sees of an MNIST image."""


def draw(sheet: NDArray[np.bool_], start: tuple[float, float], end: tuple[float, float]) -> None:
    """Ink every pixel of the sheet (rows, columns) within a pen's radius of the line; points are (x, y)."""
    y, x = np.ogrid[: sheet.shape[0], : sheet.shape[1]]
    (x0, y0), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy or 1), 0, 1)
    sheet |= (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 <= PEN**2


def normalised(sheet: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Scale what is drawn to fit `shape`, keeping its proportions, and centre it by its centre of mass.

    For 20x20 exactly as MNIST's digits: what the centring moves out of the middle 20x20 pixels is cropped. In
    other shapes it stays inside, as the 8x8 digits fill their box. A pixel is on iff more than half of it is
    inked. An empty sheet gives no pixel.
    """
    image = np.zeros(shape, np.bool_)
    if not sheet.any():
        return image
    rows, columns = (np.flatnonzero(sheet.any(axis=axis)) for axis in (1, 0))
    drawn = sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = min(shape[0] / drawn.shape[0], shape[1] / drawn.shape[1])
    height, width = (max(1, round(side * factor)) for side in drawn.shape)
    grey = _shares(drawn.shape[0], height) @ drawn @ _shares(drawn.shape[1], width).T
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


def _shares(pixels: int, cells: int) -> NDArray[np.float64]:
    """How much of each cell each pixel covers, (cells, pixels); each row sums to 1."""
    edges = np.linspace(0, pixels, cells + 1)
    low, high = edges[:-1, None], edges[1:, None]
    overlap = np.minimum(high, np.arange(1, pixels + 1)) - np.maximum(low, np.arange(pixels))
    shares: NDArray[np.float64] = np.clip(overlap, 0, None) / (high - low)
    return shares
