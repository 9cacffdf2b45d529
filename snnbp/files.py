"""Atomic writing of files and folders; checked reading of .npz files."""

import os
import reprlib
import shutil
import socket
import stat
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 1 << 30
"""Largest total size of a file's arrays (bytes); larger files are refused."""


@contextmanager
def atomic_open(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Write a file whole or not at all: a temporary file beside `path` is renamed to `path` at the end.

    Parameters
    ----------
    path : path-like
    mode : str
        As for `open`. Text is UTF-8 with "\\n" on every system.

    Yields
    ------
    file object

    Raises
    ------
    OSError
        Naming `path`, if it cannot be written. An older file at `path` stays as it was.
    """
    path = as_path(path)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    partial = _partial(path)
    try:
        with open(partial, mode, **text) as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all: yield a new one, which takes the place of `path` at the end.

    Parameters
    ----------
    path : pathlib.Path
        An older folder there is removed, with all that is in it, once the new one is complete and in its
        place.

    Yields
    ------
    pathlib.Path
    """
    partial = _partial(path)
    new, old = partial / "new", partial / "old"
    try:
        new.mkdir(parents=True)
        yield new
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(path: Path) -> Path:
    """A name beside `path` that is this thread's own; what killed processes left for `path` is removed."""
    remove_partials(path.parent, path.name)
    writer = f"{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
    return path.with_name(f".{path.name}.{writer}.partial")


def as_path(value: Any) -> Path:
    """Convert to a path; TypeError if that is impossible."""
    try:
        return Path(value)
    except TypeError:
        raise TypeError(f"a path must be text or a pathlib.Path, got {reprlib.repr(value)}") from None


def existing_file(value: Any) -> Path:
    """Convert to the path of an ordinary file; else FileNotFoundError, or ValueError that does not name it.

    A pipe or a device may give no end of data, or none for ever.
    """
    path = as_path(value)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is a folder, a pipe or a device, not a file")
    return path


def remove_partials(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes of this host left in `folder`: parts of `name`, or of everything."""
    if os.name == "nt":  # there os.kill(process, 0) sends Ctrl-C
        return
    pattern = "*" if name is None else escape(name)
    with suppress(OSError):  # a folder that cannot be read
        for partial in folder.glob(f".{pattern}.{escape(socket.gethostname())}.*.*.partial"):
            process = partial.name.split(".")[-3]
            if process.isdecimal() and not _alive(int(process)):
                shutil.rmtree(partial) if partial.is_dir() else partial.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's process
        return True
    return True


def read_arrays(path: str | Path) -> dict[str, Any]:
    """Read all arrays of an .npz file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str to array

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no .npz file, is damaged, or holds more than `MAX_BYTES`. The message does not name the file.
    """
    import numpy as np

    path = as_path(path)
    try:
        with open(existing_file(path), "rb") as file:
            with zipfile.ZipFile(file) as directory:
                size = sum(member.file_size for member in directory.infolist())
            if size > MAX_BYTES:
                raise ValueError(f"it has {size} bytes, more than the limit of {MAX_BYTES}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises many types in zipfile, zlib and NumPy
        raise ValueError(f"{error or type(error).__name__}".partition("\n")[0]) from error
