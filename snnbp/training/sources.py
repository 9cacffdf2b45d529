"""Find published images on this machine, or download them. Files are identified by their digests."""

import gzip
import hashlib
import io
import logging
import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.files import atomic_open

log = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 5.0
"""Longest wait for the next `CHUNK` bytes from a mirror."""

CHUNK = 1 << 14
SLACK = 1024
"""Largest number of bytes by which gzip may lengthen a file."""

SLOW = "no answer, or too slow"

FOLDER_DEPTH = 3
"""Number of folder levels that are searched, for layouts such as MNIST/raw/."""

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class DataUnavailable(OSError):
    """A data set is not on this machine and cannot be downloaded. The message is one line."""


@dataclass(frozen=True)
class Source:
    """A data set published as idx files: training images and labels, then test images and labels.

    `digests` are SHA-256 of the decompressed contents, each of at most `max_bytes`. Mirrors have the files
    under the names `FILES`, with the suffix .gz. `margin` pixels are cut off on each side of an image.
    """

    digests: tuple[str, str, str, str]
    mirrors: tuple[str, ...]
    classes: tuple[str, ...]
    margin: int = 0
    max_bytes: int = 16 + 60_000 * 28 * 28


class Raw(NamedTuple):
    """Images, training then test: uint8 (n, rows, columns), labels uint8 (n,).

    `framed` is the training images with one more pixel on each side, where they were cropped.
    """

    images: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    labels: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    classes: tuple[str, ...]
    full_scale: int = 255
    verified: bool = True
    framed: NDArray[np.uint8] | None = None


SOURCES = {
    "mnist": Source(
        digests=(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        classes=tuple("0123456789"),
        margin=4,
    ),
    "fashion-mnist": Source(
        digests=(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        classes=(
            *("T-shirt", "trouser", "pullover", "dress", "coat"),
            *("sandal", "shirt", "sneaker", "bag", "boot"),
        ),
    ),
}
"""Data sets in idx files. To add one, add an entry."""

NAMES = (*SOURCES, "digits")


def load(name: str) -> Raw:
    """Load the images of a data set. Raises as `snnbp.load_dataset` does."""
    if name not in NAMES:
        raise ValueError(f"unknown dataset {name!r}: choose one of {', '.join(NAMES)}")
    if name == "digits":
        return _digits()
    source = SOURCES[name]
    contents = _contents(name, source)
    train, train_labels, test, test_labels = (_idx(contents[digest]) for digest in source.digests)
    inside = slice(source.margin, -source.margin or None)
    images = train[:, inside, inside], test[:, inside, inside]
    wider = slice(source.margin - 1, 1 - source.margin or None)
    framed = train[:, wider, wider] if source.margin else None
    return Raw(images, (train_labels, test_labels), source.classes, framed=framed)


def _digits() -> Raw:
    """UCI's 8x8 test digits (Alpaydin and Kaynak, 1998; CC BY 4.0), pixels 0-16, in scikit-learn's order."""
    with gzip.open(Path(__file__).with_name("digits.csv.gz"), "rt", encoding="ascii") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    split = 1437
    return Raw(
        (images[:split], images[split:]), (labels[:split], labels[split:]), tuple("0123456789"), 16, False
    )


def _idx(content: bytes) -> NDArray[np.uint8]:
    """Parse an idx file: two zeros, a type, the number of dimensions, big-endian int32 lengths, bytes."""
    shape = np.frombuffer(content, dtype=">i4", count=content[3], offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def _contents(name: str, source: Source) -> dict[str, bytes]:
    """The content for each digest, from the first folder that has it, else downloaded."""
    import pooch

    cache = Path(pooch.os_cache("snnbp")) / name
    folders = [Path("data").absolute(), Path("../data").resolve(), cache]
    if chosen := os.environ.get("SNNBP_DATA"):
        folders.insert(0, Path(chosen).expanduser().absolute())
        if not folders[0].is_dir():
            raise ValueError(f"SNNBP_DATA is {chosen}, which is not a folder: correct it or unset it")
    published = {digest for each in SOURCES.values() for digest in each.digests}
    missing = dict(zip(source.digests, FILES, strict=True))
    contents: dict[str, bytes] = {}
    wrong: list[Path] = []
    for path in _candidates(folders, name):
        content = _read(path, source.max_bytes)
        digest = hashlib.sha256(content).hexdigest()
        if missing.pop(digest, None):
            contents[digest] = content
        elif digest not in published and path.name.removesuffix(".gz").replace(".", "-") in FILES:
            wrong.append(path)
        if not missing:
            return contents
    try:
        return contents | _download(source, missing, cache)
    except DataUnavailable as error:
        damaged = f" ({', '.join(map(str, wrong))}: damaged, or of another data set)" if wrong else ""
        raise DataUnavailable(
            f"{name} not found: no {', '.join(missing.values())} in {', '.join(map(str, folders))}{damaged}; "
            f"{error}; put the files into ./data/{name}, or into {name} in a folder that SNNBP_DATA names"
        ) from error


def _candidates(folders: list[Path], name: str) -> Iterator[Path]:
    """Yield files that may be idx files: from the folder of the data set first, then from all others."""
    seen = set()
    for folder in folders:
        for root in (folder / name, folder):
            for depth in range(FOLDER_DEPTH):
                for path in sorted(root.glob("*/" * depth + "*ubyte*")):
                    if path not in seen and path.is_file():
                        seen.add(path)
                        yield path


def _read(path: Path, limit: int) -> bytes:
    """Decompressed content of a file; empty if it is damaged or holds more than `limit` bytes."""
    try:
        return b"" if path.stat().st_size > limit + SLACK else _decompressed(path.read_bytes(), limit)
    except (OSError, zlib.error) as error:
        log.warning("skipping %s: %s", path, error)
        return b""


def _decompressed(data: bytes, limit: int) -> bytes:
    """Decompress gzip data; return other data as it is. Empty beyond `limit` bytes."""
    if data[:2] == b"\x1f\x8b":
        data = zlib.decompressobj(wbits=31).decompress(data, limit + 1)  # twice as fast as the gzip module
    return data if len(data) <= limit else b""


def _download(source: Source, missing: dict[str, str], cache: Path) -> dict[str, bytes]:
    """Fetch each file from the first mirror that has it, check it and keep it in the cache."""
    contents: dict[str, bytes] = {}
    refusals: dict[str, str] = {}
    for digest, name in missing.items():
        for mirror in source.mirrors:
            if mirror in refusals:
                continue
            try:
                data = _fetch(f"{mirror}{name}.gz", source.max_bytes + SLACK)
                content = _decompressed(data, source.max_bytes)
                if hashlib.sha256(content).hexdigest() != digest:
                    raise ValueError("not the published content")
            except (OSError, ValueError, zlib.error) as error:
                # Errors of requests are OSErrors with long messages: name the type only.
                why = (
                    type(error).__name__
                    if isinstance(error, OSError) and error.args != (SLOW,)
                    else str(error)
                )
                refusals[mirror] = f"{name}: {why}"
                log.warning("skipping mirror %s: %s", mirror, refusals[mirror])
                continue
            contents[digest] = content
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
    from pooch import HTTPDownloader
    from tqdm.auto import tqdm

    received = _Received(limit)
    failures: list[Exception] = []
    responses: list[Any] = []  # pooch does not close them

    def work() -> None:
        try:
            download(url, received, None)
        except Exception as error:
            failures.append(error)
        finally:
            for response in responses:
                response.close()

    with tqdm(desc=url.rpartition("/")[2], total=1, unit="B", unit_scale=True, leave=False) as bar:
        download = HTTPDownloader(
            progressbar=bar,
            chunk_size=CHUNK,
            timeout=SECONDS_TO_ANSWER,
            hooks={"response": lambda response, **_: responses.append(response)},
        )
        thread = threading.Thread(target=work, daemon=True)  # no timeout covers name resolution
        thread.start()
        while thread.is_alive():
            before = received.tell()
            thread.join(SECONDS_TO_ANSWER)
            if thread.is_alive() and received.tell() == before:
                received.limit = 0  # ends the thread if more data arrives after all
                raise TimeoutError(SLOW)
    if failures:
        raise failures[0]
    return received.getvalue()


class _Received(io.BytesIO):
    """A buffer that refuses more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > self.limit:
            raise ValueError("larger than published")
        return super().write(chunk)
