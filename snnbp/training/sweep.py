"""Train many configurations at once, and store the runs."""

import functools
import hashlib
import json
import os
import pickle
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snnbp import __version__, backends, checks
from snnbp.files import as_path, remove_partials
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.run import CHECKPOINTS_AN_EPOCH, Run
from snnbp.training.shift import digest_of
from snnbp.training.train import train


class SweepFailed(RuntimeError):
    """Some runs of a sweep failed.

    Parameters
    ----------
    runs : sequence of Run or None
        All runs in order, None for failed ones.
    errors : mapping of int to Exception
        What each failed run raised, by its index.
    """

    def __init__(self, runs: Sequence[Run | None], errors: Mapping[int, Exception]) -> None:
        self.runs, self.errors = list(runs), dict(errors)
        place, first = min(errors.items())
        message = f"{len(errors)} of {len(runs)} runs failed; run {place}: {type(first).__name__}: {first}"
        if isinstance(first, BrokenExecutor):
            message += ' (a script that starts processes needs `if __name__ == "__main__":`)'
        super().__init__(message)


def sweep(
    configs: Sequence[Config],
    data: Dataset,
    backend: str = "fused",
    progress: bool = True,
    store: str | Path | None = None,
    executor: Executor | None = None,
    known: Sequence[Run] = (),
) -> list[Run]:
    """Train all configurations under one progress bar.

    Parameters
    ----------
    configs : sequence of Config
        All different.
    data : Dataset
    backend : str, default "fused"
    progress : bool, default True
    store : path-like, optional
        Folder of finished runs, one file each. A run that it contains (same configuration, backend and data)
        is loaded instead of trained; any other run is added when it ends.
    executor : concurrent.futures.Executor, optional
        Runs the trainings, for example on a cluster; default: threads on all cores. The data is sent once.
    known : sequence of Run, optional
        Runs, for example of `read_runs`, to take instead of training the same again.

    Returns
    -------
    list of Run
        In the order of the configurations. With a store, their `weights` are None; known runs are as given.

    Raises
    ------
    ValueError
        If a configuration occurs twice, or the store is no folder.
    SweepFailed
        At the end, if some runs failed. The others are finished and stored.
    RuntimeError
        If the workers of a cluster lack this package.

    Notes
    -----
    Ctrl-C stops all runs; runs in threads stop at their next checkpoint.
    """
    from tqdm.auto import tqdm

    configs = checks.each("configs", configs, Config)
    checks.an(Dataset, "data", data)
    backends.load(backend)
    if executor is not None:
        checks.an(Executor, "executor", executor)
    for config, count in Counter(configs).items():
        if count > 1:
            raise ValueError(f"a configuration occurs {count} times: {config!r}")
    folder = None if store is None else _opened(as_path(store))
    given = {
        (run.config, run.backend, run.data): run for run in checks.each("known", known, Run) if usable(run)
    }
    runs = [
        given.get((config, backend, digest_of(data, config.shift)))
        or (None if folder is None else _stored(folder, config, backend, data))
        for config in configs
    ]
    errors: dict[int, Exception] = {}
    total = sum(CHECKPOINTS_AN_EPOCH * config.epochs for config in configs)
    with (
        tqdm(total=total, unit="half epoch", disable=not progress) as bar,
        _trainer(executor, data, backend, bar.update) as submit,
    ):
        bar.update(sum(CHECKPOINTS_AN_EPOCH * run.config.epochs for run in runs if run))
        futures = {submit(configs[place]): place for place, run in enumerate(runs) if run is None}
        for future in as_completed(futures):
            place = futures[future]
            try:
                run = runs[place] = future.result()
                if run.version != __version__:
                    raise ValueError(f"a worker has snnbp {run.version}, this is {__version__}")
                if folder is not None:
                    run.save(run_file(folder, run.config, backend, run.data), weights=False)
                    runs[place] = run.without_weights()
            except Exception as error:
                errors[place] = error
                bar.write(f"run {place} failed, {configs[place]!r}: {error}", file=sys.stderr)
    if errors:
        raise SweepFailed(runs, errors)
    return [run for run in runs if run is not None]


def _opened(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(f"the store {folder} is not a folder: choose another path") from None
    remove_partials(folder)
    return folder


def usable(run: Run) -> bool:
    """Whether a run is finished and was trained by this version, on the circuit that it declares."""
    return run.finished and run.version == __version__ and run.circuit is None


def run_file(folder: Path, config: Config, backend: str, data: str) -> Path:
    """Path of a run in a store, `data` the digest of its data set.

    Its own digest omits default values: a new field of Config does not change it.
    """
    key = json.dumps([config.model_dump(exclude_defaults=True), backend, data], sort_keys=True)
    return folder / f"{config.rule}-seed{config.seed}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npz"


def _stored(folder: Path, config: Config, backend: str, data: Dataset) -> Run | None:
    """Load a finished run from the store, else return None. A damaged file is reported and replaced later."""
    seen = digest_of(data, config.shift)
    path = run_file(folder, config, backend, seen)
    try:
        run = Run.load(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        print(f"{error}: training again", file=sys.stderr)
        return None
    if run.version != __version__:
        print(
            f"{path} was made by snnbp {run.version}, this is {__version__}: training again", file=sys.stderr
        )
        return None
    same = (run.config, run.backend, run.data) == (config, backend, seen)
    return run.without_weights() if same and usable(run) else None


Submit = Callable[[Config], "Future[Run]"]


@contextmanager
def _trainer(
    executor: Executor | None, data: Dataset, backend: str, advance: Callable[[int], Any]
) -> Iterator[Submit]:
    """Yield a function that starts a run; on an error or Ctrl-C, stop the runs that were started."""
    if executor is not None:
        started: list[Future[Run]] = []
        with _handle_to(data, executor) as handle:

            def submit(config: Config) -> "Future[Run]":
                started.append(executor.submit(_train_on_worker, handle, config, backend))
                started[-1].add_done_callback(lambda _: advance(CHECKPOINTS_AN_EPOCH * config.epochs))
                return started[-1]

            try:
                yield submit
            finally:
                for future in started:
                    future.cancel()
        return
    stop = threading.Event()

    def report(row: Mapping[str, Any]) -> None:
        if stop.is_set():
            raise InterruptedError("the sweep was interrupted")
        advance(1)

    with ThreadPoolExecutor(cores()) as pool:
        try:
            yield lambda config: pool.submit(train, data, config, backend, report)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _handle_to(data: Dataset, executor: Executor) -> Iterator[Any]:
    """Yield a handle to the data: a Dask future or a file path."""
    client = getattr(executor, "_client", None)  # Dask's executor; its workers may share no disk with us
    if client is not None:
        try:
            handle = client.scatter(data, broadcast=True)
        except Exception as error:  # distributed has no type of its own for it
            hint = f"the workers cannot read the data: does each have snnbp {__version__}?"
            raise RuntimeError(f"{hint} ({error})") from error
        yield handle
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        path.write_bytes(pickle.dumps(data))
        yield path


def _train_on_worker(data: Dataset | Path, config: Config, backend: str) -> Run:
    return train(_read(data) if isinstance(data, Path) else data, config, backend, progress=False)


@functools.lru_cache(maxsize=1)
def _read(path: Path) -> Dataset:
    """Read the data, once in each process."""
    data: Dataset = pickle.loads(path.read_bytes())
    return data


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
