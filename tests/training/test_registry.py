"""`read_idx`, and registered data sets whose contents have no known digest."""

import gzip
import hashlib
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest

import snnbp
from snnbp.training import idx, sources
from snnbp.training.registry import FILES, SOURCES

TYPES = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}


def as_idx(array: np.ndarray, code: int = 8) -> bytes:
    values = array.astype(array.dtype.newbyteorder(">")).tobytes()
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">i4").tobytes() + values


# Any idx file


@pytest.mark.parametrize("code", TYPES)
def test_read_idx(tmp_path: Path, code: int) -> None:
    for shape in ((), (5,), (0, 3), (2, 3, 4), (2, 1, 3, 2)):
        values = (np.arange(int(np.prod(shape))) * 7 - 20).reshape(shape).astype(TYPES[code])
        for name, pack in (("plain", bytes), ("packed.gz", gzip.compress)):
            (tmp_path / name).write_bytes(pack(as_idx(values, code)))
            found = snnbp.read_idx(tmp_path / name)
            assert found.dtype == TYPES[code]
            np.testing.assert_array_equal(found, values)
            found[...] = 1  # the caller's own


WHOLE = as_idx(np.arange(12, dtype=np.uint8).reshape(3, 4))
DAMAGED = {
    "empty": b"",
    "text": b"label,pixel\n",
    "no type": b"\0\0\x07" + WHOLE[3:],
    "header cut": WHOLE[:9],
    "cut": WHOLE[:-1],
    "longer": WHOLE + b"x",
    "negative length": WHOLE[:4] + b"\xff" + WHOLE[5:],
    "gzip cut": gzip.compress(WHOLE)[:-9],
    "gzip damaged": gzip.compress(WHOLE)[:12] + b"x" + gzip.compress(WHOLE)[13:],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_read_idx_refuses(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(ValueError, match="is not an idx file, or is damaged: ") as caught:
        snnbp.read_idx(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_read_idx_unpacks_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "MAX_BYTES", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(as_idx(np.zeros(1 << 20, np.uint8))))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"bomb\.gz holds more than 1000 bytes: decompress it first"):
        snnbp.read_idx(tmp_path / "bomb.gz")
    assert tracemalloc.get_traced_memory()[1] < 1 << 19
    tracemalloc.stop()
    (tmp_path / "large").write_bytes(as_idx(np.zeros(1 << 12, np.uint8)))
    assert snnbp.read_idx(tmp_path / "large").shape == (1 << 12,)
    with pytest.raises(FileNotFoundError):
        snnbp.read_idx(tmp_path / "none")


def test_read_idx_reads_all_members_of_a_gzip_file(tmp_path: Path) -> None:
    path, parts = tmp_path / "members.gz", (WHOLE[:7], b"", WHOLE[7:])
    members = b"".join(map(gzip.compress, parts))
    for content in (members, members + bytes(9)):  # gzip allows zeros at the end
        path.write_bytes(content)
        np.testing.assert_array_equal(snnbp.read_idx(path), np.arange(12).reshape(3, 4))
    for more, reason in (
        (gzip.compress(b"x"), "it has 25 bytes"),
        (b"x", "compressed data are cut or damaged"),
    ):
        path.write_bytes(members + more)
        with pytest.raises(ValueError, match=reason):
            snnbp.read_idx(path)


@pytest.mark.skipif(os.name == "nt", reason="no such files")
@pytest.mark.timeout(20)
def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in ("/dev/zero", tmp_path / "link", tmp_path / "pipe", tmp_path):
        for read in (snnbp.read_idx, snnbp.Run.load, snnbp.Weights.load):
            with pytest.raises(ValueError, match=rf"^{path} .*: it is no regular file$"):
                read(path)


# Registered data sets


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$SNNBP_DATA, empty; neither a cache nor a mirror."""
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache")
    monkeypatch.setitem(SOURCES, "kmnist", replace(SOURCES["kmnist"], mirrors=()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path / "chosen"))
    (tmp_path / "chosen").mkdir()
    return tmp_path / "chosen"


def contents(files: tuple[str, ...], first_label: int = 0) -> dict[str, bytes]:
    rng = np.random.default_rng(5)
    arrays = []
    for n in (6, 3):
        arrays += [rng.integers(0, 256, (n, 28, 28), np.uint8), np.arange(n, dtype=np.uint8) + first_label]
    return dict(zip(files, map(as_idx, arrays), strict=True))


@pytest.mark.parametrize("place", ["kmnist", "KMNIST/raw"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_kmnist_without_a_known_digest_is_unverified(folder: Path, place: str, ending: str) -> None:
    (folder / place).mkdir(parents=True)
    files = contents(FILES)
    for name, content in files.items():
        (folder / place / f"{name}{ending}").write_bytes(gzip.compress(content) if ending else content)
    with pytest.warns(UserWarning, match="kmnist: files without a known digest are not verified") as caught:
        data = snnbp.load_dataset("kmnist")
    assert caught[0].filename == __file__
    assert not data.verified
    assert (data.source, data.image_shape, data.classes[:3]) == ("kmnist", (28, 28), ("o", "ki", "su"))
    np.testing.assert_array_equal(data.train.inputs, idx.parse(files[FILES[0]]).reshape(6, 784) >= 129)


def test_kmnist_with_the_published_archives_is_verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = {name: gzip.compress(content) for name, content in contents(FILES).items()}
    digests = tuple(hashlib.sha256(archive).hexdigest() for archive in archives.values())
    monkeypatch.setitem(SOURCES, "kmnist", replace(SOURCES["kmnist"], digests=digests))
    for name, archive in archives.items():
        (folder / f"{name}.gz").write_bytes(archive)
        (folder / name).write_bytes(gzip.decompress(archive))  # as torchvision leaves both
    assert snnbp.load_dataset("kmnist").verified


def test_files_of_another_data_set_are_not_taken_for_kmnist(folder: Path) -> None:
    (folder / "MNIST/raw").mkdir(parents=True)
    for name, content in contents(FILES).items():
        (folder / "MNIST/raw" / name).write_bytes(content)
    with pytest.raises(snnbp.DataUnavailable, match="kmnist not found: no train-images"):
        snnbp.load_dataset("kmnist")


@pytest.mark.parametrize(
    ("name", "first_label", "n"), [("emnist-letters", 1, 26), ("emnist-balanced", 0, 47)]
)
def test_emnist(folder: Path, name: str, first_label: int, n: int) -> None:
    """Its images lie on their side in the files; letters are numbered from 1."""
    files = contents(SOURCES[name].files, first_label)
    assert list(files)[2] == f"{name}-test-images-idx3-ubyte"
    (folder / "EMNIST/raw").mkdir(parents=True)
    for file, content in files.items():
        (folder / "EMNIST/raw" / file).write_bytes(content)
    with pytest.warns(UserWarning, match=f"{name}: files without a known digest"):
        data = snnbp.load_dataset(name)
    assert len(data.classes) == n
    assert data.classes[:1] == (("a",) if first_label else ("0",))
    assert data.train.labels.tolist() == list(range(6))
    lying = idx.parse(files[SOURCES[name].files[0]])
    np.testing.assert_array_equal(data.train.inputs.reshape(6, 28, 28), lying.swapaxes(1, 2) >= 129)
    (folder / "EMNIST/raw" / SOURCES[name].files[1]).unlink()
    with pytest.raises(snnbp.DataUnavailable, match=f"no {name}-train-labels-idx1-ubyte in .*no mirror"):
        snnbp.load_dataset(name)


def test_a_damaged_file_is_not_taken_for_emnist(folder: Path) -> None:
    for file, content in contents(SOURCES["emnist-letters"].files).items():
        (folder / file).write_bytes(content[:-1])
    with pytest.warns(UserWarning, match="not verified"), pytest.raises(ValueError, match="does not fit"):
        sources.load("emnist-letters")


LETTERS = SOURCES["emnist-letters"].files
IMAGES = np.zeros((6, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        (0, b"garbage", "is not an idx file, or is damaged: it does not begin with two zeros and a type"),
        (1, b"garbage", "is not an idx file, or is damaged: it does not begin with two zeros and a type"),
        (0, as_idx(IMAGES.reshape(6, 784)), r"must hold uint8 \(n, 28, 28\), got uint8 \(6, 784\)"),
        (0, as_idx(IMAGES.astype(np.float32), 13), r"must hold .* got float32 \(6, 28, 28\)"),
        (1, as_idx(np.ones((6, 1), np.uint8)), r"must hold uint8 \(n,\), got uint8 \(6, 1\)"),
        (1, as_idx(np.ones(6, np.int32), 12), r"must hold uint8 \(n,\), got int32 \(6,\)"),
        (1, as_idx(np.arange(6, dtype=np.uint8)), "must hold labels from 1 to 26, got 0"),
        (3, as_idx(np.array([1, 27, 2], np.uint8)), "must hold labels from 1 to 26, got 27"),
        (1, as_idx(np.ones(5, np.uint8)), "has 5 labels"),
    ],
)
def test_an_unverified_file_of_another_form_is_named(
    folder: Path, file: int, content: bytes, reason: str
) -> None:
    for name, good in contents(LETTERS, 1).items():
        (folder / name).write_bytes(good)
    (folder / LETTERS[file]).write_bytes(content)
    with (
        pytest.warns(UserWarning, match="not verified"),
        pytest.raises(
            ValueError, match=rf"{folder / LETTERS[file]} {reason}; replace .* of emnist-letters$"
        ) as caught,
    ):
        sources.load("emnist-letters")
    assert "\n" not in str(caught.value)
