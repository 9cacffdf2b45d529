"""Folders are written whole or not at all."""

import os
import socket
from pathlib import Path

import pytest

from snnbp.files import atomic_folder


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
            raise PermissionError("in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match="in use"):
        write(older)
    assert contents(older) == {"a.txt": "old"}
    assert [*older.parent.iterdir()] == [older]


def test_what_a_killed_process_left_is_removed(older):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    left = older.with_name(f".results.{socket.gethostname()}.{pid}.1.partial")
    (left / "new").mkdir(parents=True)
    write(older)
    assert [*older.parent.iterdir()] == [older]
