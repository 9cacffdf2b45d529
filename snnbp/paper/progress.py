"""Runs in a notebook's kernel before its cells: progress bars report to the pipeline instead of the notebook.

They are no result, so they are no output; warnings and everything else on stderr stay where they are.
"""

import io
import os
from pathlib import Path
from typing import Any

import tqdm
import tqdm.auto


class Bar(tqdm.std.tqdm):  # type: ignore[misc]
    """Writes where it stands to the file that the environment variable SNNBP_PROGRESS names."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "file": io.StringIO()})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Called as often as a bar would be drawn."""
        Path(os.environ["SNNBP_PROGRESS"]).write_text(
            f"{self.n:.0f}/{self.total} {self.unit}", encoding="utf-8"
        )


tqdm.tqdm = tqdm.auto.tqdm = Bar
