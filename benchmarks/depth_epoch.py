"""Two and more hidden layers: an epoch through the spiking circuit, the time of a sample and of a training.

    python benchmarks/depth_epoch.py [--seed N] [--repeats N]

First an epoch of MNIST at 400-400-400-10, on `spiking` and on `fused`: every weight must be the same. Then
the time that learning one sample takes with one to four hidden layers of 400, as CPU time of the one thread
that works; repeats alternate between networks and backends. Last, whole trainings of 60 epochs.
"""

import time
from statistics import median

from table import Part, goal
from tqdm import tqdm

import snnbp

DEPTHS = (1, 2, 3, 4)
RATIO = 1.35
"""Goal: the time of a training with two hidden layers, with one as the unit."""
REASON = "the spikes of the first hidden layer are rows to add, about half as many as those of the inputs"
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


def trainings(data: snnbp.Dataset, seed: int, repeats: int) -> dict[int, list[float]]:
    """Seconds of 60 epochs with one and two hidden layers, evaluation included."""
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for depth, seconds in found.items():
            run = snnbp.train(data, snnbp.Config(hidden=(400,) * depth, seed=seed), progress=False)
            seconds.append(run.seconds)
    return found


def main() -> None:
    part = Part(__file__, __doc__, seed=1, repeats=9, trainings=3)
    data, seed = snnbp.load_dataset("mnist"), part.options.seed
    lines, differing = epoch(data, seed)
    print("\n".join(lines))
    times = microseconds(data, seed, part.options.repeats)
    csv = ["hidden layers,backend,median,min,max"]
    csv += [f"{n},{name},{median(t):.2f},{min(t):.2f},{max(t):.2f}" for (n, name), t in times.items()]
    print("\n".join([f"µs a sample, {part.environment['processor']}, one core", *csv]))
    rows = [
        (
            f"{name}, {n} hidden layer{'s' * (n > 1)} of 400",
            f"{median(t):.2f} ({min(t):.2f} - {max(t):.2f})",
            "µs CPU time a sample",
        )
        for (n, name), t in times.items()
    ]
    whole = {n: median(t) for n, t in trainings(data, seed, part.options.trainings).items()}
    ratio = whole[2] / whole[1]
    met = goal(f"<= {RATIO}", ratio <= RATIO, REASON)
    rows += [
        *((f"fused, 60 epochs, {n} hidden", f"{seconds:.1f}", "s") for n, seconds in whole.items()),
        ("fused, 60 epochs, 2 against 1", f"{ratio:.2f}", f"times{met}"),
    ]
    rows.append(("weights that differ after an epoch", f"{differing}", ""))
    texts = {"depth_epoch.txt": lines, "depth_times.csv": csv}
    files = {name: "\n".join(text) + "\n" for name, text in texts.items()}
    part.write(data, files, rows, {"differing.weights": {"values": [differing]}})


if __name__ == "__main__":
    main()
