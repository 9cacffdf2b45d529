"""Where results go, and what made them: evidence in figures/, everything else in build/<profile>/."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from snnbp.files import atomic_open
from snnbp.paper.records import library_digest, write_record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnbp.training.data import Dataset
    from snnbp.circuit.weights import Weights

ROOT = Path(__file__).resolve().parents[2]


def _profiles() -> dict[str, dict[str, dict[str, Any]]]:
    declared = tomllib.loads((Path(__file__).parent / "settings.toml").read_text())
    return {
        profile: {name: {**paper, **changes.get(name, {})} for name, paper in declared["paper"].items()}
        for profile, changes in declared.items()
    }


PROFILES = _profiles()
"""All parameters of every notebook, by profile ("paper" first) and notebook."""


def profile_folder(profile: str) -> Path:
    """Where a profile's results go."""
    return ROOT / ("figures" if profile == "paper" else f"build/{profile}")


class Evidence:
    """The files that one notebook makes, all in one folder, each written whole or not at all.

    `parameters` may hold other names than the notebook's parameters; they are ignored. The folder is
    figures/ iff the parameters are the paper's and the data is verified (or none is needed), else
    build/<profile>/, where the profile is the one declared with these parameters, or "custom". The
    environment variable SNNBP_OUTPUT puts another folder in its place: tests use it to leave the evidence
    alone.
    """

    def __init__(self, notebook: str, parameters: Mapping[str, Any], data: "Dataset | None" = None) -> None:
        self.notebook = notebook
        self.data = data
        self.parameters = {name: parameters[name] for name in PROFILES["paper"][notebook]}
        matching = [name for name, notebooks in PROFILES.items() if notebooks[notebook] == self.parameters]
        self.profile = matching[0] if matching else "custom"
        if self.profile == "paper" and data and not data.verified:
            self.profile = "custom"
        self.folder = Path(os.environ.get("SNNBP_OUTPUT") or profile_folder(self.profile))
        self.digests: dict[str, str] = {}
        self._files: list[str] = []
        self._results: Mapping[str, Any] | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(error.errno, f"cannot make {self.folder}: {error.strerror}") from error

    def figure(self, name: str, figure: "Figure") -> None:
        """Save as SVG and PNG, the same bytes for the same figure."""
        import matplotlib as mpl

        with mpl.rc_context({"svg.hashsalt": name}):
            for suffix, metadata in ((".svg", {"Date": None}), (".png", {})):
                with self._open(name + suffix) as file:
                    figure.savefig(file, format=suffix[1:], metadata=metadata, dpi=150)

    def table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Save as CSV."""
        with self._open(name + ".csv", "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)

    def text(self, name: str, text: str) -> None:
        """Save as it is; `name` has its suffix."""
        with self._open(name, "w") as file:
            file.write(text)

    def weights(self, name: str, weights: "Weights") -> None:
        """Save as .npz and note the digest."""
        weights.save(self.folder / f"{name}.npz")
        self.digests[name] = weights.digest
        self._note(f"{name}.npz")

    def store(self, name: str) -> Path:
        """The file of finished runs for `sweep(store=...)`: kept in build/ until the library changes."""
        if os.environ.get("SNNBP_OUTPUT"):
            return self.folder / f"{name}.jsonl"
        return ROOT / "build" / "runs" / library_digest()[:12] / f"{name}.jsonl"

    def results(self, **results: Any) -> None:
        """Save what claims are judged by, with the record of this notebook's files, as <notebook>.json."""
        self._results = results
        self._note()

    @contextmanager
    def _open(self, name: str, mode: str = "wb") -> Iterator[Any]:
        with atomic_open(self.folder / name, mode) as file:
            yield file
        self._note(name)

    def _note(self, *names: str) -> None:
        """Put new files on record; the record appears with the results, when the notebook has got there."""
        self._files += [name for name in names if name not in self._files]
        if self._results is not None:
            write_record(
                self.folder / f"{self.notebook}.json",
                f"notebooks/{self.notebook}.ipynb",
                self.data,
                self._files,
                profile=self.profile,
                parameters=self.parameters,
                weights=self.digests,
                results=self._results,
            )
