"""Where a measurement is made: the machine, its load, versions; environments for other packages."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from snnbp.paper import ROOT

PACKAGES = ("snnbp", "numpy", "numba", "llvmlite", "pandas", "matplotlib", "lava-nc", "nir")
IDLE = 0.05
"""Share of all cores' time that others may use on a machine that is called idle."""
PYTHON = "3.11"
"""Version of Python in the environments of other simulators: all their pinned packages have wheels for it."""


STATUS = Path("/proc/self/status")


class NotMade(SystemExit):
    """An environment that cannot be made here; the message is one line."""


def describe() -> dict[str, Any]:
    """The machine as it is now. Call it before the first measurement."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    busy = busy_share()
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "load average at start": load if load is None else round(load, 2),
        "busy before": "unknown" if busy is None else f"{busy:.0%}",
        "idle": "unknown" if busy is None else "yes" if busy <= IDLE else "no",
    }


def busy_share(seconds: float = 2) -> float | None:
    """Share of all cores' time that is used while this program waits; None where the system does not tell."""
    times = Path("/proc/stat")
    if not times.exists():
        return None
    used = []
    for pause in (seconds, 0):
        numbers = [int(n) for n in times.read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
        used.append((sum(numbers), numbers[3] + numbers[4]))  # all; idle and waiting for disks
        time.sleep(pause)
    (total, rest), (total_after, rest_after) = used
    return 1 - (rest_after - rest) / max(total_after - total, 1)


def processor() -> str:
    """The CPU's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown CPU"


def need_linux(part: str) -> None:
    """Exit where the system does not tell a process's peak memory."""
    if not STATUS.exists():
        raise SystemExit(f"{part}: needs Linux")


def peak_mebibytes() -> float:
    """This process's peak memory. getrusage would tell of its parent's too, from before it was loaded."""
    status = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def python_with(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of an environment in build/ with these packages; it is made if it is not there."""
    folder = ROOT / "build" / name
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(packages):
        new_python(name, packages)
        stamp.write_text("\n".join(packages), encoding="utf-8")
    return folder / "bin" / "python"


def new_python(name: str, packages: tuple[str | Path, ...]) -> Path:
    """The same, made anew."""
    here = "{}.{}".format(*sys.version_info)
    base = sys.executable if here == PYTHON else shutil.which(f"python{PYTHON}")
    if base is None:
        raise NotMade(f"{name} needs Python {PYTHON}: put python{PYTHON} on the PATH")
    folder = ROOT / "build" / name
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *packages]
    for command in ([base, "-m", "venv", "--clear", folder], pip):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            raise NotMade(f"{name}: its environment cannot be made: {said[-1]}")
    return python


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
