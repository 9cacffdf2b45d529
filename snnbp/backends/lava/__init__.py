"""The circuits on Lava, Intel's open framework for Loihi, built from its own Processes; loaded on request.

`mended` makes Lava load, `parts` makes its Processes for the parts of a circuit, `network` connects them,
`runtime` starts and always stops them, `samples` presents samples.
"""

import multiprocessing
import sys

if "lava" not in sys.modules and sys.platform != "win32":
    if (method := multiprocessing.get_start_method(allow_none=True)) not in (None, "fork"):
        raise RuntimeError(
            f"Lava forks its processes, this program has chosen to {method} them: "
            'use multiprocessing.set_start_method("fork"), or none, before Lava is first used'
        )
    multiprocessing.set_start_method(None, force=True)  # Lava chooses "fork" itself, if no method is set

from snnbp.backends.lava import mended as mended  # first: the others import what it mends
from snnbp.backends.lava.network import Processes
from snnbp.backends.lava.samples import LavaNetwork, Learner, StimulusDriver, predict, trace

__all__ = ["LavaNetwork", "Learner", "Processes", "StimulusDriver", "predict", "trace"]
