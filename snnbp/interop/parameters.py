"""Every parameter of a network with its value, unit and origin."""

import csv
from collections.abc import Iterator
from importlib.resources import files

from snnbp.circuit import loihi
from snnbp.circuit.backprop import CHAIN_MARGIN
from snnbp.circuit.spec import Circuit
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.registry import SOURCES

NEW = "our choice"


def parameters(
    config: Config, circuit: Circuit, schedule: str, data: Dataset, paper_s_pixels: bool
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of parameters.csv for a network that learned in `circuit` with `config`.

    Names, units, origins as published and notes are those of parameters.csv in this folder. An origin is
    "paper", "official code", "derived" (from other rows or the chip's limits), "our choice" or "unknown".
    `paper_s_pixels` says that the images of the registered data set give the inputs at the threshold 0.5.
    """
    standard, settings = Config().model_dump(), config.model_dump()
    origins = {name: NEW for name, value in settings.items() if value != standard[name]}
    if "threshold" in origins:
        origins |= {"chain_weight": NEW, "copied_spike": NEW}
    limits = ("sum_limit", "weight_min", "weight_max", "weight_grid", "bias", "initial_limit")
    values = settings | {name: getattr(loihi, name.upper()) for name in limits}
    values |= {
        "gate_weight": config.threshold // 2 - loihi.BIAS,
        "chain_weight": config.threshold - loihi.BIAS + CHAIN_MARGIN,
        "copied_spike": max(p.weight for p in circuit.projections if p.weight and circuit.role(p) == "copy"),
        "phases": len(circuit.phases),
        "hidden": "-".join(map(str, config.hidden)),
        "open_target": int(config.open_target),
    }
    notes = {"phases": schedule}
    origins |= {} if schedule == "published" else {"phases": NEW}
    if paper_s_pixels:
        values |= {"pixel_threshold": 0.5, "crop": SOURCES[data.source].crop if data.source in SOURCES else 0}
        origins["crop"] = "paper" if data.source in ("mnist", "fashion-mnist") else NEW
    else:
        origins |= {"pixel_threshold": "unknown", "crop": "unknown"}
        notes |= {"pixel_threshold": "", "crop": ""}
    with files("snnbp.interop").joinpath("parameters.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = row["name"]
            origin, note = origins.get(name, row["origin"]), notes.get(name, row["note"])
            yield name, values.get(name, ""), row["unit"], origin, note
