"""Trainings, sweeps and writers that are killed at random moments: what they stored is right, and whole.

Runs as a program of its own, which forks the processes that it kills: one line a trial, empty if it survived.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import snnbp
from snnbp import Config, Run
from snnbp.files import atomic_folder, remove_partials
from snnbp.training.sweep import run_file

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ROOT = Path(__file__).parents[2]


def training(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Kill trainings that have a checkpoint."""
    yield from _program("_training", n, chance, folder)


def store(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Kill one or both of two sweeps that share a store."""
    yield from _program("_store", n, chance, folder)


def folders(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Kill processes that replace a folder again and again."""
    yield from _program("_folders", n, chance, folder)


def _program(name: str, n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.campaign.killed", name, str(n), str(chance.random()), str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    yield from lines
    yield from [f"the program ended with {done.returncode}"] * (n - len(lines))


def _training(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    data, config = snnbp.load_dataset("digits"), Config(hidden=100, epochs=30, n_validation=100)
    snnbp.learn(snnbp.initial_weights(config, data), data.train[:1])
    whole = snnbp.train(data, config, progress=False)
    path = folder / "checkpoint.npz"

    def complaint() -> str:
        if not path.exists():
            return ""
        try:
            found = Run.load(path)
        except ValueError as error:
            return str(error)
        if not found.history.equals(whole.history.iloc[: len(found.history)]):
            return "the history differs"
        return "" if not found.finished or found.digest == whole.digest else "the digest differs"

    for trial in range(n):
        child = _forked(lambda: snnbp.train(data, config, progress=False, checkpoint=path))
        if trial < n - 1:
            time.sleep(chance.uniform(0, whole.seconds))
            os.kill(child, chance.choice(SIGNALS))
        os.waitpid(child, 0)
        yield complaint()
        if path.exists() and Run.load(path).finished:
            leftovers = [name for name in os.listdir(folder) if name != path.name]
            assert not leftovers, leftovers
            path.unlink()


def _store(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    data = snnbp.load_dataset("digits")
    configs = [Config(hidden=50, epochs=6, seed=seed) for seed in range(1, 9)]
    whole = snnbp.sweep(configs, data, progress=False)
    seconds = sum(run.seconds for run in whole) / 2
    place = folder / "store"
    files = {
        run_file(place, config, "fused", data.digest): run for config, run in zip(configs, whole, strict=True)
    }

    def complaint(before: dict[Path, bytes]) -> str:
        if any(not path.exists() or path.read_bytes() != content for path, content in before.items()):
            return "a stored run was lost or changed"
        for path in place.glob("*.npz"):
            try:
                found = Run.load(path)
            except ValueError as error:
                return str(error)
            if found.digest != files[path].digest or not found.history.equals(files[path].history):
                return f"{path.name} differs"
        return ""

    for trial in range(n):
        children = [
            _forked(lambda: snnbp.sweep(configs, data, progress=False, store=place)) for _ in range(2)
        ]
        if trial < n - 1:
            time.sleep(chance.uniform(0, seconds))
            before = {path: path.read_bytes() for path in place.glob("*.npz")} if place.exists() else {}
            for child in children[: chance.choice((1, 2))]:
                os.kill(child, chance.choice(SIGNALS))
        else:
            before = {}
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        lost = "" if 0 not in codes or all(path.exists() for path in files) else "a run is missing"
        yield complaint(before) or lost
        if 0 in codes:
            for path in place.glob("*.npz"):
                path.unlink()


def _folders(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    place = folder / "made"
    place.mkdir()
    for name in "ab":
        (place / name).write_text("-1", encoding="utf-8")

    def work() -> None:
        for version in range(500):
            with atomic_folder(place) as new:
                for name in "ab":
                    (new / name).write_text(str(version), encoding="utf-8")

    for _ in range(n):
        children = [_forked(work) for _ in range(2)]
        time.sleep(chance.uniform(0, 0.1))
        os.kill(children[0], chance.choice(SIGNALS))
        os.waitpid(children[0], 0)
        os.kill(children[1], chance.choice(SIGNALS))
        os.waitpid(children[1], 0)
        remove_partials(folder)
        if os.listdir(folder) != ["made"] or sorted(os.listdir(place)) != ["a", "b"]:
            yield f"{[*folder.rglob('*')]} was left"
        else:
            a, b = ((place / name).read_text(encoding="utf-8") for name in "ab")
            yield "" if a == b else f"the versions {a} and {b} are mixed"


def _forked(work: Callable[[], object]) -> int:
    if child := os.fork():
        return child
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


if __name__ == "__main__":
    name, count, seed, place = sys.argv[1:]
    kinds = {"_training": _training, "_store": _store, "_folders": _folders}
    for line in kinds[name](int(count), random.Random(seed), Path(place)):
        print(line, flush=True)
