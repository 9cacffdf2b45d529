"""Files and folders are written whole or not at all, and nothing else is touched."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnbp import files
from snnbp.files import atomic_folder, atomic_open, read_arrays, remove_partials

WRITER = """
import os, signal, sys
from pathlib import Path
from snnbp.files import atomic_folder, atomic_open
with (atomic_open if sys.argv[2] == "file" else atomic_folder)(Path(sys.argv[1])) as new:
    print(*(name for name in os.listdir(Path(sys.argv[1]).parent) if name.endswith(".partial")), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def older(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a.txt").write_text("old", encoding="utf-8")
    return folder


def write(folder, error=None):
    with atomic_folder(folder) as new:
        (new / "b.txt").write_text("new", encoding="utf-8")
        if error:
            raise error


def write_file(path, content=b"new"):
    with atomic_open(path) as file:
        file.write(content)


def contents(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_a_complete_folder_takes_the_place_of_the_older_one(older):
    write(older)
    assert contents(older) == {"b.txt": "new"}
    assert [*older.parent.iterdir()] == [older]


def test_an_incomplete_folder_leaves_the_older_one(older):
    with pytest.raises(KeyboardInterrupt):
        write(older, KeyboardInterrupt())
    assert contents(older) == {"a.txt": "old"}
    assert [*older.parent.iterdir()] == [older]


def test_a_folder_that_cannot_be_moved_into_place_leaves_the_older_one(older, monkeypatch):
    rename = Path.rename

    def refuse(path, target):
        if path.name == "new":
            raise PermissionError(13, "in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match=r"cannot write .*results: in use"):
        write(older)
    assert contents(older) == {"a.txt": "old"}
    assert [*older.parent.iterdir()] == [older]


@pytest.mark.parametrize(("moves", "content"), [(1, {"a.txt": "old"}), (2, {"b.txt": "new"})])
@pytest.mark.parametrize("again", [remove_partials, lambda folder: write_file(folder / "other")])
def test_a_swap_that_was_killed_loses_neither_folder(older, moves, content, again):
    """Killed after the older folder was moved away, and after the new one took its place."""
    if not (pid := os.fork()):
        rename, done = Path.rename, []

        def last(path, target):
            rename(path, target)
            done.append(target)
            if len(done) == moves:
                os.kill(os.getpid(), signal.SIGKILL)

        Path.rename = last
        write(older)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert older.exists() == (moves == 2)
    again(older.parent)
    assert contents(older) == content
    assert {path.name for path in older.parent.iterdir()} <= {"results", "other"}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_living_process_writes_stays_and_what_a_killed_one_left_goes(tmp_path, kind):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, tmp_path / "made", kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        (partial,) = process.stdout.readline().split()
        remove_partials(tmp_path)
        write_file(tmp_path / "made.txt")
        assert (tmp_path / partial / "new").exists()
        process.kill()
    write_file(tmp_path / "made.txt")
    assert os.listdir(tmp_path) == ["made.txt"]


def test_a_clean_up_before_the_lock_does_no_harm(tmp_path, monkeypatch):
    lock, cleaned = files._lock, []

    def late(partial, stack, wait=False):
        if wait and len(cleaned) < 2:
            remove_partials(tmp_path)
            cleaned.append(not partial.exists())
        return lock(partial, stack, wait)

    monkeypatch.setattr(files, "_lock", late)
    write_file(tmp_path / "made")
    assert cleaned == [True, True]
    assert (tmp_path / "made").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["made"]


def test_without_locks_files_are_written_and_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    left = tmp_path / f".snnbp-{16 * '0'}.partial"
    left.mkdir()
    write_file(tmp_path / "made")
    assert {path.name for path in tmp_path.iterdir()} == {"made", left.name}


def test_links_and_foreign_files_are_never_touched(tmp_path):
    def named(digit):
        return tmp_path / f".snnbp-{16 * digit}.partial"

    mine = tmp_path / "mine"
    mine.mkdir()
    named("1").symlink_to(mine, target_is_directory=True)
    named("2").write_text("mine", encoding="utf-8")
    named("3").mkdir()
    (named("3") / "thesis.tex").touch()
    os.mkfifo(named("4"))
    named("5").symlink_to("nowhere")
    (tmp_path / ".snnbp-notes.partial").mkdir()
    (tmp_path / ".made.host.1.2.partial").touch()
    before = {path.name for path in tmp_path.iterdir()}
    named("9").mkdir()
    write_file(tmp_path / "made")
    assert {path.name for path in tmp_path.iterdir()} == before | {"made"}
    assert (named("3") / "thesis.tex").exists()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_an_older_file_or_folder_keeps_its_permissions(older, mode):
    path = older.parent / "file"
    path.touch()
    for each in (path, older):
        each.chmod(mode)
    write_file(path)
    write(older)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, older)] == [mode, mode]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_an_older_file_keeps_its_owner(tmp_path):
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 1234, 4321)
    write_file(tmp_path / "file")
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


def test_a_link_is_followed(older):
    (older.parent / "elsewhere").mkdir()
    for name, target in (("link", older), ("one", older / "a.txt"), ("none", Path("elsewhere/b"))):
        (older.parent / name).symlink_to(target)
    for name in ("one", "none"):
        write_file(older.parent / name)
        assert (older.parent / name).is_symlink()
        assert (older.parent / name).read_bytes() == b"new"
    assert contents(older) == {"a.txt": "new"}
    write(older.parent / "link")
    assert (older.parent / "link").is_symlink()
    assert contents(older) == {"b.txt": "new"}


def test_what_is_read_only_or_of_another_kind_is_refused(older):
    path = older / "a.txt"
    path.chmod(0o444)
    os.mkfifo(older.parent / "pipe")
    for wrong, reason in (
        (path, "read-only"),
        (older, "no regular file"),
        (older.parent / "pipe", "no regular file"),
        (Path("/dev/null"), "no regular file"),
    ):
        with pytest.raises(OSError, match=f"cannot write {wrong}: it is {reason}"):
            write_file(wrong)
    with pytest.raises(OSError, match=r"a\.txt: it is no folder"):
        write(path)
    older.chmod(0o555)
    with pytest.raises(OSError, match="results: it is read-only"):
        write(older)
    older.chmod(0o755)
    assert contents(older) == {"a.txt": "old"}
    assert sorted(os.listdir(older.parent)) == ["pipe", "results"]


def test_the_longest_names_can_be_written(tmp_path):
    for name in (255 * "x", 127 * "é"):
        write_file(tmp_path / name)
        write(tmp_path / f"{name[:-1]}y")
        write(tmp_path / f"{name[:-1]}y")
    assert len(os.listdir(tmp_path)) == 4


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero", "/dev/null"):
        with pytest.raises(ValueError, match="it is no regular file"):
            read_arrays(path)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none")
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    (tmp_path / "link").symlink_to("a.npz")
    assert read_arrays(tmp_path / "link")["a"].tolist() == [0, 1, 2]
