"""Lava's Processes for the parts of a circuit: neurons, fixed synapses, plastic synapses, third factor.

Each function raises ValueError, in one line, for what Lava cannot represent.
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

from snnbp.circuit.loihi import BIAS_EXPONENT_MAX, BIAS_MANTISSA_LIMIT, FRACTION_BITS
from snnbp.circuit.parts import NeuronType, PlasticityRule
from snnbp.circuit.spec import Circuit


def rule_string(rule: PlasticityRule) -> str:
    """The plasticity rule in Lava's syntax, exact at both weight bounds; y1 is the third factor, 0 or 1.

    Lava adds up the products in the order of the string, in 15 bits that saturate at 255 127/128, while the
    upper weight bound is 254. With reward, the sum therefore first overshoots its target by 1 127/128,
    saturates there, and is then reduced by as much.
    """
    gain = rule.always + rule.rewarded
    if rule.always > 0 or gain < 0:
        raise ValueError(f"in Lava, weights can only grow with reward and shrink without: {rule}")
    reward, always = "y1*x0*y0", "x0*y0"
    terms = [f"-2^-7*{reward}"]
    for value, condition in ((gain + 2, reward), (rule.always, always), (-rule.always - 2, reward)):
        rest = abs(value)
        while rest:
            power = min(1 << (rest.bit_length() - 1), 128)
            terms.append(f"{'-' if value < 0 else '+'} {power}*{condition}")
            rest -= power
    return " ".join([*terms, f"+ 2^-7*{reward}"])


def lif_neurons(size: int, neuron: NeuronType) -> AbstractProcess:
    """Make neurons that fire iff input + bias > threshold, and keep no potential."""
    if neuron.refractory:
        raise ValueError(f"neuron type {neuron.name!r}: Lava's fixed-point neurons have no refractory period")
    for exponent in range(BIAS_EXPONENT_MAX + 1):
        mantissa, rest = divmod(neuron.bias << FRACTION_BITS, 1 << exponent)
        if not rest and -BIAS_MANTISSA_LIMIT <= mantissa < BIAS_MANTISSA_LIMIT:
            return LIFReset(
                shape=(size,),
                du=4095,
                dv=4095,
                vth=neuron.threshold,
                bias_mant=mantissa,
                bias_exp=exponent,
                reset_interval=1,
                reset_offset=0,
            )
    raise ValueError(f"neuron type {neuron.name!r}: bias {neuron.bias} needs a mantissa of over 13 bits")


def fixed_synapses(
    mantissas: NDArray[np.int32], delay: int = 0, exponent: int = 0, sparse: bool = False
) -> AbstractProcess:
    """Make synapses that do not learn, with weights mantissas (post, pre) * 2 ** exponent."""
    lowest, highest = mantissas.min(), mantissas.max()
    one_sign = SignMode.EXCITATORY if lowest >= 0 else SignMode.INHIBITORY
    sign = SignMode.MIXED if lowest < 0 < highest else one_sign
    options = {"weight_exp": exponent, "num_weight_bits": 8, "sign_mode": sign}
    if not sparse:
        dense = {"weights": mantissas, **options}
        return DelayDense(delays=delay, **dense) if delay else Dense(**dense)
    weights = csr_matrix(mantissas)
    if not delay:
        return Sparse(weights=weights, **options)
    delays = csr_matrix((np.full(weights.nnz, delay), weights.indices, weights.indptr), weights.shape)
    return DelaySparse(weights=weights, delays=delays, **options)


def plastic_synapses(weights: NDArray[np.int32], rule: PlasticityRule) -> AbstractProcess:
    """Make synapses that learn: weights (post, pre), even, within [-256, 254]."""
    learning_rule = Loihi3FLearningRule(dw=rule_string(rule), t_epoch=1, rng_seed=1)
    learning_rule.y1_tau = 2**60  # the default lets the third factor decay at random within the step
    return LearningDense(
        weights=weights, learning_rule=learning_rule, num_weight_bits=8, sign_mode=SignMode.MIXED
    )


def third_factor(circuit: Circuit, size: int) -> AbstractProcess:
    """Make a source of the third factor for `size` neurons: 1 in phases with reward, else 0."""
    data = np.zeros((size, max(len(circuit.phases), 1)), np.int32)
    data[:, list(circuit.reward)] = 1
    return source.RingBuffer(data=data)
