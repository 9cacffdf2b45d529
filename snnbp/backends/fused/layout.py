"""The layout of the weights in memory.

Potentials and weights are held in half-units (see `kernels`). A hidden layer's matrix is stored as
(pre, post) for the forward pass. From the second matrix on, the feedback matrices W^T+ and W^T- are stored as
in the circuit, (post, pre): the backward pass and the updates touch only the rows of neurons with an error.
The output layer is narrow and computed from W^T+ directly. Hidden layers are filled up with neurons without
weights, which neither spike nor learn, to whole vectors of the processor. Matrices of one kind are padded to
one size and stacked, so that one compiled kernel serves any number of layers.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.kernels import Int64s
from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.weights import Weights

Half = NDArray[np.int8]

VECTOR = 32
"""Hidden layers are filled up to a multiple of this."""


class Layout(NamedTuple):
    """Weights in half-units. Layer 0 is the input, the last one the output."""

    sizes: Int64s  # (layers,): hidden layers filled up
    forward: Half  # (L, pre, post): W_1 to W_L
    plus: Half  # (L, post, pre): W_2 to W_L+1 transposed
    minus: Half  # (L, post, pre): their negatives, trained
    back_plus: Half  # what carries the error back: `plus`, or matrices that do not learn
    back_minus: Half


def layout_of(weights: Weights, bounds: tuple[int, int] = (WEIGHT_MIN, WEIGHT_MAX)) -> Layout:
    """Lay out the weights (weight units), clipped to `bounds`; what carries the error back learns, too."""
    matrices = [np.clip(matrix, *bounds) for matrix in weights.matrices]
    transposed = [matrix.T for matrix in matrices[1:]]
    plus, minus = _stacked(transposed), _stacked([np.clip(-matrix, *bounds) for matrix in transposed])
    inputs, *hidden, outputs = weights.sizes
    return Layout(
        np.array([inputs, *(-(-size // VECTOR) * VECTOR for size in hidden), outputs]),
        _stacked(matrices[:-1]),
        plus,
        minus,
        plus,
        minus,
    )


def _stacked(matrices: Sequence[NDArray[np.int16]]) -> Half:
    """Halves of the matrices, padded to one size (rows, columns), each row at a multiple of VECTOR bytes."""
    rows, columns = (max(sizes) for sizes in zip(*(matrix.shape for matrix in matrices), strict=True))
    shape = len(matrices), rows, -(-columns // VECTOR) * VECTOR
    memory = np.zeros(math.prod(shape) + VECTOR, np.int8)
    start = -memory.ctypes.data % VECTOR
    stack = memory[start : start + math.prod(shape)].reshape(shape)
    for padded, matrix in zip(stack, matrices, strict=True):
        padded[: matrix.shape[0], : matrix.shape[1]] = matrix // WEIGHT_GRID
    return stack
