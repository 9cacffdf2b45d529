"""Finding, checking and fetching published images, against small idx files and mirrors on this machine."""

import gzip
import hashlib
import shutil
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from snnbp import DataUnavailable, load_dataset
from snnbp.training import sources
from snnbp.training.sources import FILES

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES
MNIST_DIGEST = "960c00e6610143eb3cc7fc2bc8e946e1c585b5ba40cda2e1205202d315536569"
FASHION_DIGEST = "bd6ec801c3c72814ac73d2afa7daf62d0781fee37071dc77f01bf2b8f833d265"
DIGITS_DIGEST = "c09fa9f9a1a62b6aee495c1e0b78f30872909a552eb38d1d95ccb65c81a50081"
DIGITS_FILE = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes() + array.tobytes()


def small_files() -> dict[str, bytes]:
    """Training images run through all 256 pixel values; test images are 128 and 129 throughout."""
    train = (np.arange(5 * 28 * 28) % 256).astype(np.uint8).reshape(5, 28, 28)
    test = np.repeat(np.array([128, 129], dtype=np.uint8), 28 * 28).reshape(2, 28, 28)
    arrays = (train, np.array([0, 1, 2, 8, 9], dtype=np.uint8), test, np.array([3, 4], dtype=np.uint8))
    return {file: idx(array) for file, array in zip(FILES, arrays, strict=True)}


CONTENTS = small_files()
LIMIT = max(map(len, CONTENTS.values()))


def put(folder: Path, names: tuple[str, ...] = FILES, ending: str = ".gz") -> Path:
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
        small = replace(sources.SOURCES[name], digests=digests, mirrors=(), max_bytes=LIMIT)
        monkeypatch.setitem(sources.SOURCES, name, small)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.delenv("SNNBP_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Interrupted(BaseHTTPRequestHandler):
    """Announces more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(gzip.compress(CONTENTS[TRAIN_IMAGES])[:20])

    def log_message(self, *args: object) -> None:
        pass


class Stalling(Interrupted):
    """Answers, sends a little, then nothing more."""

    def do_GET(self) -> None:
        super().do_GET()
        self.wfile.flush()
        time.sleep(3)


class Dripping(Interrupted):
    """Never silent for long, and never done."""

    def do_GET(self) -> None:
        super().do_GET()
        for _ in range(40):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)


class Endless(Interrupted):
    """Sends as long as somebody listens."""

    sent = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while Endless.sent < 1 << 28:
                Endless.sent += self.wfile.write(bytes(1 << 16))
        except OSError:
            return


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    servers = []

    def start(handler: Callable[..., BaseHTTPRequestHandler]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *words: None  # whoever hangs up
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


# Registered data sets


@pytest.mark.parametrize(("threshold", "first_on"), [(0.5, 129), (0.4, 103), (0.6, 154)])
def test_a_pixel_is_on_from_the_published_value(home: Path, threshold: float, first_on: int) -> None:
    put(home / "work/data/fashion-mnist")
    data = load_dataset("fashion-mnist", pixel_threshold=threshold)
    pixels = np.arange(5 * 784).reshape(5, 784) % 256
    np.testing.assert_array_equal(data.train.inputs, pixels >= first_on)
    np.testing.assert_array_equal(data.test.inputs.all(axis=1), [False, True])  # 128 and 129, at 0.5
    assert not data.test.inputs[0].any()


def test_mnist_is_cropped_and_thresholds_are_separate(home: Path) -> None:
    put(home / "work/data/mnist")
    data = load_dataset("mnist", test_pixel_threshold=0.6)
    pixels = (np.arange(5 * 784) % 256).reshape(5, 28, 28)[:, 4:24, 4:24].reshape(5, 400)
    np.testing.assert_array_equal(data.train.inputs, pixels >= 129)
    assert not data.test.inputs.any()
    assert data.train.labels.tolist() == [0, 1, 2, 8, 9]
    assert data.test.labels.tolist() == [3, 4]
    assert (data.source, data.verified, data.image_shape) == ("mnist", True, (20, 20))
    assert data.classes == tuple("0123456789")


def test_digits_come_with_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path / "nowhere"))  # does not matter to them
    data = load_dataset("digits", pixel_threshold=0.5, test_pixel_threshold=0.25)
    file = Path(sources.__file__).with_name("digits.csv.gz")
    assert hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest() == DIGITS_FILE
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert (data.source, data.verified, data.image_shape) == ("digits", False, (8, 8))
    assert load_dataset("digits").digest == DIGITS_DIGEST
    pixels = sources.load("digits").images[1].reshape(360, 64)
    np.testing.assert_array_equal(data.test.inputs, pixels > 4)


def test_an_unknown_name_lists_the_known_ones() -> None:
    for name in ("cifar", 5, ["mnist"], None):
        with pytest.raises(ValueError, match=r"unknown dataset .*mnist, fashion-mnist, .*digits") as caught:
            load_dataset(name)
        one_line(caught.value)


@pytest.mark.parametrize(
    ("name", "width", "digest"), [("mnist", 400, MNIST_DIGEST), ("fashion_mnist", 784, FASHION_DIGEST)]
)
def test_published_data(request: pytest.FixtureRequest, name: str, width: int, digest: str) -> None:
    data = request.getfixturevalue(name)
    assert data.train.inputs.shape == (60000, width)
    assert data.test.inputs.shape == (10000, width)
    assert data.digest == digest
    assert data.verified
    assert len(data.classes) == 10


# Files on this machine


@pytest.mark.parametrize("place", ["chosen", "work/data", "data", "cache/snnbp"])
def test_places(home: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (home / "chosen").mkdir()
    monkeypatch.setenv("SNNBP_DATA", str(home / "chosen"))
    put(home / place / "mnist")
    assert len(load_dataset("mnist").train) == 5


DOTTED = {name: name.replace("-idx", ".idx") for name in FILES}


def lay_out(layout: str, folder: Path) -> None:
    """Put the files as other tools leave them."""
    if layout == "torchvision":
        put(folder / "MNIST/raw", ending="")
        put(folder / "MNIST/raw")
    elif layout == "torchvision beside others":
        put(folder / "MNIST/raw", ending="")
        for name in put(folder / "KMNIST/raw", ending="").iterdir():
            name.write_bytes(b"\x00\x00\x08" + name.read_bytes()[::-1])
    elif layout == "files themselves":
        put(folder)
    elif layout == "dots":
        for name, dotted in DOTTED.items():
            (folder / dotted).write_bytes(CONTENTS[name])
    elif layout == "kaggle":
        for name, dotted in DOTTED.items():
            put(folder / "mnist" / name, (name,), ending="")
            (folder / "mnist" / dotted).write_bytes(b"")
    elif layout == "decompressed by a browser":
        for name in FILES:
            (put(folder / "mnist", ()) / f"{name}.gz").write_bytes(CONTENTS[name])
    elif layout == "gzip of several members":
        for name, content in CONTENTS.items():
            members = gzip.compress(content[:20]) + gzip.compress(content[20:])
            (put(folder / "mnist", ()) / f"{name}.gz").write_bytes(members)
    elif layout == "names exchanged":
        for name, other in zip(FILES, reversed(FILES), strict=True):
            (put(folder / "mnist", ()) / f"{name}.gz").write_bytes(gzip.compress(CONTENTS[other]))
    elif layout == "spread":
        put(folder / "mnist", (TRAIN_IMAGES, TEST_LABELS), ending="")
        put(folder / "more", (TRAIN_LABELS, TEST_IMAGES))


@pytest.mark.parametrize("inside", ["", "data/"])
@pytest.mark.parametrize(
    "layout",
    [
        "torchvision",
        "torchvision beside others",
        "files themselves",
        "dots",
        "kaggle",
        "decompressed by a browser",
        "gzip of several members",
        "names exchanged",
        "spread",
    ],
)
def test_layouts(home: Path, monkeypatch: pytest.MonkeyPatch, layout: str, inside: str) -> None:
    """The content counts, not the spelling, whether SNNBP_DATA names the folder or there is ./data."""
    folder = home / (f"work/{inside}" if inside else "chosen")
    folder.mkdir()
    lay_out(layout, folder)
    if not inside:
        monkeypatch.setenv("SNNBP_DATA", str(folder))
    data = load_dataset("mnist")
    assert data.verified
    assert data.train.labels.tolist() == [0, 1, 2, 8, 9]
    assert data.test.labels.tolist() == [3, 4]


def test_snnbp_data_that_is_no_folder_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / "work/data/mnist")
    for wrong in ("nowhere", "work/data/mnist/train-images-idx3-ubyte.gz"):
        monkeypatch.setenv("SNNBP_DATA", str(home / wrong))
        with pytest.raises(ValueError, match=rf"SNNBP_DATA is .*{wrong}, which is not a folder") as caught:
            load_dataset("mnist")
        one_line(caught.value)
    monkeypatch.setenv("SNNBP_DATA", "")
    load_dataset("mnist")


whole = gzip.compress(CONTENTS[TEST_IMAGES], mtime=0)
DAMAGED = {
    "cut": (".gz", whole[:-9]),
    "empty gz": (".gz", b""),
    "not gzip": (".gz", b"<html>not found</html>"),
    "bits": (".gz", whole[:30] + bytes([whole[30] ^ 1]) + whole[31:]),
    "header only": (".gz", whole[:2]),
    "a member more": (".gz", whole + gzip.compress(b"x")),
    "other content": (".gz", gzip.compress(CONTENTS[TEST_IMAGES] + b"x")),
    "cut, uncompressed": ("", CONTENTS[TEST_IMAGES][:-1]),
    "empty": ("", b""),
    "large": ("", bytes(1 << 20)),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_bad_file_hides_no_good_one_and_is_named_where_there_is_none(home: Path, damage: str) -> None:
    ending, data = DAMAGED[damage]
    folder = put(home / "work/data/mnist", (TRAIN_IMAGES, TRAIN_LABELS, TEST_LABELS))
    (folder / f"{TEST_IMAGES}{ending}").write_bytes(data)
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    text = one_line(caught.value)
    assert f"mnist not found: no {TEST_IMAGES} in {home / 'work/data'}, " in text
    assert f"({folder / (TEST_IMAGES + ending)}: damaged, or of another data set)" in text
    for hint in ("SNNBP_DATA", str(home / "cache/snnbp/mnist"), "./data/mnist"):
        assert hint in text
    put(home / "cache/snnbp/mnist", (TEST_IMAGES,))
    assert load_dataset("mnist").verified


def test_a_damaged_cache_is_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    damaged = put(home / "cache/snnbp/mnist") / f"{TRAIN_LABELS}.gz"
    damaged.write_bytes(b"damaged")
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=put(home / "mirror"))))
    load_dataset("mnist")
    assert gzip.decompress(damaged.read_bytes()) == CONTENTS[TRAIN_LABELS]


def test_a_bomb_is_not_unpacked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(1 << 28))
    (put(home / "work/data/mnist") / f"{TEST_IMAGES}.gz").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(DataUnavailable, match="damaged"):
        load_dataset("mnist")
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


# Mirrors


def set_mirrors(monkeypatch: pytest.MonkeyPatch, *mirrors: str) -> None:
    monkeypatch.setitem(sources.SOURCES, "mnist", replace(sources.SOURCES["mnist"], mirrors=mirrors))


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_missing_files_are_downloaded_and_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    put(home / "work/data/mnist", (TRAIN_LABELS,))
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=put(home / "mirror"))))
    first = load_dataset("mnist")
    assert TRAIN_IMAGES in capfd.readouterr().err  # the progress bar
    kept = sorted(f"{file}.gz" for file in (TRAIN_IMAGES, TEST_IMAGES, TEST_LABELS))
    assert files_under(home / "cache") == kept
    shutil.rmtree(home / "mirror")
    assert load_dataset("mnist").digest == first.digest


def test_a_mirror_may_decompress_on_the_way(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]
) -> None:
    for file, content in CONTENTS.items():
        (put(home / "mirror", ()) / f"{file}.gz").write_bytes(content)
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=home / "mirror")))
    load_dataset("mnist")
    assert files_under(home / "cache") == sorted(CONTENTS)


def test_a_mirror_with_wrong_content_is_skipped_and_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    wrong = put(home / "wrong")
    (wrong / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(b"wrong"))
    bad = serve(partial(Quiet, directory=wrong))
    set_mirrors(monkeypatch, bad)
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    assert f"{bad} ({TEST_IMAGES}: not the published content)" in one_line(caught.value)
    assert files_under(home / "cache") == sorted(f"{file}.gz" for file in (TRAIN_IMAGES, TRAIN_LABELS))
    set_mirrors(monkeypatch, bad, serve(partial(Quiet, directory=put(home / "mirror"))))
    caplog.clear()
    load_dataset("mnist")
    assert f"skipping mirror {bad}: {TEST_IMAGES}" in caplog.text
    assert files_under(home / "cache") == sorted(f"{file}.gz" for file in CONTENTS)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (Interrupted, "Error"),
        (Stalling, "(no answer, or too slow|ConnectionError)"),  # two clocks with one limit: either ends it
        (Dripping, "no answer, or too slow"),
        (Endless, "larger than published"),
    ],
)
def test_an_interrupted_slow_or_endless_download_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], handler: type, reason: str
) -> None:
    monkeypatch.setattr(sources, "SECONDS_TO_ANSWER", 0.7)
    set_mirrors(monkeypatch, serve(handler))
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match=rf"{TRAIN_IMAGES}: .*{reason}"):
        load_dataset("mnist")
    assert time.monotonic() - start < 2.5
    assert Endless.sent < 1 << 26
    assert files_under(home) == []


def test_silent_and_absent_mirrors_are_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], silent: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    empty = serve(partial(Quiet, directory=put(home / "empty", ())))
    monkeypatch.setattr(sources, "SECONDS_TO_ANSWER", 0.5)
    set_mirrors(monkeypatch, silent, closed, empty)
    start = time.monotonic()
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    assert time.monotonic() - start < 3
    text = one_line(caught.value)
    for part in (
        silent,
        f"{closed} ({TRAIN_IMAGES}: ConnectionError)",
        f"{empty} ({TRAIN_IMAGES}: HTTPError)",
    ):
        assert part in text


def test_a_name_server_that_hangs_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*args: object, **kwargs: object) -> None:
        over.wait(10)
        raise socket.gaierror("over")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(sources, "SECONDS_TO_ANSWER", 0.3)
    set_mirrors(monkeypatch, "http://one.invalid/", "http://two.invalid/")
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match="no answer, or too slow"):
        load_dataset("mnist")
    assert time.monotonic() - start < 2
    over.set()


def test_without_an_answer_from_anywhere_it_takes_less_than_20_seconds() -> None:
    """Each mirror is given up once, one after the other."""
    for source in sources.SOURCES.values():
        assert len(source.mirrors) * sources.SECONDS_TO_ANSWER < 20


def test_a_silent_mirror_is_asked_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], silent: str
) -> None:
    monkeypatch.setattr(sources, "SECONDS_TO_ANSWER", 0.5)
    set_mirrors(monkeypatch, silent, serve(partial(Quiet, directory=put(home / "mirror"))))
    start = time.monotonic()
    load_dataset("mnist")
    assert time.monotonic() - start < 1.5


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    home: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    (home / "cache").write_bytes(b"a file where the folder should be")
    set_mirrors(monkeypatch, serve(partial(Quiet, directory=put(home / "mirror"))))
    assert len(load_dataset("mnist").train) == 5
    assert "not cached" in caplog.text


def test_a_user_without_a_home_needs_none(mnist, monkeypatch):
    def homeless(project):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pooch, "os_cache", homeless)
    assert load_dataset("mnist").digest == mnist.digest
