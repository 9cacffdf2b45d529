"""Data sets as the network sees them: binary inputs and integer labels."""

import hashlib
import reprlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks
from snnbp.cards import Card
from snnbp.training import sources
from snnbp.training.images import (
    Code,
    checked_contrast,
    checked_crop,
    checked_images,
    coded,
)
from snnbp.training.labels import numbered

FOR_IMAGES = ": for grey images use Dataset.from_images"
PARTS = ("train", "test")
FOR_LABELS = ": use Dataset.from_arrays for other labels"


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Card, checks.Frozen):
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
        checks.same_rows("samples", self.inputs, self.labels)
        inputs = checks.array("inputs", self.inputs)
        if inputs.ndim != 2 or inputs.shape[1] == 0:
            hint = ": give one sample x as x[None]" if inputs.ndim == 1 else FOR_IMAGES
            raise ValueError(f"inputs must have the shape (n, inputs), got {inputs.shape}{hint}")
        if inputs.dtype != bool:
            if inputs.dtype.kind not in "iuf":
                raise ValueError(f"inputs must be bool or 0 and 1, got {inputs.dtype}")
            other = inputs[(inputs != 0) & (inputs != 1)]
            if other.size:
                raise ValueError(f"inputs must be bool or 0 and 1, got {other[0]}{FOR_IMAGES}")
        labels = checks.indices("labels", self.labels, len(inputs), 1 << 16, FOR_LABELS)
        kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
        object.__setattr__(self, "inputs", checks.frozen(inputs, np.bool_))
        object.__setattr__(self, "labels", checks.frozen(labels, kind))

    def _card(self) -> dict[str, Any]:
        labels, counts = np.unique(self.labels, return_counts=True)
        return {
            "inputs": self.inputs.shape,
            "ones": f"{self.inputs.mean() if self.inputs.size else 0:.1%}",
            "labels": dict(zip(labels.tolist(), counts.tolist(), strict=True)),
        }

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | list[int] | NDArray[Any]) -> "Samples":
        """Select samples by a slice, an index array or a boolean mask; TypeError for a single number."""
        if not isinstance(index, slice) and np.ndim(index) != 1:
            raise TypeError("index samples by a slice or a vector; for one sample write [i : i + 1]")
        return Samples(self.inputs[index], self.labels[index])


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(Card, checks.Frozen):
    """Training and test samples of one width.

    Parameters
    ----------
    train, test : Samples
    source : str
        Name of the data set, or "arrays".
    verified : bool
        Whether the samples come from published files whose digests were checked.
    image_shape : (int, int), optional
        Rows and columns of a sample, or of each of several such images, one after the other.
        None if a sample is no image, as with contrast.
    classes : sequence of str, optional
        Name of each label, one for each output; default: the numbers from 0 to the largest label.
    framed : array (n, rows + 2, columns + 2), optional
        The training images with one more pixel on each side, for `Config.shift`: grey, or bool; default: the
        inputs with zeros around them.
    code : Code
        What makes inputs of grey images; its `contrast` is None, or distance and thresholds.

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
    framed: NDArray[Any] | None = None
    code: Code = field(default_factory=Code)

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
        if self.image_shape is not None:
            shape = checks.wholes("image_shape", self.image_shape)
            if len(shape) != 2 or min(shape) < 1 or train_width % prod(shape):
                raise ValueError(f"image_shape must be rows and columns of {train_width} inputs, got {shape}")
            object.__setattr__(self, "image_shape", shape)
        if self.framed is not None:
            framed = checks.array("framed", self.framed)
            object.__setattr__(self, "framed", checks.frozen(framed, framed.dtype))
        object.__setattr__(self, "classes", classes)

    def _card(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "verified": self.verified,
            "train": self.train.inputs.shape,
            "test": self.test.inputs.shape,
            "image_shape": self.image_shape,
            "classes": self.classes,
            "digest": self.digest[:12],
        }

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
            bool, or 0 and 1. Copied. NumPy, pandas, a SciPy sparse matrix or a torch tensor.
        y_train, y_test : array_like (n,), (n, 1) or (n, classes)
            Labels of any sortable type. They are numbered in sorted order; `classes` lists their names.
            Those of shape (n, classes) are one-hot; the columns of a data frame give the names.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            For any other shape or value, a missing value, an empty part, unequal widths or lengths, an
            infinite label, or labels of several kinds; for data frames also if the columns of the parts
            differ, or the indices of inputs and labels; in one line.

        Warns
        -----
        UserWarning
            If all test inputs are training inputs, too, or a label of the test is in no training sample. Of
            training inputs that mostly repeat, a test may be a part.
        """
        labels, classes = _numbered((x_train, x_test), (y_train, y_test))
        train, test = _samples((x_train, x_test), labels, classes)
        return cls(train, test, classes=classes)

    @classmethod
    def from_images(
        cls,
        x_train: ArrayLike,
        y_train: ArrayLike,
        x_test: ArrayLike,
        y_test: ArrayLike,
        pixel_threshold: float = 0.5,
        crop: int | None = None,
        contrast: tuple[int, ...] | None = None,
    ) -> "Dataset":
        """Make a data set from grey images, binarized as in the paper.

        Parameters
        ----------
        x_train, x_test : array_like (n, rows, columns), (n, 1, rows, columns) or (n, pixels)
            Pixels from 0 to 255, or from 0 to 1 if no pixel is larger than 1.
        y_train, y_test : array_like (n,), (n, 1) or (n, classes)
            Labels, see `from_arrays`.
        pixel_threshold : float, default 0.5
            A pixel is on if its brightness exceeds this, in [0, 1); see `load_dataset`.
        crop : int, optional
            Number of pixels to cut off on each side; 4 for MNIST in the paper.
        contrast : tuple of int, optional
            Distance and thresholds, in place of a pixel threshold, see `load_dataset`. Pixels from 0 to 1 are
            multiplied by 255; all are rounded to whole numbers.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            As in `from_arrays`, if train and test differ in scale, and for a wrong crop, threshold or
            contrast.

        Warns
        -----
        UserWarning
            As `from_arrays` does, and if images have all inputs on, or none.
        """
        thresholds = pixel_threshold, pixel_threshold
        contrast = checked_contrast(contrast, *thresholds)
        labels, classes = _numbered((x_train, x_test), (y_train, y_test))
        images = [
            checked_images(name, part, len(numbers))
            for name, part, numbers in zip(PARTS, (x_train, x_test), labels, strict=True)
        ]
        if images[0].shape[1:] != images[1].shape[1:]:
            shapes = " and ".join(str(part.shape[1:]) for part in images)
            raise ValueError(f"x_train and x_test have images of the shapes {shapes}: give both the same")
        tops = [part.max() for part in images]
        full_scale = 1 if max(tops) <= 1 else 255
        if full_scale == 255 and 0 < min(tops) <= 1:
            raise ValueError(
                f"train has pixels up to {tops[0]}, test up to {tops[1]}: give both the same scale, "
                "0 to 255 or 0 to 1"
            )
        width = checked_crop(crop, images[0].shape[1:])
        inputs, image_shape, framed, code = coded(images, thresholds, contrast, full_scale, width)
        for name, part in zip(PARTS, inputs, strict=True):
            if n_uniform := int((part.all(axis=1) | ~part.any(axis=1)).sum()):
                warnings.warn(
                    f"{name}: {n_uniform} of {len(part)} images have all inputs on, or none: "
                    "they tell nothing about their class",
                    stacklevel=2,
                )
        train, test = _samples(inputs, labels, classes)
        return cls(train, test, "images", False, image_shape, classes, framed, code)

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


def load_dataset(
    name: str,
    pixel_threshold: float = 0.5,
    test_pixel_threshold: float = 0.5,
    contrast: tuple[int, ...] | None = None,
) -> Dataset:
    """Load a registered data set.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "kmnist", "emnist-letters", "emnist-balanced", "digits"}
        MNIST cropped to 20x20 (400 inputs); Fashion-MNIST, Kuzushiji-MNIST and two parts of EMNIST, 28x28
        (784); the 8x8 digits (64), 1,437 training and 360 test images, which the package contains.
    pixel_threshold : float, default 0.5
        A pixel is on if its brightness exceeds this, in [0, 1).
    test_pixel_threshold : float, default 0.5
        The same for the test images.
    contrast : tuple of int, optional
        Distance (pixels) and one or more thresholds (grey values of 255), in place of the pixel thresholds. A
        sample is the spatial contrast of its image, in ON and OFF spikes as of an event camera: an input
        spikes where the neighbour at this distance, on the right or below, is brighter (ON), or darker (OFF),
        by more than the threshold. Inputs that spike in no training image are left out; `code.kept` of the
        data set has the numbers of the others among 4 * thresholds * rows * columns: for each threshold right
        ON, right OFF, down ON, down OFF. The pixels of the digits are multiplied by 255 / 16 and rounded to
        whole numbers, halves to even ones.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For an unknown name, a threshold or contrast out of range, or both, if SNNBP_DATA is not a folder, or
        for a file without a known digest that is no idx file, is damaged, or holds other shapes, types or
        labels than the data set. The message names the file.
    DataUnavailable
        If files are not on this machine and cannot be downloaded.

    Warns
    -----
    UserWarning
        If no digest of the files is known: `verified` is False then.

    Notes
    -----
    Brightness is p / 16 for the digits. Elsewhere it follows the official code, which scales twice and
    rounds, round(p / 255 / 255 * 256, 2): a pixel is on from 129 for 0.5, 103 for 0.4, 154 for 0.6.

    The idx files, compressed or not, are searched for in $SNNBP_DATA, ./data, ../data and the user's cache
    folder. They are identified by their digests. Where none is known (Kuzushiji-MNIST decompressed, EMNIST),
    only the exact published names count, those of Kuzushiji-MNIST in a folder kmnist. Missing files are
    downloaded, except those of EMNIST.
    """
    thresholds = pixel_threshold, test_pixel_threshold
    contrast = checked_contrast(contrast, *thresholds)
    raw = sources.load(name)
    inputs, image_shape, framed, code = coded(raw.whole, thresholds, contrast, raw.full_scale, raw.crop)
    train, test = map(Samples, inputs, raw.labels)
    return Dataset(train, test, name, raw.verified, image_shape, raw.classes, framed, code)


def _numbered(inputs: Sequence[Any], labels: Sequence[Any]) -> tuple[list[NDArray[Any]], tuple[str, ...]]:
    """`numbered`; ValueError if the names of rows or columns say that parts do not belong together."""
    for name, part, theirs in zip(PARTS, inputs, labels, strict=True):
        checks.same_rows(name, part, theirs)
    checks.same_columns("input", *inputs)
    return numbered(*labels)


def _samples(
    inputs: Sequence[Any], labels: Sequence[NDArray[Any]], classes: Sequence[str]
) -> tuple[Samples, Samples]:
    """Make both parts; the message of an error names the part."""
    made = []
    for name, part, numbers in zip(PARTS, inputs, labels, strict=True):
        try:
            bits = checks.array("inputs", part)
            if bits.ndim == 2 and len(bits) != len(numbers):
                raise ValueError(f"the number of samples, {len(bits)}, is not that of labels, {len(numbers)}")
            made.append(Samples(bits, numbers))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    train, test = made
    _warn_of_split(train, test, classes)
    return train, test


def _warn_of_split(train: Samples, test: Samples, classes: Sequence[str]) -> None:
    """Warn if the test is the training inputs or a part of them, or has labels that are never trained.

    A part is no fault where most training inputs repeat, as in a table of few columns.
    """
    tested, learned = test.inputs, train.inputs
    if tested.size and tested.shape[1] == learned.shape[1]:
        some, known = ({bits.tobytes() for bits in np.packbits(part, axis=1)} for part in (tested, learned))
        if np.array_equal(tested, learned) or (some <= known and 2 * len(known) > len(learned)):
            warnings.warn(
                "all test inputs are training inputs, too: the test accuracy is not meaningful", stacklevel=4
            )
    if unknown := [classes[label] for label in np.setdiff1d(test.labels, train.labels)]:
        warnings.warn(
            f"test has labels that no training sample has, {reprlib.repr(unknown)}: they cannot be learned",
            stacklevel=4,
        )
