"""The package's order: who may import whom, what loads when, what the lock file holds."""

import ast
import re
import subprocess
import sys

import pytest

import snnbp
from snnbp.paper.results import ROOT

PACKAGE = ROOT / "snnbp"
MAY_IMPORT = {
    "files": set(),
    "loihi": set(),
    "kernels": set(),
    "rules": {"loihi"},
    "scores": set(),
    "weights": {"files", "loihi"},
    "datasets": {"files"},
    "records": {"datasets", "files", "weights"},
    "stamps": {"files", "records"},
    "provenance": {"datasets", "files", "records", "weights"},
    "claims": set(),
    "declaration": {"loihi"},
    "circuit": {"declaration", "loihi"},
    "reference": {"loihi", "rules", "weights"},
    "fused": {"kernels", "loihi", "rules", "weights"},
    "published": {"datasets", "fused", "rules", "scores", "weights"},
    "network": {"declaration", "stepper", "tables"},
    "stepper": {"kernels", "loihi", "tables"},
    "tables": {"declaration", "loihi"},
    "spiking": {
        "circuit",
        "declaration",
        "kernels",
        "loihi",
        "network",
        "rules",
        "stepper",
        "tables",
        "weights",
    },
    "drawings": {"declaration", "figures"},
    "figures": {"loihi", "spiking"},
    "checkpoints": {"files", "weights"},
    "training": {"checkpoints", "datasets", "fused", "loihi", "rules", "scores", "weights"},
    "stores": {"training"},
    "sweeps": {"datasets", "stores", "training"},
    "lava_backend.network": {
        "circuit",
        "declaration",
        "lava_backend",
        "loihi",
        "network",
        "rules",
        "spiking",
        "stepper",
        "tables",
        "weights",
    },
    "lava_backend.parts": {"declaration", "stepper"},
    "lava_backend.runtime": set(),
    "lava_backend.single": {
        "circuit",
        "lava_backend",
        "loihi",
        "network",
        "rules",
        "spiking",
        "stepper",
        "tables",
        "weights",
    },
    "lava_backend.whole.process": set(),
    "energy": {"declaration", "spiking"},
    "table1": set(),
    "charts": {"figures", "table1"},
    "explorer": {
        "circuit",
        "claims",
        "datasets",
        "drawings",
        "explorer",
        "figures",
        "loihi",
        "provenance",
        "spiking",
        "training",
        "weights",
    },
    "reproduce": {"claims", "datasets", "files", "provenance", "records", "stamps"},
}


def siblings(path):
    """Names of the package's modules that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "snnbp":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("snnbp."):
            yield node.module.split(".")[1]


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    """A module of a package has an entry of its own, or its package has one for all."""
    entry = module if module in MAY_IMPORT else module.split(".")[0]
    if not module.endswith("__init__"):
        assert entry in MAY_IMPORT
    assert set(siblings(MODULES[module])) <= MAY_IMPORT.get(entry, set())


def loaded_by(code):
    listing = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_heavy_is_loaded_unasked():
    assert not loaded_by("import snnbp") & {"numpy", "numba", "matplotlib"}
    everything = "import snnbp; [getattr(snnbp, name) for name in snnbp.__all__]"
    assert not loaded_by(everything) & {"lava", "ipywidgets", "ipycanvas", "papermill", "matplotlib"}


def test_every_public_name_exists_and_is_documented():
    for name in snnbp.__all__:
        assert getattr(snnbp, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        snnbp.nonsense  # noqa: B018


def test_the_lock_file_is_hashed_universal_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    for package in (
        "jupyterlab",
        "papermill",
        "lava-nc",
        "numpy",
        "numba",
        "matplotlib",
        "ipycanvas",
        "ipywidgets",
        "nbval",
        "playwright",
    ):
        assert any(entry.startswith(f"{package}==") for entry in entries)
    assert re.search(r"^lava-nc==\S+ ; python_(full_)?version < '3.11'", lock, re.MULTILINE)
