"""Data sets as the network sees them: binary inputs and integer labels."""

import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks
from snnbp.training import sources

FOR_IMAGES = ": for grey images use Dataset.from_images"


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
        For any other shape or value. The message names it.
    """

    inputs: NDArray[np.bool_]
    labels: NDArray[np.unsignedinteger[Any]]

    def __post_init__(self) -> None:
        inputs, labels = checks.array("inputs", self.inputs), checks.array("labels", self.labels)
        if inputs.ndim != 2 or inputs.shape[1] == 0:
            raise ValueError(f"inputs must have the shape (n, inputs), got {inputs.shape}{FOR_IMAGES}")
        if inputs.dtype != bool:
            if inputs.dtype.kind not in "iuf":
                raise ValueError(f"inputs must be bool or 0 and 1, got {inputs.dtype}")
            other = inputs[(inputs != 0) & (inputs != 1)]
            if other.size:
                raise ValueError(f"inputs must be bool or 0 and 1, got {other[0]}{FOR_IMAGES}")
        if labels.shape != inputs.shape[:1]:
            raise ValueError(f"{len(inputs)} inputs need as many labels, got labels of shape {labels.shape}")
        if labels.dtype.kind not in "iu":
            raise ValueError(
                f"labels must be integers, got {labels.dtype}: use Dataset.from_arrays for other labels"
            )
        if labels.size and not 0 <= labels.min() <= labels.max() < 1 << 16:
            wrong = labels[(labels < 0) | (labels >= 1 << 16)][0]
            raise ValueError(
                f"labels must be within 0 to 65535, got {wrong}: use Dataset.from_arrays for other labels"
            )
        kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
        object.__setattr__(self, "inputs", _read_only(inputs, np.bool_))
        object.__setattr__(self, "labels", _read_only(labels, kind))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | list[int] | NDArray[Any]) -> "Samples":
        """Select samples by a slice, an index array or a boolean mask; TypeError for a single number."""
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
        Name of each label, one for each output; default: the numbers from 0 to the largest label.
    framed : bool array (n, rows + 2, columns + 2), optional
        The training images with one more pixel on each side, for `Config.shift`; default: zeros around them.

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
    framed: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        checks.an(Samples, "train", self.train)
        checks.an(Samples, "test", self.test)
        (n_train, train_width), (n_test, test_width) = self.train.inputs.shape, self.test.inputs.shape
        if not (n_train and n_test):
            raise ValueError(f"train and test need at least one sample each, got {n_train} and {n_test}")
        if train_width != test_width:
            raise ValueError(f"train has {train_width} inputs a sample, test has {test_width}")
        classes = tuple(map(str, checks.each("classes", self.classes, object))) or tuple(
            str(label) for label in range(self._highest + 1)
        )
        if self._highest >= len(classes):
            raise ValueError(f"label {self._highest} has no class: there are {len(classes)}")
        if self.framed is not None:
            rows, columns = self.image_shape or (0, 0)
            shape = n_train, rows + 2, columns + 2
            if self.framed.dtype != np.bool_ or self.framed.shape != shape:
                raise ValueError(f"framed must be bool {shape}, got {self.framed.dtype} {self.framed.shape}")
        object.__setattr__(self, "classes", classes)

    @property
    def _highest(self) -> int:
        return int(max(self.train.labels.max(), self.test.labels.max()))

    @classmethod
    def from_arrays(
        cls, x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike
    ) -> "Dataset":
        """Make a data set from your own arrays.

        Parameters
        ----------
        x_train, x_test : array_like (n, inputs)
            bool, or 0 and 1. Copied.
        y_train, y_test : array_like (n,)
            Labels of any sortable type. They are numbered in sorted order; `classes` lists their names.

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
        (train_labels, test_labels), classes = _numbered(y_train, y_test)
        train, test = _samples("train", x_train, train_labels), _samples("test", x_test, test_labels)
        _warn_if_same(train, test)
        return cls(train, test, classes=classes)

    @classmethod
    def from_images(
        cls,
        x_train: ArrayLike,
        y_train: ArrayLike,
        x_test: ArrayLike,
        y_test: ArrayLike,
        pixel_threshold: float = 0.5,
    ) -> "Dataset":
        """Make a data set from grey images, binarized as in the paper.

        Parameters
        ----------
        x_train, x_test : array_like (n, rows, columns) or (n, pixels)
            Pixels from 0 to 255, or from 0 to 1 if no pixel is larger than 1.
        y_train, y_test : array_like (n,)
            Labels, see `from_arrays`.
        pixel_threshold : float, default 0.5
            A pixel is on if its brightness exceeds this, in [0, 1); see `load_dataset`.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            For any other shape or value, in one line.

        Warns
        -----
        UserWarning
            If training and test images are the same.
        """
        _check_threshold(pixel_threshold)
        images = [_checked_images(*part) for part in (("train", x_train), ("test", x_test))]
        full_scale = 1 if max(part.max(initial=0) for part in images) <= 1 else 255
        (train_labels, test_labels), classes = _numbered(y_train, y_test)
        train, test = (
            _samples(name, _on_grey(part, pixel_threshold, full_scale), labels)
            for name, part, labels in zip(("train", "test"), images, (train_labels, test_labels), strict=True)
        )
        _warn_if_same(train, test)
        shape = images[0].shape[1:]
        return cls(train, test, "images", image_shape=shape if len(shape) == 2 else None, classes=classes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the network sees, for train, then test.

        Each part is its shape as two little-endian int64, the inputs as bits (row after row, the first in
        the highest bit of a byte, the last byte padded with zeros) and the labels, little-endian. The number
        of classes follows if it is not the largest label plus 1.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(np.array(part.inputs.shape, dtype="<i8").tobytes())
            digest.update(np.packbits(part.inputs).tobytes())
            digest.update(part.labels.astype(part.labels.dtype.newbyteorder("<")).tobytes())
        if len(self.classes) != self._highest + 1:
            digest.update(np.array(len(self.classes), dtype="<i8").tobytes())
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
        For an unknown name, a threshold out of range, or if SNNBP_DATA is not a folder.
    DataUnavailable
        If files are not on this machine and cannot be downloaded.

    Notes
    -----
    Brightness is p / 16 for the digits. Elsewhere it follows the official code, which scales twice and
    rounds, round(p / 255 / 255 * 256, 2): a pixel is on from 129 for 0.5, 103 for 0.4, 154 for 0.6.

    The idx files, compressed or not, are searched for in $SNNBP_DATA, ./data, ../data and the user's cache
    folder. They are identified by their digests. Missing files are downloaded.
    """
    thresholds = pixel_threshold, test_pixel_threshold
    for threshold in thresholds:
        _check_threshold(threshold)
    raw = sources.load(name)
    train, test = (
        Samples(on(images, threshold, raw.full_scale), labels)
        for images, labels, threshold in zip(raw.images, raw.labels, thresholds, strict=True)
    )
    rows, columns = raw.images[0].shape[1:]
    framed = None
    if raw.framed is not None:
        framed = on(raw.framed, pixel_threshold, raw.full_scale).reshape(raw.framed.shape)
    return Dataset(train, test, name, raw.verified, (rows, columns), raw.classes, framed)


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


def _read_only(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C")
        array.flags.writeable = False
    return array


def _scaled(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Brightness of pixels in [0, 1], scaled as in the official code."""
    return np.round(pixels / 255 * 256, 2)


def _on_grey(images: NDArray[Any], threshold: float, full_scale: int) -> NDArray[np.bool_]:
    """`on` for pixels of any type, from 0 to `full_scale`."""
    if images.dtype == np.uint8 and full_scale == 255:
        return on(images, threshold)
    inputs = np.empty((len(images), int(np.prod(images.shape[1:]))), np.bool_)
    for n, image in enumerate(images):  # one at a time: all of them as float64 would take much memory
        inputs[n] = _scaled(image.astype(np.float64).ravel() / full_scale) > threshold
    return inputs


def _checked_images(part: str, images: ArrayLike) -> NDArray[Any]:
    images = np.asarray(images)
    if images.ndim not in (2, 3) or 0 in images.shape[1:]:
        raise ValueError(f"{part}: images must be (n, rows, columns) or (n, pixels), got {images.shape}")
    if images.dtype.kind not in "biuf":
        raise ValueError(f"{part}: pixels must be numbers, got {images.dtype}")
    if not (images.min(initial=0) >= 0 and images.max(initial=0) <= 255):
        wrong = images[~((images >= 0) & (images <= 255))][0]
        raise ValueError(f"{part}: pixels must be from 0 to 255, or from 0 to 1, got {wrong}")
    return images


def _check_threshold(threshold: float) -> None:
    if (
        isinstance(threshold, bool)
        or not isinstance(threshold, int | float | np.number)
        or not 0 <= threshold < 1
    ):
        raise ValueError(f"a pixel threshold must be a number in [0, 1), got {threshold!r}")


def _numbered(*labels: ArrayLike) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Number the labels of each part from 0; also return the names of all classes in order."""
    parts = []
    for name, values in zip(("train", "test"), labels, strict=True):
        part = np.asarray(values)
        if part.ndim != 1:
            raise ValueError(f"{name}: labels must be a vector (n,), got {part.shape}")
        if part.dtype.kind == "f":
            if not np.isfinite(part).all():
                raise ValueError(f"{name}: labels have the value {part[~np.isfinite(part)][0]}")
            part = part.astype(np.int64) if (part == part.astype(np.int64)).all() else part
        parts.append(part)
    try:
        names, numbers = np.unique(np.concatenate(parts), return_inverse=True)
    except TypeError as error:
        raise ValueError(f"labels must be of one type that can be sorted: {error}") from error
    return np.split(numbers, [len(parts[0])]), tuple(map(str, names.tolist()))


def _warn_if_same(train: Samples, test: Samples) -> None:
    if np.array_equal(train.inputs, test.inputs):
        warnings.warn(
            "training and test inputs are the same: the test accuracy is not meaningful", stacklevel=3
        )


def _samples(part: str, inputs: ArrayLike, labels: NDArray[Any]) -> Samples:
    try:
        return Samples(np.array(inputs), labels)
    except ValueError as error:
        raise ValueError(f"{part}: {error}") from error
