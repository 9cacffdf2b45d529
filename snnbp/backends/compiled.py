"""Numba's compiler, with a cache of compiled code that depends on everything the code was made from.

Numba's own cache checks only the file of the outermost function. Here a file is named by function, types and
processor, and begins with a digest of its content, of all modules that kernels are made from and of versions.
A file that does not match is replaced. A folder into which others may write is not used: what it holds is
executed.
"""

import functools
import hashlib
import os
import pickle
import stat
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from snnbp.files import atomic_open

F = TypeVar("F", bound=Callable[..., Any])
PACKAGE = Path(__file__).resolve().parents[1]


def jit(function: F, noalias: bool = False, entry: bool = False) -> F:
    """Compile a function when it is first called; with NUMBA_DISABLE_JIT it stays as it is.

    `noalias` promises that no two arguments share memory: loops then need no check of it, which saves 4 to
    7 % of the time. Python can call a function with `entry`, kernels can call the others. None may allocate
    memory, so that Numba neither counts references to slices nor compiles code for it.
    """
    options: dict[str, Any] = {"no_cpython_wrapper": not entry, "no_cfunc_wrapper": True, "_nrt": False}
    kernel: Any = numba.njit(nogil=True, boundscheck=False, **options)(function)
    if kernel is not function:
        kernel._cache = Cache(function)
        if noalias:
            kernel._compiler._customize_flags = _with_noalias
    return cast(F, kernel)


def _with_noalias(flags: Any) -> Any:
    """Set LLVM's flag noalias, for which Numba offers no option. Tried with Numba 0.68.1."""
    flags.noalias = True
    return flags


def must_compile() -> bool:
    """Whether no compiled code of these sources is stored yet: the first run waits for the compiler."""
    config: Any = numba.config
    stored = folder.glob("*.nbc") if (folder := _folder()) else ()
    return not config.DISABLE_JIT and not any(map(_content, stored))


class Cache(NullCache):
    """Compiled versions of one function, one file for each signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        content = (path := self._file(sig, target_context)) and _content(path)
        return CompileResult._rebuild(target_context, *pickle.loads(content)) if content else None

    def save_overload(self, sig: Any, cres: Any) -> None:
        if path := self._file(sig, cres.target_context):
            content = dumps(cres._reduce())
            with suppress(OSError), atomic_open(path) as file:
                file.write(_digest(content) + content)

    def _file(self, sig: Any, target_context: Any) -> Path | None:
        key = repr((sig, target_context.codegen().magic_tuple())).encode()
        folder = _folder()
        return folder and folder / f"{self._name}.{hashlib.sha256(key).hexdigest()[:12]}.nbc"


def _content(file: Path) -> bytes:
    """The compiled code in a file; nothing if there is no such file, or it does not match."""
    with suppress(OSError):
        digest, content = (whole := file.read_bytes())[:32], whole[32:]
        return content if digest == _digest(content) else b""
    return b""


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(_sources() + content).digest()


@functools.cache
def _sources() -> bytes:
    """Digest of the sources and compiler versions that all kernels are made from."""
    files = sorted(file for folder in ("circuit", "backends") for file in (PACKAGE / folder).rglob("*.py"))
    parts = [repr((sys.version, numba.__version__, llvmlite.__version__)).encode()]
    for file in files:
        parts += [file.relative_to(PACKAGE).as_posix().encode(), hashlib.sha256(file.read_bytes()).digest()]
    return hashlib.sha256(b"\0".join(parts)).digest()


@functools.cache
def _folder() -> Path | None:
    """The folder for compiled code: NUMBA_CACHE_DIR if set, else beside the source, or the user's cache."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        places = [Path(chosen).absolute()]
    else:
        import pooch

        places = [PACKAGE / "backends" / "__pycache__"]
        with suppress(RuntimeError):  # a user without a home
            places.append(pooch.os_cache("snnbp"))
    for place in places:
        folder = place / "snnbp-compiled"
        with suppress(OSError):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            if os.name == "nt" or _is_own(folder.lstat()):
                return folder
    warnings.warn(
        "cannot store compiled code, so every start is slow: set NUMBA_CACHE_DIR to a folder of your own",
        stacklevel=2,
    )
    return None


def _is_own(status: os.stat_result) -> bool:
    """Whether this is a folder into which only this user, or the system's owner, may write."""
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid in (0, os.geteuid())
    return owned and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
