"""The results of a notebook: figures, tables, runs, and the record of what made them."""

import base64
import functools
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp.files import atomic_open
from snnbp.paper import BENCHMARKS, FIGURES, ROOT, claims, lock, repeat, settings
from snnbp.paper.records import FOLDER, file_digest, files_of, write_record
from snnbp.training.shift import digest_of
from snnbp.training.sweep import sweep, usable
from snnbp.training.table import HISTORIES, RUNS, read_runs, write_csv, write_runs

if TYPE_CHECKING:
    import pandas as pd

    from snnbp.circuit.weights import Weights
    from snnbp.plots.style import StyledFigure
    from snnbp.training.config import Config
    from snnbp.training.data import Dataset
    from snnbp.training.run import Run

DATA = "data"
"""The folder of tables, runs and weights, beside the figures."""
VERDICT = f"{FOLDER}/verdict.json"
LEDGER = "ledger of "
"""Prefix in `reads` of a record: not a file, but the verdicts on the claims that a notebook answers."""


class Shown:
    """A PNG that a front end displays, with a text as replacement."""

    def __init__(self, png: bytes, text: str) -> None:
        self.png, self.text = base64.b64encode(png).decode(), text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.text}, {"image/png": {"alt": self.text}}

    def __repr__(self) -> str:
        return self.text


class Results:
    """Saves the results of one notebook in one folder, with a record. Files are written whole or not at all.

    Parameters
    ----------
    notebook : str
        Its name, as in settings.toml.
    variables : mapping
        Holds the notebook's parameters (and may hold more): `globals()`.
    data : Dataset, optional
        What the results were computed from.

    Notes
    -----
    `profile` is "paper" if the parameters are the paper's and the data is verified (or none is needed), else
    the profile declared with these parameters, or "custom". `folder` is what the environment variable
    SNNBP_OUTPUT says, as the pipeline sets it; else build/<profile>/.
    """

    def __init__(self, notebook: str, variables: Mapping[str, Any], data: "Dataset | None" = None) -> None:
        here = Path.cwd().parent
        if (here / "snnbp" / "paper").exists() and here != ROOT:
            raise ValueError(
                f"this notebook is in {here}, but snnbp comes from {ROOT}: run ./reproduce.sh setup"
            )
        self.notebook, self.declared, self.data = notebook, settings.notebooks()[notebook], data
        self.parameters = {name: variables[name] for name in self.declared.parameters}
        self.profile = next(
            (name for name in settings.PROFILES if self.declared.settings(name) == self.parameters), "custom"
        )
        if self.profile == "paper" and data and not data.verified:
            self.profile = "custom"
        self.folder = settings.folder(self.profile)
        self._files: set[str] = set()
        self._reads: dict[str, str] = {}
        self._results: dict[str, Any] | None = None
        self._runs: dict[Any, Run] = {}
        (self.folder / DATA).mkdir(parents=True, exist_ok=True)

    def figure(self, name: str, figure: "StyledFigure", alt: str = "") -> Shown:
        """Save a figure as <name>.svg and .png; return what displays exactly the saved PNG.

        `alt` is the alternative text, in place of the figure's own.
        """
        from snnbp.plots.style import to_png, to_svg

        if alt:
            figure.set_label(alt)
        png = to_png(figure)
        self._write(f"{name}.svg", to_svg(figure, name))
        self._write(f"{name}.png", png)
        return Shown(png, figure.alt)

    def table(self, name: str, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Save a table as data/<name>.csv and return it. An index is saved if it has a name."""
        write_csv(self.folder / DATA / f"{name}.csv", frame)
        self._note(f"{DATA}/{name}.csv")
        return frame

    def text(self, name: str, text: str) -> None:
        """Save text; `name` includes the suffix."""
        self._write(name, text.encode())

    def weights(self, name: str, weights: "Weights") -> None:
        """Save weights as data/<name>.npz."""
        weights.save(self.folder / DATA / f"{name}.npz")
        self._note(f"{DATA}/{name}.npz")

    def sweep(
        self, configs: "Sequence[Config]", data: "Dataset", backend: str = "fused", weights: bool = False
    ) -> "list[Run]":
        """Train as `snnbp.sweep`, or read stored runs; all of them go into data/<notebook>_runs.csv.

        One stored run of each kind is drawn by lot, and an epoch of it is repeated. If one differs, none is
        read. None is read either with SNNBP_FRESH, which `./reproduce.sh --fresh` sets, or if the runs must
        have their `weights`: stored ones have none.
        """
        known: list[Run] = []
        fresh = bool(os.environ.get("SNNBP_FRESH"))
        if not (weights or fresh):
            stored = _stored(self.folder, FIGURES)
            keys = [(config, backend, digest_of(data, config.shift)) for config in configs]
            known = [stored[key] for key in keys if key in stored]
        tried = repeat.one_of_each_kind(known, lock.package_digest())
        different = list(filter(None, (repeat.difference(run, data) for run in tried)))
        if different:
            known = []
        base = ROOT / "build" if self.folder.is_relative_to(ROOT) else self.folder
        store = base / ("fresh" if fresh else "runs") / lock.package_digest()[:12]
        runs = sweep(configs, data, backend, store=None if weights else store, known=known)
        self._runs |= {(run.config, run.backend, run.data): run.without_weights() for run in runs}
        if "SNNBP_PROGRESS" in os.environ:  # the pipeline runs this notebook
            counts = {"trained": len(runs) - len(known), "read": len(known), "repeated": len(tried)}
            trainings(self.notebook).parent.mkdir(parents=True, exist_ok=True)
            with open(trainings(self.notebook), "a", encoding="utf-8") as file:
                print(json.dumps([counts, different]), file=file)
        return runs

    def sweep_groups(
        self, groups: "Mapping[Any, Sequence[Config]]", data: "Dataset", backend: str = "fused"
    ) -> "dict[Any, list[Run]]":
        """Train or read all groups in one `sweep`; return the runs of each."""
        configs = [config for group in groups.values() for config in group]
        runs = dict(zip(configs, self.sweep(configs, data, backend), strict=True))
        return {name: [runs[config] for config in group] for name, group in groups.items()}

    def read(self, name: str) -> Path:
        """Find a file that one of this notebook's `reads` made, by its name without the folder.

        FileNotFoundError if there is none; ValueError if it was changed since.
        """
        for source in self.declared.reads:
            for folder in (self.folder, FIGURES, BENCHMARKS):
                for file, digest in files_of(folder / FOLDER / f"{source}.json").items():
                    if Path(file).name == name:
                        if file_digest(folder / file) != digest:
                            raise ValueError(f"{name} was changed after {source} made it: make it again")
                        self._reads[name] = digest
                        self._note()
                        return folder / file
        raise FileNotFoundError(
            f"{name}: run what makes it first; the `reads` of {self.notebook} are {self.declared.reads}"
        )

    def results(self, **results: Any) -> None:
        """Save the numbers by which claims are judged, with the record of this notebook, as <notebook>.json.

        Each is a number, a list of numbers (one a seed), or {"values": [...], "collapsed": [...]}.
        """
        plain = json.loads(json.dumps(results, default=lambda value: value.tolist()))  # NumPy and pandas, too
        lists = {name: value if isinstance(value, dict | list) else [value] for name, value in plain.items()}
        self._results = {
            name: value if isinstance(value, dict) else {"values": value} for name, value in lists.items()
        }
        self._note()

    def ledger(self) -> list[claims.Verdict]:
        """Judge the claims that the results of this notebook, and those that it reads, answer."""
        answered = claims.sources()
        if self.declared.reads != "all":
            answered &= {self.notebook, *self.declared.reads}
        self._reads |= {LEDGER + source: claims.digest(self.folder, source) for source in answered}
        self._note()
        return claims.ledger(self.folder, None if self.declared.reads == "all" else sorted(answered))

    def verdict(self, verdicts: Sequence[claims.Verdict]) -> None:
        """Save the ledger as records/verdict.json and verdict.md."""
        from snnbp.paper.verdict import markdown

        if self._results is None:
            self.results()
        self.text(VERDICT, claims.as_json(verdicts))
        self.text("verdict.md", markdown(verdicts))

    def _write(self, name: str, content: bytes) -> None:
        with atomic_open(self.folder / name) as file:
            file.write(content)
        self._note(name)

    def _note(self, *names: str) -> None:
        """Add files to the record, which is written once `results` was called."""
        self._files.update(names)
        if self._results is None:
            return
        if self._runs:
            write_runs(self.folder / DATA / f"{self.notebook}_{RUNS}", [*self._runs.values()])
            self._files |= {f"{DATA}/{self.notebook}_{name}" for name in (RUNS, HISTORIES)}
        write_record(
            self.folder / FOLDER / f"{self.notebook}.json",
            f"notebooks/{self.notebook}.ipynb",
            self.data,
            sorted(self._files),
            profile=self.profile,
            parameters=self.parameters,
            reads=dict(sorted(self._reads.items())),
            results=self._results,
        )


def trainings(notebook: str) -> Path:
    """Where each sweep of a notebook counts what it trained and what it read, in a line."""
    return ROOT / "build" / "trainings" / f"{notebook}.jsonl"


def trained(notebook: str) -> tuple[Counter[str], list[str]]:
    """What a notebook trained, read and repeated when it last ran, and the differences that it found."""
    path = trainings(notebook)
    sweeps = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(sweep) for sweep in sweeps]
    counts = sum((Counter(counts) for counts, _ in found), Counter[str]())
    return counts, [text for _, different in found for text in different]


@functools.cache
def _stored(*folders: Path) -> "dict[Any, Run]":
    """The runs in all intact tables of these folders, by configuration, backend and data."""
    found: dict[Any, Run] = {}
    for folder in folders:
        for path in sorted((folder / DATA).glob(f"*_{RUNS}")):
            with suppress(OSError, ValueError):  # --check names a damaged table; its runs are trained again
                for run in read_runs(path):
                    if usable(run):
                        found.setdefault((run.config, run.backend, run.data), run)
    return found
