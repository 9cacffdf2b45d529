"""Numba's compiler, with a cache of compiled code that depends on everything the code was made from.

Numba's own cache checks only the file of the outermost function and does not verify what it reads. Here a
folder is named by the digest of all modules that kernels are made from and of versions, a file in it by types
and processor. The file begins with the digest of its content. Anything that does not match is compiled again.
A folder into which others may write is neither read nor written: what it holds is executed.
"""

import functools
import hashlib
import os
import pickle
import shutil
import stat
import sys
import warnings
from collections.abc import Callable, Iterator
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

    `noalias` promises that no two arguments share memory: loops then need no check of it, which saves 7 % of
    the time. Python can call a function with `entry`, kernels can call the others. None may allocate memory,
    so that Numba neither counts references to slices nor compiles code for it.
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


@functools.cache
def source_digest() -> str:
    """SHA-256 of the sources and compiler versions that all kernels are made from."""
    files = sorted(file for folder in ("circuit", "backends") for file in (PACKAGE / folder).rglob("*.py"))
    digest = hashlib.sha256(repr((sys.version, numba.__version__, llvmlite.__version__)).encode())
    for file in files:
        digest.update(
            file.relative_to(PACKAGE).as_posix().encode() + hashlib.sha256(file.read_bytes()).digest()
        )
    return digest.hexdigest()


def must_compile() -> bool:
    """Whether no compiled code of these sources is stored yet: the first run waits for the compiler."""
    config: Any = numba.config
    return not config.DISABLE_JIT and not any(
        _own(folder) and any(folder.glob("*.nbc")) for folder in _folders()
    )


class Cache(NullCache):
    """Compiled versions of one function, one file for each signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        for folder in _folders():
            try:
                content = (folder / self._file(sig, target_context)).read_bytes()
                if _own(folder) and hashlib.sha256(content[32:]).digest() == content[:32]:
                    return CompileResult._rebuild(target_context, *pickle.loads(content[32:]))
            except OSError:
                continue
        return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        content = dumps(cres._reduce())
        for folder in _folders():
            try:
                folder.mkdir(mode=0o755, parents=True, exist_ok=True)
                if not _own(folder):
                    continue
                with atomic_open(folder / self._file(sig, cres.target_context)) as file:
                    file.write(hashlib.sha256(content).digest() + content)
                for older in set(folder.parent.glob("compiled-*")) - {folder}:
                    shutil.rmtree(older, ignore_errors=True)
                return
            except OSError:
                continue
        _warn_once()

    def _file(self, sig: Any, target_context: Any) -> str:
        key = repr((sig, target_context.codegen().magic_tuple())).encode()
        return f"{self._name}.{hashlib.sha256(key).hexdigest()[:12]}.nbc"


def _folders() -> Iterator[Path]:
    """Folders for compiled code: in NUMBA_CACHE_DIR if set, else beside the source, then the user's cache."""
    name = f"compiled-{source_digest()[:12]}"
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen).absolute() / "snnbp" / name
        return
    yield PACKAGE / "backends" / "__pycache__" / name
    import pooch

    with suppress(RuntimeError):  # a user without a home
        if (cache := Path(pooch.os_cache("snnbp"))).is_absolute():
            yield cache / name


def _own(folder: Path) -> bool:
    """Whether a folder exists and only this user, or the system's owner, may write into it."""
    if not folder.is_dir():
        return False
    if os.name == "nt":
        return True
    status = folder.lstat()
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid in (0, os.geteuid())
    return owned and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@functools.cache
def _warn_once() -> None:
    warnings.warn(
        "cannot store compiled code, so every start is slow: set NUMBA_CACHE_DIR to a folder of your own",
        stacklevel=2,
    )
