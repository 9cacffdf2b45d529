"""The trainable network, two integer matrices: checked, named by a digest, kept in a file."""

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.files import atomic_open
from snnbp.loihi import THRESHOLD, WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN, to_grid


@dataclass(frozen=True, eq=False)
class Weights:
    """W1 (inputs, hidden) and W2 (hidden, outputs): int16, even, in [-256, 254], read-only.

    Raises ValueError for any other shape, type or value. Two Weights are equal iff all entries are.
    """

    w1: NDArray[np.int16]
    w2: NDArray[np.int16]

    def __post_init__(self) -> None:
        for name in ("w1", "w2"):
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        if self.w1.shape[1] != self.w2.shape[0]:
            raise ValueError(f"w1 feeds {self.w1.shape[1]} hidden neurons, w2 starts from {self.w2.shape[0]}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        return np.array_equal(self.w1, other.w1) and np.array_equal(self.w2, other.w2)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def inputs(self) -> int:
        return int(self.w1.shape[0])

    @property
    def hidden(self) -> int:
        return int(self.w1.shape[1])

    @property
    def outputs(self) -> int:
        return int(self.w2.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of both shapes, then W1, then W2, all as little-endian int16 in C order."""
        shapes = np.array([*self.w1.shape, *self.w2.shape])
        parts = (np.ascontiguousarray(part, dtype="<i2").tobytes() for part in (shapes, self.w1, self.w2))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator | np.random.RandomState,
        sizes: tuple[int, int, int],
        scale: float = THRESHOLD,
    ) -> "Weights":
        """Normal weights for (inputs, hidden, outputs): W1 first, then W2, clipped and cut to the grid.

        Standard deviation: sqrt(2 / (pre + post)) * scale, in weight units (official code, `rand_He`).
        """
        inputs, hidden, outputs = sizes
        w1, w2 = (
            to_grid(rng.standard_normal((pre, post)) * np.sqrt(2 / (pre + post)) * scale)
            for pre, post in ((inputs, hidden), (hidden, outputs))
        )
        return cls(w1, w2)

    def save(self, path: str | Path) -> None:
        """Write a compressed .npz of `w1` and `w2` (no pickle); the file appears whole or not at all."""
        content = io.BytesIO()
        np.savez_compressed(content, w1=self.w1, w2=self.w2)
        with atomic_open(path) as file:
            file.write(content.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> "Weights":
        """Read what `save` wrote. Raises FileNotFoundError, or ValueError for any other file."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["w1"], arrays["w2"])
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} is not a file of weights, or is damaged: {error}") from error


def _checked(name: str, matrix: Any) -> NDArray[np.int16]:
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or 0 in matrix.shape or not np.issubdtype(matrix.dtype, np.integer):
        raise ValueError(f"{name} must be a matrix of integers, got {matrix.dtype} {matrix.shape}")
    if matrix.min() < WEIGHT_MIN or matrix.max() > WEIGHT_MAX or (matrix % WEIGHT_GRID).any():
        raise ValueError(f"{name} must be even and within [{WEIGHT_MIN}, {WEIGHT_MAX}]")
    copy = np.array(matrix, dtype=np.int16, order="C")
    copy.flags.writeable = False
    return copy
