"""Lists of the active inputs of all samples, made once for a data set that cannot change."""

import weakref
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit
from snnbp.backends.kernels import active_indices


class Active(NamedTuple):
    """Indices of the True entries of inputs (n, inputs)."""

    first: NDArray[np.int64]  # (n + 1,): where the indices of each sample begin
    indices: NDArray[np.int32]


_listed: dict[tuple[int, tuple[int, ...]], Active] = {}


def active_inputs(inputs: NDArray[np.bool_]) -> Active:
    """List the active inputs, or return the list of an earlier call with the same array in immutable memory.

    A read-only array is not enough: whoever owns it can make it writable and change it.
    """
    owner = inputs.base
    if not isinstance(owner, np.ndarray) or not isinstance(owner.base, bytes):
        return _list(inputs)
    place = inputs.ctypes.data, inputs.shape
    if place not in _listed:
        _listed[place] = _list(inputs)
        weakref.finalize(owner, _listed.pop, place, None)
    return _listed[place]


def _list(inputs: NDArray[np.bool_]) -> Active:
    active = Active(np.zeros(len(inputs) + 1, np.int64), np.empty(np.count_nonzero(inputs) + 1, np.int32))
    _fill(inputs, active.first, active.indices)
    return active


@partial(jit, entry=True)
def _fill(inputs: NDArray[np.bool_], first: NDArray[np.int64], indices: NDArray[np.int32]) -> None:
    for n in range(inputs.shape[0]):
        first[n + 1] = first[n] + active_indices(inputs[n], indices[first[n] :])
