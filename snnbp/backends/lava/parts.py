"""Lava's Processes for what a circuit declares: neurons, fixed weights, matrices that learn, reward.

Raises ValueError, in one line, for what they cannot do.
"""

import numpy as np
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.process.process import AbstractProcess
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.io import source
from lava.proc.lif.process import LIFReset
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from snnbp.backends.spiking.stepper import FRACTION_BITS
from snnbp.circuit.spec import Cell, Circuit, LearningRule

BIAS_EXPONENT_MAX = 7
BIAS_MANTISSA_LIMIT = 4096
"""A bias is a 13-bit mantissa times 2^0 to 2^7, in 1/64 weight units (Lava 0.10, PyLifModelBitAcc)."""

DELAY_MAX = 63
"""Longest delay of DelayDense and DelaySparse: 6 bits."""


def rule_string(rule: LearningRule) -> str:
    """The learning rule in Lava's words, exact at both rails, with y1 = 1 while there is reward.

    The accumulator holds 15 bits, so a weight saturates at 255 and 127/128, not at 254. With reward the sum
    is therefore led 1 and 127/128 past its goal, cut off, and led back: products add up as they are written.
    Raises ValueError for a rule that potentiates without reward, or depresses with it.
    """
    gain = rule.always + rule.rewarded
    if rule.always > 0 or gain < 0:
        raise ValueError(f"learning rule: {rule} should depress without reward and potentiate with it")
    reward, always = "y1*x0*y0", "x0*y0"
    terms = [f"-2^-7*{reward}"]
    for value, condition in ((gain + 2, reward), (rule.always, always), (-rule.always - 2, reward)):
        rest = abs(value)
        while rest:
            power = min(1 << (rest.bit_length() - 1), 128)
            terms.append(f"{'-' if value < 0 else '+'} {power}*{condition}")
            rest -= power
    return " ".join([*terms, f"+ 2^-7*{reward}"])


def neurons(size: int, cell: Cell) -> AbstractProcess:
    """Neurons that fire iff input + bias > threshold, and forget it."""
    if cell.refractory:
        raise ValueError(f"cell {cell.name!r}: Lava's fixed-point neurons have no refractory period")
    for exponent in range(BIAS_EXPONENT_MAX + 1):
        mantissa, rest = divmod(cell.bias << FRACTION_BITS, 1 << exponent)
        if not rest and -BIAS_MANTISSA_LIMIT <= mantissa < BIAS_MANTISSA_LIMIT:
            return LIFReset(
                shape=(size,),
                du=4095,
                dv=4095,
                vth=cell.threshold,
                bias_mant=mantissa,
                bias_exp=exponent,
                reset_interval=1,
                reset_offset=0,
            )
    raise ValueError(f"cell {cell.name!r}: bias {cell.bias} is no 13-bit mantissa times 2^0 to 2^7")


def fixed(
    what: str, weights: NDArray[np.int32], delay: int, exponent: int, sign: SignMode, one_to_one: bool
) -> AbstractProcess:
    """Synapses that do not learn: mantissas (post, pre), of one sign unless mixed, times 2 ** exponent."""
    if delay > DELAY_MAX:
        raise ValueError(f"projection {what}: Lava delays a spike by {DELAY_MAX} steps at most, not {delay}")
    options = {"weight_exp": exponent, "num_weight_bits": 8, "sign_mode": sign}
    if one_to_one:
        sparse = csr_matrix(weights)
        if not delay:
            return Sparse(weights=sparse, **options)
        delays = csr_matrix((np.full(sparse.nnz, delay), sparse.indices, sparse.indptr), sparse.shape)
        return DelaySparse(weights=sparse, delays=delays, **options)
    if not delay:
        return Dense(weights=weights, **options)
    return DelayDense(weights=weights, delays=delay, **options)


def learning(
    what: str, weights: NDArray[np.int32], delay: int, learning_rule: LearningRule
) -> AbstractProcess:
    """Synapses that learn: weights (post, pre), even, in [-256, 254]."""
    if delay:
        raise ValueError(f"projection {what}: a LearningDense has no delay, {delay} is declared")
    rule = Loihi3FLearningRule(dw=rule_string(learning_rule), t_epoch=1, rng_seed=1)
    rule.y1_tau = 2**60  # the default lets the reward decay at random, within the step
    return LearningDense(
        weights=weights, learning_rule=rule, num_weight_bits=8, weight_exp=0, sign_mode=SignMode.MIXED
    )


def reward(circuit: Circuit, size: int) -> AbstractProcess:
    """1 for each of `size` neurons in the phases with reward, else 0, cycle after cycle."""
    data = np.zeros((size, max(len(circuit.phases), 1)), np.int32)
    data[:, list(circuit.reward)] = 1
    return source.RingBuffer(data=data)
