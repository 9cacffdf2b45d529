"""The weights of a network: integer matrices and their threshold, checked on construction, with a digest."""

import hashlib
import io
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks
from snnbp.cards import Card
from snnbp.circuit.loihi import (
    INITIAL_LIMIT,
    LEVEL_LIMIT,
    THRESHOLD,
    WEIGHT_GRID,
    WEIGHT_MAX,
    WEIGHT_MIN,
)
from snnbp.files import atomic_open, read_arrays

SCALE_MAX = 1e6
"""Largest factor on the standard deviation of initial weights; nearly all are clipped by then."""


@dataclass(frozen=True, eq=False, repr=False)
class Weights(Card, checks.Frozen):
    """The matrices of a network with any number of hidden layers.

    Parameters
    ----------
    matrices : sequence of array_like
        W1, W2, ..., each (pre, post), even integers within [-256, 254] (weight units). The columns of
        each are the rows of the next. Stored as read-only int16.
    threshold : int, default 1024
        Firing threshold (weight units) that the network was trained with: even, within [2, 131070].

    Raises
    ------
    ValueError
        For any other shape, type or value. The message names the matrix.

    Notes
    -----
    Two Weights are equal if all entries and the threshold are.
    """

    matrices: tuple[NDArray[np.int16], ...]
    threshold: int = THRESHOLD

    def __post_init__(self) -> None:
        if not isinstance(self.matrices, Iterable):
            raise ValueError(f"matrices must be W1, W2, ..., got {self.matrices!r}")
        matrices = tuple(_checked(f"W{n}", matrix) for n, matrix in enumerate(self.matrices, 1))
        if len(matrices) < 2:
            raise ValueError(f"a network needs at least two matrices, got {len(matrices)}")
        for n, (matrix, following) in enumerate(pairwise(matrices), 1):
            if matrix.shape[1] != following.shape[0]:
                raise ValueError(
                    f"W{n} ends at {matrix.shape[1]} neurons, W{n + 1} starts from {following.shape[0]}"
                )
        object.__setattr__(self, "matrices", matrices)
        object.__setattr__(self, "threshold", checked_threshold(self.threshold))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        return (self.sizes, self.threshold) == (other.sizes, other.threshold) and all(
            np.array_equal(ours, theirs) for ours, theirs in zip(self.matrices, other.matrices, strict=True)
        )

    def __hash__(self) -> int:
        return hash(self.digest)

    def _card(self) -> dict[str, Any]:
        bounds = [(int(matrix.min()), int(matrix.max())) for matrix in self.matrices]
        return {
            "sizes": self.sizes,
            "threshold": self.threshold,
            "bounds": bounds,
            "digest": self.digest[:12],
        }

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons of each layer: inputs, hidden layers, outputs."""
        return (*(matrix.shape[0] for matrix in self.matrices), self.matrices[-1].shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of all shapes, then all matrices, as little-endian int16 in C order; without threshold."""
        shapes = np.array([matrix.shape for matrix in self.matrices])
        parts = (np.ascontiguousarray(part, dtype="<i2").tobytes() for part in (shapes, *self.matrices))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator | np.random.RandomState,
        sizes: Sequence[int],
        threshold: int = THRESHOLD,
        scale: float = 1.0,
    ) -> "Weights":
        """Draw initial weights, W1 first.

        Parameters
        ----------
        rng : Generator or RandomState
            Each matrix takes `standard_normal((pre, post))`.
        sizes : sequence of int
            Neurons of each layer, inputs first.
        threshold : int
            Firing threshold (weight units).
        scale : float
            Factor on the standard deviation sqrt(2 / (pre + post)) * threshold (official code, `rand_He`), at
            most 10^6.

        Returns
        -------
        Weights
            Clipped to +-240 and truncated toward zero to the even grid.
        """
        sizes = checks.wholes("sizes", sizes)
        if min(sizes, default=0) < 1:
            raise ValueError(f"sizes must be positive, got {sizes}")
        number = bool(np.isscalar(scale) and np.isreal(scale))
        if not number or not 0 < scale <= SCALE_MAX:
            raise ValueError(f"scale must be a number within (0, {SCALE_MAX:.0f}], got {reprlib.repr(scale)}")
        threshold = checked_threshold(threshold)
        matrices = []
        for pre, post in pairwise(sizes):
            drawn = rng.standard_normal((pre, post)) * np.sqrt(2 / (pre + post)) * (threshold * scale)
            limited = np.clip(drawn, -INITIAL_LIMIT, INITIAL_LIMIT)
            matrices.append(WEIGHT_GRID * np.trunc(limited / WEIGHT_GRID).astype(np.int16))
        return cls(tuple(matrices), threshold)

    def mantissas(self) -> tuple[tuple[NDArray[np.int8], ...], int]:
        """Return the weights as the chip stores them, 8 bits each and one exponent for all.

        Returns
        -------
        mantissas : tuple of int8 array (pre, post)
        exponent : int
            A weight is mantissa * 2^exponent (weight units).
        """
        exponent = WEIGHT_GRID.bit_length() - 1
        return tuple((matrix >> exponent).astype(np.int8) for matrix in self.matrices), exponent

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file stores, by name: w1, w2, ... and threshold."""
        matrices = {f"w{n}": matrix for n, matrix in enumerate(self.matrices, 1)}
        return {**matrices, "threshold": np.array(self.threshold)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "Weights":
        """Make weights from what `arrays` returns. Other names are ignored; `threshold` defaults to 1024."""
        checks.an(Mapping, "arrays", arrays)  # type: ignore[type-abstract]
        matrices: list[Any] = []
        while (name := f"w{len(matrices) + 1}") in arrays:
            matrices.append(arrays[name])
        threshold = np.asarray(arrays.get("threshold", THRESHOLD))
        if threshold.size != 1:
            raise ValueError(f"threshold must be one number, got {threshold.shape}")
        return cls(tuple(matrices), threshold.item())

    def save(self, path: str | Path) -> None:
        """Write w1, w2, ... and threshold as a compressed .npz, whole or not at all."""
        content = io.BytesIO()
        arrays: dict[str, Any] = self.arrays()
        np.savez_compressed(content, **arrays)
        with atomic_open(path) as file:
            file.write(content.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> "Weights":
        """Read what `save` or `Run.save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            For any other file, or a damaged one.
        """
        try:
            return cls.from_arrays(read_arrays(path))
        except ValueError as error:
            raise ValueError(f"{path} is not a weights file, or is damaged: {error}") from error


def checked_threshold(threshold: Any) -> int:
    """Return a threshold as int; ValueError unless it is even and a neuron can hold it."""
    value = checks.whole("threshold", threshold)
    if value % 2 or not 2 <= value < LEVEL_LIMIT:
        raise ValueError(f"threshold must be even and within [2, {LEVEL_LIMIT - 2}], got {value}")
    return value


def _checked(name: str, matrix: ArrayLike) -> NDArray[np.int16]:
    matrix = checks.array(name, matrix)
    if matrix.ndim != 2 or 0 in matrix.shape or not np.issubdtype(matrix.dtype, np.integer):
        raise ValueError(f"{name} must be a matrix of integers, got {matrix.dtype} {matrix.shape}")
    if matrix.min() < WEIGHT_MIN or matrix.max() > WEIGHT_MAX or (matrix & WEIGHT_GRID - 1).any():
        raise ValueError(f"{name} must be even and within [{WEIGHT_MIN}, {WEIGHT_MAX}]")
    return checks.frozen(matrix, np.int16)
