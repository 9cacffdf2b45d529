"""Checks of arguments: each returns the value as a plain type, or raises a one-line error that names it."""

import operator
import reprlib
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def whole(name: str, value: Any) -> int:
    """Return an integer (Python's or NumPy's) as int; else ValueError."""
    try:
        if not isinstance(value, bool) and np.ndim(value) == 0:
            return operator.index(value)
    except TypeError:
        pass
    raise ValueError(f"{name} must be an integer, got {reprlib.repr(value)}")


def wholes(name: str, values: Any) -> tuple[int, ...]:
    """Return integers as a tuple of int; else ValueError."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        return tuple(whole(name, value) for value in values)
    raise ValueError(f"{name} must be a sequence of integers, got {reprlib.repr(values)}")


def each(name: str, values: Any, kind: type[T]) -> tuple[T, ...]:
    """Return objects of class `kind` as a tuple; else TypeError."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        return tuple(an(kind, f"{name}[{n}]", value) for n, value in enumerate(values))
    raise TypeError(f"{name} must be a sequence of {kind.__name__}, got {reprlib.repr(values)}")


def an(kind: type[T], name: str, value: Any) -> T:
    """Return an object of class `kind`; else TypeError."""
    if isinstance(value, kind):
        return value
    raise TypeError(f"{name} must be of class {kind.__name__}, got {reprlib.repr(value)}")


def array(name: str, value: Any) -> NDArray[Any]:
    """Convert to an array; ValueError for rows of different lengths."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got rows of different lengths") from error
