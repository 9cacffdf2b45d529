"""Every parameter of a network with its value, unit and origin."""

from collections.abc import Iterator
from typing import NamedTuple

from snnbp.circuit import loihi
from snnbp.circuit.backprop import CHAIN_MARGIN, COPY_MARGINS
from snnbp.training.config import Config

CHIP = "Davies et al., IEEE Micro 38(1), 2018"
NEW = "our choice"


class Parameter(NamedTuple):
    """One row of parameters.csv.

    `origin` is "paper", "official code", "derived" (from other rows or the chip's limits), "our choice" or
    "unknown".
    """

    name: str
    value: int | float | str
    unit: str
    origin: str
    note: str


def parameters(config: Config, n_phases: int, schedule: str) -> Iterator[Parameter]:
    """Yield the parameters of a network that was trained with `config`."""
    standard = Config()
    half = config.threshold // 2

    def set_by(name: str, published: str) -> str:
        return published if getattr(config, name) == getattr(standard, name) else NEW

    units = "weight units"
    from_threshold = set_by("threshold", "official code")
    yield Parameter("sum_limit", loihi.SUM_LIMIT, units, "derived", f"24 bits, 6 of them fractions; {CHIP}")
    yield Parameter("weight_min", loihi.WEIGHT_MIN, units, "derived", f"8 bits, mixed sign; {CHIP}")
    yield Parameter("weight_max", loihi.WEIGHT_MAX, units, "derived", f"the even grid below 256; {CHIP}")
    yield Parameter("weight_grid", loihi.WEIGHT_GRID, units, "derived", f"8 bits, mixed sign; {CHIP}")
    yield Parameter("step", config.step, units, set_by("step", "official code"), "mu")
    yield Parameter(
        "threshold", config.threshold, units, set_by("threshold", "official code"), "sfc_threshold"
    )
    yield Parameter("bias", loihi.BIAS, units, "official code", "n_sfc")
    yield Parameter("inhibition", config.inhibition, units, set_by("inhibition", "official code"), "gi")
    gates = "from bias and threshold; 8704 as published"
    yield Parameter("gate_weight", -loihi.BIAS + half, units, "derived", gates)
    chain = config.threshold - loihi.BIAS + CHAIN_MARGIN
    yield Parameter(
        "chain_weight", chain, units, set_by("threshold", "official code"), "synfire chain of gates"
    )
    margins = " or ".join(map(str, COPY_MARGINS))
    note = f"half the threshold and {margins}, see projections.csv; 520 as published"
    yield Parameter("copied_spike", half + COPY_MARGINS[0], units, from_threshold, note)
    yield Parameter("phases", n_phases, "steps", "paper" if schedule == "published" else NEW, schedule)
    yield Parameter("step_duration", "", "s", "unknown", "the circuit needs none")
    hidden = "-".join(map(str, config.hidden))
    yield Parameter("hidden", hidden, "neurons", set_by("hidden", "paper"), "one number a hidden layer")
    yield Parameter("epochs", config.epochs, "", set_by("epochs", "paper"), "of the trained weights")
    yield Parameter("seed", config.seed, "", NEW, "NumPy's PCG64; the published seeds are unknown")
    limit = "initial weights are clipped to this, then truncated toward zero to the grid"
    yield Parameter("initial_limit", loihi.INITIAL_LIMIT, units, "official code", limit)
    scale = "factor on sqrt(2 / (pre + post)) * threshold, the standard deviation (rand_He)"
    yield Parameter("init_scale", config.init_scale, "", set_by("init_scale", "official code"), scale)
    rule = "a pixel p of 255 is on if round(p / 255 / 255 * 256, 2) exceeds this: from 129"
    yield Parameter("pixel_threshold", 0.5, "", "official code", f"{rule}; p / 16 for the 8x8 digits")
    yield Parameter("crop", 4, "pixels", "paper", "of MNIST only, on each side: 28x28 to 20x20")
