"""How long a training sample takes: one table, measured side by side in one run on one core.

    python benchmarks/speed.py [--samples N] [--repeats N]

Every contender learns MNIST samples (400-400-10) in the same order from the same weights, and must give the
weights that `fused` gives with its rule. Slower ones learn fewer samples. Repeats alternate between
contenders, so that a machine that slows down slows all of them; ratios are of medians. JAX runs in an
environment of its own in build/jax. `fused` also evaluates the test images.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy loads: one core for everyone

import time
from functools import partial
from statistics import median

import contenders
import numba
import numpy as np
import pandas as pd
from table import Part, goal
from tqdm import tqdm

import snnbp
from snnbp.paper import claims

EVALUATION = "fused, evaluation"
GOALS = {
    "fused": (
        440,
        "adding rows takes longer than reading them (memory bound), and samples follow one another",
    ),
    "spiking (12 steps, 8 matrices)": (33, "each of the 12 phases adds up the synapses of its spikes"),
}
"""Times faster than the published simulation, and why not."""
EVALUATION_GOAL = 18
"""The time of so many samples of the published simulation, for the 10,000 test images."""


def measure(data: snnbp.Dataset, samples: int, repeats: int) -> dict[str, list[float]]:
    """Microseconds a sample, one value a repeat, by contender."""
    weights = snnbp.initial_weights(snnbp.Config(), data)
    everyone = contenders.available()
    shares = {name: data.train[: samples // contender.slowness] for name, contender in everyone.items()}
    for name, contender in everyone.items():
        if (
            contender.learn(weights, shares[name])
            != snnbp.learn(weights, shares[name], rule=contender.rule)[0]
        ):
            raise SystemExit(f"{name} does not give the weights that `fused` gives: nothing to compare")
    tasks = {
        name: (len(shares[name]), partial(contender.learn, weights, shares[name]))
        for name, contender in everyone.items()
    }
    tasks[EVALUATION] = (len(data.test), partial(snnbp.predict, weights, data.test.inputs))
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in tqdm(range(repeats), unit="repeat"):
        for name, (number, task) in tasks.items():
            begin = time.perf_counter()
            task()
            times[name].append((time.perf_counter() - begin) / number * 1e6)
    return times


def memory_bound(data: snnbp.Dataset, hidden: int) -> float:
    """Microseconds that it takes this core to read the active inputs' rows of W1, one byte a weight."""
    inputs = data.train.inputs
    words = np.ones(inputs.shape[1] * hidden // 8, np.int64)
    times = 40_000_000 // words.size
    _read(words, 1)
    begin = time.perf_counter()
    _read(words, times)
    bytes_a_microsecond = times * words.nbytes / (time.perf_counter() - begin) / 1e6
    return float(inputs.sum(axis=1).mean()) * hidden / bytes_a_microsecond


@numba.njit
def _read(words: np.ndarray, times: int) -> int:
    total = 0
    for k in range(times):
        for i in range(words.size):
            total += words[i] ^ k
    return total


def main() -> None:
    part = Part(__file__, __doc__, samples=60_000, repeats=9)
    data, repeats = snnbp.load_dataset("mnist"), part.options.repeats
    times = measure(data, part.options.samples, repeats)
    times["chip (published latency)"] = [1000 * claims.value("training-latency")]
    times["memory bound (rows of W1, bandwidth measured)"] = [
        memory_bound(data, snnbp.Config().hidden[0]) for _ in range(repeats)
    ]
    yardstick = median(times[contenders.PUBLISHED])
    columns = {
        "µs a sample, median": lambda t: f"{median(t):.2f}",
        "range": lambda t: f"{min(t):.2f} - {max(t):.2f}",
        "times faster than published": lambda t: f"{yardstick / median(t):.1f}",
    }
    table = pd.DataFrame(
        {title: [cell(t) for t in times.values()] for title, cell in columns.items()}, index=list(times)
    ).to_string()
    text = f"{table}\n\n{part.environment['processor']}, one core, {repeats} repeats\n"
    print(text)
    rows = [
        (name, f"{columns['µs a sample, median'](t)} ({columns['range'](t)})", "µs a sample")
        for name, t in times.items()
    ]
    for name, (least, reason) in GOALS.items():
        faster = yardstick / median(times[name])
        met = goal(f">= {least}", faster >= least, reason)
        rows.append((f"{name}, against the published simulation", f"{faster:.0f}", f"times faster{met}"))
    ratio = len(data.test) * median(times[EVALUATION]) / yardstick
    met = goal(f"<= {EVALUATION_GOAL}", ratio <= EVALUATION_GOAL)
    rows.append(("fused, the test images", f"{ratio:.1f}", f"samples of the published simulation{met}"))
    part.write(data, {"speed.txt": text}, rows, {"microseconds": times})


if __name__ == "__main__":
    main()
