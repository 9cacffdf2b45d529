"""Size and start-up of the package, and many runs at once: with one and two workers.

    python benchmarks/package.py [--seeds N] [--epochs N]

The wheel is built from this checkout and installed into a new environment, build/package, with the newest
versions of the packages that the library needs. There, start-up is timed. Many runs: a sweep over seeds on
MNIST in a process of its own. Needs Linux and two cores.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from environment import need_linux, new_python
from table import Part, Row, goal

import snnbp
from snnbp.paper import ROOT

REPEATS = 7
LARGEST = "llvmlite, pandas and NumPy are most of it"
TRAINING = "import snnbp; snnbp.train(snnbp.load_dataset('digits'), snnbp.Config(epochs=1), progress=False)"
SWEEP = """
import os, sys, time
import snnbp
from environment import peak_mebibytes
workers, seeds, epochs = map(int, sys.argv[1:])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:workers])
data = snnbp.load_dataset("mnist")
snnbp.train(data, snnbp.Config(epochs=1, seed=seeds + 1), progress=False)
begin = time.perf_counter()
configs = [snnbp.Config(epochs=epochs, seed=1 + seed) for seed in range(seeds)]
snnbp.sweep(configs, data, progress=False)
seconds = time.perf_counter() - begin
print(seconds, peak_mebibytes())
"""
INSTALLED = """
import json, platform
from importlib.metadata import distributions
kept = [d for d in distributions() if d.name not in ("pip", "setuptools")]
print(json.dumps({
    "bytes": sum(f.locate().stat().st_size for d in kept for f in d.files or () if f.locate().exists()),
    "python": platform.python_version(),
    "packages": {d.name: d.version for d in sorted(kept, key=lambda d: d.name.lower())},
}))
"""


def seconds(python: str | Path, code: str, **variables: str) -> float:
    """Wall time of a new process that runs `code`, in the system's folder for temporary files."""
    begin = time.perf_counter()
    with TemporaryDirectory() as folder:
        subprocess.run([python, "-I", "-c", code], check=True, cwd=folder, env=os.environ | variables)
    return time.perf_counter() - begin


def sizes() -> tuple[Path, dict[str, Any], list[Row]]:
    """Build and install the wheel; return the Python that has it, what is installed there, and rows."""
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        megabytes = wheel.stat().st_size / 1e6
        python = new_python("package", (wheel,))
    installed = json.loads(subprocess.check_output([python, "-I", "-c", INSTALLED]))
    size = installed["bytes"] / 1e6
    return (
        python,
        installed,
        [
            ("wheel", f"{megabytes:.2f}", f"MB{goal('< 1', megabytes < 1)}"),
            (
                "packages for the library alone",
                f"{size:.1f}",
                f"MB, with the bytecode that pip makes{goal('< 400', size < 400, LARGEST)}",
            ),
        ],
    )


def start_up(python: Path) -> list[Row]:
    """Time the import, and a first training with and without compiled code."""
    nothing = median(seconds(python, "pass") for _ in range(REPEATS))
    imports = median(seconds(python, "import snnbp") for _ in range(REPEATS)) - nothing
    with TemporaryDirectory() as cache:
        cold, warm = (seconds(python, TRAINING, NUMBA_CACHE_DIR=cache) for _ in range(2))
    return [
        ("import snnbp", f"{imports:.3f}", f"s{goal('< 0.2', imports < 0.2)}"),
        (
            "first training, nothing compiled",
            f"{cold:.1f}",
            f"s{goal('< 10', cold < 10, 'the compiler takes nearly all of it')}",
        ),
        ("first training, compiled before", f"{warm:.1f}", "s"),
    ]


def many_runs(seeds: int, epochs: int) -> list[Row]:
    """Time a sweep with one and two workers."""
    rows, times = [], {}
    for workers in (1, 2):
        command = [sys.executable, "-c", SWEEP, *map(str, (workers, seeds, epochs))]
        path = os.pathsep.join((str(ROOT), str(ROOT / "benchmarks")))
        variables = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=variables)
        times[workers], mebibytes = map(float, done.stdout.split())
        megabytes = mebibytes * 2**20 / 1e6
        with_workers = f"{workers} worker{'s' * (workers > 1)}"
        what = f"{seeds} seeds, {epochs} epochs, {with_workers}"
        rows += [
            (what, f"{times[workers]:.1f}", "s"),
            (
                f"{what}: peak memory",
                f"{megabytes:.0f}",
                f"MB, of the whole process with {with_workers}"
                f"{goal('< 300 MB a worker', megabytes < 300 * workers)}",
            ),
        ]
    return [*rows, ("two workers against one", f"{times[1] / times[2]:.2f}", "times faster")]


def main() -> None:
    part = Part(__file__, __doc__, seeds=6, epochs=10)
    need_linux("package")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("package: needs two cores")
    data = snnbp.load_dataset("mnist")
    python, installed, rows = sizes()
    rows += start_up(python) + many_runs(part.options.seeds, part.options.epochs)
    for what, value, unit in rows:
        print(f"{what:36} {value:>8}  {unit}")
    part.write(data, {}, rows, {"installed": installed})


if __name__ == "__main__":
    main()
