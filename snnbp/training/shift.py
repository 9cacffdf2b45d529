"""Training images that are moved by up to one pixel at each presentation. This is not in the paper."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from snnbp.training.data import Dataset

N_SHIFTS = 9


def directions(seed: int, n: int) -> Iterator[NDArray[np.int64]]:
    """Yield, for each epoch, one number from 0 to 8 for each of `n` presentations; see `shifted`."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    while True:
        yield rng.integers(0, N_SHIFTS, n)


def framed_images(data: Dataset) -> NDArray[np.bool_]:
    """The training images with one more pixel on each side, (n, levels, rows + 2, columns + 2).

    Pixels outside the image are those of `data.framed`, or zeros.
    """
    if data.image_shape is None:
        raise ValueError("shift=1 needs images: the data set has no image_shape")
    if data.framed is not None:
        return data.framed
    images = data.train.inputs.reshape(len(data.train), -1, *data.image_shape)
    return np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))


def digest_of(data: Dataset, shift: int) -> str:
    """SHA-256 of what a run sees: `data.digest`, with `shift` also of the framed images and their shape."""
    if not shift:
        return data.digest
    framed = framed_images(data)
    digest = hashlib.sha256(data.digest.encode() + np.array(framed.shape, "<i8").tobytes())
    digest.update(np.packbits(framed).tobytes())
    return digest.hexdigest()


def shifted(
    framed: NDArray[np.bool_], order: NDArray[np.int64], direction: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Move the images framed[order] by dy = k // 3 - 1 rows and dx = k % 3 - 1 columns, k = direction.

    Pixel (r, c) of the result is pixel (r + dy, c + dx) of the image.

    Parameters
    ----------
    framed : bool array (n, levels, rows + 2, columns + 2)
    order : int64 array (m,)
    direction : int64 array (m,)

    Returns
    -------
    bool array (m, levels * rows * columns)
    """
    levels, rows, columns = framed.shape[1], framed.shape[2] - 2, framed.shape[3] - 2
    images = np.empty((order.size, levels, rows, columns), np.bool_)
    for k in range(N_SHIFTS):
        top, left = divmod(k, 3)
        chosen = direction == k
        images[chosen] = framed[order[chosen], :, top : top + rows, left : left + columns]
    return images.reshape(order.size, -1)
