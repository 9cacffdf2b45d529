"""What carries the error back: the transposed weights, or matrices that do not learn (ablations)."""

import numpy as np

from snnbp.circuit.loihi import WEIGHT_GRID
from snnbp.circuit.weights import Weights
from snnbp.training.config import Config


def fixed_feedback(config: Config, weights: Weights) -> Weights | None:
    """Make the matrices that carry the error back.

    Parameters
    ----------
    config : Config
        Its `feedback`: "exact" uses the transposed weights, which learn with the weights. "random" draws a
        second network as the initial weights are drawn, from PCG64([seed, 2]). "sign" takes the signs of the
        initial weights. "cut" is all zeros: no error reaches the hidden layers.
    weights : Weights
        The initial ones.

    Returns
    -------
    Weights or None
        None for "exact". W_1 has no effect.
    """
    if config.feedback == "exact":
        return None
    if config.feedback == "random":
        rng = np.random.Generator(np.random.PCG64([config.seed, 2]))
        return Weights.draw(rng, weights.sizes, config.threshold, config.init_scale)
    scale = WEIGHT_GRID if config.feedback == "sign" else 0
    return Weights(tuple(scale * np.sign(matrix) for matrix in weights.matrices), config.threshold)
