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


def python_with(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of an environment in build/ with these packages; it is made if it is not there."""
    folder = ROOT / "build" / name
    python, stamp = folder / "bin" / "python", folder / "packages.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(packages):
        here = "{}.{}".format(*sys.version_info)
        base = sys.executable if here == PYTHON else shutil.which(f"python{PYTHON}")
        if base is None:
            raise SystemExit(f"{name} needs Python {PYTHON}: put python{PYTHON} on the PATH")
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(pip, capture_output=True, text=True, check=False) if packages else None
        if done and done.returncode:
            raise SystemExit(f"{name}: {done.stderr.strip()}")
        stamp.write_text("\n".join(packages), encoding="utf-8")
    return python


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
