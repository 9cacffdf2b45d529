"""The circuit itself in integers: every population, every spike, every step.

`simulate` runs any circuit on any input spikes. `Learner`, `predict` and `trace` present samples to the
paper's circuits: a `StimulusDriver` chooses the input spikes and reads the record; the circuit does the rest.

The circuit computes the algorithm of `reference` as long as no population fires that must be silent. A large
enough input current fires a neuron in spite of its bias or its inhibition. The circuit then deviates from the
algorithm, and so does this backend.

An input sum is a 24-bit number of 1/64 weight units, so it wraps beyond [-131072, 131072) weight units, as in
Lava's bit-accurate neuron; samples in which it does are counted as overdriven. Potentials saturate there.
"""

from snnbp.backends.spiking.network import Network, Simulation, simulate
from snnbp.backends.spiking.samples import Learner, StimulusDriver, Trace, predict, trace

__all__ = [
    "Learner",
    "Network",
    "Simulation",
    "StimulusDriver",
    "Trace",
    "predict",
    "simulate",
    "trace",
]
