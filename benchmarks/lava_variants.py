"""What Lava costs: the training circuit at 400-400-10, built in two ways; writes results/lava_variants.csv.

    python benchmarks/lava_variants.py

A step's time is the median over calls of twelve steps, without the first call and without starting, stopping
and reading out. Memory is that of all operating system processes together, shared pages divided among them
(Linux only).
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from table import Part

import snnbp
from snnbp.backends.lava import StimulusDriver, network
from snnbp.backends.lava.runtime import started

VARIANTS = {"a Process for each population and projection": False, "merged": True}
SAMPLES = 6


def megabytes(pid: int) -> float:
    """A process's share of memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no memory count for process {pid}")


def measure(driver: StimulusDriver, samples: snnbp.Samples) -> dict[str, Any]:
    """Present samples in Lava; return a row of the table."""
    times, row = [], {}

    @contextmanager
    def observed(processes: Sequence[Any]) -> Iterator[Any]:
        begin = time.perf_counter()
        with started(processes) as go:
            start = time.perf_counter() - begin

            def timed(steps: int) -> None:
                begin = time.perf_counter()
                go(steps)
                times.append((time.perf_counter() - begin) / steps)

            yield timed
            living = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
            step = median(times[1:])
            row.update(
                {
                    "Lava Processes": len(processes),
                    "OS processes": len(living),
                    "ms a step": round(1000 * step, 2),
                    "s a sample": round(12 * step, 3),
                    "memory, MB": round(sum(map(megabytes, living))),
                    "s to start": round(start, 1),
                }
            )

    network.started = observed
    driver.present(samples.inputs, samples.labels, np.arange(len(samples.labels)), ("o",), (3,))
    return row


def main() -> None:
    part, data = Part(__file__, __doc__), snnbp.load_dataset("mnist")
    circuit, weights = snnbp.training_circuit(), snnbp.initial_weights(snnbp.Config(), data)
    rows = {
        name: measure(StimulusDriver(circuit, weights, merged=merged), data.train[:SAMPLES])
        for name, merged in VARIANTS.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")
    print(table.to_string())
    found = [
        (f"{name}: {title}", f"{row[title]:g}", "")
        for name, row in rows.items()
        for title in ("s a sample", "memory, MB")
    ]
    files = {"lava_variants.csv": table.to_csv(lineterminator="\n")}
    part.write(data, files, found, {}, samples=SAMPLES)


if __name__ == "__main__":
    main()
