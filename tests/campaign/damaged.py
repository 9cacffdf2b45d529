"""Files that were damaged in many ways: refused in one line that names them, or right."""

import contextlib
import gzip
import hashlib
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np

import snnbp
from snnbp import Config, Run, Weights, files
from snnbp.backends import compiled
from snnbp.interop.bundle import export_bundle, usable_folder
from snnbp.paper import ROOT, claims, pipeline, records, settings
from snnbp.training import sources
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
    yield from _of_a_bundle(run, data, folder)
    yield from _of_data(folder)
    yield from _of_the_paper(folder)
    yield _of_compiled_code(folder)


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


def _of_a_bundle(run: Run, data: snnbp.Dataset, folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    """What is not as it was written is not replaced."""
    export_bundle(folder / "bundle", run, data)
    for path in (folder / "bundle" / "README.md", folder / "bundle" / "training" / "labels.npy"):
        whole = path.read_bytes()

        def same(path: Path = path, whole: bytes = whole) -> bool:
            return usable_folder(folder / "bundle").is_dir() and path.read_bytes() == whole

        yield path, same


def _of_data(folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    """A data set of few images."""
    pixels = np.random.default_rng(1).integers(0, 256, (30, 28, 28), np.uint8)
    labels = np.arange(30, dtype=np.uint8) % 10
    contents = [_idx(array) for array in (pixels[:20], labels[:20], pixels[20:], labels[20:])]
    source = sources.Source(
        tuple("0123456789"),
        tuple(hashlib.sha256(content).hexdigest() for content in contents),
        max_bytes=16 + pixels.size,
    )
    place = folder / "data" / "mnist"
    place.mkdir(parents=True)
    for name, content in zip(sources.FILES, contents, strict=True):
        (place / name).write_bytes(content)
    zipped = place / f"{sources.FILES[0]}.gz"
    zipped.write_bytes(gzip.compress(contents[0]))
    (place / sources.FILES[0]).unlink()

    def right() -> bool:
        environment = {"SNNBP_DATA": str(place.parent)}
        with mock.patch.dict(sources.SOURCES, mnist=source), mock.patch.dict(os.environ, environment):
            raw = sources.load("mnist")
        return bool((raw.images[0] == pixels[:20]).all() and (raw.labels[1] == labels[20:]).all())

    assert right()
    yield zipped, right
    yield place / sources.FILES[3], right


def _idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def _of_the_paper(folder: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    kept = folder / "numbers.csv"
    kept.write_text("1\n", encoding="utf-8")
    record = folder / "00_start_here.json"
    records.write_record(
        record, "notebooks/00_start_here.ipynb", None, [kept.name], parameters={}, results={}
    )
    whole = records.read_record(record)
    yield record, lambda: records.read_record(record) == whole
    stale = folder / "01_circuit.json"
    stale.write_bytes(record.read_bytes())
    yield stale, lambda: not records.stale(stale) or len(records.stale(stale)[0].splitlines()) == 1
    notebook = folder / "notebook.ipynb"
    notebook.write_bytes((ROOT / "notebooks" / "00_start_here.ipynb").read_bytes())
    yield (
        notebook,
        lambda: len(records.source_digest(notebook)) == len(records.executed_digest(notebook)) == 64,
    )
    done = folder / "done" / "paper.json"
    done.parent.mkdir()
    done.write_text(json.dumps({"00_start_here": {"seal": whole["seal"], "seconds": 2.0}}), encoding="utf-8")

    def notes() -> bool:
        with mock.patch.object(pipeline, "BUILD", folder):
            entries = pipeline.Done("paper")
        entries.seconds()
        return entries.made(folder / "made.json") in (True, False)

    (folder / "made.json").write_bytes(record.read_bytes())
    yield done, notes
    for source, read in (
        ("settings.toml", settings.notebooks.__wrapped__),
        ("claims.toml", claims._declared.__wrapped__),
    ):
        copy = folder / source
        copy.write_bytes((ROOT / "snnbp" / "paper" / source).read_bytes())
        yield copy, lambda copy=copy, read=read: read(copy) is not None


def _doubled_number(n: int) -> int:
    return 2 * n


def _of_compiled_code(folder: Path) -> tuple[Path, Callable[[], bool]]:
    place = {"NUMBA_CACHE_DIR": str(folder / "compiled")}
    kernel = compiled.jit(_doubled_number, entry=True)
    with mock.patch.dict(os.environ, place):
        kernel(1)
    ((signature, form),) = kernel.overloads.items()
    cache = kernel._cache
    (path,) = (folder / "compiled").rglob("*.nbc")
    whole = path.read_bytes()

    def right() -> bool:
        with mock.patch.dict(os.environ, place):
            return cache.load_overload(signature, form.target_context) is None or path.read_bytes() == whole

    return path, right
