"""Finished runs in a file: one line of JSON each, with configuration, digests and curves."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from snnbp.training.train import Checkpoint, Config, Record

_CURVES = [name for name in Checkpoint._fields if name not in ("validation", "seconds")]


def key(config: Config, backend: str, data_digest: str) -> str:
    """What a run depends on, as text."""
    return json.dumps([asdict(config), backend, data_digest])


def line(record: Record, backend: str, data_digest: str) -> str:
    """One line; the same for the same run, so times are left out."""
    names = [*_CURVES, "validation"] if record.config.validation else _CURVES
    content = {
        "config": asdict(record.config),
        "backend": backend,
        "data": data_digest,
        "weights": record.digest,
        "overdriven": record.overdriven,
        "curves": {name: [getattr(row, name) for row in record.history] for name in names},
    }
    return json.dumps(content, separators=(",", ":")) + "\n"


def add(path: str | Path, record: Record, backend: str, data_digest: str) -> None:
    """Append a run, as one write: an interruption leaves at most a broken last line."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line(record, backend, data_digest))


def load(path: str | Path) -> dict[str, Record]:
    """All runs of a file by `key`; none if there is no file. A line that a kill cut short is dropped.

    Raises ValueError naming file and line for anything else that is not a stored run.
    """
    try:
        content = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    whole, newline, _ = content.rpartition("\n")
    if whole + newline != content:
        Path(path).write_text(whole + newline, encoding="utf-8")
    records = {}
    for number, text in enumerate(whole.splitlines(), 1):
        try:
            stored = json.loads(text)
            config, curves = Config(**stored["config"]), stored["curves"]
            columns = [curves[name] for name in _CURVES]
            unknown = [math.nan] * len(columns[0])
            rows = zip(*columns, curves.get("validation", unknown), unknown, strict=True)
            history = tuple(Checkpoint(*row) for row in rows)
            record = Record(config, history, stored["weights"], stored["overdriven"])
            records[key(config, stored["backend"], stored["data"])] = record
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}, line {number} is not a stored run: {error!r}") from error
    return records
