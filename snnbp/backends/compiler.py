"""`jit` compiles a function with Numba, and keeps the result on disk while its sources stay as they are.

Numba's own cache watches only the file of the outermost function. Compiled code also holds the functions that
it calls and the constants that it uses, from other files. Here every function depends on all of them.
"""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import caching

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parents[1]
_SOURCES = ("backends/*.py", "backends/spiking/*.py", "circuit/loihi.py")


def _digest() -> str:
    files = sorted(path for pattern in _SOURCES for path in _PACKAGE.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


_DIGEST = _digest()


class _BySources:
    """Makes a cache file valid for these sources only; one file a function, whatever line it is on."""

    def get_source_stamp(self) -> str:
        return _DIGEST

    def get_disambiguator(self) -> str:
        return "snnbp"


class _CacheFiles(caching.CompileResultCacheImpl):
    # NUMBA_CACHE_DIR, beside the source, the user's cache folder.
    _locator_classes = [  # noqa: RUF012
        cast(type[object], type(locator.__name__, (_BySources, locator), {}))
        for locator in caching.CacheImpl._locator_classes
    ]


class _Cache(caching.FunctionCache):
    """Never stops a run: what cannot be read is compiled again, what cannot be written is not kept."""

    _impl_class = _CacheFiles

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return super().load_overload(signature, context)  # type: ignore[no-untyped-call]
        except Exception:  # a truncated pickle raises almost anything
            with contextlib.suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(signature, data)  # type: ignore[no-untyped-call]


def jit(function: Function, inline: bool = False) -> Function:
    """Compile `function` when it is first called. With NUMBA_DISABLE_JIT=1 it stays as it is.

    `inline` makes it a part of its callers: for functions of many arrays, whose call would take as long as a
    loop over a layer.
    """
    compiled: Any = numba.njit(nogil=True, boundscheck=False, forceinline=inline)(function)
    if compiled is not function:
        with contextlib.suppress(RuntimeError):  # no folder that can be written: no cache
            compiled._cache = _Cache(function)  # type: ignore[no-untyped-call]
    result: Function = compiled
    return result
