"""How much faster start, learning and evaluation are than in an earlier version, paired in one run.

    python benchmarks/against.py [--commit REV] [--repeats N] [--starts N]

The other version is taken from this clone's history into build/against. Both run with the packages of this
environment: learning and evaluation on MNIST, on one core; a first training on the 8x8 digits, in a new
process with nothing compiled. Repeats alternate between versions; ratios are of medians. Weights and outputs
must be equal.
"""

import io
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

import snnbp
from snnbp.paper import ROOT

BEFORE = "240c596"
"""The last version before the work on the start."""
FIRST = "snnbp.train(snnbp.load_dataset('digits'), snnbp.Config(epochs=1), {!r}, progress=False)"
START_GOAL = 2.0
"""Times faster."""


def tasks() -> dict[str, tuple[int, Callable[[], Any]]]:
    """What is timed, with its number of samples; each returns what must be equal in both versions."""
    data = snnbp.load_dataset("mnist")
    weights = snnbp.train(data, snnbp.Config(epochs=1), progress=False).weights
    few = data.train[:3000]
    return {
        "fused, learning": (len(data.train), lambda: snnbp.learn(weights, data.train)[0].digest),
        "fused, evaluation": (
            len(data.test),
            lambda: snnbp.predict(weights, data.test.inputs)[1].astype("<i4").tobytes().hex(),
        ),
        "spiking, learning": (len(few), lambda: snnbp.learn(weights, few, "spiking")[0].digest),
    }


def answer() -> None:
    """For each name of a task on the standard input, print its result and microseconds a sample."""
    known = tasks()
    for line in sys.stdin:
        samples, task = known[line.strip()]
        begin = time.perf_counter()
        result = task()
        print(result, (time.perf_counter() - begin) / samples * 1e6, flush=True)


def git(*command: str) -> bytes:
    """What git answers, or an exit."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *command], capture_output=True, check=False)
    except FileNotFoundError:
        raise SystemExit("against: needs git") from None
    if done.returncode:
        said = done.stderr.decode().strip().splitlines() or ["no message"]
        raise SystemExit(f"against: cannot find {command[-1]}: {said[-1]}")
    return done.stdout


def version_at(commit: str) -> Path:
    """The folder of the version with this full hash; made if it is not there."""
    folder = ROOT / "build" / "against" / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (
            TemporaryDirectory(dir=folder.parent) as temporary,
            tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as files,
        ):
            whole = Path(temporary) / commit
            files.extractall(whole, filter="data")
            whole.rename(folder)
    return folder


def of_version(folder: Path, code: str) -> str:
    """`code`, with the version in a folder."""
    return (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(Path(__file__).parent)!r}]; "
        f"import snnbp; assert snnbp.__file__.startswith({str(folder)!r}); {code}"
    )


class Version:
    """A process that answers with one version of the package, and ends with the block that it is made in."""

    def __init__(self, title: str, folder: Path) -> None:
        self._title = title
        self._process = subprocess.Popen(
            [sys.executable, "-c", of_version(folder, "import against; against.answer()")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Version":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def time(self, task: str) -> tuple[str, float]:
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            print(task, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self._title} failed: see above")
        result, microseconds = answer.split()
        return result, float(microseconds)


Times = dict[str, dict[str, list[float]]]
"""By what was done and by version, one value a repeat."""


def starts(folders: dict[str, Path], repeats: int) -> Times:
    """Seconds of a new process that trains with nothing compiled."""
    from package import seconds  # not above: processes with the other version import this module

    backends = ("fused", "spiking")
    times: Times = {f"first training, {name}": {title: [] for title in folders} for name in backends}
    for _ in tqdm(range(repeats), unit="repeat"):
        for name, found in zip(backends, times.values(), strict=True):
            for title, folder in folders.items():
                with TemporaryDirectory() as cache:
                    code = of_version(folder, FIRST.format(name))
                    found[title].append(seconds(sys.executable, code, NUMBA_CACHE_DIR=cache))
    return times


def measure(folders: dict[str, Path], repeats: int) -> Times:
    """Microseconds a sample; exit if results differ."""
    names = ("fused, learning", "fused, evaluation", "spiking, learning")
    times: Times = {name: {title: [] for title in folders} for name in names}
    with ExitStack() as stack:
        versions = {title: stack.enter_context(Version(title, folder)) for title, folder in folders.items()}
        for name in names:
            results = {version.time(name)[0] for version in versions.values()}  # this also compiles
            if len(results) != 1:
                raise SystemExit(f"{name}: the versions differ")
        for _ in tqdm(range(repeats), unit="repeat"):
            for name in names:
                for title, version in versions.items():
                    times[name][title].append(version.time(name)[1])
    return times


def main() -> None:
    from table import Part, goal  # not above, as in `starts`

    part = Part(__file__, __doc__, commit=BEFORE, repeats=15, starts=3)
    commit = git("rev-parse", "--verify", f"{part.options.commit}^{{commit}}").decode().strip()
    short = commit[:7]
    folders = {short: version_at(commit), "now": ROOT}
    found = {"seconds": starts(folders, part.options.starts)}
    found["microseconds"] = measure(folders, part.options.repeats)
    rows = []
    for unit, times in (("s", found["seconds"]), ("µs a sample", found["microseconds"])):
        for name, by_version in times.items():
            before, now = median(by_version[short]), median(by_version["now"])
            wanted = goal(f">= {START_GOAL:g}", before / now >= START_GOAL) if unit == "s" else ""
            rows += [
                (f"{name}: {short}", f"{before:.2f}", unit),
                (f"{name}: now", f"{now:.2f}", unit),
                (f"{name}: how much faster", f"{before / now:.2f}", f"times{wanted}"),
            ]
    text = "".join(f"{name:40} {value:>8}  {unit}\n" for name, value, unit in rows)
    print(text)
    data = snnbp.load_dataset("mnist")
    part.write(data, {"against.txt": text}, rows, found, commit=commit)


if __name__ == "__main__":
    main()
