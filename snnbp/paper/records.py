"""Records: what made a file, in a form that can be derived again and compared."""

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp.files import atomic_open

if TYPE_CHECKING:
    from snnbp.training.data import Dataset

LIBRARY = Path(__file__).resolve().parents[1]
ROOT = LIBRARY.parent
PACKAGES = {
    "lava-nc": "lava",
    "llvmlite": "llvmlite",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "numpy": "numpy",
    "pillow": "PIL",
}
"""Packages that may change a result or a picture, and how they are imported: their versions go on record."""


def write_record(path: Path, source: str, data: "Dataset | None", files: Sequence[str], **about: Any) -> None:
    """Write what made `files`, beside `path`, by the notebook or script `source`, a path in the checkout;
    `data` is None where they needed none.

    The revision is the SHA-256 of each of the library's modules in use, not a commit: it says exactly what
    a result depends on, and is the same before and after a commit. `seal` is the digest of all the rest.
    """
    modules = [module for key, module in sys.modules.items() if key.startswith("snnbp.")]
    used = sorted(Path(str(module.__file__)).relative_to(LIBRARY) for module in modules)
    record: dict[str, Any] = {
        "source": {"path": source, "sha256": source_digest(ROOT / source)},
        "data": data and {"source": data.source, "digest": data.digest, "verified": data.verified},
        **about,
        "files": {file: file_digest(path.parent / file) for file in sorted(files)},
        "library": {
            "version": importlib.metadata.version("snnbp"),
            "revision": {file.as_posix(): file_digest(LIBRARY / file) for file in used},
        },
        "python": "{}.{}".format(*sys.version_info),
        "packages": {
            package: importlib.metadata.version(package)
            for package, module in PACKAGES.items()
            if module in sys.modules
        },
    }
    with atomic_open(path, "w") as file:
        json.dump(record | {"seal": _seal(record)}, file, indent=1)
        file.write("\n")


def check(folder: Path, settings: Mapping[str, Any]) -> list[str]:
    """Derive anew what the records in `folder` say; name what is stale, edited by hand or not on record.

    `settings` are the parameters that notebooks should have been run with, by notebook.
    """
    complaints, known = [], set()
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text())
        except json.JSONDecodeError:
            record = None
        if not (isinstance(record, dict) and "files" in record):
            continue  # no record: some record must list it
        known |= {path.name, *record["files"]}
        seal = record.pop("seal", None)
        if seal != _seal(record):
            complaints.append(f"{path.name} was edited by hand")
        for file, digest in record["files"].items():
            if not (folder / file).exists():
                complaints.append(f"{file} is missing, {path.name} lists it")
            elif file_digest(folder / file) != digest:
                complaints.append(f"{file} was edited by hand: it is not what {path.name} tells of")
        complaints += _weights_complaints(folder, record["weights"])
        reasons = list(_changes(record))
        if record["parameters"] != settings.get(path.stem, record["parameters"]):
            reasons.append("other settings made them")
        complaints += [f"{path.name} and its files are stale: {reason}" for reason in reasons]
    unknown = {path.name for path in folder.iterdir()} - known
    return complaints + [f"{name} has no record of what made it" for name in sorted(unknown)]


def _weights_complaints(folder: Path, digests: Mapping[str, str]) -> Iterator[str]:
    from snnbp.circuit.weights import Weights

    for name, digest in digests.items():
        try:
            if Weights.load(folder / f"{name}.npz").digest != digest:
                yield f"{name}.npz holds other weights than its record says"
        except (OSError, ValueError) as error:
            yield str(error)


def _changes(record: Mapping[str, Any]) -> Iterator[str]:
    """What is not any more as it was when a record was written."""
    source = ROOT / record["source"]["path"]
    if not source.exists() or source_digest(source) != record["source"]["sha256"]:
        yield f"{record['source']['path']} has changed"
    for file, digest in record["library"]["revision"].items():
        if not (LIBRARY / file).exists() or file_digest(LIBRARY / file) != digest:
            yield f"snnbp/{file} has changed"
    if record["library"]["version"] != importlib.metadata.version("snnbp"):
        yield f"snnbp {record['library']['version']} made it"
    lock = (ROOT / "requirements.lock").read_text()
    for package, version in record["packages"].items():
        if f"{package}=={version} " not in lock:
            yield f"{package} {version} made it, requirements.lock has another version"


def source_digest(path: Path) -> str:
    """SHA-256 of a script, or of a notebook's cell sources: outputs may change, what makes them may not."""
    if path.suffix != ".ipynb":
        return file_digest(path)
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(path.read_text())["cells"]]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def library_digest() -> str:
    """SHA-256 of all of the library's sources, the ledger and the settings included."""
    files = sorted(path for path in LIBRARY.rglob("*") if path.suffix in (".py", ".toml", ".csv"))
    listing = "".join(f"{file_digest(path)} {path.relative_to(LIBRARY).as_posix()}\n" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _seal(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
