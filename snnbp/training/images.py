"""From grey images to binary inputs: the paper's pixel rule, contrast, crops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks

Contrast = tuple[int, ...]
"""Distance (pixels) and one or more thresholds (grey values of 255), see `contrasts`."""

CHUNK = 1000
"""Number of images that are coded at once: temporary arrays of them all would take much memory."""


@dataclass(frozen=True, eq=False)
class Code(checks.Frozen):
    """What makes inputs of images.

    Parameters
    ----------
    threshold : float
        See `on`.
    full_scale : int
        Largest value of a pixel.
    contrast : tuple of int, optional
        See `contrasts`, in place of the threshold; for grey values from 0 to 255.
    kept : int64 array (inputs,), optional
        With contrast: which neurons of `contrasts` are inputs, those that spike in training.
    """

    threshold: float = 0.5
    full_scale: int = 255
    contrast: Contrast | None = None
    kept: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.kept is not None:
            object.__setattr__(self, "kept", checks.frozen(self.kept, np.int64))

    def __call__(self, images: NDArray[Any]) -> NDArray[np.bool_]:
        """Inputs (n, inputs) of images (n, rows, columns); bool images are inputs already."""
        if images.dtype == np.bool_:
            return images.reshape(len(images), -1)
        if self.contrast is None:
            return _on(images, self.threshold, self.full_scale)
        return np.concatenate([contrasts(part, *self.contrast)[:, self.kept] for part in _chunks(images)])


def contrasts(grey: NDArray[np.uint8], distance: int, *thresholds: int) -> NDArray[np.bool_]:
    """Spatial contrast with ON and OFF neurons, as of an event camera that looks at edges.

    Parameters
    ----------
    grey : uint8 array (n, rows, columns)
    distance : int
        From a pixel to its neighbour on the right, and to that below.
    *thresholds : int
        A neuron spikes if a neighbour is brighter (ON), or darker (OFF), by more than its threshold.

    Returns
    -------
    bool array (n, 4 * thresholds * rows * columns)
        For each threshold, for each pixel: right ON, then all of right OFF, down ON, down OFF. Without a
        neighbour: False.
    """
    n, rows, columns = grey.shape
    spikes = np.zeros((n, len(thresholds), 4, rows, columns), np.bool_)
    values = grey.astype(np.int16)
    right = values[:, :, distance:] - values[:, :, :-distance]
    down = values[:, distance:] - values[:, :-distance]
    for planes, threshold in zip(spikes.swapaxes(0, 1), thresholds, strict=True):
        planes[:, 0, :, :-distance], planes[:, 1, :, :-distance] = right > threshold, right < -threshold
        planes[:, 2, :-distance], planes[:, 3, :-distance] = down > threshold, down < -threshold
    return spikes.reshape(n, -1)


def _chunks(images: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for first in range(0, len(images), CHUNK):
        yield images[first : first + CHUNK]


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


class Coded(NamedTuple):
    """Inputs of train and test, and what `Dataset` holds besides."""

    inputs: list[NDArray[np.bool_]]
    image_shape: tuple[int, int] | None
    framed: NDArray[Any] | None
    code: Code


def coded(
    images: Sequence[NDArray[Any]],
    thresholds: Sequence[float],
    contrast: Contrast | None,
    full_scale: int,
    crop: int,
) -> Coded:
    """Make inputs of images.

    Parameters
    ----------
    images : array (n, rows, columns) or (n, pixels) of each part
        From 0 to `full_scale`. Those (n, pixels) have no shape.
    thresholds : float of each part
    contrast : tuple of int or None
        In place of the thresholds.
    full_scale : int
    crop : int
        Number of pixels to cut off on each side. If it is 0, there is no pixel around the images.
    """
    if contrast is not None:
        return _contrast_coded([_grey(part, full_scale) for part in images], contrast, crop)
    inside = [cropped(part, crop) for part in images]
    codes = [Code(each, full_scale) for each in thresholds]
    inputs = [_on(part, code.threshold, full_scale) for code, part in zip(codes, inside, strict=True)]
    shape = inside[0].shape[1:]
    return Coded(
        inputs,
        (shape[0], shape[1]) if len(shape) == 2 else None,
        cropped(images[0], crop - 1) if crop else None,
        codes[0],
    )


def _contrast_coded(grey: Sequence[NDArray[np.uint8]], contrast: Contrast, crop: int) -> Coded:
    """`coded`, without the neurons that never spike in training."""
    if grey[0].ndim == 2:
        raise ValueError("contrast needs images (n, rows, columns), got (n, pixels)")
    inside = [cropped(part, crop) for part in grey]
    some = [contrasts(part, *contrast).any(axis=0) for part in _chunks(inside[0])]
    kept = np.flatnonzero(np.any(some, axis=0))
    if not kept.size:
        raise ValueError(f"contrast {contrast}: no input ever spikes: take a smaller distance or threshold")
    code = Code(contrast=contrast, kept=kept)
    framed = cropped(grey[0], crop - 1) if crop else np.pad(grey[0], ((0, 0), (1, 1), (1, 1)))
    return Coded(list(map(code, inside)), None, framed, code)


def _grey(images: NDArray[Any], full_scale: int) -> NDArray[np.uint8]:
    """Whole numbers from 0 to 255: pixels / full_scale * 255, rounded, halves to even numbers."""
    if images.dtype == np.uint8 and full_scale == 255:
        return images
    scale = 255 / full_scale  # exact for 1, 16 and 255
    return np.concatenate(
        [np.rint(part.astype(np.float64) * scale).astype(np.uint8) for part in _chunks(images)]
    )


def _on(images: NDArray[Any], threshold: float, full_scale: int) -> NDArray[np.bool_]:
    """`on` for pixels of any type."""
    if images.dtype == np.uint8:
        return on(images, threshold, full_scale)
    chunks = [_scaled(part.astype(np.float64) / full_scale) > threshold for part in _chunks(images)]
    return np.concatenate(chunks).reshape(len(images), -1)


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


def _scaled(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Brightness of pixels in [0, 1], scaled as in the official code."""
    return np.round(pixels / 255 * 256, 2)


def checked_contrast(contrast: Sequence[int] | None, *pixel_thresholds: float) -> Contrast | None:
    """Return distance and thresholds; ValueError for others, a wrong pixel threshold, or both given."""
    for threshold in pixel_thresholds:
        is_number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
        if not is_number or not 0 <= threshold < 1:
            raise ValueError(f"a pixel threshold must be a number in [0, 1), got {threshold!r}")
    if contrast is None:
        return None
    if any(threshold != 0.5 for threshold in pixel_thresholds):
        raise ValueError("give a contrast or a pixel threshold, not both")
    values = checks.wholes("contrast", contrast)
    steps = values[1:]
    if not steps or values[0] < 1 or list(steps) != sorted({*steps}) or not 0 <= steps[0] <= steps[-1] < 255:
        raise ValueError(
            f"contrast must be a distance from 1 and thresholds from 0 to 254 in rising order, got {values}"
        )
    return values
