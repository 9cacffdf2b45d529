"""Provenance records of result files, and the check whether they are stale."""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp.files import atomic_open
from snnbp.paper import ROOT

if TYPE_CHECKING:
    from snnbp.training.data import Dataset

PACKAGES = {
    "lava-nc": "lava",
    "llvmlite": "llvmlite",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "numpy": "numpy",
    "pandas": "pandas",
    "pillow": "PIL",
}
"""Packages that may change a result or a picture, and their import names. Records list their versions."""

LEDGER = "ledger of "
"""Prefix in `reads` of a record: not a file, but the verdicts on the claims that a notebook answers."""

_PLUMBING = {"snnbp.paper.records", "snnbp.paper.settings"}


class Damaged(ValueError):
    """A file that is not an intact record or notebook. The message names it."""


def write_record(path: Path, source: str, data: "Dataset | None", files: Sequence[str], **about: Any) -> None:
    """Write a record of what made `files`.

    Parameters
    ----------
    path : Path
        The record (JSON) to write.
    source : str
        The notebook or script: a path in the checkout.
    data : Dataset or None
        None where the files needed none.
    files : sequence of str
        Paths relative to the record's folder.
    **about
        `profile` ("paper" at the paper's settings), `parameters`, `results`, and for notebooks `reads`, the
        digests of what they read from other notebooks.

    Notes
    -----
    The record lists the library modules in use by the digest of their code (see `code_digest`) instead of a
    commit: results depend on the code, which is the same before and after a commit. `seal` is the digest of
    all other fields. `executed`, the digest of the executed notebook, is added when it is completed.
    """
    modules = [
        module for key, module in sys.modules.items() if key.startswith("snnbp.") and key not in _PLUMBING
    ]
    used = {Path(str(module.__file__)).relative_to(ROOT) for module in modules}
    used |= {file.with_suffix(suffix) for file in used for suffix in (".toml", ".csv")}
    record: dict[str, Any] = {
        "source": {"path": source, "sha256": source_digest(ROOT / source)},
        "data": data and {"source": data.source, "digest": data.digest, "verified": data.verified},
        **about,
        "files": {file: file_digest(path.parent / file) for file in sorted(files)},
        "library": {
            file.as_posix(): code_digest(ROOT / file) for file in sorted(used) if (ROOT / file).exists()
        },
        "python": "{}.{}".format(*sys.version_info),
        "packages": _versions(sys.modules),
    }
    _write(path, record)


def add_executed(path: Path, executed: Path) -> str:
    """Add the digest of the executed notebook to a record; return the new seal."""
    return _write(path, read_record(path) | {"executed": executed_digest(executed)})


def _write(path: Path, record: dict[str, Any]) -> str:
    record.pop("seal", None)
    record["seal"] = _seal(record)
    with atomic_open(path, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    return str(record["seal"])


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    FileNotFoundError
        If there is none.
    Damaged
        If the file is not a record, or was edited.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        intact = record["seal"] == _seal({key: record[key] for key in record if key != "seal"})
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(f"{path.name} is not a record, or is damaged") from error
    if not intact:
        raise Damaged(f"{path.name} was edited by hand")
    return dict(record)


def stale(path: Path, parameters: Mapping[str, Any] | None = None, executed: Path | None = None) -> list[str]:
    """List why the files of a record are stale, or were changed since.

    Parameters
    ----------
    path : Path
        The record.
    parameters : mapping, optional
        Those that its notebook is to have.
    executed : Path, optional
        The executed notebook; scripts have none.

    Returns
    -------
    list of str
        Empty if everything is up to date.
    """
    try:
        record = read_record(path)
    except FileNotFoundError:
        return [f"{path.name} is missing"]
    except Damaged as error:
        return [str(error)]
    return list(_reasons(path.parent, record, parameters, executed))


def _reasons(
    folder: Path, record: Mapping[str, Any], parameters: Mapping[str, Any] | None, executed: Path | None
) -> Iterator[str]:
    source = record["source"]
    if not (ROOT / source["path"]).exists() or source_digest(ROOT / source["path"]) != source["sha256"]:
        yield f"{source['path']} has changed"
    if parameters is not None and record["parameters"] != parameters:
        yield "it was made with other parameters"
    for file, digest in record["library"].items():
        if not (ROOT / file).exists() or code_digest(ROOT / file) != digest:
            yield f"{file} has changed"
    for package, version in record["packages"].items():
        if f"{package}=={version} " not in _lock():
            yield f"{package} {version} made it, requirements.lock has another version"
    for name, digest in record.get("reads", {}).items():
        if content_digest(folder, name) != digest:
            yield f"{name}, which it reads, has changed"
    for file, digest in record["files"].items():
        if not (folder / file).exists():
            yield f"{file} is missing"
        elif file_digest(folder / file) != digest:
            yield f"{file} was changed after it was made"
    if executed is not None:
        if "executed" not in record:
            yield f"{source['path']} was not completed by ./reproduce.sh"
        elif not executed.exists() or executed_digest(executed) != record["executed"]:
            yield f"{executed.name} has other outputs than that run"


def content_digest(folder: Path, name: str) -> str | None:
    """Digest of what a notebook reads: a file, or (`LEDGER`) verdicts on claims that another answers."""
    if name.startswith(LEDGER):
        from snnbp.paper.claims import as_json, ledger

        verdicts = as_json(ledger(folder, [name.removeprefix(LEDGER)]))
        return hashlib.sha256(verdicts.encode()).hexdigest()
    path = (ROOT if name.startswith("figures/") else folder) / name
    return file_digest(path) if path.exists() else None


def source_digest(path: Path) -> str:
    """SHA-256 of a script's code, or of a notebook's cell sources without outputs."""
    return _cells_digest(path, ()) if path.suffix == ".ipynb" else code_digest(path)


def executed_digest(path: Path) -> str:
    """SHA-256 of a notebook's cell sources, execution counts and outputs, not of its metadata."""
    return _cells_digest(path, ("execution_count", "outputs"))


def _cells_digest(path: Path, fields: Sequence[str]) -> str:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        content = [
            [cell["cell_type"], "".join(cell["source"]), *(cell.get(field) for field in fields)]
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} is not a notebook, or is damaged") from error
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@functools.cache
def _parsed_digest(text: str) -> str:
    return hashlib.sha256(repr(_plain(ast.parse(text))).encode()).hexdigest()


def code_digest(path: Path) -> str:
    """SHA-256 of a module's code without docstrings, comments and layout, the same on Python 3.10 to 3.13.

    For any other file, SHA-256 of its bytes.
    """
    return _parsed_digest(path.read_text(encoding="utf-8")) if path.suffix == ".py" else file_digest(path)


def _plain(node: Any) -> Any:
    """A syntax tree as nested lists without empty fields, the only ones in which Python versions differ."""
    if isinstance(node, ast.JoinedStr):  # 3.12 inserts empty texts between the parts
        parts = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
        return ["JoinedStr", *map(_plain, parts)]
    if isinstance(node, ast.AST):
        fields = ((name, _plain(value)) for name, value in ast.iter_fields(node) if name != "ctx")
        return [type(node).__name__, *(field for field in fields if field[1] not in (None, []))]
    if isinstance(node, list):
        return [_plain(item) for item in node if not _is_docstring(item)]
    return node if node is None else ascii(node)


def _is_docstring(node: Any) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def library_digest(*folders: str) -> str:
    """SHA-256 of the code of all modules in these folders of the package."""
    files = sorted(file for folder in folders for file in (ROOT / "snnbp" / folder).rglob("*.py"))
    listing = "".join(f"{code_digest(file)} {file.relative_to(ROOT).as_posix()}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_locked() -> bool:
    """Whether this is the Python of .python-version with the locked packages, as required for figures/."""
    wanted = (ROOT / ".python-version").read_text(encoding="utf-8").split(".")[:2]
    lock = _lock()
    installed = _versions(name for name in PACKAGES.values() if importlib.util.find_spec(name))
    return [str(number) for number in sys.version_info[:2]] == [number.strip() for number in wanted] and all(
        f"{package}=={version} " in lock for package, version in installed.items()
    )


def _versions(imported: Any) -> dict[str, str]:
    names = set(imported)
    return {
        package: importlib.metadata.version(package) for package, name in PACKAGES.items() if name in names
    }


def _lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
