"""Checks of arguments: each returns the value as a plain type, or raises a one-line error that names it."""

import operator
import reprlib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Frozen:
    """A dataclass that cannot change. Copies and pickles are made by its constructor: checked and frozen."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, each.name) for each in fields(self))  # type: ignore[arg-type]


def frozen(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """The array itself if it can never change, or a copy whose memory is an object that cannot: bytes."""
    owner = array.base
    unchangeable = isinstance(owner, np.ndarray) and isinstance(owner.base, bytes)
    if array.dtype != dtype or not unchangeable or not array.flags.c_contiguous:
        memory = np.asarray(array, dtype=dtype).tobytes()
        array = np.frombuffer(memory, dtype).reshape(array.shape)
    return array


def whole(name: str, value: Any) -> int:
    """Return an integer (Python's or NumPy's) of at most 64 bits as int; else ValueError."""
    try:
        if isinstance(value, bool) or np.ndim(value):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {reprlib.repr(value)}") from None
    if number.bit_length() > 64:
        raise ValueError(f"{name} must be an integer of at most 64 bits, got {number.bit_length()} bits")
    return number


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


def array(name: str, value: Any, objects: bool = False) -> NDArray[Any]:
    """Convert to an array in which no value is missing; else ValueError.

    Sparse matrices, data frames and, without importing torch, tensors are converted, too. A frame whose
    columns are of several types has one type then, or holds its values as they are, with `objects`.
    """
    try:
        for method in ("detach", "cpu", "resolve_conj", "resolve_neg", "to_dense", "toarray"):  # torch, SciPy
            if hasattr(type(value), method):
                value = getattr(value, method)()
        masked = any(map(np.ma.is_masked, value if isinstance(value, list | tuple) else [value]))
        converted = np.asarray(value, object if masked else None)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, got rows of different lengths") from error
    except (TypeError, RuntimeError) as error:  # RuntimeError: a tensor that is nested, or has no data
        raise ValueError(f"{name} must be an array: {error}".partition("\n")[0]) from error
    if masked or (missing := np.argwhere(_missing(converted))).size:
        where = "a masked value" if masked else f"{converted[tuple(missing[0])]} at {missing[0].tolist()}"
        raise ValueError(
            f"{name} must not be missing, got {where}: leave such samples out, or give them a value"
        )
    if converted.dtype == object and hasattr(value, "dtypes") and not objects:
        converted = np.array(converted.tolist())
    return converted


def _missing(values: NDArray[Any]) -> Any:
    """Where an array has None, NaN, NaT, pandas' NA or NumPy's masked."""
    if values.dtype.kind in "OT":  # T: NumPy's text of any length
        return np.asarray(np.frompyfunc(_is_missing, 1, 1)(values.astype(object)), bool)
    return values.dtype.kind in "fcmM" and np.isnan(values)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or value is np.ma.masked or bool(value != value)
    except TypeError:  # NA is neither equal nor unequal to itself
        return True
    except ValueError:  # an array, in rows of different lengths
        return False


def same_rows(name: str, inputs: Any, labels: Any) -> None:
    """ValueError if the rows of inputs and labels, both pandas', have other names or another order."""
    named = [part.index for part in (inputs, labels) if hasattr(getattr(part, "index", None), "equals")]
    if len(named) == 2 and not named[0].equals(named[1]):
        raise ValueError(
            f"{name}: inputs and labels have different indices: give labels.loc[inputs.index], "
            "or, if their order is right, labels.to_numpy()"
        )


def same_columns(name: str, train: Any, test: Any) -> list[Any] | None:
    """Column names of two data frames, or of the one that has some; ValueError if they differ."""
    frames = [part for part in (train, test) if hasattr(part, "columns")]
    named = [list(getattr(frame, "column_names", frame.columns)) for frame in frames]  # Arrow, or all others
    if len(named) == 2 and named[0] != named[1]:
        raise ValueError(
            f"the {name} columns of train and test differ, {reprlib.repr(named[0])} and "
            f"{reprlib.repr(named[1])}: give both the same columns in the same order"
        )
    return named[0] if named else None


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
