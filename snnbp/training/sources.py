"""Find published images on this machine, or download them. Files are identified by their digests."""

import gzip
import hashlib
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.files import atomic_open
from snnbp.training.idx import decompressed, parse
from snnbp.training.images import cropped
from snnbp.training.registry import FILES, SHAPE, SOURCES, Source

log = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 5.0
"""Longest wait for the next `CHUNK` bytes from a mirror."""

CHUNK = 1 << 14
SLACK = 1024
"""Largest number of bytes by which gzip may lengthen a file."""

FOLDER_DEPTH = 3
"""Number of folder levels that are searched, for layouts such as MNIST/raw/."""


class DataUnavailable(OSError):
    """A data set is not on this machine and cannot be downloaded. The message is one line."""


class Raw(NamedTuple):
    """Whole images, training then test: uint8 (n, rows, columns), labels uint8 (n,)."""

    whole: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    labels: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    classes: tuple[str, ...]
    full_scale: int = 255
    verified: bool = False
    crop: int = 0

    @property
    def images(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Without `crop` pixels on each side."""
        return cropped(self.whole[0], self.crop), cropped(self.whole[1], self.crop)


NAMES = (*SOURCES, "digits")


def load(name: str) -> Raw:
    """Load the images of a data set. Raises as `snnbp.load_dataset` does."""
    if name not in NAMES:
        raise ValueError(f"unknown dataset {name!r}: choose one of {', '.join(NAMES)}")
    if name == "digits":
        return _digits()
    source = SOURCES[name]
    contents, verified = _contents(name, source)
    train, train_labels = _parsed(name, source, *contents[:2])
    test, test_labels = _parsed(name, source, *contents[2:])
    if source.exchanged:
        train, test = train.swapaxes(1, 2), test.swapaxes(1, 2)
    return Raw((train, test), (train_labels, test_labels), source.classes, 255, verified, source.crop)


def _parsed(
    name: str, source: Source, *files: tuple[Path, bytes]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, rows, columns) and labels from 0 (n,) of their two files; or ValueError that names one."""
    hint = f"replace it with the published file of {name}"
    arrays: list[NDArray[Any]] = []
    for (path, content), shape in zip(files, (SHAPE, ()), strict=True):
        try:
            values = parse(content)
        except ValueError as error:
            raise ValueError(f"{path} is not an idx file, or is damaged: {error}; {hint}") from error
        if values.dtype != np.uint8 or values.shape != (*values.shape[:1], *shape) or not values.ndim:
            expected = f"({', '.join(map(str, ('n', *shape)))}{'' if shape else ','})"
            raise ValueError(f"{path} must hold uint8 {expected}, got {values.dtype} {values.shape}; {hint}")
        arrays.append(values)
    images, labels = arrays
    first, last = source.first_label, source.first_label + len(source.classes) - 1
    outside = labels[(labels < first) | (labels > last)]
    if outside.size:
        raise ValueError(f"{path} must hold labels from {first} to {last}, got {outside[0]}; {hint}")
    if len(images) != len(labels):
        raise ValueError(
            f"{files[0][0]} has {len(images)} images and {path} has {len(labels)} labels; "
            f"replace both with the published files of {name}"
        )
    return images, labels - np.uint8(first)


def _digits() -> Raw:
    """UCI's 8x8 test digits (Alpaydin and Kaynak, 1998; CC BY 4.0), pixels 0-16, in scikit-learn's order."""
    with gzip.open(Path(__file__).with_name("digits.csv.gz"), "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    split = 1437
    return Raw((images[:split], images[split:]), (labels[:split], labels[split:]), tuple("0123456789"), 16)


def _contents(name: str, source: Source) -> tuple[list[tuple[Path, bytes]], bool]:
    """Path and content of the four files, from the first folder that has each, or downloaded; verified?"""
    import pooch

    try:
        cache = Path(pooch.os_cache("snnbp")) / name
    except RuntimeError:  # the user has no home
        cache = Path("data").absolute() / name
    folders = [Path("data").absolute(), Path("../data").resolve(), cache]
    if chosen := os.environ.get("SNNBP_DATA"):
        folders.insert(0, Path(chosen).expanduser().absolute())
        if not folders[0].is_dir():
            raise ValueError(f"SNNBP_DATA is {chosen}, which is not a folder: correct it or unset it")
    published = {digest for each in SOURCES.values() for digest in each.digests}
    file_of = dict(zip(source.digests, source.files, strict=False))
    found: dict[str, tuple[Path, bytes]] = {}
    unverified: dict[str, tuple[Path, bytes]] = {}
    wrong: list[Path] = []
    recognizes_names = source.of_archives or not source.digests
    for path in dict.fromkeys(_candidates(folders, name)):
        content, digests = _read(path, source.max_bytes)
        file = path.name.removesuffix(".gz").replace(".", "-")
        if known := digests & file_of.keys():
            found.setdefault(file_of[known.pop()], (path, content))
        elif not digests & published and file in source.files:
            belongs = source.files != FILES or name in map(str.lower, path.parts)
            if recognizes_names and content and belongs:
                unverified.setdefault(file, (path, content))
            else:
                wrong.append(path)
        if len(found) == len(source.files):
            break
    missing = [file for file in source.files if file not in unverified | found]
    try:
        downloaded = _download(source, missing, cache)
    except DataUnavailable as error:
        damaged = f" ({', '.join(map(str, wrong))}: damaged, or of another data set)" if wrong else ""
        raise DataUnavailable(
            f"{name} not found: no {', '.join(missing)} in {', '.join(map(str, folders))}{damaged}; "
            f"{error}; put the files into ./data/{name}, or into {name} in a folder that SNNBP_DATA names"
        ) from error
    found |= {file: (cache / file, content) for file, content in downloaded.items()}
    verified = len(found) == len(source.files)
    if not verified:
        warnings.warn(f"{name}: files without a known digest are not verified", stacklevel=4)
    return [(unverified | found)[file] for file in source.files], verified


def _candidates(folders: list[Path], name: str) -> Iterator[Path]:
    """Yield files that may be idx files: from the folder of the data set first, then from all others."""
    for root in (root for folder in folders for root in (folder / name, folder)):
        for depth in range(FOLDER_DEPTH):
            yield from filter(Path.is_file, sorted(root.glob("*/" * depth + "*ubyte*")))


def _read(path: Path, limit: int) -> tuple[bytes, set[str]]:
    """Content and digests of a file; no content if it is damaged or holds more than `limit` bytes."""
    try:
        return _identified(b"" if path.stat().st_size > limit + SLACK else path.read_bytes(), limit)
    except (OSError, ValueError) as error:
        log.warning("skipping %s: %s", path, error)
        return b"", set()


def _identified(data: bytes, limit: int) -> tuple[bytes, set[str]]:
    """Decompressed data, and the digests of both: mirrors and browsers decompress, too."""
    content = decompressed(data, limit)
    return content, {hashlib.sha256(part).hexdigest() for part in (data, content)}


def _download(source: Source, missing: list[str], cache: Path) -> dict[str, bytes]:
    """Content of each file from the first mirror that has it; it is kept in the cache, too."""
    if missing and not source.mirrors:
        raise DataUnavailable("no mirror has single files")
    contents: dict[str, bytes] = {}
    refusals: dict[str, str] = {}
    for name in missing:
        digest = source.digests[source.files.index(name)]
        for mirror in source.mirrors:
            if mirror in refusals:
                continue
            try:
                data = _fetch(f"{mirror}{name}.gz", source.max_bytes + SLACK)
                content, digests = _identified(data, source.max_bytes)
                if digest not in digests:
                    raise ValueError("not the published content")
            except (OSError, ValueError) as error:
                # Errors of requests are OSErrors with long messages: name the type only.
                ours = isinstance(error, ValueError | TimeoutError)
                refusals[mirror] = f"{name}: {error if ours else type(error).__name__}"
                log.warning("skipping mirror %s: %s", mirror, refusals[mirror])
                continue
            contents[name] = content
            _keep(cache / (f"{name}.gz" if data[:2] == b"\x1f\x8b" else name), data)
            break
        else:
            raise DataUnavailable(
                f"mirrors: {', '.join(f'{mirror} ({why})' for mirror, why in refusals.items())}"
            )
    return contents


def _keep(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_open(path) as file:
            file.write(data)
    except OSError as error:  # not fatal: the content is in memory
        log.warning("not cached: %s", error)


def _fetch(url: str, limit: int) -> bytes:
    """Download from `url`; ValueError beyond `limit` bytes, TimeoutError when the mirror is silent."""
    import requests
    from tqdm.auto import tqdm

    chunks: SimpleQueue[bytes | Exception] = SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        try:
            with requests.get(url, stream=True, timeout=SECONDS_TO_ANSWER) as response:
                response.raise_for_status()
                bar.total = int(response.headers.get("Content-Length", 0)) or None
                for chunk in response.iter_content(CHUNK):
                    if given_up.is_set():
                        return
                    chunks.put(chunk)
            chunks.put(b"")
        except Exception as error:
            chunks.put(error)

    content = bytearray()
    with tqdm(desc=url.rpartition("/")[2], unit="B", unit_scale=True, leave=False) as bar:
        threading.Thread(target=work, daemon=True).start()  # no timeout covers name resolution
        try:
            while chunk := chunks.get(timeout=SECONDS_TO_ANSWER):
                if isinstance(chunk, Exception):
                    raise chunk
                content += chunk
                bar.update(len(chunk))
                if len(content) > limit:
                    raise ValueError("larger than published")
        except Empty:
            raise TimeoutError("no answer, or too slow") from None
        finally:
            given_up.set()
    return bytes(content)
