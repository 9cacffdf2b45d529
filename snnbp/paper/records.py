"""Records: which files a notebook or a benchmark made, from what, and whether they are still the same.

A record names no file of the library. Whether today's code computes the same is tried, see `check`.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp.files import atomic_open
from snnbp.paper import ROOT, lock
from snnbp.training.table import unpacked

if TYPE_CHECKING:
    from snnbp.training.data import Dataset

FOLDER = "records"
"""The folder of records, in the folder of the files that they are about."""


class Damaged(ValueError):
    """A file that is not an intact record or notebook. The message names it."""


def write_record(path: Path, source: str, data: "Dataset | None", files: Sequence[str], **about: Any) -> None:
    """Write a record, <folder>/records/<name>.json, of what made `files`.

    Parameters
    ----------
    path : Path
        The record.
    source : str
        The notebook or script: a path in the checkout.
    data : Dataset or None
        None where the files needed none.
    files : sequence of str
        Paths relative to <folder>.
    **about
        `profile` ("paper" at the paper's settings), `parameters`, `results`, and `reads`, the digests of what
        was read besides. The record has no commit and no time, so equal results give equal bytes; its `seal`
        is the digest of all else.
    """
    folder = path.parent.parent
    record: dict[str, Any] = {
        "source": {"path": source, "sha256": source_digest(ROOT / source)},
        "data": data and {"source": data.source, "digest": data.digest, "verified": data.verified},
        **about,
        "files": {file: file_digest(folder / file) for file in sorted(files)},
        "python": lock.PYTHON,
        "packages": lock.versions(sys.modules),
    }
    _write(path, record)


def add_executed(path: Path, executed: Path) -> None:
    """Add the digest of the executed notebook to a record."""
    _write(path, read_record(path) | {"executed": executed_digest(executed)})


def _write(path: Path, record: dict[str, Any]) -> None:
    record.pop("seal", None)
    record["seal"] = _seal(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(path, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def read_record(path: Path) -> dict[str, Any]:
    """Read a record; FileNotFoundError if there is none, `Damaged` if the file is none, or was edited."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        intact = record["seal"] == _seal({key: record[key] for key in record if key != "seal"})
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(f"{path.name} is not a record, or is damaged") from error
    if not intact:
        raise Damaged(f"{path.name} was edited by hand")
    return dict(record)


def field(path: Path, name: str) -> Any:
    """A field of a record; None if there is no intact one."""
    with suppress(FileNotFoundError, Damaged):
        return read_record(path)[name]


def files_of(path: Path) -> dict[str, str]:
    """The files of a record with their digests; none if there is no intact record."""
    return dict(field(path, "files") or {})


def complaints(
    path: Path, parameters: Mapping[str, Any] | None = None, executed: Path | None = None
) -> Iterator[str]:
    """Yield in what a record's files and inputs differ from it.

    A notebook also has parameters, and an executed copy; scripts have none. What they measured, they measured
    with the versions that their record names.
    """
    try:
        record = read_record(path)
    except (FileNotFoundError, Damaged) as error:
        yield str(error) if isinstance(error, Damaged) else f"{path.name} is missing"
        return
    folder = path.parent.parent
    source = record["source"]
    if not (ROOT / source["path"]).exists() or source_digest(ROOT / source["path"]) != source["sha256"]:
        yield f"{source['path']} has changed"
    if parameters is not None:
        if record["parameters"] != parameters:
            yield "it was made with other parameters"
        if record.get("python") != lock.wanted_python():
            yield f"Python {record.get('python')} made it, .python-version has another"
        for package in lock.not_locked(record["packages"]):
            yield f"{package} made it, requirements.lock has another version"
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


def source_digest(path: Path) -> str:
    """SHA-256 of a script, or of a notebook's cell sources without outputs."""
    return _cells_digest(path, ()) if path.suffix == ".ipynb" else file_digest(path)


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


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content; of a .gz file, of what is packed in it."""
    try:
        return hashlib.sha256(unpacked(path)).hexdigest()
    except ValueError as error:
        return str(error)
