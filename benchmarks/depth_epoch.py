"""Two and more hidden layers: an epoch through the spiking circuit, and the time of a sample.

    python benchmarks/depth_epoch.py [--seed N] [--repeats N]

First an epoch of MNIST at 400-400-400-10, on `spiking` and on `fused`: every weight must be the same. Then
the time that learning one sample takes with one to four hidden layers of 400, as CPU time of the one thread
that works; repeats alternate between networks and backends.
"""

import argparse
import time
from statistics import median

from environment import describe
from table import at_defaults, measured
from tqdm import tqdm

import snnbp
from snnbp.files import atomic_open
from snnbp.paper.records import ROOT, write_record

DEPTHS = (1, 2, 3, 4)
SAMPLES = {"fused": 10_000, "spiking": 2000}


def epoch(data: snnbp.Dataset, seed: int) -> tuple[list[str], int]:
    """Train both backends for an epoch; returns what to print, and how many weights differ."""
    config = snnbp.Config(hidden=(400, 400), epochs=1, seed=seed)
    runs = [snnbp.train(data, config, backend, progress=False) for backend in SAMPLES]
    fused, spiking = (run.weights.matrices for run in runs)
    differing = sum(int((a != b).sum()) for a, b in zip(fused, spiking, strict=True))
    sizes = runs[0].weights.sizes
    steps = len(snnbp.training_circuit(sizes).phases) * len(data.train)
    lines = [f"{'-'.join(map(str, sizes))}, seed {seed}, 1 epoch, {steps:,} steps, one core"]
    lines += [f"{run.backend}: {run.n_overdriven} overdriven, {run.digest}" for run in runs]
    return [*lines, f"weights that differ: {differing}"], differing


def microseconds(data: snnbp.Dataset, seed: int, repeats: int) -> dict[tuple[int, str], list[float]]:
    """CPU time of a learned sample, one value a repeat, by number of hidden layers and backend."""
    networks = {
        depth: snnbp.initial_weights(snnbp.Config(hidden=(400,) * depth, seed=seed), data) for depth in DEPTHS
    }
    times: dict[tuple[int, str], list[float]] = {(n, name): [] for name in SAMPLES for n in DEPTHS}
    for _ in tqdm(range(1 + repeats), unit="repeat"):
        for (depth, backend), found in times.items():
            samples = data.train[: SAMPLES[backend]]
            begin = time.thread_time()
            snnbp.learn(networks[depth], samples, backend)
            found.append((time.thread_time() - begin) / len(samples) * 1e6)
    return {key: found[1:] for key, found in times.items()}  # the first one compiles


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    environment, data = describe(), snnbp.load_dataset("mnist")
    lines, differing = epoch(data, options.seed)
    print("\n".join(lines))
    times = microseconds(data, options.seed, options.repeats)
    rows = [f"{n},{name},{median(t):.2f},{min(t):.2f},{max(t):.2f}" for (n, name), t in times.items()]
    header = "hidden layers,backend,median,min,max"
    print("\n".join([f"µs a sample, {environment['processor']}, one core", header, *rows]))
    if not at_defaults(parser, options):
        return
    table = [
        (
            f"{name}, {n} hidden layer{'s' * (n > 1)} of 400",
            f"{median(t):.2f} ({min(t):.2f} - {max(t):.2f})",
            "µs CPU time a sample",
        )
        for (n, name), t in times.items()
    ]
    table.append(("weights that differ after an epoch", f"{differing}", ""))
    texts = {"depth_epoch.txt": lines, "depth_times.csv": [header, *rows]}
    for name, text in texts.items():
        with atomic_open(ROOT / "figures" / name, "w") as file:
            file.write("\n".join(text) + "\n")
    write_record(
        ROOT / "figures" / "depth_epoch.json",
        "benchmarks/depth_epoch.py",
        data,
        sorted(texts),
        profile="paper",
        parameters=vars(options),
        results={"differing.weights": {"values": [differing]}, **measured(environment, table)},
    )


if __name__ == "__main__":
    main()
