"""Labels of any kind, numbered from 0."""

import reprlib
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks


def numbered(train: ArrayLike, test: ArrayLike) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Number the labels of both parts from 0.

    Parameters
    ----------
    train, test : array_like (n,), (n, 1) or, one-hot, (n, classes)
        Values of one sortable type, numbers or text, none missing. The columns of a one-hot data frame are
        the names of its classes, in the same order in both parts.

    Returns
    -------
    list of int64 array (n,)
    tuple of str
        The names of all classes, in order.

    Raises
    ------
    ValueError
        In one line that names the part.
    """
    parts = [_plain("train", train), _plain("test", test)]
    if parts[0].ndim != parts[1].ndim or parts[0].shape[1:] != parts[1].shape[1:]:
        raise ValueError(
            f"the labels of train and test are of different kinds: {parts[0].shape} and {parts[1].shape}"
        )
    if parts[0].ndim == 2:
        names = getattr(train, "columns", range(parts[0].shape[1]))
        if hasattr(train, "columns") and list(names) != list(others := getattr(test, "columns", names)):
            raise ValueError(
                f"the one-hot columns of train and test differ, {reprlib.repr(list(names))} and "
                f"{reprlib.repr(list(others))}: give both the same columns in the same order"
            )
        return [part.argmax(axis=1) for part in parts], tuple(map(str, names))
    kinds = sorted(set.union(*map(_kinds, parts)))
    if len(kinds) > 1:
        raise ValueError(
            f"labels of train and test must be of one kind, got {' and '.join(kinds)}: "
            "convert them all to integers, or all to text"
        )
    try:
        values, numbers = np.unique(np.concatenate(parts), return_inverse=True)
    except TypeError as error:
        raise ValueError(f"labels must be of one type that can be sorted: {error}") from error
    return np.split(numbers, [len(parts[0])]), tuple(map(str, values.tolist()))


def _plain(part: str, labels: ArrayLike) -> NDArray[Any]:
    """Return labels as a vector, or as a one-hot matrix with at least two columns."""
    values = checks.array(f"{part}: labels", labels)
    if values.dtype.kind in "SU":  # as they were: NumPy turns all values beside text into text
        values = np.asarray(labels, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    one_hot = values.ndim == 2 and values.dtype.kind in "biuf" and values.shape[1] > 1
    if one_hot and ((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all():
        return values
    if values.ndim != 1:
        raise ValueError(f"{part}: labels must be a vector (n,) or one-hot (n, classes), got {values.shape}")
    if values.dtype.kind in "OmMf":
        for index, value in enumerate(values):
            if _is_missing(value):
                raise ValueError(
                    f"{part} has a missing label at index {index}: {value}; leave such samples out, "
                    "or give them a label"
                )
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            raise ValueError(f"{part}: labels have the value {values[np.isinf(values)][0]}")
        if (values == np.round(values)).all() and (abs(values) < 2**53).all():
            return values.astype(np.int64)
    return values


def _is_missing(value: Any) -> bool:
    """Tell None, NaN, NaT and pandas' NA from labels."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA is neither equal nor unequal to itself
        return True


def _kinds(labels: NDArray[Any]) -> set[str]:
    """Return which kinds of values there are in a vector; an empty one has none."""
    if not len(labels):
        return set()
    types = set(map(type, labels)) if labels.dtype == object else {labels.dtype.type}
    return {
        "numbers"
        if issubclass(each, Number | np.bool_)
        else "text"
        if issubclass(each, str | bytes)
        else "other values"
        for each in types
    }
