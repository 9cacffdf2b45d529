"""Where results go, and what made them: evidence in figures/, everything else in build/<profile>/."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from snnbp.files import atomic_open

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnbp.datasets import Dataset
    from snnbp.weights import Weights

ROOT = Path(__file__).resolve().parents[1]


def _profiles() -> dict[str, dict[str, dict[str, Any]]]:
    declared = tomllib.loads((Path(__file__).parent / "profiles.toml").read_text())
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

    def weights(self, name: str, weights: "Weights") -> None:
        """Save as .npz and note the digest."""
        weights.save(self.folder / f"{name}.npz")
        self.digests[name] = weights.digest

    def results(self, **results: Any) -> None:
        """Save what claims are judged by, with the run's record, as <notebook>.json."""
        data = self.data and {key: getattr(self.data, key) for key in ("source", "digest", "verified")}
        record = {
            "notebook": self.notebook,
            "profile": self.profile,
            "parameters": self.parameters,
            "data": data,
            "weights": self.digests,
            "results": results,
        }
        with self._open(self.notebook + ".json", "w") as file:
            json.dump(record, file, indent=1)
            file.write("\n")

    def _open(self, name: str, mode: str = "wb") -> Any:
        return atomic_open(self.folder / name, mode)
