"""How much faster learning and evaluation are than in an earlier version, paired in one run on one core.

    python benchmarks/against.py [--commit REV] [--repeats N]

The other version is taken from this clone's history into build/against. Both run with the packages of this
environment, on MNIST. Repeats alternate between them; ratios are of medians. Weights and outputs must
be equal.
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

from table import Part, goal
from tqdm import tqdm

import snnbp
from snnbp.paper import ROOT

BEFORE = "e37df02"
"""The last version before the work on speed."""
GOALS = {"fused, learning": 1.3, "fused, evaluation": 1.5}
"""Times faster."""
SPIKING_GOAL = 9.0
"""Microseconds a sample."""
READS = "adding rows takes longer than reading them (memory bound in `speed`), and samples follow one another"
SPIKES = "each of the 12 phases adds up the synapses of its spikes (synaptic events in `simulators`)"


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


class Version:
    """A process that answers with one version of the package, and ends with the block that it is made in."""

    def __init__(self, title: str, folder: Path) -> None:
        self._title = title
        start = (
            f"import sys; sys.path[:0] = [{str(folder)!r}, {str(Path(__file__).parent)!r}]; "
            f"import snnbp, against; assert snnbp.__file__.startswith({str(folder)!r}); against.answer()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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


def measure(folders: dict[str, Path], repeats: int) -> dict[str, dict[str, list[float]]]:
    """Microseconds a sample by task and version, one value a repeat; exit if results differ."""
    names = ("fused, learning", "fused, evaluation", "spiking, learning")
    times: dict[str, dict[str, list[float]]] = {name: {title: [] for title in folders} for name in names}
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
    part = Part(__file__, __doc__, commit=BEFORE, repeats=15)
    commit = git("rev-parse", "--verify", f"{part.options.commit}^{{commit}}").decode().strip()
    short = commit[:7]
    times = measure({short: version_at(commit), "now": ROOT}, part.options.repeats)
    rows = []
    for name, found in times.items():
        before, now = median(found[short]), median(found["now"])
        time_goal, ratio_goal = "", ""
        if name in GOALS:
            ratio_goal = goal(f">= {GOALS[name]:g}", before / now >= GOALS[name], READS)
        else:
            time_goal = goal(f"<= {SPIKING_GOAL:g}", now <= SPIKING_GOAL, SPIKES)
        rows += [
            (f"{name}: {short}", f"{before:.2f}", "µs a sample"),
            (f"{name}: now", f"{now:.2f}", f"µs a sample{time_goal}"),
            (f"{name}: how much faster", f"{before / now:.2f}", f"times{ratio_goal}"),
        ]
    text = "".join(f"{name:40} {value:>8}  {unit}\n" for name, value, unit in rows)
    print(text)
    data = snnbp.load_dataset("mnist")
    part.write(data, {"against.txt": text}, rows, {"microseconds": times}, commit=commit)


if __name__ == "__main__":
    main()
