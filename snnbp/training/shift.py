"""Training images that are moved by up to one pixel at each presentation. This is not in the paper."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.training.data import Dataset
from snnbp.training.images import Code

N_SHIFTS = 9


def directions(seed: int, n: int) -> Iterator[NDArray[np.int64]]:
    """Yield, for each epoch, one number from 0 to 8 for each of `n` presentations; see `shifted`."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    while True:
        yield rng.integers(0, N_SHIFTS, n)


def framed_images(data: Dataset) -> NDArray[Any]:
    """The training images with one more pixel on each side, (n, ..., rows + 2, columns + 2).

    They are `data.framed`, or the inputs with zeros around them. ValueError if the data are no images, or
    `data.framed` holds others.
    """
    inputs, framed = data.train.inputs, data.framed
    if framed is None:
        if data.image_shape is None:
            raise ValueError("shift=1 needs images: the data set has no image_shape")
        images = inputs.reshape(len(inputs), -1, *data.image_shape)
        return np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    if framed.ndim < 3 or not np.array_equal(data.code(framed[..., 1:-1, 1:-1]), inputs):
        raise ValueError(
            "framed must hold the training images inside its border; or give framed=None, and zeros surround "
            "the images"
        )
    return framed


def digest_of(data: Dataset, shift: int) -> str:
    """SHA-256 of what a run sees: `data.digest`, with `shift` also of the framed images and their shape.

    These are bits, or with contrast grey values, followed by distance and threshold as int64.
    """
    if not shift:
        return data.digest
    framed, contrast = framed_images(data), data.code.contrast
    n, (rows, columns) = len(framed), framed.shape[-2:]
    if contrast is None:
        framed = np.packbits(bits := data.code(framed))
        shape = n, bits.size // (n * rows * columns), rows, columns
    else:
        shape = n, 1, rows, columns
    digest = hashlib.sha256(data.digest.encode() + np.array(shape, "<i8").tobytes())
    digest.update(framed.tobytes() + np.array(contrast or (), "<i8").tobytes())
    return digest.hexdigest()


def shifted(
    framed: NDArray[Any], code: Code, order: NDArray[np.int64], direction: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Move the images framed[order] by dy = k // 3 - 1 rows and dx = k % 3 - 1 columns, k = direction.

    Pixel (r, c) of the image that is coded is pixel (r + dy, c + dx) of the image in the frame.

    Parameters
    ----------
    framed : array (n, ..., rows + 2, columns + 2)
    code : Code
    order : int64 array (m,)
    direction : int64 array (m,)

    Returns
    -------
    bool array (m, inputs)
    """
    rows, columns = framed.shape[-2] - 2, framed.shape[-1] - 2
    images = np.empty((order.size, *framed.shape[1:-2], rows, columns), framed.dtype)
    for k in range(N_SHIFTS):
        top, left = divmod(k, 3)
        chosen = direction == k
        images[chosen] = framed[order[chosen], ..., top : top + rows, left : left + columns]
    return code(images)
