"""Every population, every spike, every step: the circuit itself, in integers."""

from snnbp.backends.spiking.network import Simulation, simulate
from snnbp.backends.spiking.samples import Learner, Trace, predict, trace

__all__ = ["Learner", "Simulation", "Trace", "predict", "simulate", "trace"]
