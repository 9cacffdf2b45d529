"""Atomic writing of files and folders; checked reading of .npz files."""

import os
import reprlib
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
        A link is followed. An older file keeps its owner and permissions.
    mode : str
        As for `open`. Text is UTF-8 with "\\n" on every system.

    Yields
    ------
    file object

    Raises
    ------
    OSError
        Naming `path`, if it is read-only, no regular file, or cannot be written. It stays as it was.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with _new(as_path(path), folder=False) as (new, target):
        with open(new, mode, **text) as file:
            yield file
        os.replace(new, target)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all, like `atomic_open`: yield a new one for `path`.

    Parameters
    ----------
    path : pathlib.Path
        An older folder there is removed, with all that is in it, once the new one is in its place.

    Yields
    ------
    pathlib.Path
    """
    with _new(path, folder=True) as (new, target):
        yield new
        if target.exists():
            (old := new.with_name("old")).mkdir()
            target.rename(old / target.name)
        new.rename(target)


@contextmanager
def _new(path: Path, folder: bool) -> Iterator[tuple[Path, Path]]:
    """Yield a new file or folder in a locked folder, which is removed at the end, and where `path` leads."""
    try:
        target = replaceable(path, folder)
        remove_partials(target.parent)
        partial = target.with_name(f".snnbp-{secrets.token_hex(8)}.partial")
        with ExitStack() as stack:
            while not partial.exists():  # another's clean-up may come before the lock
                partial.mkdir()
                _lock(partial, stack, wait=True)
            try:
                new = partial / "new"
                new.mkdir() if folder else new.touch()
                with suppress(OSError, AttributeError):  # nothing there; another user's; Windows
                    shutil.copymode(target, new)
                    os.chown(new, target.stat().st_uid, target.stat().st_gid)
                yield new, target
            finally:
                _remove(partial)
    except OSError as error:
        raise OSError(error.errno or 5, f"cannot write {path}: {error.strerror or error}") from error


def replaceable(path: Path, folder: bool = False) -> Path:
    """Follow links to what a write replaces; OSError if that is read-only or no file (no folder)."""
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_dir() if folder else target.is_file()):
        raise FileExistsError(17, f"it is no {'folder' if folder else 'regular file'}")
    if target.exists() and not (target.stat().st_mode & 0o222 and os.access(target, os.W_OK)):
        raise PermissionError(13, "it is read-only")
    return target


def as_path(value: Any) -> Path:
    """Convert to a path; TypeError if that is impossible."""
    with suppress(TypeError):
        return Path(value)
    raise TypeError(f"a path must be text or a pathlib.Path, got {reprlib.repr(value)}")


def existing_file(value: Any) -> Path:
    """Convert to the path of an ordinary file; else FileNotFoundError, or ValueError that does not name it.

    A pipe or a device may give no end of data, or none for ever.
    """
    path = as_path(value)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")
    return path


def remove_partials(folder: Path) -> None:
    """Remove what killed writers left in `folder`: all that nobody has locked; nothing without locks."""
    with ExitStack() as stack:
        for partial in folder.glob(f".snnbp-{16 * '[0-9a-f]'}.partial"):
            if _lock(partial, stack):
                _remove(partial)


def _lock(partial: Path, stack: ExitStack, wait: bool = False) -> bool:
    """Lock a temporary folder until `stack` ends; False if another holds it, and for a link or a file."""
    with suppress(ImportError, OSError):
        import fcntl  # not on Windows

        descriptor = os.open(partial, os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return True
    return False


def _remove(partial: Path) -> None:
    """Remove a temporary folder; what was moved into it, and is missing, is moved back first."""
    with suppress(OSError):
        if {*os.listdir(partial)} <= {"new", "old"}:
            for old in partial.glob("old/*"):
                if not os.path.lexists(home := partial.parent / old.name):
                    old.rename(home)
            shutil.rmtree(partial)


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

    try:
        with open(existing_file(path), "rb") as file:
            with zipfile.ZipFile(file) as directory:
                if (size := sum(member.file_size for member in directory.infolist())) > MAX_BYTES:
                    raise ValueError(f"it has {size} bytes, more than the limit of {MAX_BYTES}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return {name: np.asarray(arrays[name]) for name in arrays.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises many types in zipfile, zlib and NumPy
        raise ValueError(f"{error or type(error).__name__}".partition("\n")[0]) from error
