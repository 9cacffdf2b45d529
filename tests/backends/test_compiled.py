"""Compiled code is that of the source as it is; files of it that are damaged or cannot be written do no harm."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snnbp.backends import compiled, kernels

PACKAGE = compiled.PACKAGE
PROGRAM = """
import numpy as np, snnbp
weights = snnbp.Weights((np.full((4, 3), 200), np.full((3, 2), 100)))
print(*snnbp.predict(weights, np.ones((1, 4), bool))[1][0])
"""


def test_an_edit_of_a_kernel_is_what_runs_and_undone_is_undone(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "snnbp", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "snnbp" / "backends" / "kernels.py"  # not the outermost kernel's file
    before = source.read_text(encoding="utf-8")
    edited = before.replace("    total[:] = 0\n", "    total[:] = -9999\n")
    assert edited != before
    potentials = []
    for text in (before, edited, before):
        source.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-B", "-c", PROGRAM],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        potentials.append(done.stdout.strip())
    assert potentials == ["300 300", "0 0", "300 300"]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """The cache of one kernel, its signature, and the file that holds its compiled form."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernels.active_indices(np.ones(3, np.bool_), np.empty(4, np.int32))
    signature, form = next(iter(kernels.active_indices.overloads.items()))
    cache = kernels.active_indices._cache
    cache.save_overload(signature, form)
    (file,) = Path(cache.cache_path).iterdir()
    return lambda: cache.load_overload(signature, form.target_context), file


def test_damaged_files_are_not_used(stored):
    load, file = stored
    whole = file.read_bytes()
    assert load() is not None
    for damaged in (b"", whole[:20], whole[:-1], whole[:500] + b"\0" + whole[501:], b"\0" + whole[1:]):
        file.write_bytes(damaged)
        assert load() is None


def test_where_no_folder_can_be_written_a_warning_says_what_to_do(stored, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    compiled._warn_once.cache_clear()
    signature, form = next(iter(kernels.active_indices.overloads.items()))
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR"):
        kernels.active_indices._cache.save_overload(signature, form)
    kernels.active_indices._cache.save_overload(signature, form)
    assert stored[0]() is None
