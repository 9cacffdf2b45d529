"""Python 3.11 to 3.13 lose nothing but Lava: with the locked packages, the ladder gives the same weights."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import snnbp
from snnbp.paper.results import ROOT

PACKAGES = [
    "certifi",
    "charset-normalizer",
    "idna",
    "llvmlite",
    "numba",
    "numpy",
    "packaging",
    "platformdirs",
    "pooch",
    "requests",
    "tqdm",
    "urllib3",
]
LADDER = """
import numpy as np, snnbp
rng = np.random.Generator(np.random.PCG64(3))
weights = snnbp.Weights(rng.integers(-128, 128, (30, 20)) * 2, rng.integers(-128, 128, (20, 10)) * 2)
inputs = rng.random((60, 30)) < 0.1
samples = snnbp.Dataset.from_arrays(inputs, np.arange(60) % 10, inputs, np.arange(60) % 10).train
"""
LEARN = 'print(snnbp.learn(weights, samples, "{backend}")[0].digest)'


def interpreters():
    """Pythons 3.11 to 3.13 on this machine, newest first; a shim may exist and still fail."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for version in ("3.13", "3.12", "3.11"):
        for path in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")):
            if path and says(path, "import sys, venv; print('%d.%d' % sys.version_info[:2])") == version:
                yield path


def says(python, code):
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@pytest.mark.timeout(500)
def test_the_ladder_is_the_same_on_a_newer_python(tmp_path):
    newest = next(interpreters(), None)
    if newest is None:
        pytest.skip("no Python 3.11, 3.12 or 3.13 on this machine: the ladder is not tested there")
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    (tmp_path / "lock").write_text("\n".join(entry for entry in entries if entry.split("==")[0] in PACKAGES))
    subprocess.run([newest, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "-r",
        tmp_path / "lock",
    ]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip(f"the locked packages cannot be had for {newest}: the ladder is not tested there")

    namespace: dict[str, object] = {}
    exec(LADDER, namespace)
    expected = snnbp.learn(namespace["weights"], namespace["samples"])[0].digest
    for backend in ("reference", "fused", "spiking"):
        assert says(python, LADDER + LEARN.format(backend=backend)) == expected
    refusal = says(python, LADDER + LEARN.format(backend="lava"))
    assert refusal.startswith(
        "ModuleNotFoundError: backend 'lava' needs Lava: pip install lava-nc==0.10.0, in Python 3.10"
    )
