"""Warnings of a test set that does not measure what was learned."""

import reprlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def warn_of_split(
    inputs: Sequence[NDArray[np.bool_]],
    labels: Sequence[NDArray[Any]],
    classes: Sequence[str],
    stacklevel: int,
) -> None:
    """Warn if a test is the training inputs or a part of them, or has labels that are never trained.

    A part is no fault where most training inputs repeat, as in a table of few columns. `inputs` and `labels`
    are those of training and test.
    """
    learned, tested = inputs
    if tested.size and tested.shape[1] == learned.shape[1]:
        some, known = ({bits.tobytes() for bits in np.packbits(part, axis=1)} for part in (tested, learned))
        if np.array_equal(tested, learned) or (some <= known and 2 * len(known) > len(learned)):
            warnings.warn(
                "all test inputs are training inputs, too: the test accuracy is not meaningful",
                stacklevel=stacklevel,
            )
    if unknown := [classes[label] for label in np.setdiff1d(labels[1], labels[0])]:
        warnings.warn(
            f"test has labels that no training sample has, {reprlib.repr(unknown)}: they cannot be learned",
            stacklevel=stacklevel,
        )
