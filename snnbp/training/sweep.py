"""Many runs at once, kept when finished, and what they say together."""

import functools
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, NamedTuple, NoReturn, overload

import numpy as np
from tqdm import tqdm

from snnbp.training import stores
from snnbp.training.data import Dataset
from snnbp.training.train import Checkpoint, Config, Record, Run, train


class SweepFailed(RuntimeError):
    """Some runs failed; `runs` holds the others in their places, `errors` what each failed one raised."""

    def __init__(self, runs: Sequence[Record | None], errors: Mapping[int, Exception]) -> None:
        self.runs, self.errors = list(runs), dict(errors)
        place, first = min(errors.items())
        message = f"{len(errors)} of {len(runs)} runs failed; run {place}: {type(first).__name__}: {first}"
        super().__init__(message)


@overload
def sweep(
    configs: Sequence[Config],
    data: Dataset,
    backend: str = ...,
    progress: bool = ...,
    store: None = ...,
    executor: Executor | None = ...,
) -> list[Run]: ...
@overload
def sweep(
    configs: Sequence[Config],
    data: Dataset,
    backend: str = ...,
    progress: bool = ...,
    *,
    store: str | Path,
    executor: Executor | None = ...,
) -> list[Record]: ...
def sweep(
    configs: Sequence[Config],
    data: Dataset,
    backend: str = "fused",
    progress: bool = True,
    store: str | Path | None = None,
    executor: Executor | None = None,
) -> Sequence[Record]:
    """Train all configurations under one progress bar; runs come in the order of their configurations.

    They run in threads on all cores, or on any `executor`: processes, or a cluster's; the data travels once,
    not with each run. `store` is a file of finished runs: what is in it (same configuration, backend and
    data) is not run again, and each run is added when it ends; weights are not stored, digests are.
    A failed run is reported and does not stop the others; SweepFailed is raised at the end. Ctrl-C stops
    all of them, those in threads at their next checkpoint.
    """
    found = {} if store is None else stores.load(store)
    runs = [found.get(stores.key(config, backend, data.digest)) for config in configs]
    pending = [place for place, run in enumerate(runs) if run is None]
    errors: dict[int, Exception] = {}
    with (
        tqdm(
            total=sum(2 * config.epochs for config in configs), unit="half epoch", disable=not progress
        ) as bar,
        _trainer(executor, data, backend, bar) as submit,
    ):
        bar.update(sum(2 * run.config.epochs for run in runs if run))
        futures = {submit(configs[place]): place for place in pending}
        for future in as_completed(futures):
            place = futures[future]
            try:
                run = runs[place] = future.result()
            except Exception as error:
                errors[place] = error
                bar.write(f"run {place} failed, {configs[place]}: {error}", file=sys.stderr)
                continue
            if store is not None:
                stores.add(store, run, backend, data.digest)
    if errors:
        raise SweepFailed(runs, errors)
    return [run for run in runs if run is not None]


Submit = Callable[[Config], "Future[Run]"]


@contextmanager
def _trainer(
    executor: Executor | None, data: Dataset, backend: str, bar: "tqdm[NoReturn]"
) -> Iterator[Submit]:
    """Yield what starts a run; at an error, or Ctrl-C, end what was started."""
    if executor is not None:
        started: list[Future[Run]] = []
        with _sent(data, executor) as there:

            def submit(config: Config) -> "Future[Run]":
                started.append(executor.submit(_train_there, there, config, backend))
                started[-1].add_done_callback(lambda _: bar.update(2 * config.epochs))
                return started[-1]

            try:
                yield submit
            finally:
                for future in started:
                    future.cancel()
        return
    stop = threading.Event()

    def advance(row: Checkpoint) -> None:
        if stop.is_set():
            raise InterruptedError("the sweep was interrupted")
        bar.update()

    with ThreadPoolExecutor(_cores()) as pool:
        try:
            yield lambda config: pool.submit(train, data, config, backend, advance)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _sent(data: Dataset, executor: Executor) -> Iterator[Any]:
    """Yield what stands for the data in a task: the future of Dask's scattered copies, or a file's path."""
    client = getattr(executor, "_client", None)  # Dask's executor; its workers may share no disk with us
    if client is not None:
        yield client.scatter(data, broadcast=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        parts = {"train": data.train, "test": data.test}
        arrays = {f"{name}_inputs": part.inputs for name, part in parts.items()}
        np.savez(path, **arrays, **{f"{name}_labels": part.labels for name, part in parts.items()})
        yield path


def _train_there(data: Dataset | Path, config: Config, backend: str) -> Run:
    return train(_data_at(data) if isinstance(data, Path) else data, config, backend, progress=False)


@functools.lru_cache(maxsize=1)
def _data_at(path: Path) -> Dataset:
    """Read once in each process."""
    with np.load(path, allow_pickle=False) as arrays:
        return Dataset.from_arrays(**arrays)


def statistics(runs: Sequence[Record], names: Sequence[str]) -> dict[str, dict[str, Any]]:
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


class Spread(NamedTuple):
    """How a statistic spreads over the seeds that did not collapse; fractions, `sd` with n - 1."""

    n: int
    collapsed: int
    mean: float
    sd: float
    least: float
    median: float
    most: float


def spread(runs: Sequence[Record], name: str, column: str) -> Spread:
    """The spread of a run's statistic, for example "final" "spikes"; collapsed runs are counted apart.

    Raises ValueError if fewer than two runs are left.
    """
    values = [run.statistic(name, column) for run in runs if not run.collapsed]
    if len(values) < 2:
        raise ValueError(f"{len(values)} of {len(runs)} runs did not collapse: no spread to speak of")
    mean, sd, middle = fmean(values), stdev(values), median(values)
    return Spread(len(values), len(runs) - len(values), mean, sd, min(values), middle, max(values))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
