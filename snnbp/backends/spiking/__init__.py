"""Every population, every spike, every step: the circuit itself, run in integers.

`simulate` runs any circuit on any input spikes. `Learner`, `predict` and `trace` present samples to the
paper's circuits: a `StimulusDriver` chooses the input spikes and reads the record, all else is done by the
circuit.
It computes the algorithm of `reference` as long as no population fires that must be silent. Neurons that are
driven hard enough fire through their bias or their inhibition; the circuit then does something else, and so
does this backend.

An input sum is a 24-bit number of 1/64 weight units, so it wraps beyond [-131072, 131072) weight units, as in
Lava's bit-accurate neuron; samples in which it does are counted as overdriven. Potentials saturate there.
"""

from snnbp.backends.spiking.network import Network, Simulation, simulate
from snnbp.backends.spiking.samples import Learner, Samples, StimulusDriver, Trace, predict, trace

__all__ = [
    "Learner",
    "Network",
    "Samples",
    "Simulation",
    "StimulusDriver",
    "Trace",
    "predict",
    "simulate",
    "trace",
]
