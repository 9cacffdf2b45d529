"""Checks of what a user hands over: each gives back the value in its plain type, or names it in one line."""

import operator
import reprlib
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def whole(name: str, value: Any) -> int:
    """A whole number, also one of NumPy's; else ValueError."""
    try:
        if not isinstance(value, bool) and np.ndim(value) == 0:
            return operator.index(value)
    except TypeError:
        pass
    raise ValueError(f"{name} must be a whole number, got {reprlib.repr(value)}")


def wholes(name: str, values: Any) -> tuple[int, ...]:
    """Several whole numbers; else ValueError."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        return tuple(whole(name, value) for value in values)
    raise ValueError(f"{name} must be several whole numbers, got {reprlib.repr(values)}")


def each(name: str, values: Any, kind: type[T]) -> tuple[T, ...]:
    """Several objects of one class; else TypeError."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        return tuple(an(kind, f"{name}[{n}]", value) for n, value in enumerate(values))
    raise TypeError(f"{name} must be several of {kind.__name__}, got {reprlib.repr(values)}")


def an(kind: type[T], name: str, value: Any) -> T:
    """An object of a class; else TypeError."""
    if isinstance(value, kind):
        return value
    raise TypeError(f"{name} must be of class {kind.__name__}, got {reprlib.repr(value)}")


def array(name: str, value: Any) -> NDArray[Any]:
    """An array; ValueError for rows of different lengths."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got rows of different lengths") from error
