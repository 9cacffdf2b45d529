"""Compiled primitives that the fast backends share: which neurons spike, and what their synapses add up to.

Plastic weights are even, so the fast backends keep half of each in an int8 (*half-units*, [-128, 127]).
"""

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.compiled import jit

ROWS_AT_ONCE = 8
ROWS_PER_FLUSH = 248
"""Rows summed in int16 before they are added to int32: 248 * 128 = 31,744 < 2^15, in whole blocks of 8."""


@jit
def active_indices(spikes: NDArray[np.bool_], indices: NDArray[np.int32]) -> int:
    """Write the positions of the True entries of `spikes` (n,) into `indices` (>= n + 1,); return how many.

    Every position is written and the end moves on only past a spike: no branch to mispredict.
    """
    count = 0
    for i in range(spikes.size):
        indices[count] = i
        count += spikes[i]
    return count


@jit
def sum_rows(
    weights: NDArray[np.int8],
    rows: NDArray[np.int32],
    count: int,
    partial: NDArray[np.int16],
    total: NDArray[np.int32],
) -> None:
    """Sum `weights[rows[:count]]` (pre, post), half-units, into `total` (post,); `partial` is scratch."""
    total[:] = 0
    add_rows(weights, rows, count, partial, total)


@jit
def add_rows(
    weights: NDArray[np.int8],
    rows: NDArray[np.int32],
    count: int,
    partial: NDArray[np.int16],
    total: NDArray[np.int32],
) -> None:
    """Add `weights[rows[:count]]` to `total`.

    Hot loop: one pass over the active rows, 8 at a time, in int16 so that 16 or 32 columns fit a register.
    """
    n = total.size
    first = 0
    while first < count:
        end = min(count, first + ROWS_PER_FLUSH)
        partial[:] = 0
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
