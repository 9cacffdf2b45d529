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
from tqdm import tqdm

import snnbp
from snnbp.circuit.weights import Weights
from snnbp.files import atomic_open
from snnbp.paper.records import ROOT, write_record
from snnbp.plots import to_png, to_svg
from snnbp.plots.style import BLUE, DOUBLE, ORANGE, StyledFigure, panel_letters, styled
from snnbp.training.data import Samples

REPEATS = 5
HIDDEN = (100, 200, 400, 800, 1600, 3200)
INPUTS = (100, 200, 400, 784, 1600)
THREADS = (1, 2, 4)
BACKENDS = {"fused": BLUE, "spiking": ORANGE}
SAMPLES = 4000
PANELS = {
    "hidden": ("hidden units (400 inputs)", HIDDEN, lambda backend, n: microseconds(backend, 400, n)),
    "inputs": ("inputs (400 hidden units)", INPUTS, lambda backend, n: microseconds(backend, n, 400)),
    "threads": ("threads", THREADS, lambda backend, n: microseconds(backend, 400, 400, n)),
    "memory": ("hidden units", HIDDEN, lambda backend, n: [peak_mebibytes(backend, n)]),
}
"""By panel: what is varied, its values, and what measures them."""


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
    measured = {}
    for backend, panel in tqdm([(backend, panel) for backend in BACKENDS for panel in PANELS], unit="curve"):
        _, sizes, measure = PANELS[panel]
        measured[backend, panel] = [measure(backend, size) for size in sizes]
    figure = draw(measured)
    for suffix, content in (("svg", to_svg(figure, "scaling")), ("png", to_png(figure))):
        with atomic_open(ROOT / "figures" / f"scaling.{suffix}") as file:
            file.write(content)
    about = {"parameters": {"repeats": REPEATS}, "weights": {}, "results": {}}
    files = ["scaling.png", "scaling.svg"]
    write_record(ROOT / "figures" / "scaling.json", "benchmarks/scaling.py", None, files, **about)


@styled
def draw(measured) -> StyledFigure:
    """Lines through the medians, bars from the fastest to the slowest repeat."""
    alt = (
        "Time a sample over hidden units, inputs and threads, and peak memory over hidden units, by backend."
    )
    figure = StyledFigure((DOUBLE, 4.6), alt)
    axes = dict(zip(PANELS, figure.subplots(2, 2).ravel(), strict=True))
    for panel, (label, sizes, _) in PANELS.items():
        axes[panel].set(xlabel=label, ylabel="time a sample (µs)", xscale="log", yscale="log")
        axes[panel].set(xlim=(0.8 * sizes[0], 1.25 * sizes[-1]))
        axes[panel].grid()
    axes["threads"].set(xscale="linear", xticks=THREADS)
    axes["memory"].set(ylabel="peak memory (MiB)", yscale="linear")
    for (backend, panel), repeats in measured.items():
        middle = [median(values) for values in repeats]
        spread = np.transpose([(m - min(r), max(r) - m) for m, r in zip(middle, repeats, strict=True)])
        kinds = {"color": BACKENDS[backend], "marker": "o", "capsize": 3, "label": backend}
        axes[panel].errorbar(PANELS[panel][1], middle, spread, **kinds)
    axes["memory"].set(ylim=(0, None))
    axes["hidden"].legend()
    panel_letters(axes.values())
    return figure


if __name__ == "__main__":
    if len(sys.argv) == 3:
        backend, hidden = sys.argv[1], int(sys.argv[2])
        snnbp.learn(*problem(400, hidden, 10), backend)
        # getrusage would tell of the parent's memory too, from before this program was loaded.
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines()
        )
        print(int(status["VmHWM"].split()[0]) / 1024)
    else:
        main()
