"""How time and memory grow: with hidden units, inputs and threads.

    python benchmarks/scaling.py

Medians of five repeats, with the range as bars. Random inputs, a quarter of them on, as in MNIST. Peak memory
is that of a process of its own.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import snnbp
from snnbp.training.data import Samples
from snnbp.plots.results import BLUE, ORANGE
from snnbp.files import atomic_open
from snnbp.paper.records import ROOT, write_record
from snnbp.circuit.weights import Weights

REPEATS = 5
HIDDEN = (100, 200, 400, 800, 1600, 3200)
INPUTS = (100, 200, 400, 784, 1600)
THREADS = (1, 2, 4)
BACKENDS = {"fused": BLUE, "spiking": ORANGE}
SAMPLES = 4000


def problem(inputs: int, hidden: int, samples: int) -> tuple[Weights, Samples]:
    """A random network and random samples."""
    rng = np.random.default_rng(0)
    data = Samples(rng.random((samples, inputs)) < 0.25, rng.integers(0, 10, samples))
    return Weights.draw(np.random.Generator(np.random.PCG64(1)), (inputs, hidden, 10)), data


def microseconds(backend: str, inputs: int, hidden: int, threads: int = 1) -> list[float]:
    """Time a sample, one value a repeat; with threads, of as many networks learning at once."""
    weights, samples = problem(inputs, hidden, SAMPLES)
    snnbp.learn(weights, samples[:10], backend)
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS):
            begin = time.perf_counter()
            list(pool.map(lambda _: snnbp.learn(weights, samples, backend), range(threads)))
            times.append((time.perf_counter() - begin) / (threads * len(samples)) * 1e6)
    return times


def peak_mebibytes(backend: str, hidden: int) -> float:
    """Peak memory of a process that learns ten samples and does nothing else."""
    done = subprocess.run(
        [sys.executable, __file__, backend, str(hidden)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    figure = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    tasks = [(e, n) for e in BACKENDS for n in range(4)]
    for backend, plot in tqdm(tasks, unit="curve"):
        colour = BACKENDS[backend]
        if plot == 0:
            curve(axes[0], HIDDEN, [microseconds(backend, 400, n) for n in HIDDEN], colour, backend)
        elif plot == 1:
            curve(axes[1], INPUTS, [microseconds(backend, n, 400) for n in INPUTS], colour, backend)
        elif plot == 2:
            curve(axes[2], THREADS, [microseconds(backend, 400, 400, n) for n in THREADS], colour, backend)
        else:
            curve(axes[3], HIDDEN, [[peak_mebibytes(backend, n)] for n in HIDDEN], colour, backend)
    for axis, label in zip(
        axes,
        ("hidden units (400 inputs)", "inputs (400 hidden units)", "threads", "hidden units"),
        strict=True,
    ):
        axis.set(xlabel=label, ylabel="time a sample (µs)", xscale="log", yscale="log")
        axis.grid(alpha=0.25, which="both")
    axes[2].set(xscale="linear", xticks=THREADS)
    axes[3].set(ylabel="peak memory (MiB)", yscale="linear", ylim=(0, None))
    axes[0].legend()
    for suffix in ("svg", "png"):
        with atomic_open(ROOT / "figures" / f"scaling.{suffix}") as file:
            figure.savefig(file, format=suffix, dpi=150)
    about = {"parameters": {"repeats": REPEATS}, "weights": {}, "results": {}}
    files = ["scaling.png", "scaling.svg"]
    write_record(ROOT / "figures" / "scaling.json", "benchmarks/scaling.py", None, files, **about)


def curve(axis, sizes, times, colour, label) -> None:
    """A line through the medians, bars from the fastest to the slowest repeat."""
    middle = [median(t) for t in times]
    spread = np.transpose([(m - min(t), max(t) - m) for m, t in zip(middle, times, strict=True)])
    axis.errorbar(sizes, middle, spread, color=colour, marker="o", capsize=3, label=label)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        backend, hidden = sys.argv[1], int(sys.argv[2])
        snnbp.learn(*problem(400, hidden, 10), backend)
        # getrusage would tell of the parent's memory too, from before this program was loaded.
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        print(int(status["VmHWM"].split()[0]) / 1024)
    else:
        main()
