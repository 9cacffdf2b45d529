"""The integer world of a Loihi 1 core, as far as the circuit uses it.

Weights, membrane potentials and thresholds are integers in *weight units*: one unit is what a weight of 1
adds to a membrane potential. The chip itself counts 64 times finer; nothing here depends on that.
"""

import numpy as np
from numpy.typing import NDArray

WEIGHT_MIN = -256
"""Lower rail of a plastic weight: 8 bits, mixed sign (Davies et al., IEEE Micro 38(1), 2018)."""

WEIGHT_MAX = 254
"""Upper rail of a plastic weight: the mixed-sign grid is even, so 254 is the last point below 256."""

WEIGHT_GRID = 2
"""Distance of neighbouring plastic weights, and the published learning step (official code, `mu`)."""

THRESHOLD = 1024
"""Firing threshold of every neuron; comparisons are strict (official code, `sfc_threshold`)."""

BIAS = -8192
"""Constant input of a gated neuron: closed unless a gate lifts it (official code, `n_sfc`)."""

INHIBITION = -8128
"""Published weight that holds a population down: mantissa -254, exponent 5 (official code, `gi`)."""

POTENTIAL_BITS = 24
"""Width of a membrane potential and of an input sum, sign included (Davies et al. 2018)."""

INITIAL_LIMIT = 240
"""Initial weights are clipped to +-240 before they are truncated to the grid (official code)."""


def drive_bound(inhibition: int = INHIBITION, threshold: int = THRESHOLD) -> int:
    """Largest drive (weight units) that a population held down by `inhibition` still withstands.

    A neuron fires once its input exceeds threshold - bias; inhibition adds to what it withstands. Beyond the
    bound, neurons fire through their inhibition and the circuit is no longer the algebra. The outputs have
    a bound of their own: in phase 8, when hidden neurons learn, only threshold - bias keeps them closed.
    """
    return threshold - BIAS - inhibition


def to_grid(weights: NDArray[np.float64]) -> NDArray[np.int16]:
    """Real weights (weight units, any shape) clipped to +-240 and truncated toward zero to even int16."""
    limited = np.clip(weights, -INITIAL_LIMIT, INITIAL_LIMIT)
    on_grid: NDArray[np.int16] = (np.trunc(limited / WEIGHT_GRID) * WEIGHT_GRID).astype(np.int16)
    return on_grid
