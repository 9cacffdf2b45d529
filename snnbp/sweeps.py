"""Many runs at once, and what they say together."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from tqdm import tqdm

from snnbp.datasets import Dataset
from snnbp.training import Checkpoint, Config, Run, train


def sweep(
    configs: Sequence[Config], data: Dataset, engine: str = "fused", progress: bool = True
) -> list[Run]:
    """Train all configurations, in threads on all cores, under one progress bar; runs come in their order.

    An error, or Ctrl-C, stops all of them at their next checkpoint and is raised.
    """
    stop = threading.Event()
    with tqdm(total=sum(2 * c.epochs for c in configs), unit="half epoch", disable=not progress) as bar:

        def advance(row: Checkpoint) -> None:
            if stop.is_set():
                raise InterruptedError("another run failed, or the sweep was interrupted")
            bar.update()

        with ThreadPoolExecutor(_cores()) as pool:
            futures = [pool.submit(train, data, config, engine, advance) for config in configs]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return [future.result() for future in futures]


def statistics(runs: Sequence[Run], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """For claims: {"final.spikes": {"values": [one a run], "collapsed": [...]}, ...} for all accuracies."""
    collapsed = [run.collapsed for run in runs]
    return {
        f"{name}.{column}": {
            "values": [round(run.statistic(name, column), 6) for run in runs],
            "collapsed": collapsed,
        }
        for name in names
        for column in ("exact", "spikes", "potential")
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
