"""The paper's whole training through the spiking circuit: 43.2 million steps, and the digest at its end.

    python benchmarks/full_run.py [--seed N]

All 30 populations and eight plastic matrices in every step. Inside the validity bound (no sample overdriven)
the weights must be those of `fused`; the run is only worth something if they are.
"""

import argparse

from environment import STATUS, describe, peak_mebibytes
from table import at_defaults, measured

import snnbp
from snnbp.files import atomic_open
from snnbp.paper.records import ROOT, write_record


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    config = snnbp.Config(seed=options.seed)
    environment, data = describe(), snnbp.load_dataset("mnist")
    runs = {backend: snnbp.train(data, config, backend) for backend in ("fused", "spiking")}
    fused, spiking = (run.weights.matrices for run in runs.values())
    differing = sum(int((a != b).sum()) for a, b in zip(fused, spiking, strict=True))
    steps = 12 * len(data.train) * config.epochs
    lines = [
        f"seed {config.seed}, {config.epochs} epochs, {steps:,} steps, {environment['processor']}, one core"
    ]
    for backend, run in runs.items():
        lines.append(f"{backend}: {run.seconds:.0f} s, {run.n_overdriven} overdriven, {run.digest}")
    lines.append(f"weights that differ: {differing}")
    if STATUS.exists():
        lines.append(f"peak memory {peak_mebibytes():.0f} MiB")
    print("\n".join(lines))
    if not at_defaults(parser, options):
        return
    rows = [
        (f"{backend}, {config.epochs} epochs", f"{run.seconds:.0f}", "s") for backend, run in runs.items()
    ]
    rows.append(("weights that differ", f"{differing}", ""))
    with atomic_open(ROOT / "figures" / "full_run.txt", "w") as file:
        file.write("\n".join(lines) + "\n")
    write_record(
        ROOT / "figures" / "full_run.json",
        "benchmarks/full_run.py",
        data,
        ["full_run.txt"],
        profile="paper",
        parameters=vars(options),
        results={
            "differing.weights": {"values": [differing]},
            "seconds": {backend: run.seconds for backend, run in runs.items()},
            **measured(environment, rows),
        },
    )


if __name__ == "__main__":
    main()
