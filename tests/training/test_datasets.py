"""Finding, checking, fetching and binarizing data, against small idx files and mirrors on this machine."""

import gzip
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from snnbp.training import data as datasets
from snnbp.training.data import Dataset, DataUnavailable, Samples, load_dataset, load_images

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = datasets._FILES
MNIST_DIGEST = "960c00e6610143eb3cc7fc2bc8e946e1c585b5ba40cda2e1205202d315536569"
FASHION_DIGEST = "bd6ec801c3c72814ac73d2afa7daf62d0781fee37071dc77f01bf2b8f833d265"
DIGITS_DIGEST = "c09fa9f9a1a62b6aee495c1e0b78f30872909a552eb38d1d95ccb65c81a50081"


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes() + array.tobytes()


def small_files() -> dict[str, bytes]:
    """Training images run through all 256 pixel values; test images are 128 and 129 throughout."""
    train = (np.arange(5 * 28 * 28) % 256).astype(np.uint8).reshape(5, 28, 28)
    test = np.repeat(np.array([128, 129], dtype=np.uint8), 28 * 28).reshape(2, 28, 28)
    arrays = (train, np.array([0, 1, 2, 8, 9], dtype=np.uint8), test, np.array([3, 4], dtype=np.uint8))
    return {file: idx(array) for file, array in zip(datasets._FILES, arrays, strict=True)}


CONTENTS = small_files()


def put(folder: Path, names: list[str] = datasets._FILES, ending: str = ".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        data = CONTENTS[name]
        (folder / f"{name}{ending}").write_bytes(gzip.compress(data) if ending else data)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without data and mirrors, on which the small files are the published ones."""
    digests = tuple(hashlib.sha256(content).hexdigest() for content in CONTENTS.values())
    for name in ("mnist", "fashion-mnist"):
        monkeypatch.setitem(datasets._DIGESTS, name, digests)
        monkeypatch.setitem(datasets._MIRRORS, name, ())
    monkeypatch.setattr(datasets.pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("SNNBP_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Late(Quiet):
    def do_HEAD(self) -> None:
        time.sleep(0.3)
        super().do_HEAD()


class Interrupted(BaseHTTPRequestHandler):
    """Announces more than it sends."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(gzip.compress(CONTENTS[TRAIN_IMAGES])[:20])

    def log_message(self, *args: object) -> None:
        pass


class Stalling(Interrupted):
    """Answers, sends a little, then nothing more."""

    def do_GET(self) -> None:
        super().do_GET()
        self.wfile.flush()
        time.sleep(3)


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    servers = []

    def start(handler: Callable[..., BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.block_on_close = False
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A mirror that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def one_line(error: BaseException) -> str:
    text = str(error)
    assert text
    assert "\n" not in text
    return text


# Pixels


@pytest.mark.parametrize(("threshold", "first_on"), [(0.5, 129), (0.4, 103), (0.6, 154)])
def test_a_pixel_is_on_from_the_published_value(home: Path, threshold: float, first_on: int) -> None:
    put(home / "work/data/fashion-mnist")
    data = load_dataset("fashion-mnist", pixel_threshold=threshold)
    pixels = np.arange(5 * 784).reshape(5, 784) % 256
    np.testing.assert_array_equal(data.train.inputs, pixels >= first_on)
    np.testing.assert_array_equal(
        data.test.inputs.all(axis=1), [False, True]
    )  # 128 and 129, whatever is trained
    assert not data.test.inputs[0].any()


def test_every_pixel_follows_the_official_scaling() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1)
    for threshold in (0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.996, 0.999):
        expected = [round(p / 255 / 255 * 256, 2) > threshold for p in range(256)]
        assert datasets._on(images, threshold)[:, 0].tolist() == expected


def test_mnist_is_cropped_and_thresholds_are_separate(home: Path) -> None:
    put(home / "work/data/mnist")
    data = load_dataset("mnist", test_pixel_threshold=0.6)
    pixels = (np.arange(5 * 784) % 256).reshape(5, 28, 28)[:, 4:24, 4:24].reshape(5, 400)
    np.testing.assert_array_equal(data.train.inputs, pixels >= 129)
    assert not data.test.inputs.any()
    assert data.train.labels.tolist() == [0, 1, 2, 8, 9]
    assert data.test.labels.tolist() == [3, 4]
    assert (data.source, data.verified, data.image_shape) == ("mnist", True, (20, 20))


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    data = load_dataset("digits", pixel_threshold=0.5, test_pixel_threshold=0.25)
    np.testing.assert_array_equal(data.train.inputs, pixels[:1437] > 8)
    np.testing.assert_array_equal(data.test.inputs, pixels[1437:] > 4)
    np.testing.assert_array_equal(np.concatenate([data.train.labels, data.test.labels]), labels)
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert (data.source, data.verified, data.image_shape) == ("digits", False, (8, 8))
    assert load_dataset("digits").digest == DIGITS_DIGEST


@pytest.mark.parametrize(("name", "first_on"), [("mnist", 129), ("fashion-mnist", 129), ("digits", 9)])
def test_images_are_what_is_binarized(request: pytest.FixtureRequest, name: str, first_on: int) -> None:
    data = request.getfixturevalue(name.replace("-", "_"))
    images = load_images(name)
    assert images.shape[1:] == data.image_shape
    np.testing.assert_array_equal(images.reshape(len(images), -1) >= first_on, data.train.inputs)
    with pytest.raises(ValueError, match="unknown dataset 'faces'"):
        load_images("faces")


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="thresholds must be in"):
        load_dataset("digits", pixel_threshold=threshold)
    with pytest.raises(ValueError, match="thresholds must be in"):
        load_dataset("digits", test_pixel_threshold=threshold)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'cifar'.*mnist, fashion-mnist, digits") as caught:
        load_dataset("cifar")
    one_line(caught.value)


@pytest.mark.parametrize(
    ("name", "width", "digest"), [("mnist", 400, MNIST_DIGEST), ("fashion-mnist", 784, FASHION_DIGEST)]
)
def test_published_data(monkeypatch: pytest.MonkeyPatch, name: str, width: int, digest: str) -> None:
    monkeypatch.setitem(datasets._MIRRORS, name, ())
    try:
        data = load_dataset(name)
    except DataUnavailable:
        pytest.skip(f"{name} is not on this machine")
    assert data.train.inputs.shape == (60000, width)
    assert data.test.inputs.shape == (10000, width)
    assert data.digest == digest
    assert data.verified


# Files on this machine


def test_search_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first place that has a file decides: a damaged file is seen only where it is the first."""
    cache = put(home / "cache/snnbp/mnist")
    load_dataset("mnist")
    here = put(home / "work/data/mnist")
    (cache / f"{TRAIN_LABELS}.gz").write_bytes(b"damaged")
    load_dataset("mnist")
    monkeypatch.setenv("SNNBP_DATA", str(put(home / "chosen/mnist").parent))
    (here / f"{TRAIN_LABELS}.gz").write_bytes(b"damaged")
    load_dataset("mnist")
    (home / f"chosen/mnist/{TRAIN_LABELS}.gz").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="chosen/mnist"):
        load_dataset("mnist")


def test_files_may_be_uncompressed_and_spread(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / "work/data/mnist", [TRAIN_IMAGES, TEST_LABELS], ending="")
    put(home / "cache/snnbp/mnist", [TRAIN_LABELS])
    put(home / "chosen/mnist", [TEST_IMAGES], ending="")
    monkeypatch.setenv("SNNBP_DATA", str(home / "chosen"))
    assert len(load_dataset("mnist").train) == 5


def test_snnbp_data_that_is_no_folder_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / "work/data/mnist")
    monkeypatch.setenv("SNNBP_DATA", str(home / "nowhere"))
    with pytest.raises(ValueError, match=r"SNNBP_DATA is .*nowhere, which is not a folder") as caught:
        load_dataset("mnist")
    one_line(caught.value)
    monkeypatch.setenv("SNNBP_DATA", "")
    load_dataset("mnist")


whole = gzip.compress(CONTENTS[TEST_IMAGES], mtime=0)
other = CONTENTS[TRAIN_IMAGES]


@pytest.mark.parametrize(
    ("ending", "data", "reason"),
    [
        (".gz", whole[:-9], "incomplete or truncated"),
        (".gz", b"", "incomplete or truncated"),
        (".gz", b"<html>not found</html>", "incorrect header"),
        (".gz", whole[:-8] + bytes(8), "incorrect data check"),
        (".gz", gzip.compress(other), hashlib.sha256(other).hexdigest()),
        ("", CONTENTS[TEST_IMAGES][:-1], hashlib.sha256(CONTENTS[TEST_IMAGES][:-1]).hexdigest()),
        ("", b"", hashlib.sha256(b"").hexdigest()),
    ],
    ids=["cut", "empty gz", "not gzip", "checksum", "another file's", "cut, uncompressed", "empty"],
)
def test_a_damaged_file_is_named(home: Path, ending: str, data: bytes, reason: str) -> None:
    folder = put(home / "work/data/mnist", [TRAIN_IMAGES, TRAIN_LABELS, TEST_LABELS])
    (folder / f"{TEST_IMAGES}{ending}").write_bytes(data)
    put(home / "cache/snnbp/mnist")  # whole, yet never taken silently instead
    with pytest.raises(ValueError, match=reason) as caught:
        load_dataset("mnist")
    text = one_line(caught.value)
    assert text.startswith(f"{folder / (TEST_IMAGES + ending)} is damaged")
    assert text.endswith("delete it or replace it")
    if "SHA-256" in text:
        assert hashlib.sha256(CONTENTS[TEST_IMAGES]).hexdigest() in text


# Mirrors


def set_mirrors(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setitem(datasets._MIRRORS, "mnist", mirrors)


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_missing_files_are_downloaded_and_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    put(home / "work/data/mnist", [TRAIN_LABELS])
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=put(home / "mirror"))))
    first = load_dataset("mnist")
    assert TRAIN_IMAGES in capfd.readouterr().err  # the progress bar
    kept = sorted(f"{file}.gz" for file in (TRAIN_IMAGES, TEST_IMAGES, TEST_LABELS))
    assert files_under(home / "cache") == kept
    set_mirrors(monkeypatch)
    assert load_dataset("mnist").digest == first.digest


def test_a_mirror_may_decompress_on_the_way(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    for file, content in CONTENTS.items():
        (put(home / "mirror", []) / f"{file}.gz").write_bytes(content)
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=home / "mirror")))
    load_dataset("mnist")
    assert files_under(home / "cache") == sorted(CONTENTS)


def test_a_mirror_with_wrong_bytes_is_skipped_and_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = put(home / "wrong")
    (wrong / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(b"wrong"))
    bad = serve(partial(Quiet, directory=wrong))
    set_mirrors(monkeypatch, bad)
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    assert f"{bad} ({TEST_IMAGES}: SHA-256 of its contents is" in one_line(caught.value)
    assert files_under(home / "cache") == sorted(f"{file}.gz" for file in (TRAIN_IMAGES, TRAIN_LABELS))
    set_mirrors(monkeypatch, bad, serve(partial(Late, directory=put(home / "mirror"))))
    caplog.clear()
    load_dataset("mnist")
    assert f"skipping mirror {bad}: {TEST_IMAGES}" in caplog.text
    assert files_under(home / "cache") == sorted(f"{file}.gz" for file in CONTENTS)


@pytest.mark.parametrize(("handler", "limit"), [(Interrupted, 3.0), (Stalling, 3.0)])
def test_an_interrupted_download_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], handler: type, limit: float
) -> None:
    monkeypatch.setattr(datasets, "_GIVE_UP_SECONDS", 2.0)
    set_mirrors(monkeypatch, serve(handler))
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match=TRAIN_IMAGES):
        load_dataset("mnist")
    assert time.monotonic() - start < limit
    assert files_under(home) == []


def test_silent_and_absent_mirrors_are_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], silent: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    empty = serve(partial(Quiet, directory=put(home / "empty", [])))
    monkeypatch.setattr(datasets, "_ANSWER_SECONDS", 0.5)
    set_mirrors(monkeypatch, silent, closed, empty)
    start = time.monotonic()
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    assert time.monotonic() - start < 3
    text = one_line(caught.value)
    for part in (silent, f"{closed} (ConnectionError)", f"{empty} (does not have {TRAIN_IMAGES}.gz)"):
        assert part in text
    for part in (str(home / "work/data/mnist"), str(home / "cache/snnbp/mnist"), "SNNBP_DATA", *CONTENTS):
        assert part in text


def test_a_name_server_that_hangs_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*args: object, **kwargs: object) -> None:
        over.wait(10)
        raise socket.gaierror("over")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(datasets, "_ANSWER_SECONDS", 0.3)
    set_mirrors(monkeypatch, "http://one.invalid/", "http://two.invalid/")
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"no answer within 0\.3 s"):
        load_dataset("mnist")
    assert time.monotonic() - start < 2
    over.set()


def test_one_answering_mirror_is_not_kept_waiting(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], silent: str
) -> None:
    set_mirrors(monkeypatch, silent, serve(partial(Quiet, directory=put(home / "mirror"))))
    start = time.monotonic()
    load_dataset("mnist")
    assert time.monotonic() - start < datasets._ANSWER_SECONDS / 2


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    (home / "cache").write_bytes(b"a file where the folder should be")
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=put(home / "mirror"))))
    assert len(load_dataset("mnist").train) == 5
    assert "not kept for the next time" in caplog.text


# Your own arrays


def arrays() -> list[np.ndarray]:
    return [np.eye(4, 7), np.array([0, 3, 9, 1]), np.ones((2, 7), dtype=np.int8), np.array([2, 2])]


def test_from_arrays() -> None:
    given = arrays()
    data = Dataset.from_arrays(*given)
    given[2][:] = 0
    assert data.test.inputs.all()
    assert (data.source, data.verified, data.image_shape) == ("arrays", False, None)
    for part in (data.train, data.test):
        assert (part.inputs.dtype, part.labels.dtype) == (np.bool_, np.uint8)
        for array in (part.inputs, part.labels):
            assert array.flags.c_contiguous
            assert not array.flags.writeable


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, np.full((4, 7), 0.5), "train: inputs must be bool or 0/1"),
        (2, np.full((2, 7), np.nan), "test: inputs must be bool or 0/1"),
        (0, np.full((4, 7), "1"), "train: inputs must be bool or 0/1"),
        (0, np.ones((4, 7, 1)), "train: inputs must have the shape"),
        (0, np.ones((4, 0)), "train: inputs must have the shape"),
        (2, np.ones((2, 8)), "train has 7 inputs a sample, test has 8"),
        (0, np.ones((3, 7)), "train: 3 inputs need as many labels"),
        (3, np.array([[1, 2]]), "test: 2 inputs need as many labels"),
        (1, np.array([0, 3, 10, 1]), "train: labels must be integers in 0-9"),
        (1, np.array([0, -1, 1, 1]), "train: labels must be integers in 0-9"),
        (1, np.array([0.0, 3.0, 9.0, 1.0]), "train: labels must be integers in 0-9"),
        (3, np.array([True, False]), "test: labels must be integers in 0-9"),
    ],
)
def test_from_arrays_refuses(place: int, value: np.ndarray, reason: str) -> None:
    given = arrays()
    given[place] = value
    with pytest.raises(ValueError, match=reason) as caught:
        Dataset.from_arrays(*given)
    one_line(caught.value)


def test_from_arrays_wants_samples() -> None:
    with pytest.raises(ValueError, match="at least one sample each, got 4 and 0"):
        Dataset.from_arrays(*arrays()[:2], np.ones((0, 7)), np.array([], dtype=int))


def test_indexing() -> None:
    samples = Dataset.from_arrays(*arrays()).train
    order = np.array([2, 0, 3, 1])
    for index in (slice(1, 3), slice(None, None, 2), slice(0, 0), order, [3, 3], np.array([True, False] * 2)):
        part = samples[index]
        assert isinstance(part, Samples)
        assert len(part) == len(samples.labels[index])
        np.testing.assert_array_equal(part.inputs, samples.inputs[index])
        np.testing.assert_array_equal(part.labels, samples.labels[index])
        assert part.inputs.flags.c_contiguous
        assert not part.inputs.flags.writeable
    for wrong in (0, np.int64(1), np.zeros((2, 2), dtype=int)):
        with pytest.raises(TypeError, match="slice or a vector"):
            samples[wrong]
    with pytest.raises(IndexError):
        samples[np.array([4])]


def test_digest() -> None:
    data = Dataset.from_arrays(*arrays())
    train = struct.pack("<qq", 4, 7) + int("1000000010000000100000001000" + "0000", 2).to_bytes(4, "big")
    test = struct.pack("<qq", 2, 7) + bytes([0b11111111, 0b11111100])
    assert data.digest == hashlib.sha256(train + bytes([0, 3, 9, 1]) + test + bytes([2, 2])).hexdigest()
    same = Dataset.from_arrays(*(array.tolist() for array in arrays()))
    assert same.digest == data.digest
    for place in range(4):
        given = arrays()
        given[place][(1,) * given[place].ndim] = 0
        assert Dataset.from_arrays(*given).digest != data.digest
    swapped = arrays()
    assert Dataset.from_arrays(*swapped[2:], *swapped[:2]).digest != data.digest
