"""Every parameter of a network with its value, unit and origin."""

from collections.abc import Iterator
from typing import NamedTuple

from snnbp.circuit import loihi
from snnbp.circuit.backprop import CHAIN_MARGIN, COPY_MARGINS
from snnbp.circuit.spec import Circuit
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.registry import SOURCES

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


def parameters(
    config: Config, circuit: Circuit, schedule: str, data: Dataset, paper_s_pixels: bool
) -> Iterator[Parameter]:
    """Yield the parameters of a network that learned in `circuit` with `config`.

    `paper_s_pixels` says that the images of the registered data set give the inputs at the threshold 0.5.
    """
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
    yield Parameter("threshold", config.threshold, units, from_threshold, "sfc_threshold")
    yield Parameter("bias", loihi.BIAS, units, "official code", "n_sfc")
    yield Parameter("inhibition", config.inhibition, units, set_by("inhibition", "official code"), "gi")
    gates = "from bias and threshold; 8704 as published"
    yield Parameter("gate_weight", -loihi.BIAS + half, units, "derived", gates)
    chain = config.threshold - loihi.BIAS + CHAIN_MARGIN
    yield Parameter("chain_weight", chain, units, from_threshold, "synfire chain of gates")
    margins = " or ".join(map(str, COPY_MARGINS))
    note = f"half the threshold and {margins}, see projections.csv; 520 as published"
    copied = max(p.weight for p in circuit.projections if p.weight and circuit.role(p) == "copy")
    yield Parameter("copied_spike", copied, units, from_threshold, note)
    yield Parameter(
        "phases", len(circuit.phases), "steps", "paper" if schedule == "published" else NEW, schedule
    )
    yield Parameter("step_duration", "", "s", "unknown", "the circuit needs none")
    hidden = "-".join(map(str, config.hidden))
    yield Parameter("hidden", hidden, "neurons", set_by("hidden", "paper"), "one number a hidden layer")
    yield Parameter("epochs", config.epochs, "", set_by("epochs", "paper"), "of the trained weights")
    yield Parameter("seed", config.seed, "", NEW, "NumPy's PCG64; the published seeds are unknown")
    limit = "initial weights are clipped to this, then truncated toward zero to the grid"
    yield Parameter("initial_limit", loihi.INITIAL_LIMIT, units, "official code", limit)
    scale = "factor on sqrt(2 / (pre + post)) * threshold, the standard deviation (rand_He)"
    yield Parameter("init_scale", config.init_scale, "", set_by("init_scale", "official code"), scale)
    yield Parameter(
        "rule", config.rule, "", set_by("rule", "paper"), "in training/; README.md has its equations"
    )
    opens = "1: the gate opens d+, in place of o<"
    yield Parameter("open_target", int(config.open_target), "", set_by("open_target", "paper"), opens)
    errors = "of the output error about half the threshold"
    yield Parameter("margin", config.margin, units, set_by("margin", "paper"), errors)
    moves = "1: in training, images moved by up to one pixel; not in the samples here"
    yield Parameter("shift", config.shift, "pixels", set_by("shift", "paper"), moves)
    back = "exact: the transposed matrices learn, too"
    yield Parameter("feedback", config.feedback, "", set_by("feedback", "paper"), back)
    held = "the last training images, not learned"
    yield Parameter("n_validation", config.n_validation, "images", set_by("n_validation", "paper"), held)
    yield from _of_inputs(data, paper_s_pixels)


def _of_inputs(data: Dataset, paper_s_pixels: bool) -> Iterator[Parameter]:
    """Yield how images became inputs, as far as it is known."""
    levels: int | str = ""
    of_levels = "unknown"
    if data.image_shape:
        rows, columns = data.image_shape
        levels = data.test.inputs.shape[1] // (rows * columns)
        of_levels = "paper" if levels == 1 else NEW
    yield Parameter(
        "levels", levels, "bits a pixel", of_levels, "binary images of a sample, one after the other"
    )
    rule = "a pixel p of 255 is on if round(p / 255 / 255 * 256, 2) exceeds this: from 129"
    crop = "cut off on each side; 4 for MNIST in the paper, 28x28 to 20x20"
    if not paper_s_pixels:
        yield Parameter("pixel_threshold", "", "", "unknown", "")
        yield Parameter("crop", "", "pixels", "unknown", "")
        return
    width = SOURCES[data.source].crop if data.source in SOURCES else 0
    yield Parameter("pixel_threshold", 0.5, "", "official code", f"{rule}; p / 16 for the 8x8 digits")
    yield Parameter(
        "crop", width, "pixels", "paper" if data.source in ("mnist", "fashion-mnist") else NEW, crop
    )
