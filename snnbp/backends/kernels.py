"""Compiled primitives that the fast backends share: indices of spiking neurons, and sums of their weights.

Plastic weights are even, so the fast backends store half of each as int8 (*half-units*, within [-128, 127]).
"""

import functools
import math
from functools import partial as with_options
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

ROWS_AT_ONCE = 8
ROWS_PER_FLUSH = 248
"""Rows summed in int16 before they are added to int32: 248 * 128 = 31,744 < 2^15, in whole blocks of 8."""


@jit
def active_indices(spikes: NDArray[Any], indices: NDArray[np.int32]) -> int:
    """Write where `spikes` (n,) is not 0 into `indices` (>= n + 1,); return the number of these positions.

    Every position is written, and the count advances only at a spike: there is no branch to mispredict.
    """
    count = 0
    for i in range(spikes.size):
        indices[count] = i
        count += spikes[i] != 0
    return count


class Active(NamedTuple):
    """Indices of the True entries of inputs (n, inputs)."""

    first: Int64s  # (n + 1,): where the indices of each sample begin
    indices: Int32s


def active_inputs(inputs: NDArray[np.bool_]) -> Active:
    """List the active inputs, or return the list of an earlier call, if they lie in immutable memory."""
    owner: Any = inputs
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if not isinstance(owner, bytes):
        return _listed(inputs)
    start = inputs.ctypes.data - np.frombuffer(owner, np.bool_).ctypes.data
    return _remembered(owner, start, inputs.shape)


@functools.lru_cache(maxsize=4)  # those of a training, a validation and a test set
def _remembered(content: bytes, start: int, shape: tuple[int, int]) -> Active:
    return _listed(np.frombuffer(content, np.bool_, math.prod(shape), start).reshape(shape))


def _listed(inputs: NDArray[np.bool_]) -> Active:
    active = Active(np.zeros(len(inputs) + 1, np.int64), np.empty(np.count_nonzero(inputs) + 1, np.int32))
    _fill(inputs, *active)
    return active


@with_options(jit, entry=True)
def _fill(inputs: NDArray[np.bool_], first: Int64s, indices: Int32s) -> None:
    for n in range(inputs.shape[0]):
        first[n + 1] = first[n] + active_indices(inputs[n], indices[first[n] :])


@with_options(jit, noalias=True)
def add_rows(
    weights: NDArray[np.int8], rows: NDArray[np.int32], partial: NDArray[np.int16], total: NDArray[np.int32]
) -> None:
    """Add `weights[rows]` (half-units) to `total`, whose columns may be fewer; `partial` is scratch.

    Hot loop: one pass over the active rows, 8 at a time, in int16 so that 16 or 32 columns fit a register.
    """
    n = total.size
    first = 0
    while first < rows.size:
        end = min(rows.size, first + ROWS_PER_FLUSH)
        for j in range(n):
            partial[j] = 0
        k = first
        while k + ROWS_AT_ONCE <= end:
            a, b, c, d = weights[rows[k]], weights[rows[k + 1]], weights[rows[k + 2]], weights[rows[k + 3]]
            e, f, g, h = (
                weights[rows[k + 4]],
                weights[rows[k + 5]],
                weights[rows[k + 6]],
                weights[rows[k + 7]],
            )
            for j in range(n):
                low = np.int16(a[j]) + np.int16(b[j]) + np.int16(c[j]) + np.int16(d[j])
                partial[j] += low + np.int16(e[j]) + np.int16(f[j]) + np.int16(g[j]) + np.int16(h[j])
            k += ROWS_AT_ONCE
        while k < end:
            row = weights[rows[k]]
            for j in range(n):
                partial[j] += row[j]
            k += 1
        for j in range(n):
            total[j] += partial[j]
        first = end


@jit
def extremes(values: NDArray[np.int32]) -> tuple[int, int]:
    """The smallest and the largest value, or 0."""
    low, high = np.int32(0), np.int32(0)
    for j in range(values.size):
        low, high = min(low, values[j]), max(high, values[j])
    return int(low), int(high)


@with_options(jit, noalias=True)
def threshold(v: NDArray[np.int32], above: np.int32, mask: NDArray[np.int16]) -> tuple[int, int]:
    """Write -1 to `mask` where v > above, else 0; return the smallest and the largest v, or 0."""
    low, high = np.int32(0), np.int32(0)
    for j in range(v.size):
        low, high = min(low, v[j]), max(high, v[j])
        mask[j] = -np.int16(v[j] > above)
    return int(low), int(high)


@jit
def masked_sum(row: NDArray[np.int8], mask: NDArray[np.int16]) -> int:
    """Sum the entries of `row` where `mask` is -1; `row` may be longer."""
    total = np.int32(0)
    for j in range(mask.size):
        total = np.int32(total - np.int32(row[j]) * np.int32(mask[j]))  # narrow products vectorize
    return int(total)


@with_options(jit, noalias=True)
def shift(row: NDArray[np.int8], change: NDArray[np.int8], low: np.int8) -> None:
    """row += change, saturating at `low` and at 127; `row` may be longer.

    Written so that the compiler uses saturating 8-bit addition, 64 weights an instruction.
    """
    for j in range(change.size):
        wide = np.int16(np.int16(row[j]) + np.int16(change[j]))
        row[j] = max(np.int8(min(max(wide, np.int16(-128)), np.int16(127))), low)


@jit
def outside(current: NDArray[np.int32], allowed: tuple[int, int]) -> bool:
    """Whether any current is outside `allowed`."""
    low, high = extremes(current)
    return low < allowed[0] or high > allowed[1]


@jit
def outside_masked(weights: NDArray[np.int8], mask: NDArray[np.int16], allowed: tuple[int, int]) -> bool:
    """Whether `masked_sum` of any row is outside `allowed`."""
    for k in range(weights.shape[0]):
        total = masked_sum(weights[k], mask)
        if total < allowed[0] or total > allowed[1]:
            return True
    return False
