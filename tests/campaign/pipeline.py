"""The pipeline, stopped at random moments: nothing is left running, and the next run completes."""

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.paper.test_pipeline import make, run, start, tracked

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
