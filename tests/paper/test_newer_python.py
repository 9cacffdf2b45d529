"""Python 3.11 to 3.13 lose nothing but Lava: a fresh copy runs all other notebooks at small settings."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from snnbp.paper import ROOT, settings


def newest():
    """The newest of Python 3.11 to 3.13 on this machine; a shim may exist and still fail."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    for version in ("3.13", "3.12", "3.11"):
        for path in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")):
            done = path and subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
            if done and done.stdout.strip() == version:
                return str(path)
    return None


def digests(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in ("figures", "notebooks", "snnbp", "README.md")
        for path in ((folder / name).rglob("*") if (folder / name).is_dir() else [folder / name])
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.timeout(1800)
def test_all_notebooks_but_lavas_run_on_a_newer_python(tmp_path, mnist, fashion_mnist):
    if not (python := newest()):
        pytest.skip("no Python 3.11, 3.12 or 3.13 on this machine")
    checkout = tmp_path / "checkout"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(lambda name: (ROOT / name).exists(), files.splitlines()):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)
    before = digests(checkout)
    environment = {name: value for name, value in os.environ.items() if name != "SNNBP_OUTPUT"}
    environment |= {"SNNBP_PYTHON": python, "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        ["bash", "reproduce.sh", "quick"],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "skipping 06_lava: needs lava-nc==0.10.0 (Python 3.10)" in done.stderr
    run = {name for name, notebook in settings.notebooks().items() if notebook.group == "paper"} - {"06_lava"}
    assert {path.stem for path in (checkout / "build" / "quick").glob("*.ipynb")} == run
    assert digests(checkout) == before
    digest = json.loads(
        (checkout / "build" / "quick" / "records" / "04_mnist.json").read_text(encoding="utf-8")
    )
    assert digest["python"] != "3.10"
