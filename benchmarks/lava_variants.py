"""What Lava costs: the training circuit at 400-400-10 in three variants; writes figures/lava_variants.csv.

    python benchmarks/lava_variants.py

A step's time is the median over calls of a cycle (library Processes) or of 50 samples (one Process), without
the first call and without starting, stopping and reading out. Memory is that of all operating system
processes together, shared pages divided among them (Linux only).
"""

import csv
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tabulate import tabulate

import snnbp
from snnbp.circuit.backprop import training_circuit
from snnbp.backends.lava import network, single
from snnbp.backends.lava.runtime import started
from snnbp.paper.records import ROOT, write_record

HEADER = ["variant", "OS processes", "ms a step", "s a sample", "memory, MB", "s to start"]


def megabytes(pid: int) -> float:
    """A process's share of memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no memory count for process {pid}")


def measure(present: Callable[[], Any]) -> list[str]:
    """Call `present`, which runs something in Lava, and return what the columns say of it."""
    times, row = [], []

    @contextmanager
    def observed(process: Any) -> Iterator[Callable[[int], None]]:
        begin = time.perf_counter()
        with started(process) as go:
            start = time.perf_counter() - begin

            def timed(steps: int) -> None:
                begin = time.perf_counter()
                go(steps)
                times.append((time.perf_counter() - begin) / steps)

            yield timed
            living = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
            step = median(times[1:])
            memory = sum(map(megabytes, living))
            row.extend(
                [f"{len(living)}", f"{1000 * step:.2f}", f"{12 * step:.3f}", f"{memory:.0f}", f"{start:.1f}"]
            )

    network.started = single.started = observed
    present()
    return row


def main() -> None:
    data = snnbp.load_dataset("mnist")
    circuit, weights = training_circuit(), snnbp.initial_weights(snnbp.Config(), data)
    variants = {
        "Lava's own, one Process for each population and projection": (
            network.Presenter(circuit, weights, merged=False),
            6,
        ),
        "Lava's own, merged": (network.Presenter(circuit, weights), 6),
        "one Process": (single.Presenter(circuit, weights), 500),
    }
    rows = []
    for name, (presenter, n) in variants.items():
        order = np.arange(n)
        rows.append(
            [
                name,
                *measure(
                    lambda p=presenter, o=order: p.present(
                        data.train.inputs, data.train.labels, o, ("o",), (3,)
                    )
                ),
            ]
        )
    print(tabulate(rows, HEADER, disable_numparse=True))
    with open(ROOT / "figures" / "lava_variants.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
    about = {"parameters": {}, "weights": {}, "results": {}}
    record = ROOT / "figures" / "lava_variants.json"
    write_record(record, "benchmarks/lava_variants.py", data, ["lava_variants.csv"], **about)


if __name__ == "__main__":
    main()
