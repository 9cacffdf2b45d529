"""Many runs: kept when finished, not run twice, and one that fails does not stop the others."""

import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pandas as pd
import pytest

import snnbp
from snnbp import Config, Run, SweepFailed, sweep

CONFIGS = [
    Config(hidden=100, epochs=3, seed=seed, n_validation=100 * (seed % 2), shift=seed // 3)
    for seed in (1, 2, 3)
]
BAD = Config(hidden=20, epochs=2, n_validation=5000)


@pytest.fixture(scope="module")
def plain(digits):
    return sweep(CONFIGS, digits, progress=False)


def same(runs, others):
    assert len(runs) == len(others)
    for run, other in zip(runs, others, strict=True):
        assert (run.config, run.backend, run.data) == (other.config, other.backend, other.data)
        assert (run.digest, run.n_overdriven) == (other.digest, other.n_overdriven)
        pd.testing.assert_frame_equal(run.history, other.history)


def contents(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


@pytest.fixture
def trained(monkeypatch):
    """Seeds of the runs that were trained, not loaded."""
    seeds, train = [], snnbp.train
    monkeypatch.setattr(
        "snnbp.training.sweep.train",
        lambda *words, **more: seeds.append(words[1].seed) or train(*words, **more),
    )
    return seeds


# The store


def test_finished_runs_are_stored_and_not_run_again(digits, plain, tmp_path, trained):
    store = tmp_path / "new" / "runs"
    first = sweep(CONFIGS[:2], digits, progress=False, store=store)
    same(first, plain[:2])
    assert [run.weights for run in first] == [None, None]
    assert sorted(trained) == [1, 2]
    again = sweep(CONFIGS, digits, progress=False, store=str(store))
    assert sorted(trained) == [1, 2, 3]
    same(again, plain)
    same(sorted((Run.load(path) for path in store.iterdir()), key=lambda run: run.config.seed), plain)
    for which in ("final", "best", "mean_last_10"):
        assert [run.statistic(which, "spikes") for run in again] == [
            run.statistic(which, "spikes") for run in plain
        ]


def test_the_same_runs_give_the_same_files(digits, tmp_path):
    for name in ("a", "b"):
        sweep(CONFIGS, digits, progress=False, store=tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_runs_on_other_data_or_by_another_backend_are_other_runs(digits, tmp_path):
    fewer = snnbp.Dataset(digits.train[:500], digits.test)
    wider = snnbp.Dataset(digits.train, digits.test, classes=tuple("0123456789ab"))
    for data, backend in ((digits, "fused"), (fewer, "fused"), (wider, "fused"), (digits, "reference")):
        sweep(CONFIGS[:1], data, backend, progress=False, store=tmp_path)
    assert len(contents(tmp_path)) == 4


def cut(path, run):
    path.write_bytes(path.read_bytes()[:-20])


def another(path, run):
    dataclasses.replace(run, config=run.config.model_copy(update={"seed": 9})).save(path)


def unfinished(path, run):
    dataclasses.replace(run, history=run.history[:2]).save(path)


@pytest.mark.parametrize(
    "damage",
    [cut, another, unfinished, lambda path, run: path.write_bytes(b""), lambda path, run: path.unlink()],
)
def test_a_damaged_file_or_one_of_another_run_is_trained_again(
    digits, plain, tmp_path, trained, capsys, damage
):
    sweep(CONFIGS, digits, progress=False, store=tmp_path)
    whole = contents(tmp_path)
    (file,) = tmp_path.glob("circuit-seed2-*")
    damage(file, plain[1].without_weights())
    trained.clear()
    same(sweep(CONFIGS, digits, progress=False, store=tmp_path), plain)
    assert trained == [2]
    assert contents(tmp_path) == whole
    if damage is cut:
        assert f"{file} is not a stored run, or is damaged" in capsys.readouterr().err


def test_leftovers_are_ignored_and_removed(digits, plain, tmp_path):
    for digit in "01":
        (tmp_path / f".snnbp-{16 * digit}.partial").mkdir()
    same(sweep(CONFIGS, digits, progress=False, store=tmp_path), plain)
    assert len(contents(tmp_path)) == len(CONFIGS)
    same(sweep(CONFIGS, digits, progress=False, store=tmp_path), plain)


def test_a_store_that_is_a_file_is_refused(digits, tmp_path):
    (tmp_path / "runs.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"runs\.jsonl is not a folder: choose another path"):
        sweep(CONFIGS, digits, progress=False, store=tmp_path / "runs.jsonl")


def test_repeated_configurations_are_refused_before_anything_runs(digits, trained):
    with pytest.raises(ValueError, match=r"a configuration occurs 2 times: Config\(.*seed=2"):
        sweep([*CONFIGS, Config(hidden=100, epochs=3, seed=2)], digits, progress=False)
    assert trained == []
    assert sweep([], digits, progress=False) == []


def test_a_failed_run_is_reported_and_does_not_stop_the_others(digits, plain, tmp_path, capsys):
    with pytest.raises(
        SweepFailed, match="1 of 4 runs failed; run 1: ValueError: n_validation=5000"
    ) as failed:
        sweep([CONFIGS[0], BAD, *CONFIGS[1:]], digits, store=tmp_path)
    runs = failed.value.runs
    assert runs[1] is None
    same([run for run in runs if run], plain)
    assert list(failed.value.errors) == [1]
    assert "run 1 failed" in capsys.readouterr().err
    assert len(contents(tmp_path)) == 3


# Interrupted, and together

PROGRAM = """
import sys
import snnbp
configs = [snnbp.Config(hidden=100, epochs=int(sys.argv[2]), seed=seed) for seed in map(int, sys.argv[3:])]
data = snnbp.load_dataset("digits")
snnbp.learn(snnbp.initial_weights(configs[0], data), data.train[:1])
print("ready", flush=True)
snnbp.sweep(configs, data, progress=False, store=sys.argv[1])
"""


def start(store, epochs, *seeds):
    words = [sys.executable, "-c", PROGRAM, str(store), str(epochs), *map(str, seeds)]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_ctrl_c_keeps_finished_runs_and_ends_quickly(digits, tmp_path, trained):
    store, seeds, epochs = tmp_path / "runs", range(1, 41), 60
    with start(store, epochs, *seeds) as process:
        process.stdout.readline()
        deadline = time.monotonic() + 60
        while not list(store.glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        start_of_end = time.monotonic()
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - start_of_end < 10
    assert "KeyboardInterrupt" in errors
    assert "InterruptedError" not in errors
    kept = [Run.load(path) for path in store.glob("*.npz")]  # a worker may leave a partial file
    assert 0 < len(kept) < len(seeds)
    assert all(run.finished for run in kept)
    few = [run.config for run in kept][:2]
    same(sweep(few, digits, progress=False, store=store), kept[:2])
    assert trained == []


# Executors


class Weighing(ThreadPoolExecutor):
    """Notes how many bytes a task would be for another process."""

    def submit(self, *words):
        self.heaviest = max(getattr(self, "heaviest", 0), len(pickle.dumps(words)))
        return super().submit(*words)


def test_the_data_do_not_travel_with_each_task(digits, plain):
    with Weighing(2) as executor:
        same(sweep(CONFIGS, digits, progress=False, executor=executor), plain)
    assert executor.heaviest < 1000 < digits.train.inputs.nbytes


def test_processes_give_the_same_runs(digits, plain, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        same(sweep(CONFIGS, digits, progress=False, executor=executor, store=tmp_path), plain)
        with pytest.raises(SweepFailed, match="1 of 2 runs failed"):
            sweep([BAD, CONFIGS[0]], digits, progress=False, executor=executor)
    assert len(contents(tmp_path)) == 3


def test_a_script_without_a_main_guard_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import snnbp\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as executor:\n"
        "    config = snnbp.Config(hidden=5, epochs=1)\n"
        "    snnbp.sweep([config], snnbp.load_dataset('digits'), progress=False, executor=executor)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "1 of 1 runs failed" in last
    assert 'needs `if __name__ == "__main__":`' in last


def test_a_cluster_gives_the_same_runs(digits, plain):
    distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        runs = sweep(CONFIGS, digits, progress=False, executor=client.get_executor())
    same(runs, plain)


WORKER = """
import sys
sys.modules["snnbp"] = None
from distributed.cli.dask_worker import main
main([sys.argv[1], "--no-nanny", "--no-dashboard"])
"""


def test_a_worker_without_the_package_is_named(digits):
    distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        subprocess.Popen([sys.executable, "-c", WORKER, cluster.scheduler_address]) as worker,
    ):
        client.wait_for_workers(1, timeout=60)
        with pytest.raises(RuntimeError, match=r"does each have snnbp 0\.2\.0\? .*No module named 'snnbp"):
            sweep(CONFIGS[:1], digits, progress=False, executor=client.get_executor())
        worker.terminate()


# Runs that are known


def test_known_runs_are_not_trained_again(digits, plain, tmp_path, trained):
    path = tmp_path / "some_runs.csv"
    snnbp.write_runs(path, plain[:2])
    found = sweep(CONFIGS, digits, progress=False, known=snnbp.read_runs(path))
    same(found, plain)
    assert trained == [3]
    assert [run.weights is None for run in found] == [True, True, False]
    trained.clear()
    sweep(CONFIGS[:1], snnbp.Dataset(digits.train, digits.train[:9]), progress=False, known=plain)
    assert trained == [1]


def test_what_another_version_trained_is_said_and_not_used(digits, tmp_path, trained, monkeypatch, capsys):
    from snnbp.training import run
    from snnbp.training import sweep as module

    few = [Config(hidden=4, epochs=1)]
    earlier = sweep(few, digits, progress=False, store=tmp_path)
    snnbp.train(digits, few[0], progress=False, checkpoint=tmp_path / "a.npz")
    for place in (run, module):
        monkeypatch.setattr(place, "__version__", "9.9.9")
    monkeypatch.setattr(Run, "__init__", lambda *a, version="9.9.9", **k: init(*a, version=version, **k))
    sweep(few, digits, progress=False, store=tmp_path)
    sweep(few, digits, progress=False, known=earlier)
    assert trained == [1, 1, 1]
    assert "was made by snnbp 0.2.0, this is 9.9.9: training again" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"a.npz was made by snnbp 0.2.0, this is 9.9.9: delete it"):
        snnbp.train(digits, few[0], progress=False, checkpoint=tmp_path / "a.npz")


init = Run.__init__
