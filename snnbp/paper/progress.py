"""Runs in a notebook's kernel before its cells: progress bars report to the pipeline instead of the notebook.

A progress bar is not a result and must not change the outputs. Warnings and all else on stderr are kept.
"""

import io
import os
from pathlib import Path
from typing import Any

import tqdm
import tqdm.auto


class Bar(tqdm.std.tqdm):  # type: ignore[misc]
    """Writes its state to the file that the environment variable SNNBP_PROGRESS names."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "file": io.StringIO()})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write the state; tqdm calls this whenever the bar would be redrawn."""
        Path(os.environ["SNNBP_PROGRESS"]).write_text(
            f"{self.n:.0f}/{self.total} {self.unit}", encoding="utf-8"
        )


tqdm.tqdm = tqdm.auto.tqdm = Bar
