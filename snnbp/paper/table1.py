"""Table 1 of the paper, and the rows that a reproduction adds to it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from tabulate import tabulate


class Row(NamedTuple):
    """One study. Energy (mJ) and latency (ms) of one sample, accuracy on MNIST's test set (%, from spikes);
    None where the table gives none. `basis` says where the numbers come from; our own are "accuracy measured,
    energy and latency estimated", and `most_mj` is then the other end of the energy's range."""

    mode: Literal["trained on chip", "inference only"]
    study: str
    learning: str
    structure: str
    energy_mj: float | None
    latency_ms: float | None
    accuracy: float | None
    basis: str = "reported"
    most_mj: float | None = None


_CHIP: Literal["trained on chip"] = "trained on chip"
_INFERENCE: Literal["inference only"] = "inference only"

PAPER = "the paper (Loihi)"

TABLE_1 = (
    Row(_CHIP, PAPER, "nBP", "400-400-10", 0.59, 1.5, 96.3),
    Row(_CHIP, "Shrestha 2021 (Loihi)", "EM-STDP", "CNN-CNN-100-10", 8.4, 20, 94.7),
    Row(_CHIP, "Frenkel 2020 (SPOON)", "DRTP", "CNN-10", 0.000366, 0.12, 95.3),
    Row(_CHIP, "Park 2019", "mod. SD", "784-200-200-10", 0.000253, 0.01, 98.1),
    Row(_CHIP, "Chen 2018", "S-STDP", "236-20", 0.017, 0.16, 89),
    Row(_CHIP, "Frenkel 2018 (ODIN)", "SDSP", "256-10", 0.000015, None, 84.5),
    Row(_CHIP, "Lin 2018 (Loihi)", "S-STDP", "1920-10", 0.553, None, 96.4),
    Row(_CHIP, "Buhler 2017", "LCA", "256-10", 0.000050, 0.001, 88),
    Row(_INFERENCE, PAPER, "nBP", "400-400-10", 0.0025, 0.17, 96.3),
    Row(_INFERENCE, "Shrestha 2021 (Loihi)", "EM-STDP", "CNN-CNN-100-10", 2.47, 10, 94.7),
    Row(_INFERENCE, "Frenkel 2020 (SPOON)", "DRTP", "CNN-10", 0.000313, 0.12, 97.5),
    Row(_INFERENCE, "Göltz 2019 (BrainScaleS-2)", "", "256-246-10", 0.0084, 0.048, 96.9),
    Row(_INFERENCE, "Lin 2018 (Loihi)", "S-STDP", "1920-10", 0.0128, None, 96.4),
    Row(_INFERENCE, "Chen 2018", "", "784-1024-512-10", 0.0017, None, 97.9),
    Row(_INFERENCE, "Esser 2015 (TrueNorth)", "", "512 neurons", 0.00027, 1, 92.7),
    Row(_INFERENCE, "Esser 2015 (TrueNorth)", "", "3840 neurons", 0.108, 1, 99.4),
    Row(_INFERENCE, "Stromatias 2015 (SpiNNaker)", "", "784-500-500-10", 3.3, 11, 95),
)
"""Nat. Commun. 15, 9691 (2024), Table 1, less accuracies from membrane potentials (the paper: 97.5 %)."""

HEADER = ("mode", "study", "learning", "structure", "energy (mJ)", "latency (ms)", "accuracy (%)", "basis")


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """The table's cells under HEADER: trained on chip first, the best accuracy first."""
    found = []
    for row in sorted(rows, key=lambda row: (row.mode == _INFERENCE, -(row.accuracy or 0))):
        numbers = [_three_digits(n) for n in (row.energy_mj, row.latency_ms, row.accuracy)]
        found.append([row.mode, row.study, row.learning or "-", row.structure, *numbers, row.basis])
    return found


def _three_digits(number: float | None) -> str:
    if number is None:
        return "-"
    return np.format_float_positional(number, precision=3, fractional=False, trim="-")


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    return tabulate(cells(rows), HEADER, tablefmt="github", disable_numparse=True) + "\n"
