"""Compiled code on disk never outlives its sources, and never stops a run."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import snnbp
from snnbp.backends.compiled import _digest

PROGRAM = """
import numpy as np
from snnbp import backends
from snnbp.backends.rule import Rule
from snnbp.circuit.weights import Weights

rng = np.random.default_rng(0)
weights = Weights.draw(rng, (12, 9, 8, 3), scale=5)
inputs, labels = rng.random((20, 12)) < 0.5, rng.integers(0, 3, 20)
for name in ("reference", "fused", "spiking"):
    learner = backends.learner(name, weights, Rule())
    learner.learn(inputs, labels)
    spikes, potentials = backends.predict(name, learner.weights, inputs)
    print(learner.weights.digest, learner.n_overdriven, int(potentials.sum()))
"""
EDIT = "backends/kernels.py", "total[j] += partial[j]", "total[j] += 2 * partial[j]"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> tuple[Path, list[str]]:
    """A copy of the package with its compiled code, and its results."""
    copy = tmp_path_factory.mktemp("compiled") / "snnbp"
    shutil.copytree(Path(snnbp.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy, results(copy)


@pytest.fixture
def package(tmp_path, compiled) -> Path:
    """Another copy, with the same compiled code."""
    return shutil.copytree(compiled[0], tmp_path / "copy" / "snnbp")


@pytest.fixture
def first(compiled) -> list[str]:
    return compiled[1]


def test_the_compiler_is_announced_once(tmp_path):
    program = "import snnbp; snnbp.train(snnbp.load_dataset('digits'), snnbp.Config(hidden=9, epochs=1))"
    for told in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PATH": os.environ["PATH"], "NUMBA_CACHE_DIR": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("seed 1, compiling: " in done.stderr) == told


def results(package, warnings="error", program=PROGRAM, **environment) -> list[str]:
    """What reference, fused and spiking learn and predict, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package.parent), **environment},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def cache_files(folder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.nbc")}


def replace_in(package, file, old, new):
    path = package / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.minutes
def test_an_edit_of_a_called_function_takes_effect_and_so_does_undoing_it(package, first):
    assert first[0] == first[1] == first[2]
    files = cache_files(package)
    assert files
    assert results(package) == first
    assert cache_files(package) == files, "compiled again, though nothing has changed"

    file, old, new = EDIT
    replace_in(package, file, old, new)
    edited = results(package)
    assert edited[0] == first[0]
    assert edited[1] != first[1]
    assert edited[2] != first[2]
    replace_in(package, file, new, old)
    assert results(package) == first
    assert cache_files(package).keys() == files.keys(), "files of old sources pile up"


def test_damaged_cache_files_are_compiled_again(package, first):
    """Cut to nothing, within the header, and at three quarters; a bit of the machine code turned."""
    files = cache_files(package)
    for n, (path, content) in enumerate(files.items()):
        middle = len(content) // 2
        turned = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
        path.write_bytes((b"", content[:7], content[: len(content) * 3 // 4], turned)[n % 4])
    assert results(package) == first
    assert cache_files(package).keys() == files.keys()
    assert results(package) == first


HOMELESS = PROGRAM.replace("import numpy", "import pwd; pwd.getpwuid = {}.__getitem__\nimport numpy", 1)


@pytest.mark.parametrize("program", [PROGRAM, HOMELESS], ids=["nowhere to write", "a user without a home"])
def test_where_nothing_can_be_written_nothing_is_kept(package, tmp_path, first, program):
    """A file in the place of each folder; or neither HOME nor an entry in passwd."""
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"")
    shutil.rmtree(package / "backends" / "__pycache__")
    (package / "backends" / "__pycache__").write_bytes(b"")
    names = ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR") if program is PROGRAM else ()
    places = dict.fromkeys(names, str(blocked / "below"))
    assert results(package, "default", program, PYTHONDONTWRITEBYTECODE="1", **places) == first
    assert not cache_files(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_code_from_a_folder_that_others_may_write_is_not_executed(package, first, mode):
    """Every file there would end the program if it were unpickled."""
    (folder,) = {path.parent for path in cache_files(package)}
    content = pickle.dumps(Ends())
    for path in cache_files(package):
        path.write_bytes(_digest(content) + content)
    folder.chmod(mode)
    elsewhere = {"XDG_CACHE_HOME": str(package.parent / "cache")}
    assert results(package, **elsewhere) == first
    folder.chmod(0o755)
    with pytest.raises(AssertionError):
        results(package, **elsewhere)


class Ends:
    """Ends the program that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_every_backend_runs_without_compiling(package, first):
    assert results(package, NUMBA_DISABLE_JIT="1") == first
