"""The declarations of all notebooks in settings.toml, and the order in which they run."""

import ast
import functools
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from snnbp.paper import FIGURES, NOTEBOOKS, ROOT, lock
from snnbp.training.config import one_line

PROFILES = ("paper", "quick", "digits")
"""Names of the declared sets of parameters; a run with other parameters is "custom"."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; ValueError that names it if it cannot be parsed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None


class Notebook(BaseModel):
    """One table of settings.toml, which explains its fields, and the parameters in the notebook's cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Literal["paper", "beyond"] = "paper"
    reads: list[str] | Literal["all"] = []
    needs: list[Literal["lava"]] = []
    loads: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {}
    quick: dict[str, Any] = {}
    digits: dict[str, Any] = {}

    def settings(self, profile: str) -> dict[str, Any]:
        """All parameters under a profile."""
        return self.parameters | (self.model_dump()[profile] if profile in PROFILES[1:] else {})


@functools.cache
def notebooks(folder: Path | None = None) -> dict[str, Notebook]:
    """Read all notebooks, by name, each after those that it reads; ValueError for a bad table or a circle.

    `folder` is where settings.toml and the notebooks are, if not in this package and notebooks/.
    """
    path = (folder or Path(__file__).parent) / "settings.toml"
    found: dict[str, Notebook] = {}
    for name, table in read_toml(path).items():
        if "parameters" in table:
            raise ValueError(f"{path.name}, [{name}.parameters]: they stand in the notebook's own cell")
        parameters = parameters_of((folder or NOTEBOOKS) / f"{name}.ipynb")
        try:
            found[name] = Notebook.model_validate(table | {"parameters": parameters})
        except ValidationError as error:
            raise ValueError(f"{path.name}, [{name}]: {one_line(error)}") from None
        for profile in PROFILES[1:]:
            if unknown := found[name].settings(profile).keys() - parameters.keys():
                raise ValueError(f"{path.name}, [{name}.{profile}]: unknown parameters {sorted(unknown)}")
    ordered: dict[str, Notebook] = {}
    while left := sorted(found.keys() - ordered.keys()):
        ready = [name for name in left if not (before(name, found) & set(left))]
        if not ready:
            raise ValueError(f"{path.name}: {', '.join(left)} read one another in a circle")
        ordered[ready[0]] = found[ready[0]]
    return ordered


def parameters_of(path: Path) -> dict[str, Any]:
    """The assignments in the cell tagged `parameters`; ValueError if they are not of plain values."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
        lines = ast.parse("".join(tagged[0]["source"])).body if tagged else []
        return {line.targets[0].id: ast.literal_eval(line.value) for line in lines}  # type: ignore[attr-defined]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        raise ValueError(f"{path.name}: no parameters can be read: {error}") from None


def before(name: str, declared: Mapping[str, Notebook]) -> set[str]:
    """Names of the notebooks that must run before this one."""
    reads = declared[name].reads
    if reads == "all":
        return {other for other, notebook in declared.items() if notebook.reads != "all"}
    return set(reads) & declared.keys()


def resolve(beginning: str) -> str:
    """The notebook whose name begins with `beginning`; ValueError if there is none, or more than one."""
    names = list(notebooks())
    found = [name for name in names if name.startswith(beginning)]
    if len(found) != 1:
        raise ValueError(f"--only {beginning}: choose one of {', '.join(found or names)}")
    return found[0]


def check_overrides(names: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """ValueError for a parameter that none of the notebooks has, or a value of another type than theirs."""
    paper = {key: value for name in names for key, value in notebooks()[name].parameters.items()}
    for key, value in overrides.items():
        if key not in paper:
            takes = f"takes {', '.join(sorted(paper))}" if paper else "takes none"
            raise ValueError(f"unknown parameter {key!r}: {'/'.join(names)} {takes}")
        if not _fits(value, paper[key]):
            raise ValueError(f"-p {key}: expected a value such as {json.dumps(paper[key])}, got {value!r}")


def _fits(value: Any, example: Any) -> bool:
    if isinstance(example, list):
        return isinstance(value, list) and bool(value) and all(_fits(item, example[0]) for item in value)
    return type(value) is type(example) or (isinstance(example, float) and type(value) is int)


def folder(profile: str) -> Path:
    """Folder for the results of a profile: what the pipeline says (SNNBP_OUTPUT), else in build/.

    So a session in JupyterLab never writes a tracked file.
    """
    given = os.environ.get("SNNBP_OUTPUT")
    return Path(given) if given else ROOT / "build" / profile


def published(profile: str) -> Path:
    """Where the pipeline lets a profile write: figures/ only for "paper" in the locked environment."""
    return FIGURES if profile == "paper" and lock.is_locked() else ROOT / "build" / profile
