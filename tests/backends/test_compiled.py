"""Compiled code is that of the source as it is; damaged files of it do no harm."""

import os
import shutil
import subprocess
import sys

import pytest

from snnbp.backends import compiled

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
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        potentials.append(done.stdout.strip())
    assert potentials == ["300 300", "0 0", "300 300"]


def double(n):
    return 2 * n


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A kernel's cache, with what it has stored and where."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    kernel = compiled.jit(double)
    kernel(1)
    ((signature, form),) = kernel.overloads.items()
    (file,) = (tmp_path / "snnbp").iterdir()
    return kernel._cache, signature, form, file


def test_damaged_files_are_not_used(stored):
    cache, signature, form, file = stored
    whole = file.read_bytes()
    assert cache.load_overload(signature, form.target_context) is not None
    changed = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in (0, 40, len(whole) - 1)]
    for damaged in (b"", whole[:20], whole[:-1], *changed):
        file.write_bytes(damaged)
        assert cache.load_overload(signature, form.target_context) is None


def test_where_no_folder_can_be_written_a_warning_says_what_to_do(stored, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    compiled._warn_once.cache_clear()
    cache, signature, form, _ = stored
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR"):
        cache.save_overload(signature, form)
    cache.save_overload(signature, form)  # says so once
    assert cache.load_overload(signature, form.target_context) is None


UNCOMPILED = """
import numpy as np, snnbp
rng = np.random.default_rng(1)
data = snnbp.Samples(rng.random((30, 12)) < 0.5, rng.integers(0, 3, 30))
weights = snnbp.Weights.draw(rng, (12, 8, 3), scale=3.0)
for backend in ("reference", "fused", "spiking"):
    learnt, outputs = snnbp.learn(weights, data, backend, step=64)
    print(learnt.digest, outputs.sum(), snnbp.evaluate(learnt, data, backend).spikes)
"""


def test_without_numba_every_backend_computes_the_same():
    """NUMBA_DISABLE_JIT is for debuggers and for coverage of the kernels."""
    answers = set()
    for disabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", UNCOMPILED],
            cwd=PACKAGE.parent,
            env=os.environ | {"NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.update(done.stdout.splitlines())
    assert len(answers) == 1
