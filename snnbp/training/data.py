"""Data as the network sees it: on/off inputs and numbered labels."""

import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp.training import sources


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs and their labels.

    Parameters
    ----------
    inputs : array_like (n, inputs)
        bool, or 0 and 1. Stored C-contiguous and read-only.
    labels : array_like (n,)
        Integers from 0; stored as uint8, or uint16 beyond 255.

    Raises
    ------
    ValueError
        For any other shape or value; the message names it.
    """

    inputs: NDArray[np.bool_]
    labels: NDArray[np.unsignedinteger[Any]]

    def __post_init__(self) -> None:
        inputs, labels = np.asarray(self.inputs), np.asarray(self.labels)
        if inputs.ndim != 2 or inputs.shape[1] == 0:
            raise ValueError(f"inputs must have the shape (n, inputs), got {inputs.shape}")
        if inputs.dtype != bool:
            if inputs.dtype.kind not in "iuf":
                raise ValueError(f"inputs must be bool or 0 and 1, got {inputs.dtype}")
            other = inputs[(inputs != 0) & (inputs != 1)]
            if other.size:
                raise ValueError(f"inputs must be bool or 0 and 1, got {other[0]}: binarize them, as in x > 0.5")
        if labels.shape != inputs.shape[:1]:
            raise ValueError(f"{len(inputs)} inputs need as many labels, got labels of shape {labels.shape}")
        if labels.dtype.kind not in "iu":
            raise ValueError(f"labels must be integers, got {labels.dtype}: see Dataset.from_arrays")
        if labels.size and not 0 <= labels.min() <= labels.max() < 1 << 16:
            wrong = labels[(labels < 0) | (labels >= 1 << 16)][0]
            raise ValueError(f"labels must be within 0 to 65535, got {wrong}: see Dataset.from_arrays")
        kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
        object.__setattr__(self, "inputs", _read_only(inputs, np.bool_))
        object.__setattr__(self, "labels", _read_only(labels, kind))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | list[int] | NDArray[Any]) -> "Samples":
        """The samples at a slice, an index array (a permutation) or a boolean mask. One number: TypeError."""
        if not isinstance(index, slice) and np.ndim(index) != 1:
            raise TypeError("index samples by a slice or a vector; for one sample write [i : i + 1]")
        return Samples(self.inputs[index], self.labels[index])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples of one width.

    Parameters
    ----------
    train, test : Samples
    source : str
        Name of the data set, or "arrays".
    verified : bool
        Whether the samples come from published files whose digests were checked.
    image_shape : (int, int), optional
        Rows and columns of a sample.
    classes : sequence of str, optional
        Name of each label, which is the number of outputs; default: the labels' numbers up to the largest.

    Raises
    ------
    ValueError
        If a part is empty, the widths differ, or a label has no class.
    """

    train: Samples
    test: Samples
    source: str = "arrays"
    verified: bool = False
    image_shape: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        (n_train, train_width), (n_test, test_width) = self.train.inputs.shape, self.test.inputs.shape
        if not (n_train and n_test):
            raise ValueError(f"train and test need at least one sample each, got {n_train} and {n_test}")
        if train_width != test_width:
            raise ValueError(f"train has {train_width} inputs a sample, test has {test_width}")
        highest = int(max(self.train.labels.max(), self.test.labels.max()))
        classes = tuple(map(str, self.classes)) or tuple(str(label) for label in range(highest + 1))
        if highest >= len(classes):
            raise ValueError(f"label {highest} has no class: there are {len(classes)}")
        object.__setattr__(self, "classes", classes)

    @classmethod
    def from_arrays(
        cls, x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike
    ) -> "Dataset":
        """Make a data set of your own arrays.

        Parameters
        ----------
        x_train, x_test : array_like (n, inputs)
            bool, or 0 and 1. Copied.
        y_train, y_test : array_like (n,)
            Labels of any type that can be sorted. `classes` lists them; they are numbered in that order.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            For any other shape or value, an empty part or unequal widths, in one line.

        Warns
        -----
        UserWarning
            If training and test inputs are the same.
        """
        labels = [np.asarray(part) for part in (y_train, y_test)]
        for name, part in zip(("train", "test"), labels, strict=True):
            if part.ndim != 1 or (part.dtype.kind == "f" and not np.isfinite(part).all()):
                raise ValueError(f"{name}: labels must be a vector without missing values, got {part.shape}")
        names, numbers = np.unique(np.concatenate(labels), return_inverse=True)
        train = _samples("train", x_train, numbers[: len(labels[0])])
        test = _samples("test", x_test, numbers[len(labels[0]) :])
        if np.array_equal(train.inputs, test.inputs):
            warnings.warn("training and test inputs are the same: the accuracy will mean little", stacklevel=2)
        return cls(train, test, classes=tuple(map(str, names.tolist())))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the network sees, for train, then test.

        Each part is its shape as two little-endian int64, the inputs as bits (row after row, the first in
        the highest bit of a byte, the last byte padded with zeros) and the labels, little-endian.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(np.array(part.inputs.shape, dtype="<i8").tobytes())
            digest.update(np.packbits(part.inputs).tobytes())
            digest.update(part.labels.astype(part.labels.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def load_dataset(name: str, pixel_threshold: float = 0.5, test_pixel_threshold: float = 0.5) -> Dataset:
    """Load a registered data set.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "digits"}
        MNIST cropped to 20x20 (400 inputs) and Fashion-MNIST 28x28 (784), 60,000 training and 10,000 test
        images each; the 8x8 digits (64), 1,437 and 360, which the package contains.
    pixel_threshold : float, default 0.5
        A pixel is on if its brightness exceeds this, in [0, 1).
    test_pixel_threshold : float, default 0.5
        The same for the test images.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For an unknown name, a threshold out of range, or a SNNBP_DATA that is no folder.
    DataUnavailable
        If files are neither on this machine nor to be downloaded.

    Notes
    -----
    Brightness is p / 16 for the digits. Elsewhere it follows the official code, which scales twice and
    rounds, round(p / 255 / 255 * 256, 2): a pixel is on from 129 for 0.5, 103 for 0.4, 154 for 0.6.

    The idx files, .gz or not, are looked for in $SNNBP_DATA, ./data, ../data and the user's cache folder,
    whatever the spelling of their names, and known by their digests. What is missing is downloaded.
    """
    thresholds = pixel_threshold, test_pixel_threshold
    if not all(0 <= threshold < 1 for threshold in thresholds):
        raise ValueError(f"pixel thresholds must be in [0, 1), got {thresholds[0]} and {thresholds[1]}")
    raw = sources.load(name)
    train, test = (
        Samples(on(images, threshold, raw.full_scale), labels)
        for images, labels, threshold in zip(raw.images, raw.labels, thresholds, strict=True)
    )
    rows, columns = raw.images[0].shape[1:]
    return Dataset(train, test, name, raw.verified, (rows, columns), raw.classes)


def on(images: NDArray[np.uint8], threshold: float, full_scale: int = 255) -> NDArray[np.bool_]:
    """Which pixels are on.

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
    brightness = np.round(values / 255 / 255 * 256, 2) if full_scale == 255 else values / full_scale
    # Brightness only rises with the pixel, and one comparison is ten times faster than a table look-up.
    return (images >= np.uint8(np.count_nonzero(brightness <= threshold))).reshape(len(images), -1)


def _read_only(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C")
        array.flags.writeable = False
    return array


def _samples(part: str, inputs: ArrayLike, labels: NDArray[Any]) -> Samples:
    try:
        return Samples(np.array(inputs), labels)
    except ValueError as error:
        raise ValueError(f"{part}: {error}") from error

