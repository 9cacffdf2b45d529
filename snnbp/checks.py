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
    """Convert to an array: also sparse matrices and, without importing torch, tensors; else ValueError."""
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu()
    for dense in ("to_dense", "toarray"):  # torch, SciPy
        if hasattr(value, dense):
            value = getattr(value, dense)()
    try:
        converted = np.asarray(value)
        if converted.dtype == object and hasattr(value, "dtypes"):  # pandas: several or nullable types
            converted = np.array(converted.tolist())
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got rows of different lengths") from error
    except TypeError as error:
        raise ValueError(f"{name} must be an array: {error}".partition("\n")[0]) from error
    return converted


def indices(name: str, value: Any, count: int | None, stop: int, hint: str = "") -> NDArray[Any]:
    """Return integers (count,), or of any number, from 0 to stop - 1; else ValueError that ends in `hint`."""
    numbers = array(name, value)
    if numbers.ndim != 1 or count not in (None, len(numbers)) or numbers.dtype.kind not in "iu":
        shape = f"({'n' if count is None else count},)"
        raise ValueError(f"{name} must be integers {shape}, got {numbers.dtype} {numbers.shape}{hint}")
    outside = numbers[(numbers < 0) | (numbers >= stop)]
    if outside.size:
        raise ValueError(f"{name} must be within 0 to {stop - 1}, got {outside[0]}{hint}")
    return numbers
