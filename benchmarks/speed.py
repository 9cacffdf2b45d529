"""How long a training sample takes: one table, measured side by side in one run on one core.

    python benchmarks/speed.py [--samples N] [--repeats N]

Every contender learns the same MNIST samples (400-400-10) from the same weights. Repeats alternate between
contenders, so that a machine that slows down slows all of them; ratios are of medians.
"""

import argparse
import platform
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

import snnbp
from snnbp.datasets import Samples
from snnbp.records import ROOT, write_record
from snnbp.weights import Weights

CHIP_MICROSECONDS = 1480.0
"""Published latency of one training sample on Loihi (Nat. Commun. 15, 9691, Table 1)."""


def published_simulation(weights: Weights, samples: Samples) -> Weights:
    """The authors' algorithm done their way: dense float64 matrices, one sample at a time."""
    w1, w2 = weights.w1.astype(float), weights.w2.astype(float)
    inputs, targets = samples.inputs.astype(float), np.eye(10)[samples.labels]
    for x, t in zip(inputs, targets, strict=True):
        v1 = np.dot(x, w1)
        h = 1.0 * (v1 > 512)
        box = 1.0 * ((v1 > 0) & (v1 < 1024))
        v2 = np.dot(h, w2)
        o = 1.0 * (v2 > 512)
        delta2 = (t - o) * (((t > o) & (v2 > 0)) | ((t < o) & (v2 < 1024)))
        w2 += 2 * np.outer(h, delta2)
        w2 = np.clip(w2, -254, 254)
        delta1 = np.clip(np.dot(delta2, w2.T) * box, -1, 1)
        w1 += 2 * np.outer(x, delta1)
        w1 = np.clip(w1, -254, 254)
    return Weights(w1.astype(int), w2.astype(int))


def contenders(samples: Samples) -> dict[str, tuple[int, Callable[[Weights, Samples], Weights]]]:
    """Name: (samples to time, how to learn them)."""
    few = min(1000, len(samples))
    return {
        "published simulation (NumPy)": (few, published_simulation),
        "reference": (few, lambda w, s: snnbp.learn(w, s, engine="reference")[0]),
        "fused": (len(samples), lambda w, s: snnbp.learn(w, s, engine="fused")[0]),
    }


def measure(data: snnbp.Dataset, n: int, repeats: int) -> dict[str, list[float]]:
    """Microseconds a sample, one value a repeat, by contender."""
    weights = snnbp.initial_weights(snnbp.Config(), data)
    samples = data.train[:n]
    start = snnbp.learn(weights, samples, rule="published-simulation")[0]
    if start != published_simulation(weights, samples):
        raise SystemExit("the two forms of the published simulation differ: nothing to compare")
    times: dict[str, list[float]] = {}
    for _ in tqdm(range(repeats), unit="repeat"):
        for name, (count, learn) in contenders(samples).items():
            some = samples[:count]
            begin = time.perf_counter()
            learn(weights, some)
            times.setdefault(name, []).append((time.perf_counter() - begin) / count * 1e6)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    data = snnbp.load_dataset("mnist")
    times = measure(data, options.samples, options.repeats)
    times["Loihi (published latency)"] = [CHIP_MICROSECONDS]
    slowest = median(times["published simulation (NumPy)"])
    rows = [
        [
            name,
            f"{median(values):.2f}",
            f"{min(values):.2f}-{max(values):.2f}",
            f"{slowest / median(values):.1f}",
        ]
        for name, values in times.items()
    ]
    table = tabulate(
        rows, ["", "µs a sample (median)", "range", "times the published simulation"], disable_numparse=True
    )
    text = f"{table}\n\n{platform.processor() or platform.machine()}, {options.repeats} repeats, 1 core\n"
    print(text)
    (ROOT / "figures" / "speed.txt").write_text(text)
    about = {"parameters": vars(options), "weights": {}, "results": {"microseconds": times}}
    write_record(ROOT / "figures" / "speed.json", "benchmarks/speed.py", data, ["speed.txt"], **about)


if __name__ == "__main__":
    main()
