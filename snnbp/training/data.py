"""Data as the network sees it: on/off pixels and labels, from files whose digests are checked."""

import gzip
import hashlib
import importlib.metadata
import io
import logging
import os
import queue
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from numpy.typing import ArrayLike, NDArray
from pooch import HTTPDownloader
from tqdm import tqdm

from snnbp.files import atomic_open

CLASSES = 10
DATASETS = ("mnist", "fashion-mnist", "digits")

_CHECKOUT = Path(__file__).resolve().parents[2]  # notebooks run in a folder of their own
_FILES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
_MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
}
# SHA-256 of the decompressed _FILES: the same file is compressed differently here and there.
_DIGESTS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
# All mirrors have so long to answer; those that then fall silent share what is left of the second figure.
_ANSWER_SECONDS, _GIVE_UP_SECONDS = 8.0, 16.0


class DataUnavailable(OSError):
    """A data set is neither on this machine nor to be had from a mirror. The message is one line."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs, bool (n, inputs), and their labels, uint8 (n,) in 0-9; both C-contiguous and read-only.

    Other 0/1 inputs and other integer labels are converted; anything else raises ValueError.
    """

    inputs: NDArray[np.bool_]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        inputs, labels = np.asarray(self.inputs), np.asarray(self.labels)
        if inputs.ndim != 2 or inputs.shape[1] == 0:
            raise ValueError(f"inputs must have the shape (n, inputs), got {inputs.shape}")
        if inputs.dtype != bool and (inputs.dtype.kind not in "iuf" or ((inputs != 0) & (inputs != 1)).any()):
            raise ValueError(f"inputs must be bool or 0/1, got other values ({inputs.dtype})")
        if labels.shape != inputs.shape[:1]:
            raise ValueError(f"{len(inputs)} inputs need as many labels, got labels of shape {labels.shape}")
        if labels.dtype.kind not in "iu" or ((labels < 0) | (labels > 9)).any():
            raise ValueError(f"labels must be integers in 0-9, got other values ({labels.dtype})")
        object.__setattr__(self, "inputs", _read_only(inputs, np.bool_))
        object.__setattr__(self, "labels", _read_only(labels, np.uint8))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: slice | list[int] | NDArray[Any]) -> "Samples":
        """The samples at a slice, an index array (a permutation) or a boolean mask. One number: TypeError."""
        if not isinstance(index, slice) and np.ndim(index) != 1:
            raise TypeError("index samples by a slice or a vector; for one sample write [i : i + 1]")
        return Samples(self.inputs[index], self.labels[index])


def _read_only(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C")
        array.flags.writeable = False
    return array


def _copied(part: str, inputs: ArrayLike, labels: ArrayLike) -> Samples:
    try:
        return Samples(np.array(inputs), np.array(labels))
    except ValueError as error:
        raise ValueError(f"{part}: {error}") from error


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test samples of one width, and where they come from.

    `source` is "mnist", "fashion-mnist", "digits" or "arrays". `verified` says that the samples come from
    published files whose digests were checked. `image_shape` is (rows, columns) of a sample, or None.
    Raises ValueError when a part is empty or the widths differ.
    """

    train: Samples
    test: Samples
    source: str = "arrays"
    verified: bool = False
    image_shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        (n_train, train_width), (n_test, test_width) = self.train.inputs.shape, self.test.inputs.shape
        if not (n_train and n_test):
            raise ValueError(f"train and test need at least one sample each, got {n_train} and {n_test}")
        if train_width != test_width:
            raise ValueError(f"train has {train_width} inputs a sample, test has {test_width}")

    @classmethod
    def from_arrays(
        cls, train_inputs: ArrayLike, train_labels: ArrayLike, test_inputs: ArrayLike, test_labels: ArrayLike
    ) -> "Dataset":
        """Your own data, copied: inputs (n, inputs) bool or 0/1, labels (n,) integers in 0-9.

        Raises ValueError, one line, for any other shape or value, an empty part or unequal widths.
        """
        return cls(_copied("train", train_inputs, train_labels), _copied("test", test_inputs, test_labels))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the network sees, for train, then test.

        Each part is its shape as two little-endian int64, the inputs as bits (row after row, the first in
        the highest bit of a byte, the last byte padded with zeros) and the labels as bytes.
        """
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            digest.update(np.array(part.inputs.shape, dtype="<i8").tobytes())
            digest.update(np.packbits(part.inputs).tobytes())
            digest.update(part.labels.tobytes())
        return digest.hexdigest()


def load_dataset(name: str, threshold: float = 0.5, test_threshold: float = 0.5) -> Dataset:
    """MNIST cropped to 20x20 (400 inputs), Fashion-MNIST 28x28 (784), or scikit-learn's digits 8x8 (64).

    `name` is "mnist", "fashion-mnist" (60,000 training and 10,000 test images) or "digits" (1,437 and 360).
    A pixel is on iff its brightness exceeds `threshold` (training) or `test_threshold` (test), in [0, 1).
    The official code scales idx pixels 0-255 twice and rounds: p is on iff round(p / 255 / 255 * 256, 2) >
    threshold, so from 129 for 0.5, 103 for 0.4, 154 for 0.6. For digits, pixels 0-16, it is p / 16.
    The idx files, .gz or not, are looked for in $SNNBP_DATA/<name>, ./data/<name> and the user's cache
    folder; what is missing is downloaded there.
    Raises ValueError for an unknown name, a threshold out of range, a SNNBP_DATA that is no folder or a
    damaged file; DataUnavailable, within 20 s where there is no network, when files cannot be had.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}: choose one of {', '.join(DATASETS)}")
    if not (0 <= threshold < 1 and 0 <= test_threshold < 1):
        raise ValueError(f"pixel thresholds must be in [0, 1), got {threshold} and {test_threshold}")
    if name == "digits":
        pixels, labels = _digits()
        train = Samples(pixels[:1437] / 16 > threshold, labels[:1437])
        test = Samples(pixels[1437:] / 16 > test_threshold, labels[1437:])
        return Dataset(train, test, name, image_shape=(8, 8))
    files = _files(name)
    crop = slice(4, -4) if name == "mnist" else slice(None)
    train_images, test_images = (_idx(files[file])[:, crop, crop] for file in _FILES[::2])
    train = Samples(_on(train_images, threshold), _idx(files[_FILES[1]]))
    test = Samples(_on(test_images, test_threshold), _idx(files[_FILES[3]]))
    rows, columns = train_images.shape[1:]
    return Dataset(train, test, name, verified=True, image_shape=(rows, columns))


def load_images(name: str) -> NDArray[np.uint8]:
    """The training images of `load_dataset` before they are binarized, uint8 (n, rows, columns), read-only:
    0-255, for digits 0-16. Raises what `load_dataset` raises."""
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}: choose one of {', '.join(DATASETS)}")
    if name == "digits":
        return _read_only(_digits()[0][:1437].reshape(-1, 8, 8), np.uint8)
    crop = slice(4, -4) if name == "mnist" else slice(None)
    return _read_only(_idx(_files(name)[_FILES[0]])[:, crop, crop], np.uint8)


def _on(images: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Which pixels are on, bool (n, rows * columns), by the official scaling in float64."""
    brightness = np.round(np.arange(256) / 255 / 255 * 256, 2)
    # Brightness only rises with the pixel, and one comparison is ten times faster than a table look-up.
    return (images >= np.uint8(np.count_nonzero(brightness <= threshold))).reshape(len(images), -1)


def _digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels 0-16, (1797, 64), and labels (1797,) of scikit-learn's copy of the UCI test digits."""
    # Importing sklearn.datasets takes over a second; the table it carries, a few milliseconds.
    package = importlib.metadata.distribution("scikit-learn")
    with gzip.open(str(package.locate_file("sklearn/datasets/data/digits.csv.gz")), "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return table[:, :-1], table[:, -1]


def _idx(content: bytes) -> NDArray[np.uint8]:
    """An idx file of bytes: two zeros, a type, the number of dimensions, big-endian int32 lengths, values."""
    shape = np.frombuffer(content, dtype=">i4", count=content[3], offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def _files(name: str) -> dict[str, bytes]:
    """The checked contents of a data set's files, from the first place that has each, else downloaded."""
    places = [Path.cwd() / "data" / name, _CHECKOUT / "data" / name, Path(pooch.os_cache("snnbp")) / name]
    if chosen := os.environ.get("SNNBP_DATA"):
        if not Path(chosen).expanduser().is_dir():
            raise ValueError(f"SNNBP_DATA is {chosen}, which is not a folder: correct it or unset it")
        places.insert(0, Path(chosen).expanduser().absolute() / name)
    places = list(dict.fromkeys(places))
    contents, missing = {}, {}
    for file, digest in zip(_FILES, _DIGESTS[name], strict=True):
        candidates = (place / f"{file}{ending}" for place in places for ending in (".gz", ""))
        path = next((path for path in candidates if path.exists()), None)
        if path is None:
            missing[file] = digest
            continue
        try:
            contents[file] = _checked(path.read_bytes(), path.suffix == ".gz", digest)
        except (ValueError, zlib.error) as error:
            raise ValueError(f"{path} is damaged ({error}): delete it or replace it") from error
    return contents | _download(name, missing, places) if missing else contents


def _checked(data: bytes, compressed: bool, digest: str) -> bytes:
    content = zlib.decompress(data, wbits=31) if compressed else data  # gzip, twice as fast as by gzip
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise ValueError(f"SHA-256 of its contents is {found}, expected {digest}")
    return content


def _download(name: str, missing: dict[str, str], places: list[Path]) -> dict[str, bytes]:
    """Fetch `missing` files (name: digest), checked, and keep them in the last of `places`."""
    contents: dict[str, bytes] = {}
    refusals: dict[str, str] = {}
    give_up = time.monotonic() + _GIVE_UP_SECONDS
    for mirror in _answering(_MIRRORS[name], f"{next(iter(missing))}.gz", refusals):
        for file in [file for file in missing if file not in contents]:
            try:
                data = _fetch(f"{mirror}{file}.gz", max(1.0, (give_up - time.monotonic()) / 2))
                compressed = data[:2] == b"\x1f\x8b"  # a server may decompress on the way
                contents[file] = _checked(data, compressed, missing[file])
            except (OSError, ValueError, zlib.error) as error:  # a request's errors are OSErrors, and long
                refusals[mirror] = f"{file}: {type(error).__name__ if isinstance(error, OSError) else error}"
                logging.getLogger(__name__).warning("skipping mirror %s: %s", mirror, refusals[mirror])
                break
            try:
                places[-1].mkdir(parents=True, exist_ok=True)
                with atomic_open(places[-1] / (f"{file}.gz" if compressed else file)) as kept:
                    kept.write(data)
            except OSError as error:  # what is needed now is in memory
                logging.getLogger(__name__).warning("not kept for the next time: %s", error)
            give_up = time.monotonic() + _GIVE_UP_SECONDS
        else:
            return contents
    lacking, asked = missing.keys() - contents.keys(), [f"{m} ({why})" for m, why in refusals.items()]
    raise DataUnavailable(
        f"{name} cannot be had: {', '.join(sorted(lacking))} not in {', '.join(map(str, places))}; mirrors: "
        f"{', '.join(asked)}; put them into ./data/{name}, or into {name} in a folder that SNNBP_DATA names"
    )


def _fetch(url: str, silence: float) -> bytes:
    data = io.BytesIO()
    with tqdm(desc=url.rpartition("/")[2], total=1, unit="B", unit_scale=True) as bar:  # pooch sets the total
        HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=silence)(url, data, None)
    return data.getvalue()


def _answering(mirrors: tuple[str, ...], file: str, refusals: dict[str, str]) -> Iterator[str]:
    """Yield mirrors that have `file` as they answer; put the others, with the reason, into `refusals`."""
    answers: queue.Queue[tuple[str, str]] = queue.Queue()

    def ask(mirror: str) -> None:
        try:
            there = HTTPDownloader(timeout=_ANSWER_SECONDS)(f"{mirror}{file}", None, None, check_only=True)
            answers.put((mirror, "" if there else f"does not have {file}"))
        except (OSError, ValueError) as error:
            answers.put((mirror, type(error).__name__))

    # No timeout of a request covers a name server that hangs, so nobody waits for these threads to end.
    for mirror in mirrors:
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    refusals.update(dict.fromkeys(mirrors, f"no answer within {_ANSWER_SECONDS:g} s"))
    deadline = time.monotonic() + _ANSWER_SECONDS
    for _ in mirrors:
        try:
            mirror, refusals[mirror] = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return
        if not refusals[mirror]:
            yield mirror
