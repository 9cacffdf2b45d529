"""Labels of any kind, numbered from 0."""

from contextlib import suppress
from itertools import chain
from math import isinf
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnbp import checks

TIMES = np.datetime64, np.timedelta64


def numbered(train: ArrayLike, test: ArrayLike) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Number the labels of both parts from 0.

    Parameters
    ----------
    train, test : array_like (n,), (n, 1) or, one-hot, (n, classes)
        Values of one sortable kind, such as numbers or text, none missing. The columns of a one-hot data
        frame are the names of its classes, in the same order in both parts.

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
        names = checks.same_columns("one-hot", train, test) or range(parts[0].shape[1])
        return [part.argmax(axis=1) for part in parts], tuple(map(str, names))
    # Python's numbers are compared exactly; NumPy makes floats of int64 beside uint64.
    values = list(chain(*parts))
    kinds = sorted(set(map(_kind, values)))
    if len(kinds) > 1:
        raise ValueError(
            f"labels of train and test must be of one kind, got {' and '.join(kinds)}: "
            "convert them all to integers, or all to text"
        )
    try:
        different = sorted(set(values))
    except TypeError as error:
        raise ValueError(f"labels must be of one type that can be sorted: {error}") from error
    number = {value: n for n, value in enumerate(different)}
    floats = [value for value in different if isinstance(value, float)]
    if all(value.is_integer() and abs(value) < 2**53 for value in floats):
        different = [int(value) if isinstance(value, float) else value for value in different]
    return [np.array([number[value] for value in part], np.int64) for part in parts], tuple(
        map(_name, different)
    )


def _plain(part: str, labels: ArrayLike) -> NDArray[Any]:
    """Labels as objects, Python's and NumPy's times: a vector, or a one-hot matrix of several columns."""
    if isinstance(labels, list | tuple):  # NumPy would convert values of several types to one
        with suppress(ValueError, RuntimeError):  # refused below
            labels = np.array(labels, dtype=object)
    values = checks.array(f"{part}: labels", labels, objects=True)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    can_be_one_hot = values.ndim == 2 and values.shape[1] > 1 and values.dtype.kind in "biufO"
    if can_be_one_hot and ((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all():
        return values
    if values.ndim != 1:
        raise ValueError(f"{part}: labels must be a vector (n,) or one-hot (n, classes), got {values.shape}")
    # Python's numbers, but NumPy's times, which are finer.
    is_time = values.dtype.kind in "mM"
    values = np.array([*values], object) if is_time else np.frompyfunc(_item, 1, 1)(values.astype(object))
    for value in values:
        if isinstance(value, float) and isinf(value):
            raise ValueError(f"{part}: labels have the value {value}")
    return values


def _item(value: Any) -> Any:
    """The Python object of a NumPy or torch number."""
    return value.item() if hasattr(type(value), "item") and not isinstance(value, TIMES) else value


def _kind(value: Any) -> str:
    """What may stand beside a label: values of the same kind."""
    if isinstance(value, TIMES):
        return str(value.dtype)
    if isinstance(value, bool):
        return "truth values"
    return (
        "numbers" if isinstance(value, Number) else "text" if isinstance(value, str) else type(value).__name__
    )


def _name(value: Any) -> str:
    return str(np.datetime_as_string(value, unit="auto") if isinstance(value, np.datetime64) else value)
