"""Whether a network fits a Loihi chip: one table."""

from typing import TYPE_CHECKING

from snnbp.circuit.backprop import inference_circuit
from snnbp.circuit.loihi import (
    BIAS_EXPONENT_MAX,
    BIAS_MANTISSA_LIMIT,
    DELAY_MAX,
    FRACTION_BITS,
    LEVEL_LIMIT,
    MANTISSA_MAX,
    mantissa_exponent,
)
from snnbp.circuit.spec import Circuit
from snnbp.interop.nir import from_nir
from snnbp.training.energy import CORE_COMPARTMENTS, CORE_SYNAPTIC_BYTES, resources

if TYPE_CHECKING:
    import nir
    import pandas as pd

CORES = 128
"""Cores of a chip (Davies et al., IEEE Micro 38(1), 2018)."""


def chip_fit(network: "Circuit | nir.NIRGraph") -> "pd.DataFrame":
    """Say what a network needs of a Loihi 1 chip, and whether it fits.

    Parameters
    ----------
    network : Circuit or nir.NIRGraph
        A graph is read by `from_nir`, which refuses weights that the chip cannot hold, and stands for its
        inference circuit.

    Returns
    -------
    pandas.DataFrame
        A row each resource: `needed`, the `limit` of one chip, and `fits`. Cores are the smallest number, at
        one byte a synapse. A weight or a bias is a mantissa times a power of two: its bits are the
        mantissa's, a bias's with the sign.

    Raises
    ------
    ValueError
        For a graph that is no network of this kind.
    """
    import pandas as pd

    if not isinstance(network, Circuit):
        read = from_nir(network)
        network = inference_circuit(read.sizes, read.threshold)
    need, neurons = resources(network), network.neuron_types.values()
    delays = [projection.delay for projection in network.projections]
    weights = [
        MANTISSA_MAX if p.weight is None else abs(mantissa_exponent(p.weight)[0]) for p in network.projections
    ]
    rows = {
        "cores": (need.cores, CORES),
        "compartments": (need.compartments, CORES * CORE_COMPARTMENTS),
        "synapses": (need.synapses, CORES * CORE_SYNAPTIC_BYTES),
        "synaptic bytes": (need.synapses, CORES * CORE_SYNAPTIC_BYTES),
        "longest delay (steps)": (max(delays, default=0), DELAY_MAX),
        "bits of a weight": (max(weights, default=0).bit_length(), MANTISSA_MAX.bit_length()),
        "bits of a threshold": (
            max(abs(n.threshold) for n in neurons).bit_length(),
            LEVEL_LIMIT.bit_length() - 1,
        ),
        "bits of a bias": (max(_bits(n.bias) for n in neurons), BIAS_MANTISSA_LIMIT.bit_length()),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["needed", "limit"])
    return table.assign(fits=table["needed"] <= table["limit"])


def _bits(bias: int) -> int:
    """Bits of a bias's mantissa, sign included, at the largest exponent with which it is exact."""
    mantissa, exponent = bias << FRACTION_BITS, 0
    while mantissa and mantissa % 2 == 0 and exponent < BIAS_EXPONENT_MAX:
        mantissa, exponent = mantissa >> 1, exponent + 1
    return (mantissa if mantissa >= 0 else ~mantissa).bit_length() + 1
