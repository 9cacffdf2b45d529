"""What computes: the digest of this package, the locked packages, and whether they are the installed ones."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable

from snnbp.paper import ROOT

PACKAGES = {
    name: name for name in ("autograd", "llvmlite", "matplotlib", "numba", "numpy", "pandas", "scipy")
}
PACKAGES |= {"lava-nc": "lava", "pillow": "PIL", "z3-solver": "z3"}
"""Packages that may change a result or a picture, and their import names. Records list their versions."""

PYTHON = "{}.{}".format(*sys.version_info)


def wanted_python() -> str:
    """The version in .python-version."""
    return ".".join((ROOT / ".python-version").read_text(encoding="utf-8").strip().split(".")[:2])


def text() -> str:
    """The lock file."""
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def versions(imported: Iterable[str]) -> dict[str, str]:
    """Versions of those of `PACKAGES` that are among the imported names."""
    names = set(imported)
    return {pkg: importlib.metadata.version(pkg) for pkg, name in sorted(PACKAGES.items()) if name in names}


def not_locked(packages: dict[str, str]) -> list[str]:
    """The packages, with versions, that the lock file has in another version."""
    lock = text()
    return [f"{name} {version}" for name, version in packages.items() if f"{name}=={version} " not in lock]


def is_locked() -> bool:
    """Whether this is the Python of .python-version with the locked packages, as required for figures/."""
    installed = versions(name for name in PACKAGES.values() if importlib.util.find_spec(name))
    return wanted_python() == PYTHON and not not_locked(installed)


@functools.cache
def package_digest() -> str:
    """SHA-256 of all files of this package."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "snnbp").rglob("[!.]*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
