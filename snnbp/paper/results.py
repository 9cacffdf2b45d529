"""The results of a notebook: at the paper's settings in figures/, all others in build/<profile>/."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp.files import atomic_folder, atomic_open
from snnbp.paper import ROOT, settings
from snnbp.paper.records import (
    LEDGER,
    Damaged,
    content_digest,
    file_digest,
    library_digest,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    import pandas as pd

    from snnbp.circuit.weights import Weights
    from snnbp.paper.claims import Verdict
    from snnbp.plots.style import StyledFigure
    from snnbp.training.data import Dataset
    from snnbp.training.run import Run


class Shown:
    """Content that a front end displays, with a text as replacement."""

    def __init__(self, kind: str, content: str, text: str) -> None:
        """`content` of a MIME type `kind`; images in base64."""
        self.kind, self.content, self.text = kind, content, text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        metadata = {self.kind: {"alt": self.text}} if self.kind.startswith("image/") else {}
        return {self.kind: self.content, "text/plain": self.text}, metadata

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

    Attributes
    ----------
    profile : str
        "paper" if the parameters are the paper's and the data is verified (or none is needed), the profile
        declared with these parameters, or "custom".
    folder : Path
        figures/ for "paper" in the locked environment, else build/<profile>/. The environment variable
        SNNBP_OUTPUT overrides it.

    Raises
    ------
    ValueError
        If the notebook is not declared, lacks a parameter, or is in another checkout than this package.
    """

    def __init__(self, notebook: str, variables: Mapping[str, Any], data: "Dataset | None" = None) -> None:
        here = Path.cwd().parent
        if (here / "snnbp" / "paper").exists() and here != ROOT:
            raise ValueError(
                f"this notebook is in {here}, but snnbp comes from {ROOT}: run ./reproduce.sh setup"
            )
        if notebook not in settings.notebooks():
            raise ValueError(f"{notebook} is not declared in snnbp/paper/settings.toml")
        self.notebook = notebook
        self.declared = settings.notebooks()[notebook]
        self.data = data
        if lacking := [name for name in self.declared.parameters if name not in variables]:
            raise ValueError(f"{notebook} has no parameters {', '.join(lacking)}, see settings.toml")
        self.parameters = {name: variables[name] for name in self.declared.parameters}
        self.profile = next(
            (name for name in settings.PROFILES if self.declared.settings(name) == self.parameters), "custom"
        )
        if self.profile == "paper" and data and not data.verified:
            self.profile = "custom"
        self.folder = settings.folder(self.profile)
        self._files: set[str] = set()
        self._reads: dict[str, str | None] = {}
        self._results: dict[str, Any] | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(error.errno, f"cannot create {self.folder}: {error.strerror}") from error

    def figure(self, name: str, figure: "StyledFigure", alt: str = "") -> Shown:
        """Save a figure as SVG and PNG.

        Parameters
        ----------
        name : str
            File name without suffix.
        figure : StyledFigure
            A figure that a function of `snnbp.plots` made.
        alt : str, optional
            Alternative text, in place of the figure's own.

        Returns
        -------
        Shown
            Displays exactly the saved PNG.
        """
        from snnbp.plots.style import to_png, to_svg

        if alt:
            figure.set_label(alt)
        png = to_png(figure)
        for suffix, content in ((".svg", to_svg(figure, name)), (".png", png)):
            with self._open(name + suffix) as file:
                file.write(content)
        return Shown("image/png", base64.b64encode(png).decode(), figure.alt)

    def table(self, name: str, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Save a table as CSV and return it. The index is saved only if it is more than row numbers."""
        import pandas as pd

        with self._open(name + ".csv", "w") as file:
            frame.to_csv(file, index=not isinstance(frame.index, pd.RangeIndex), lineterminator="\n")
        return frame

    def text(self, name: str, text: str) -> None:
        """Save text; `name` includes the suffix."""
        with self._open(name, "w") as file:
            file.write(text)

    def weights(self, name: str, weights: "Weights") -> None:
        """Save weights as <name>.npz."""
        weights.save(self.folder / f"{name}.npz")
        self._note(f"{name}.npz")

    def store(self, name: str) -> Path:
        """Return the folder for `sweep(store=...)`.

        It is in build/. Its name changes with the code of circuit, backends or training.
        """
        base = ROOT / "build" if self.folder.is_relative_to(ROOT) else self.folder
        digest = library_digest("circuit", "backends", "training")[:12]
        return base / "runs" / self.notebook / digest / name

    def runs(self, name: str, runs: Sequence["Run"]) -> None:
        """Save runs without weights, one file each, in the folder <name>: a store that `sweep` reads."""
        from snnbp.training.sweep import run_file

        with atomic_folder(self.folder / name) as new:
            for run in runs:
                run.save(run_file(new, run.config, run.backend, run.data), weights=False)
        self._note(*(f"{name}/{path.name}" for path in sorted((self.folder / name).iterdir())))

    def read(self, name: str) -> Path:
        """Find a file that another notebook made.

        Raises
        ------
        ValueError
            If `reads` in settings.toml does not list its maker, or the file was changed since.
        FileNotFoundError
            If it does not exist yet.
        """
        for folder in (self.folder, ROOT / "figures"):
            for maker in self._sources(folder):
                files = _files_of(folder / f"{maker}.json")
                if name not in files or (folder != self.folder and not self._may_borrow(maker)):
                    continue
                if file_digest(folder / name) != files[name]:
                    raise ValueError(f"{name} was changed after {maker} made it: run {maker} again")
                self._reads[name if folder == self.folder else f"figures/{name}"] = files[name]
                self._note()
                return folder / name
        makers = [path.stem for path in sorted(self.folder.glob("*.json")) if name in _files_of(path)]
        if makers:
            raise ValueError(
                f"{name} is made by {makers[0]}: add it to the `reads` of {self.notebook} in settings.toml"
            )
        sources = ", ".join(self._sources(self.folder)) or "none declared"
        raise FileNotFoundError(f"{name} is not in {self.folder}: run its notebook first ({sources})")

    def _sources(self, folder: Path) -> list[str]:
        """The records that this notebook may read."""
        if self.declared.reads == "all":
            return sorted(path.stem for path in folder.glob("*.json") if path.stem != self.notebook)
        return self.declared.reads

    def _may_borrow(self, maker: str) -> bool:
        """Whether to read from figures/: scripts write only there, and custom runs may use its results."""
        return maker not in settings.notebooks() or self.profile == "custom"

    def results(self, **results: Any) -> None:
        """Save the numbers by which claims are judged, with the record of this notebook, as <notebook>.json.

        Parameters
        ----------
        **results
            By name, a number, a list of numbers (one a seed), or {"values": [...], "collapsed": [...]}.
        """
        plain = json.loads(json.dumps(results, default=lambda value: value.tolist()))  # NumPy and pandas, too
        self._results = {
            name: value
            if isinstance(value, dict)
            else {"values": value if isinstance(value, list) else [value]}
            for name, value in plain.items()
        }
        self._note()

    def ledger(self) -> "list[Verdict]":
        """Judge the claims that the results of this notebook, and those that it reads, answer."""
        from snnbp.paper.claims import claims, ledger, own_claims

        sources = {claim.source_of_result for claim in (*claims(), *own_claims()) if claim.result}
        if self.declared.reads != "all":
            sources &= {self.notebook, *self.declared.reads}
        for source in sources:
            self._reads[LEDGER + source] = content_digest(self.folder, LEDGER + source)
        self._note()
        return ledger(self.folder, None if self.declared.reads == "all" else sorted(sources))

    def verdict(self, verdicts: "Sequence[Verdict]") -> Shown:
        """Save the ledger as verdict.json and verdict.md, with a record; return the latter for display."""
        from snnbp.paper.claims import as_json
        from snnbp.paper.verdict import counts, markdown

        if self._results is None:
            self.results()
        self.text("verdict.json", as_json(verdicts))
        self.text("verdict.md", markdown(verdicts))
        return Shown("text/markdown", markdown(verdicts, "../figures/"), counts(verdicts))

    @contextmanager
    def _open(self, name: str, mode: str = "wb") -> Iterator[Any]:
        with atomic_open(self.folder / name, mode) as file:
            yield file
        self._note(name)

    def _note(self, *names: str) -> None:
        """Add files to the record, which is written once `results` was called."""
        self._files.update(names)
        if self._results is not None:
            write_record(
                self.folder / f"{self.notebook}.json",
                f"notebooks/{self.notebook}.ipynb",
                self.data,
                sorted(self._files),
                profile=self.profile,
                parameters=self.parameters,
                reads=dict(sorted(self._reads.items())),
                results=self._results,
            )


def _files_of(path: Path) -> dict[str, str]:
    try:
        return dict(read_record(path)["files"])
    except (FileNotFoundError, Damaged):
        return {}
