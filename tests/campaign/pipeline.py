"""The pipeline and set-up, stopped at random moments: nothing is left running, and the next run completes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.paper.test_pipeline import ROOT, make, run, start, tracked

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 130, signal.SIGHUP: 130, signal.SIGKILL: -9}
SECONDS_TO_END = 5


def pipeline(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Stop runs of a small checkout by each signal in turn; the rerun ends with the files of a whole run."""
    whole = make(folder / "whole")
    notebooks = shutil.copytree(whole / "notebooks", folder / "notebooks")
    begun = time.monotonic()
    code, _, errors = run(whole, "all")
    seconds = time.monotonic() - begun
    assert code == 0, errors
    expected = tracked(whole)
    for trial in range(n):
        checkout = shutil.copytree(whole, folder / f"checkout{trial}")
        for place in ("build", "figures", "notebooks"):
            shutil.rmtree(checkout / place)
        shutil.copytree(notebooks, checkout / "notebooks")
        how = list(SIGNALS)[trial % len(SIGNALS)]
        yield _stopped(checkout, how, chance.uniform(0, seconds)) or _completed(checkout, expected)
        shutil.rmtree(checkout)


def _stopped(checkout: Path, how: signal.Signals, after: float) -> str:
    process = start(checkout, "all")
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(how)
    stopped = time.monotonic()
    _, errors = process.communicate()
    if time.monotonic() - stopped > SECONDS_TO_END:
        return f"{how.name}: {time.monotonic() - stopped:.0f} s to the end"
    if process.returncode not in (0, SIGNALS[how], -how) or "Traceback" in errors:
        return f"{how.name} after {after:.1f} s: exit code {process.returncode}: {errors[-500:]!r}"
    return _left(checkout, stopped + SECONDS_TO_END)


def _completed(checkout: Path, expected: dict[str, bytes]) -> str:
    code, _, errors = run(checkout, "all")
    if code:
        return f"the rerun failed: {errors[-500:]!r}"
    found = tracked(checkout)
    return "" if found == expected else f"other files: {sorted(set(found.items()) ^ set(expected.items()))}"


def _left(folder: Path, deadline: float) -> str:
    """Name the processes that still work in `folder` at the deadline."""
    while left := _working_in(folder):
        if time.monotonic() > deadline:
            for process in left:
                process.kill()
            return f"left running: {', '.join(process.name() for process in left)}"
        time.sleep(0.1)
    return ""


def _working_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cwd", "status"]):
        cwd = process.info["cwd"]
        if cwd and Path(cwd).is_relative_to(folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


PACKAGES = (
    "editables",
    "hatchling",
    "numpy",
    "packaging",
    "pathspec",
    "pluggy",
    "tomli",
    "tomlkit",
    "trove-classifiers",
)
VERIFY = """
import base64, hashlib, importlib.metadata, sys
sys.path.pop(0)
import numpy, snnbp
for package in importlib.metadata.distributions():
    for file in package.files:
        content = file.locate().read_bytes()
        if file.hash and not file.name.endswith(".pyc"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert digest == file.hash.value, file
"""


def set_up(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Stop set-up of a small lock file by each signal in turn; set-up again leaves all packages whole."""
    whole = _small(folder / "whole")
    begun = time.monotonic()
    done = _set_up(whole)
    _, errors = done.communicate()
    assert done.returncode == 0, errors
    seconds = time.monotonic() - begun
    for trial in range(n):
        checkout = _small(folder / f"checkout{trial}")
        how = list(SIGNALS)[trial % len(SIGNALS)]
        yield _set_up_stopped(checkout, how, chance.uniform(0, seconds)) or _set_up_again(checkout)
        shutil.rmtree(checkout)


def _small(checkout: Path) -> Path:
    checkout.mkdir()
    shutil.copytree(ROOT / "snnbp", checkout / "snnbp", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("reproduce.sh", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    head, _, rest = project.partition("dependencies = [")
    (checkout / "pyproject.toml").write_text(head + rest.partition("\n]\n")[2], encoding="utf-8")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = ("\n" + lock).replace("\\\n", "\\\r").split("\n")
    kept = [entry.replace("\r", "\n") for entry in entries if entry.partition("==")[0] in PACKAGES]
    (checkout / "requirements.lock").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return checkout


def _set_up(checkout: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "reproduce.sh", "setup"],
        cwd=checkout,
        env=os.environ | {"SNNBP_PYTHON": str(Path(sys.executable).resolve())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _set_up_stopped(checkout: Path, how: signal.Signals, after: float) -> str:
    process = _set_up(checkout)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        # Nobody is left to end the installer when the script is killed: then as the system does at shutdown.
        for each in _working_in(checkout) if how == signal.SIGKILL else [process]:
            each.send_signal(how)
    stopped = time.monotonic()
    _, errors = process.communicate()
    if process.returncode not in (0, SIGNALS[how], -how) or "Traceback" in errors:
        return f"{how.name} after {after:.1f} s: exit code {process.returncode}: {errors[-500:]!r}"
    return _left(checkout, stopped + SECONDS_TO_END)


def _set_up_again(checkout: Path) -> str:
    process = _set_up(checkout)
    _, errors = process.communicate()
    if process.returncode:
        return f"set-up again failed: {errors[-500:]!r}"
    command = [".venv/bin/python", "-c", VERIFY]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return f"incomplete: {done.stderr[-500:]!r}" if done.returncode else ""
