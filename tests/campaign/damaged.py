"""Files that were damaged in many ways: refused in one line that names them, or right."""

import contextlib
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import snnbp
from snnbp import Config, Run, Weights, files
from snnbp.paper import ROOT, claims, pipeline, records, settings
from snnbp.training.sweep import run_file

CONFIG = Config(hidden=5, epochs=2)
SMALL_LIMIT = 1 << 20


def damaged(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Damage files of all kinds in turn."""
    digits = snnbp.load_dataset("digits")
    data = snnbp.Dataset(digits.train[:40], digits.test[:20], classes=digits.classes)
    kinds = list(_kinds(data, folder))
    contents = [path.read_bytes() for path, _ in kinds]
    with mock.patch.object(files, "MAX_BYTES", SMALL_LIMIT):
        for trial in range(n):
            path, check = kinds[trial % len(kinds)]
            whole = contents[trial % len(kinds)]
            how = chance.choice(DAMAGES)
            path.write_bytes(how(whole, chance, chance.choice(_others(path, kinds, contents))))
            yield _complaint(path, check, how.__name__)
            path.write_bytes(whole)


def _others(path: Path, kinds: list[tuple[Path, Callable[[], bool]]], contents: list[bytes]) -> list[bytes]:
    """Contents that are wrong under this name: a whole other run is as good as any where none is expected."""
    any_run = path.stem in ("weights", "run")
    return [
        content
        for (other, _), content in zip(kinds, contents, strict=True)
        if other != path and not (any_run and other.suffix == path.suffix)
    ]


def _complaint(path: Path, check: Callable[[], bool], how: str) -> str:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            right = check()
    except (ValueError, OSError) as error:
        text = str(error)
        return "" if "\n" not in text and path.stem in text else f"{path.name}, {how}: {text!r}"
    except Exception as error:
        return f"{path.name}, {how}: {type(error).__name__}: {error}"
    return "" if right else f"{path.name}, {how}: a wrong content was taken"


def _cut(content: bytes, chance: random.Random, other: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _flipped(content: bytes, chance: random.Random, other: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 8))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _empty(content: bytes, chance: random.Random, other: bytes) -> bytes:
    return b""


def _zeros(content: bytes, chance: random.Random, other: bytes) -> bytes:
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice((16, 512, 4096)))
    return content[:start] + bytes(end - start) + content[end:]


def _swapped(content: bytes, chance: random.Random, other: bytes) -> bytes:
    return other


def _doubled(content: bytes, chance: random.Random, other: bytes) -> bytes:
    return content + content[: chance.randrange(len(content))]


def _bomb(content: bytes, chance: random.Random, other: bytes) -> bytes:
    if content[:2] == b"PK":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("w1.npy", bytes(2 * SMALL_LIMIT))
        return packed.getvalue()
    return gzip.compress(bytes(2 * SMALL_LIMIT))


def _text(content: bytes, chance: random.Random, other: bytes) -> bytes:
    return chance.choice(
        (b"[]", b"{}", b"null", b"0", b"\xff\xfe", b"\xef\xbb\xbf" + content, b'{"cells": [0]}')
    )


DAMAGES = (_cut, _flipped, _flipped, _empty, _zeros, _swapped, _doubled, _bomb, _text)


def _kinds(data: snnbp.Dataset, folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    """Each file, and whether what is read from it is right."""
    run = snnbp.train(data, CONFIG, progress=False)
    assert run.weights is not None
    yield from _of_runs(run, data, folder)
    yield from _of_the_paper(folder)


def _of_runs(run: Run, data: snnbp.Dataset, folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    def same(other: Run) -> bool:
        return (other.digest, other.config) == (run.digest, run.config) and other.history.equals(run.history)

    weights, whole, checkpoint = (folder / f"{name}.npz" for name in ("weights", "run", "checkpoint"))
    run.weights.save(weights)
    yield weights, lambda: Weights.load(weights) == run.weights
    run.save(whole)
    yield whole, lambda: same(Run.load(whole))

    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == 1.5:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        snnbp.train(data, CONFIG, progress=stop, checkpoint=checkpoint)
    yield checkpoint, lambda: same(snnbp.train(data, CONFIG, progress=False, checkpoint=checkpoint))
    store = folder / "store"
    snnbp.sweep([CONFIG], data, progress=False, store=store)
    yield (
        run_file(store, CONFIG, "fused", data.digest),
        lambda: same(snnbp.sweep([CONFIG], data, progress=False, store=store)[0]),
    )


def _of_the_paper(folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    kept = folder / "numbers.csv"
    kept.write_text("1\n", encoding="utf-8")
    record = folder / "records" / "00_start_here.json"
    record.parent.mkdir()
    records.write_record(
        record, "notebooks/00_start_here.ipynb", None, [kept.name], parameters={}, results={}
    )
    whole = records.read_record(record)
    yield record, lambda: records.read_record(record) == whole
    notebook = folder / "notebook.ipynb"
    notebook.write_bytes((ROOT / "notebooks" / "00_start_here.ipynb").read_bytes())
    yield (
        notebook,
        lambda: len(records.source_digest(notebook)) == len(records.executed_digest(notebook)) == 64,
    )
    done = folder / "done" / "paper.json"
    done.parent.mkdir()
    done.write_text(json.dumps({"00_start_here": {}}), encoding="utf-8")

    def notes() -> bool:
        return pipeline.Done(done).why_not("00_start_here", {}, []) in ("", "it has not run here")

    yield done, notes
    for source, read in (
        ("settings.toml", settings.notebooks.__wrapped__),
        ("claims.toml", claims.claims.__wrapped__),
    ):
        copy = folder / source
        copy.write_bytes((ROOT / "snnbp" / "paper" / source).read_bytes())
        yield copy, lambda copy=copy, read=read: read(copy) is not None
