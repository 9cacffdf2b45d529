"""The paper's whole training through the spiking circuit: 43.2 million steps, and the digest at its end.

    python benchmarks/full_run.py [--seed N]

All 30 populations and eight plastic matrices in every step. Inside the validity bound (no sample overdriven)
the weights must be those of `fused`; the run is only worth something if they are.
"""

from environment import STATUS, peak_mebibytes
from table import Part

import snnbp


def main() -> None:
    part = Part(__file__, __doc__, seed=1)
    config, data = snnbp.Config(seed=part.options.seed), snnbp.load_dataset("mnist")
    runs = {backend: snnbp.train(data, config, backend) for backend in ("fused", "spiking")}
    fused, spiking = (run.weights.matrices for run in runs.values())
    differing = sum(int((a != b).sum()) for a, b in zip(fused, spiking, strict=True))
    steps = 12 * len(data.train) * config.epochs
    what = f"{config.epochs} epochs"
    lines = [f"seed {config.seed}, {what}, {steps:,} steps, {part.environment['processor']}, one core"]
    for backend, run in runs.items():
        lines.append(f"{backend}: {run.seconds:.0f} s, {run.n_overdriven} overdriven, {run.digest}")
    lines.append(f"weights that differ: {differing}")
    if STATUS.exists():
        lines.append(f"peak memory {peak_mebibytes():.0f} MiB")
    print("\n".join(lines))
    rows = [(f"{backend}, {what}", f"{run.seconds:.0f}", "s") for backend, run in runs.items()]
    rows.append(("weights that differ", f"{differing}", ""))
    seconds = {backend: run.seconds for backend, run in runs.items()}
    results = {"differing.weights": {"values": [differing]}, "seconds": seconds}
    part.write(data, {"full_run.txt": "\n".join(lines) + "\n"}, rows, results)


if __name__ == "__main__":
    main()
