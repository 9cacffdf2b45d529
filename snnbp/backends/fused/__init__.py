"""The algorithm of `reference`, compiled: a pass over a data set in one kernel.

`network` lays the weights out in memory, `kernel` is the compiled pass, `learner` connects both to the rest.
"""

from snnbp.backends.fused.learner import Learner, predict

__all__ = ["Learner", "predict"]
