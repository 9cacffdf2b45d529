"""How time and memory grow: with width, inputs, depth, classes and threads.

    python benchmarks/scaling.py

Medians of five repeats, with the range as bars. Random inputs, a quarter of them on, as in MNIST. Peak memory
is that of a process of its own; only Linux tells it.
"""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import numpy as np
from environment import need_linux, peak_mebibytes
from table import Part
from tqdm import tqdm

import snnbp
from snnbp.circuit.weights import Weights
from snnbp.plots import to_png, to_svg
from snnbp.plots.style import BLUE, DOUBLE, ORANGE, StyledFigure, panel_letters, styled
from snnbp.training.data import Samples

REPEATS = 5
HIDDEN = (100, 200, 400, 800, 1600, 3200)
INPUTS = (100, 200, 400, 784, 1600)
DEPTHS = (1, 2, 4, 8)
CLASSES = (2, 5, 10, 20, 50, 100)
THREADS = (1, 2, 4)
BACKENDS = {"fused": BLUE, "spiking": ORANGE}
SAMPLES = 4000
PANELS = {
    "hidden": ("hidden units", HIDDEN, lambda backend, n: microseconds(backend, (400, n, 10))),
    "inputs": ("inputs", INPUTS, lambda backend, n: microseconds(backend, (n, 400, 10))),
    "depth": (
        "hidden layers of 400",
        DEPTHS,
        lambda backend, n: microseconds(backend, (400, *(400,) * n, 10)),
    ),
    "classes": ("classes", CLASSES, lambda backend, n: microseconds(backend, (400, 400, n))),
    "threads": ("threads", THREADS, lambda backend, n: microseconds(backend, (400, 400, 10), n)),
    "memory": ("hidden units", HIDDEN, lambda backend, n: [mebibytes(backend, n)]),
}
"""By panel: what is varied, its values, and what measures them. What is not varied is as in 400-400-10."""


def problem(sizes: tuple[int, ...], samples: int) -> tuple[Weights, Samples]:
    """A random network and random samples."""
    rng = np.random.default_rng(0)
    data = Samples(rng.random((samples, sizes[0])) < 0.25, rng.integers(0, sizes[-1], samples))
    return Weights.draw(np.random.Generator(np.random.PCG64(1)), sizes), data


def microseconds(backend: str, sizes: tuple[int, ...], threads: int = 1) -> list[float]:
    """Time a sample, one value a repeat; with threads, of as many networks learning at once."""
    weights, samples = problem(sizes, SAMPLES)
    snnbp.learn(weights, samples[:10], backend)
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS):
            begin = time.perf_counter()
            list(pool.map(lambda _: snnbp.learn(weights, samples, backend), range(threads)))
            times.append((time.perf_counter() - begin) / (threads * len(samples)) * 1e6)
    return times


def mebibytes(backend: str, hidden: int) -> float:
    """Peak memory of a process that learns ten samples and does nothing else."""
    done = subprocess.run(
        [sys.executable, __file__, backend, str(hidden)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def counted(number: int, things: str) -> str:
    """A number and what it counts: "1 hidden layer of 400"."""
    if number == 1:
        things = re.sub(r"s\b", "", things)
    return f"{number} {things}"


def main() -> None:
    part, values = Part(__file__, __doc__), {}
    need_linux("scaling")
    for backend, panel in tqdm([(backend, panel) for backend in BACKENDS for panel in PANELS], unit="curve"):
        _, sizes, measure = PANELS[panel]
        values[backend, panel] = [measure(backend, size) for size in sizes]
    figure = draw(values)
    rows = [
        (
            f"{backend}, {counted(size, PANELS[panel][0])}",
            f"{median(repeats):.4g}",
            "MiB" if panel == "memory" else "µs a sample",
        )
        for (backend, panel), curve in values.items()
        for size, repeats in zip(PANELS[panel][1], curve, strict=True)
        if size in (PANELS[panel][1][0], PANELS[panel][1][-1])
    ]
    results = {f"{backend}, {panel}": curve for (backend, panel), curve in values.items()}
    files = {"scaling.png": to_png(figure), "scaling.svg": to_svg(figure, "scaling")}
    part.write(None, files, rows, {"values": results}, repeats=REPEATS)


@styled
def draw(values) -> StyledFigure:
    """Lines through the medians, bars from the fastest to the slowest repeat."""
    alt = (
        "Time a sample over hidden units, inputs, hidden layers, classes and threads, "
        "and peak memory over hidden units, by backend."
    )
    figure = StyledFigure((DOUBLE, 4.6), alt)
    axes = dict(zip(PANELS, figure.subplots(2, 3).ravel(), strict=True))
    for panel, (label, sizes, _) in PANELS.items():
        axes[panel].set(xlabel=label, ylabel="time a sample (µs)", xscale="log", yscale="log")
        axes[panel].set(xlim=(0.8 * sizes[0], 1.25 * sizes[-1]))
        axes[panel].grid()
        axes[panel].set_xticks(sizes, sizes)
        axes[panel].minorticks_off()
    axes["memory"].set(ylabel="peak memory (MiB)")
    for (backend, panel), repeats in values.items():
        middle = [median(values) for values in repeats]
        spread = np.transpose([(m - min(r), max(r) - m) for m, r in zip(middle, repeats, strict=True)])
        kinds = {"color": BACKENDS[backend], "marker": "o", "capsize": 3, "label": backend}
        axes[panel].errorbar(PANELS[panel][1], middle, spread, **kinds)
    for panel in PANELS:
        shown = [v for (_, name), curve in values.items() if name == panel for each in curve for v in each]
        ticks = [m * 10**e for e in range(-2, 6) for m in (1, 2, 5)]
        low, high = max(t for t in ticks if t < min(shown)), min(t for t in ticks if t > max(shown))
        ticks = [tick for tick in ticks if low <= tick <= high]
        axes[panel].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes[panel].minorticks_off()
        axes[panel].set_ylim(low, high)
    axes["hidden"].legend()
    panel_letters(axes.values())
    return figure


if __name__ == "__main__":
    if len(sys.argv) == 3:
        backend, hidden = sys.argv[1], int(sys.argv[2])
        snnbp.learn(*problem((400, hidden, 10), 10), backend)
        print(peak_mebibytes())
    else:
        main()
