"""Where the circuit would leave the algorithm: currents to populations that must be silent meanwhile."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.base import SUMS, Learner, Range

Spikes = NDArray[np.bool_]
Integers = NDArray[np.int64]


def is_overdriven(
    learner: Learner,
    spikes: Sequence[Spikes],
    v: Sequence[Integers],
    d: Sequence[Spikes],
    back: Sequence[Integers],
    before: Sequence[Integers],
    feedback: Sequence[Integers],
    after: Sequence[Integers],
) -> bool:
    """Say whether a current of this sample is outside the limits of `learner`.

    Parameters
    ----------
    learner : Learner
    spikes : sequence of bool array (neurons,)
        Of layers 0 to L + 1.
    v : sequence of int64 array (neurons,)
        Potentials of layers 1 to L + 1 (weight units).
    d : sequence of bool array (2, neurons)
        Errors of layers 1 to L + 1 as they fire, d+ and d-.
    back : sequence of int64 array (2, neurons)
        Currents of the error to hidden layers 1 to L (weight units).
    before, feedback : sequence of int64 array
        W_1, ..., W_L+1, each (pre, post), and W_2^T+, ..., each (post, pre), when the sample began.
    after : sequence of int64 array (pre, post)
        W_1, ..., W_L+1 when it ended.

    Returns
    -------
    bool
    """
    rule, limits = learner.rule, learner.limits
    arriving: list[tuple[Integers, Range]] = [(current, limits.delta) for current in back]

    # What fires for the sample is replayed in P and D, when its targets are inhibited.
    arriving += [(current, limits.inhibited) for current in v]
    arriving += [(h @ w, limits.inhibited) for h, w in zip(spikes[2:], feedback, strict=True)]

    for n in range(len(v)):
        potentiated, replay = before[n], v[n]
        if d[n][0].any():
            change = rule.step * np.outer(spikes[n], d[n][0])
            potentiated = np.clip(before[n] + change, *rule.bounds)
            replay = spikes[n] @ potentiated  # in D
        if n > 0 or not learner.published_schedule:
            arriving.append((replay, limits.inhibited))
        else:
            # In the published circuit h may fire now, which is phase 0 of the next sample, and reach o.
            arriving.append((replay, SUMS))
            fired = replay > limits.uninhibited.high
            arriving.append((fired @ after[1], limits.uninhibited))
        if n > 0:
            # The error of the layer below goes forward, too.
            plus, minus = d[n - 1]
            arriving.append(
                (plus @ (potentiated if learner.replays_between else after[n]), limits.uninhibited)
            )
            arriving.append((minus @ after[n], limits.inhibited))
    return any(current.min() < low or current.max() > high for current, (low, high) in arriving)
