"""Table 1 of the paper, and the rows that a reproduction adds to it."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from snnbp.paper import claims

PAPER, OURS = "the paper (Loihi)", "this reproduction"

Mode = Literal["trained on chip", "inference only"]


def published() -> pd.DataFrame:
    """Read Table 1 of Nat. Commun. 15, 9691 (2024), without accuracies from membrane potentials.

    Columns: mode, study, learning, structure, energy_mj and latency_ms of one sample, accuracy on MNIST
    (%, from spikes), kind ("reported"), energy_mj_max (upper end of an energy range); NaN for no value.
    """
    others = pd.read_csv(Path(__file__).with_suffix(".csv"), encoding="utf-8")
    others = others.fillna({"learning": ""}).assign(kind="reported")
    accuracy = round(100 * claims.value("mnist-best-spikes"), 1)
    modes: dict[str, Mode] = {"training": "trained on chip", "inference": "inference only"}
    rows = []
    for name, mode in modes.items():
        energy, latency = (claims.value(f"{name}-{what}") for what in ("energy", "latency"))
        rows.append(row(mode, PAPER, "400-400-10", energy, latency, accuracy))
    return pd.concat([pd.DataFrame(rows), others], ignore_index=True)


def row(
    mode: Mode,
    study: str,
    structure: str,
    energy_mj: float,
    latency_ms: float,
    accuracy: float,
    kind: str = "reported",
    energy_mj_max: float = np.nan,
) -> dict[str, Any]:
    """Make a row for this kind of learning (nBP), with the columns of `published`."""
    return {
        "mode": mode,
        "study": study,
        "learning": "nBP",
        "structure": structure,
        "energy_mj": energy_mj,
        "latency_ms": latency_ms,
        "accuracy": accuracy,
        "kind": kind,
        "energy_mj_max": energy_mj_max,
    }


def formatted(frame: pd.DataFrame) -> pd.DataFrame:
    """Format the table: trained on chip first, then by accuracy, the best first; three significant digits."""
    ordered = frame.sort_values(
        ["mode", "accuracy"], ascending=False, kind="stable", na_position="last"
    ).reset_index(drop=True)
    names = {"energy_mj": "energy (mJ)", "latency_ms": "latency (ms)", "accuracy": "accuracy (%)"}
    shown = ordered.assign(**{name: ordered[name].map(_three_digits) for name in names})
    return shown.drop(columns="energy_mj_max").replace("", "-").rename(columns=names)


def _three_digits(number: float) -> str:
    if pd.isna(number):
        return "-"
    return np.format_float_positional(number, precision=3, fractional=False, trim="-")
