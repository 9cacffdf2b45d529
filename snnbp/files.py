"""Write a file whole or not at all; read arrays from a file that may hold anything."""

import os
import reprlib
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 1 << 30
"""Arrays of a file beyond this size together are not read."""


@contextmanager
def atomic_open(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary sibling of `path` for writing and rename it to `path` when all went well.

    Text is UTF-8 with "\\n" on every system. Raises OSError naming `path` (no space, read-only folder); an
    older file at `path` is then untouched.
    """
    path = as_path(path)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    writer = f"{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
    partial = path.with_name(f".{path.name}.{writer}.partial")
    remove_partials(path.parent, path.name)
    try:
        with open(partial, mode, **text) as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def as_path(value: Any) -> Path:
    """A path; else TypeError."""
    try:
        return Path(value)
    except TypeError:
        raise TypeError(f"a path must be text or a pathlib.Path, got {reprlib.repr(value)}") from None


def remove_partials(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes of this machine left of file `name`, or of all files, in `folder`."""
    if os.name == "nt":  # no harmless way to ask whether a process lives
        return
    pattern = "*" if name is None else escape(name)
    with suppress(OSError):  # whoever cannot look here cannot write either
        for partial in folder.glob(f".{pattern}.{escape(socket.gethostname())}.*.*.partial"):
            process = partial.name.split(".")[-3]
            if process.isdecimal() and not _alive(int(process)):
                partial.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def read_arrays(path: str | Path) -> dict[str, Any]:
    """All arrays of an .npz file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is something else, damaged, or holds more than `MAX_BYTES`; the message does not name the file.
    """
    import numpy as np

    path = as_path(path)
    try:
        with open(path, "rb") as file:
            with zipfile.ZipFile(file) as directory:
                size = sum(member.file_size for member in directory.infolist())
            if size > MAX_BYTES:
                raise ValueError(f"it holds {size} bytes, at most {MAX_BYTES} are read")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever damage does to zipfile, zlib and NumPy
        raise ValueError(f"{error or type(error).__name__}".partition("\n")[0]) from error
