"""Which notebooks are finished: what a run depended on and what it made, noted when it has ended."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snnbp.files import atomic_open
from snnbp.paper.records import ROOT, file_digest, library_digest, source_digest


def key(source: Path, parameters: Mapping[str, Any], earlier: Sequence[Path]) -> str:
    """SHA-256 of all that a run depends on: the notebook's cells, its changed parameters, the library, the
    locked packages, and the records of the notebooks `earlier` than it, whose results it may read."""
    records = {path.name: file_digest(path) for path in earlier if path.exists()}
    lock = file_digest(ROOT / "requirements.lock")
    parts = [source_digest(source), dict(parameters), library_digest(), lock, records]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def write(path: Path, key: str, executed: Path, record: Path) -> None:
    """Note that a run has ended, with the digests of the executed notebook and of the files on record."""
    files = [executed]
    if record.exists():
        listed = json.loads(record.read_text())["files"]
        files += [record, *(record.parent / name for name in listed)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(path, "w") as file:
        made = {os.path.relpath(made, path.parent): file_digest(made) for made in files}
        json.dump({"key": key, "files": made}, file, indent=1)


def is_current(path: Path, key: str) -> bool:
    """True if the run noted at `path` had this key and everything that it made is still there, unchanged."""
    if not path.exists():
        return False
    stamp = json.loads(path.read_text())
    made = ((path.parent / name, digest) for name, digest in stamp["files"].items())
    return stamp["key"] == key and all(f.exists() and file_digest(f) == digest for f, digest in made)
