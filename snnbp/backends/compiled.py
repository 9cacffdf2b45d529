"""Numba's compiler, with a cache of compiled code that depends on everything the code was made from.

Numba's own cache checks only the file of the outermost function and does not verify what it reads. Here the
name of a cached file contains digests of all modules that kernels are made from, of versions, types and
processor. The file begins with the digest of its content. Anything that does not match is compiled again.
"""

import functools
import hashlib
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.cpu import CPUTargetOptions
from numba.core.serialize import dumps

from snnbp.files import atomic_open

F = TypeVar("F", bound=Callable[..., Any])
PACKAGE = Path(__file__).resolve().parents[1]

# LLVM's flag noalias, for which Numba offers no option. This adds it to `numba.njit` for the whole process.
# Tried with Numba 0.68.1.
CPUTargetOptions.noalias = CPUTargetOptions.Mapping("noalias")


def jit(function: F, inline: bool = False, noalias: bool = False, entry: bool = False) -> F:
    """Compile a function when it is first called; with NUMBA_DISABLE_JIT it stays as it is.

    `inline` inlines it into its callers: for functions of many arrays, where the call would take as long as a
    loop over a layer. `noalias` promises that no two arguments share memory: loops then need no check of it.
    """
    options: dict[str, Any] = {"forceinline": inline, "noalias": noalias, "no_cpython_wrapper": not entry}
    options |= {"no_cfunc_wrapper": True, "_nrt": False}
    kernel: Any = numba.njit(nogil=True, boundscheck=False, **options)(function)
    if kernel is not function:
        kernel._cache = Cache(function)
    return cast(F, kernel)


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
    pattern = f"*.{source_digest()[:12]}.*.nbc"
    config: Any = numba.config
    return not config.DISABLE_JIT and not any(any(folder.glob(pattern)) for folder in _folders())


class Cache(_Cache):
    """Compiled versions of one function, one file for each signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"

    @property
    def cache_path(self) -> str:
        return str(next(_folders(), ""))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        for folder in _folders():
            try:
                content = (folder / self._file(sig, target_context)).read_bytes()
                if hashlib.sha256(content[32:]).digest() == content[:32]:
                    return CompileResult._rebuild(target_context, *pickle.loads(content[32:]))
            except OSError:
                continue
        return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        content = dumps(cres._reduce())
        for folder in _folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with atomic_open(folder / self._file(sig, cres.target_context)) as file:
                    file.write(hashlib.sha256(content).digest() + content)
                self._remove_older(folder)
                return
            except OSError:
                continue
        _warn_once()

    def _file(self, sig: Any, target_context: Any) -> str:
        key = repr((sig, target_context.codegen().magic_tuple())).encode()
        return f"{self._name}.{source_digest()[:12]}.{hashlib.sha256(key).hexdigest()[:12]}.nbc"

    def _remove_older(self, folder: Path) -> None:
        for file in folder.glob(f"{self._name}.*.nbc"):
            if not file.name.startswith(f"{self._name}.{source_digest()[:12]}."):
                file.unlink(missing_ok=True)

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...


def _folders() -> Iterator[Path]:
    """Folders for compiled code: NUMBA_CACHE_DIR if set, else beside the source, then the user's cache."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen).absolute() / "snnbp"
        return
    yield PACKAGE / "backends" / "__pycache__"
    import pooch

    if (cache := Path(pooch.os_cache("snnbp"))).is_absolute():
        yield cache / "compiled"


@functools.cache
def _warn_once() -> None:
    warnings.warn(
        "cannot store compiled code, so every start is slow: set NUMBA_CACHE_DIR to one that can",
        stacklevel=2,
    )
