"""./reproduce.sh goes on where it was stopped, whatever stopped it, and gives what it would have given."""

import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from snnbp.paper.results import ROOT

PROFILES = """
[paper.01_first]
dataset = "digits"
[paper.02_second]
dataset = "digits"
[quick]
[digits]
"""
WORK = """
import time
from pathlib import Path

import snnbp
from snnbp.paper.results import Evidence

evidence = Evidence("NAME", globals(), snnbp.load_dataset(dataset))
evidence.text("NAME.txt", "done")
"""
WAIT = """
while Path("../hold").exists():
    Path("../waiting").touch()
    time.sleep(0.05)
if Path("../break").exists():
    raise ValueError("broken on purpose")
"""


def make(checkout):
    """A checkout of two notebooks that take no time; the second waits or breaks on demand."""
    shutil.copytree(ROOT / "snnbp", checkout / "snnbp", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "snnbp" / "profiles.toml").write_text(PROFILES)
    for name in ("requirements.lock", "README.md"):
        shutil.copy(ROOT / name, checkout)
    (checkout / "notebooks").mkdir()
    for name, more in (("01_first", ""), ("02_second", WAIT)):
        cells = [new_code_cell('dataset = "digits"', metadata={"tags": ["parameters"]})]
        cells += [new_code_cell(WORK.replace("NAME", name)), new_code_cell(more + "evidence.results()")]
        for number, cell in enumerate(cells):
            cell["id"] = f"{name[:2]}-{number}"
        nbformat.write(new_notebook(cells=cells), checkout / "notebooks" / f"{name}.ipynb")
    return checkout


def start(checkout, *words):
    environment = {**os.environ, "PYTHONPATH": str(checkout), "SNNBP_OUTPUT": str(checkout / "figures")}
    return subprocess.Popen(
        [sys.executable, "-m", "snnbp.paper.pipeline", *words],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(checkout, *words):
    process = start(checkout, *words)
    output, errors = process.communicate(timeout=200)
    return process.returncode, output, errors


def made(checkout):
    """What a run leaves, by name."""
    files = [*(checkout / "figures").iterdir(), *(checkout / "notebooks").glob("*.ipynb")]
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    checkout = make(tmp_path_factory.mktemp("whole") / "checkout")
    code, output, errors = run(checkout)
    assert code == 0, errors
    assert "01_first finished after" in output
    assert "02_second finished after" in output
    return checkout


FIRST_SKIPPED, SECOND_SKIPPED = (f"{n} is finished and unchanged: skipped" for n in ("01_first", "02_second"))


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL", "failing cell"])
def test_a_stopped_run_goes_on(uninterrupted, tmp_path, how):
    checkout = make(tmp_path / "checkout")
    (checkout / ("break" if how == "failing cell" else "hold")).touch()
    process = start(checkout)
    if how != "failing cell":
        deadline = time.monotonic() + 100
        while not (checkout / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, getattr(signal, how))
    output, errors = process.communicate(timeout=200)
    assert process.returncode == {"SIGKILL": -9, "failing cell": 1}.get(how, 130)
    assert "01_first finished after" in output
    assert "02_second finished" not in output
    assert not (checkout / "build" / "stamps" / "figures" / "02_second.json").exists()
    if how == "failing cell":
        assert "reproduce: 02_second, cell 2: ValueError: broken on purpose (see build/partial/" in errors
        assert (checkout / "build" / "partial" / "02_second.ipynb").exists()
    (checkout / "figures" / ".half.1.2.partial").touch()  # as SIGKILL may leave
    (checkout / "hold").unlink(missing_ok=True)
    (checkout / "break").unlink(missing_ok=True)

    code, output, errors = run(checkout)
    assert code == 0, errors
    assert FIRST_SKIPPED in output
    assert "02_second finished after" in output
    assert made(checkout) == made(uninterrupted)


def test_what_is_finished_and_unchanged_is_skipped(uninterrupted, tmp_path):
    checkout = tmp_path / "checkout"
    shutil.copytree(uninterrupted, checkout)
    _, output, _ = run(checkout)
    assert FIRST_SKIPPED in output
    assert SECOND_SKIPPED in output
    _, output, _ = run(checkout, "--force", "--only", "01_first")
    assert "01_first finished after" in output

    path = checkout / "notebooks" / "02_second.ipynb"
    path.write_text(path.read_text().replace("broken on purpose", "broken"))
    (checkout / "figures" / "01_first.txt").write_text("by hand")
    code, output, _ = run(checkout, "--check")
    assert code == 1
    assert "01_first.txt was edited by hand: it is not what 01_first.json tells of\n" in output
    assert "02_second.json and its files are stale: notebooks/02_second.ipynb has changed\n" in output
    _, output, _ = run(checkout)
    assert "01_first finished after" in output
    assert "02_second finished after" in output
    code, output, errors = run(checkout, "--check")
    assert (code, output) == (0, "everything in figures is as its records say\n"), errors
