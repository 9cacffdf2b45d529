"""The reproduction of the paper: ledger, results, records, pipeline. The only part that needs a checkout."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnbp.paper.results import Results as Results

ROOT = Path(__file__).resolve().parents[2]
"""The root folder of the checkout."""

NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
BENCHMARKS = ROOT / "benchmarks" / "results"


class Failure(Exception):
    """A message for the user, in one line."""


if not (ROOT / "reproduce.sh").exists():
    raise ImportError(
        "snnbp.paper needs a checkout of the repository, not an installed package: "
        "clone it and run ./reproduce.sh"
    )


def __getattr__(name: str) -> Any:
    if name == "Results":
        from snnbp.paper.results import Results

        return Results
    raise AttributeError(f"module 'snnbp.paper' has no attribute {name!r}")
