"""Integer ranges and limits of a Loihi 1 chip, as far as the circuit uses them.

Weights, membrane potentials and thresholds are integers in *weight units*: one unit is what a weight of 1
adds to a membrane potential. The chip's own unit is 1/64 of that.
"""

# Plastic weights.
WEIGHT_MIN = -256
"""Lower bound of a plastic weight: 8 bits, mixed sign (Davies et al., IEEE Micro 38(1), 2018)."""

WEIGHT_MAX = 254
"""Upper bound of a plastic weight: the mixed-sign grid is even, so 254 is the last point below 256."""

WEIGHT_GRID = 2
"""Distance between neighbouring plastic weights, and the published learning step (official code, `mu`)."""

INITIAL_LIMIT = 240
"""Initial weights are clipped to +-240 before they are truncated to the grid (official code)."""

# Fixed weights and delays.
MANTISSA_MAX = 255
"""Largest magnitude of a fixed weight's mantissa: 8 bits; a projection has one sign for all its weights."""

EXPONENT_MAX = 7
"""Largest exponent of a fixed weight: mantissa * 2 ** exponent (Davies et al. 2018)."""

DELAY_MAX = 63
"""Longest delay of a projection, in steps: 6 bits."""

MARGIN_GRID = 64
"""Weights by which a gate sets another share are multiples of this, so that they have an 8-bit mantissa
(up to 255 * 64)."""

INHIBITION = -8128
"""Published weight that inhibits a population: mantissa -254, exponent 5 (official code, `gi`)."""

# Neurons.
THRESHOLD = 1024
"""Firing threshold of every neuron; comparisons are strict (official code, `sfc_threshold`)."""

BIAS = -8192
"""Constant input of a gated neuron: gated off until a gate spike compensates it (official code, `n_sfc`)."""

LEVEL_LIMIT = 1 << 17
"""Magnitudes of thresholds and biases are below this: 17 bits (Lava 0.10, PyLifModelBitAcc)."""

POTENTIAL_BITS = 24
"""Width of a membrane potential and of an input sum, sign included (Davies et al. 2018)."""

FRACTION_BITS = 6
"""Those of the 24 bits that are fractions of a weight unit (Lava 0.10, PyLifModelBitAcc.act_shift)."""

SUM_LIMIT = 1 << (POTENTIAL_BITS - 1 - FRACTION_BITS)
"""Input sums stay within [-SUM_LIMIT, SUM_LIMIT) weight units, that is [-131072, 131072)."""

BIAS_EXPONENT_MAX = 7
BIAS_MANTISSA_LIMIT = 4096
"""A bias is a 13-bit mantissa times 2^0 to 2^7, in 1/64 weight units (Lava 0.10, PyLifModelBitAcc)."""


def current_bound(inhibition: int = INHIBITION, threshold: int = THRESHOLD) -> int:
    """Compute the largest input current at which an inhibited population stays silent.

    A gated neuron fires once its input exceeds threshold - bias; inhibition adds to that.

    Parameters
    ----------
    inhibition : int
        Weight (weight units) that inhibits the population; 0: the bias alone keeps it silent.
    threshold : int
        Firing threshold (weight units).

    Returns
    -------
    int
        Weight units: 17,344 as published, 9,216 without inhibition.
    """
    return threshold - BIAS - inhibition


def mantissa_exponent(weight: int) -> tuple[int, int]:
    """Split a fixed weight into mantissa * 2 ** exponent with the smallest possible exponent.

    Parameters
    ----------
    weight : int
        Weight units.

    Returns
    -------
    mantissa, exponent : int

    Raises
    ------
    ValueError
        If `weight` needs more than 8 bits of mantissa (without the sign) or 3 bits of exponent.
    """
    for exponent in range(EXPONENT_MAX + 1):
        mantissa, rest = divmod(abs(weight), 2**exponent)
        if not rest and mantissa <= MANTISSA_MAX:
            return (mantissa if weight > 0 else -mantissa), exponent
    raise ValueError(f"weight {weight} is not an 8-bit mantissa times 2^0 to 2^{EXPONENT_MAX}")
