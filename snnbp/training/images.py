"""From grey images to binary inputs: the paper's pixel rule, several levels, crops."""

import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks


def on(images: NDArray[np.uint8], threshold: float, full_scale: int = 255) -> NDArray[np.bool_]:
    """Compute which pixels are on.

    Parameters
    ----------
    images : uint8 array (n, rows, columns)
    threshold : float
    full_scale : int
        Largest value of a pixel: 255 is scaled as the official code does, any other value by itself.

    Returns
    -------
    bool array (n, rows * columns)
    """
    values = np.arange(full_scale + 1)
    brightness = _scaled(values / 255) if full_scale == 255 else values / full_scale
    # Brightness never falls with the pixel value; one comparison is ten times faster than a table look-up.
    return (images >= np.uint8(np.count_nonzero(brightness <= threshold))).reshape(len(images), -1)


def binarized(
    images: Sequence[NDArray[Any]], thresholds: Sequence[Sequence[float]], full_scale: int, crop: int
) -> tuple[list[NDArray[np.bool_]], tuple[int, int] | None, NDArray[np.bool_] | None]:
    """Inputs of train and test, the shape of an image, and the training images with one more pixel around.

    Parameters
    ----------
    images : array (n, rows, columns) or (n, pixels) of each part
        From 0 to `full_scale`. Those (n, pixels) have no shape.
    thresholds : sequence of float of each part
        Several thresholds are stacked, the first one first.
    full_scale : int
    crop : int
        Number of pixels to cut off on each side. If it is 0, there is no pixel more.
    """
    inside = [cropped(part, crop) for part in images]
    inputs = [_on_at(part, chosen, full_scale) for part, chosen in zip(inside, thresholds, strict=True)]
    if inside[0].ndim == 2:
        return inputs, None, None
    _, rows, columns = inside[0].shape
    framed = _on_at(cropped(images[0], crop - 1), thresholds[0], full_scale) if crop else None
    shape = len(images[0]), len(thresholds[0]), rows + 2, columns + 2
    return inputs, (rows, columns), None if framed is None else framed.reshape(shape)


def _on_at(images: NDArray[Any], levels: Sequence[float], full_scale: int) -> NDArray[np.bool_]:
    """`on` for several levels, stacked: bool (n, levels * rows * columns), and for pixels of any type."""
    if images.dtype == np.uint8:
        return np.concatenate([on(images, level, full_scale) for level in levels], axis=1)
    n_pixels = int(np.prod(images.shape[1:]))
    inputs = np.empty((len(images), len(levels), n_pixels), np.bool_)
    for n, image in enumerate(images):  # one at a time: all of them as float64 would take much memory
        inputs[n] = _scaled(image.astype(np.float64).ravel() / full_scale) > np.array(levels)[:, None]
    return inputs.reshape(len(images), -1)


def cropped(images: NDArray[Any], width: int) -> NDArray[Any]:
    """Cut off a border of `width` pixels of images (n, rows, columns)."""
    return images[:, width:-width, width:-width] if width else images


def checked_images(part: str, images: ArrayLike, n_labels: int) -> NDArray[Any]:
    """Return images as an array (n, rows, columns) or (n, pixels); or ValueError."""
    pixels = checks.array(f"{part}: images", images)
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    if pixels.ndim and not len(pixels):
        raise ValueError(f"{part}: there is no image")
    if pixels.ndim == 2 and n_labels == 1 != len(pixels):
        raise ValueError(
            f"{part}: a single image must have the shape (1, rows, columns), got {pixels.shape}: give x[None]"
        )
    if pixels.ndim not in (2, 3) or 0 in pixels.shape[1:]:
        raise ValueError(
            f"{part}: images must be grey, (n, rows, columns), (n, 1, rows, columns) or (n, pixels), "
            f'got {pixels.shape}; convert colour images by Pillow\'s .convert("L"), one image x is x[None]'
        )
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"{part}: pixels must be numbers, got {pixels.dtype}")
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        wrong = pixels[~((pixels >= 0) & (pixels <= 255))][0]
        raise ValueError(f"{part}: pixels must be from 0 to 255, or from 0 to 1, got {wrong}")
    return pixels


def checked_crop(crop: int | None, shape: tuple[int, ...]) -> int:
    """Return the number of pixels to cut off on each side of images of this shape; or ValueError."""
    if crop is None:
        return 0
    width = checks.whole("crop", crop)
    if len(shape) != 2:
        raise ValueError("crop needs images (n, rows, columns), got (n, pixels)")
    if not 0 <= 2 * width < min(shape):
        raise ValueError(f"crop {width} leaves nothing of images of {shape[0]}x{shape[1]} pixels")
    return width


def checked_levels(levels: Sequence[float] | None, *pixel_thresholds: float) -> tuple[tuple[float, ...], ...]:
    """Return the levels for each of the pixel thresholds: these alone, or else `levels`.

    Raises
    ------
    ValueError
        For a threshold outside [0, 1), levels that are no sequence or do not rise, or both given.
    """
    is_sequence = isinstance(levels, Iterable) and not isinstance(levels, str)
    if levels is not None and not (is_sequence and getattr(levels, "ndim", 1) == 1):
        raise ValueError(f"levels must be a sequence of numbers, got {reprlib.repr(levels)}")
    chosen = () if levels is None else tuple(levels)
    for threshold in (*pixel_thresholds, *chosen):
        is_number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
        if not is_number or not 0 <= threshold < 1:
            raise ValueError(f"a pixel threshold must be a number in [0, 1), got {threshold!r}")
    if levels is None:
        return tuple((threshold,) for threshold in pixel_thresholds)
    if any(threshold != 0.5 for threshold in pixel_thresholds):
        raise ValueError("give levels or a pixel threshold, not both")
    if not chosen or list(chosen) != sorted(set(chosen)):
        raise ValueError(f"levels must be pixel thresholds in rising order, got {chosen}")
    return (chosen,) * len(pixel_thresholds)


def _scaled(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Brightness of pixels in [0, 1], scaled as in the official code."""
    return np.round(pixels / 255 * 256, 2)
