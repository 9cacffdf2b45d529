"""Spikes, weights and pixels as images; the activation function and its surrogate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from snnbp.plots.style import BLUE, DOUBLE, GREEN, ORANGE, StyledFigure, minus, panel_letters, plain, styled


@styled
def images(pictures: Mapping[str, NDArray[Any]], columns: int = 6) -> StyledFigure:
    """Draw small images with titles.

    Parameters
    ----------
    pictures : mapping of str to array
        By title, which may have formulas between dollars, (rows, columns). Spikes (bool) and brightness
        (unsigned) are drawn in grey, signed numbers, such as changes of weights, in two colours with one
        scale for all.
    columns : int, default 6
        Images in a row.

    Returns
    -------
    StyledFigure
    """
    lines = -(-len(pictures) // columns)
    told = ", ".join(" ".join(title.split()) for title in pictures)
    figure = StyledFigure((DOUBLE, (1.2 * 6 / columns + 0.25) * lines), f"Images: {minus(told)}.")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in grid[len(pictures) :]:
        axis.axis("off")
    signed = [picture for picture in pictures.values() if picture.dtype.kind not in "bu"]
    extreme = max((int(np.abs(picture).max()) for picture in signed), default=1) or 1
    coloured = None
    for axis, (title, picture) in zip(grid, pictures.items(), strict=False):
        if picture.dtype.kind in "bu":
            _draw_image(axis, picture, picture)
        else:
            coloured = _draw_image(axis, picture, extreme)
        axis.set_title(minus(title))
    if coloured:
        label = "change of weight (weight units)"
        figure.colorbar(coloured, ax=grid, label=label, shrink=0.8, ticks=[-extreme, 0, extreme], pad=0.01)
    return figure


@styled
def image_rows(rows: Mapping[str, NDArray[Any]], names: Sequence[str]) -> StyledFigure:
    """Draw a table of images: each row shows the same items in another form.

    Parameters
    ----------
    rows : mapping of str to array
        By the row's label, (columns, height, width): bool or unsigned brightness.
    names : sequence of str
        The columns' titles.

    Returns
    -------
    StyledFigure
    """
    size = DOUBLE / (len(names) + 1.2)
    alt = f"A table of images. Rows: {', '.join(rows)}. Columns: {', '.join(names)}."
    figure = StyledFigure((DOUBLE, size * len(rows) + 0.25), alt)
    grid = figure.subplots(len(rows), len(names), squeeze=False)
    for axes, (label, pictures) in zip(grid, rows.items(), strict=True):
        for axis, picture in zip(axes, pictures, strict=True):
            _draw_image(axis, picture, pictures)
        axes[0].set_ylabel(plain(label), rotation=0, ha="right", va="center")
    for axis, name in zip(grid[0], names, strict=True):
        axis.set_title(plain(name))
    return figure


def _draw_image(axis: Axes, picture: NDArray[Any], scale: NDArray[Any] | int) -> Any:
    """Draw an image in grey up to the brightest of `scale`; in colours from -scale to scale if a number."""
    axis.set(xticks=[], yticks=[])
    axis.spines[["top", "right"]].set_visible(True)
    if isinstance(scale, int):
        return axis.imshow(picture, cmap="PuOr", vmin=-scale, vmax=scale)
    return axis.imshow(picture, cmap="Greys", vmin=0, vmax=max(1, scale.max()))


@styled
def activation_functions(
    v: NDArray[np.float64], f: NDArray[Any], surrogate: NDArray[Any], derivative: NDArray[Any]
) -> StyledFigure:
    """Draw the activation function, its surrogate, and the surrogate's derivative.

    Parameters
    ----------
    v : array (n,)
        Membrane potential, in units of the firing threshold.
    f, surrogate, derivative : array (n,)
        Their values.

    Returns
    -------
    StyledFigure
    """
    alt = "The step f(v) = H(v − 1/2), the truncated ReLU, and its derivative, which is 1 from 0 to 1."
    figure = StyledFigure((DOUBLE, 1.9), alt)
    curves = (
        ("activation $f(v) = H(v - 1/2)$", f, BLUE),
        ("surrogate: truncated ReLU", surrogate, GREEN),
        ("derivative: $H(v) - H(v - 1)$", derivative, ORANGE),
    )
    panels = figure.subplots(1, 3, sharey=True)
    for axis, (title, values, colour) in zip(panels, curves, strict=True):
        axis.plot(v, values, color=colour, linewidth=1.5)
        axis.set_title(title)
        axis.set(xlabel="membrane potential $v$ (thresholds)", ylim=(-0.1, 1.2), yticks=[0, 0.5, 1])
        axis.grid()
    panels[0].set(ylabel="value")
    panel_letters(panels)
    return figure
