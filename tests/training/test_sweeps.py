"""Many runs: kept when finished, not run twice, and one that fails does not stop the others."""

import json
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import snnbp
from snnbp.training import stores
from snnbp.training.sweep import SweepFailed, spread

CONFIGS = [snnbp.Config(hidden=100, epochs=3, seed=seed, validation=100 * (seed % 2)) for seed in (1, 2, 3)]
BAD = snnbp.Config(hidden=20, epochs=2, validation=5000)


@pytest.fixture(scope="module")
def plain(digits):
    return snnbp.sweep(CONFIGS, digits, progress=False)


def comparable(runs):
    return [(run.config, run.digest, run.overdriven, repr([row[:-1] for row in run.history])) for run in runs]


def test_finished_runs_are_stored_and_not_run_again(digits, plain, tmp_path, monkeypatch):
    store = tmp_path / "new" / "runs.jsonl"
    first = snnbp.sweep(CONFIGS[:2], digits, progress=False, store=store)
    assert comparable(first) == comparable(plain[:2])
    trained = []
    train = snnbp.train
    monkeypatch.setattr(
        "snnbp.training.sweep.train", lambda *words: trained.append(words[1].seed) or train(*words)
    )
    again = snnbp.sweep(CONFIGS, digits, progress=False, store=store)
    assert trained == [3]
    assert comparable(again) == comparable(plain)
    assert [run.statistic("best", "spikes") for run in again] == [
        run.statistic("best", "spikes") for run in plain
    ]


def test_runs_on_other_data_or_by_another_engine_are_other_runs(digits, tmp_path, monkeypatch):
    store = tmp_path / "runs.jsonl"
    snnbp.sweep(CONFIGS[:1], digits, progress=False, store=store)
    other = snnbp.Dataset(digits.train[:500], digits.test)
    snnbp.sweep(CONFIGS[:1], other, progress=False, store=store)
    snnbp.sweep(CONFIGS[:1], digits, "reference", progress=False, store=store)
    assert len(stores.load(store)) == 3


def test_a_line_cut_short_by_a_kill_is_run_again(digits, plain, tmp_path):
    store = tmp_path / "runs.jsonl"
    snnbp.sweep(CONFIGS, digits, progress=False, store=store)
    whole = sorted(store.read_text().splitlines())
    store.write_text(store.read_text()[:-20])
    assert len(stores.load(store)) == 2
    assert comparable(snnbp.sweep(CONFIGS, digits, progress=False, store=store)) == comparable(plain)
    assert sorted(store.read_text().splitlines()) == whole


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"config": {"hidden": 0}}'])
def test_a_damaged_store_is_named(tmp_path, line):
    store = tmp_path / "runs.jsonl"
    store.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 1 is not a stored run"):
        stores.load(store)


def test_the_same_run_gives_the_same_line(digits, plain):
    again = snnbp.train(digits, CONFIGS[0], progress=False)
    lines = {stores.line(run, "fused", digits.digest) for run in (plain[0], again)}
    assert len(lines) == 1
    assert json.loads(lines.pop())["weights"] == again.weights.digest


def test_a_failed_run_is_reported_and_does_not_stop_the_others(digits, plain, tmp_path, capsys):
    store = tmp_path / "runs.jsonl"
    with pytest.raises(SweepFailed, match="1 of 4 runs failed; run 1: ValueError: validation=5000") as failed:
        snnbp.sweep([CONFIGS[0], BAD, *CONFIGS[1:]], digits, store=store)
    runs = failed.value.runs
    assert runs[1] is None
    assert comparable([run for run in runs if run]) == comparable(plain)
    assert list(failed.value.errors) == [1]
    assert "run 1 failed" in capsys.readouterr().err
    assert len(stores.load(store)) == 3


class Weighing(ThreadPoolExecutor):
    """Notes how many bytes a task would be for another process."""

    def submit(self, *words):
        self.heaviest = max(getattr(self, "heaviest", 0), len(pickle.dumps(words)))
        return super().submit(*words)


def test_the_data_do_not_travel_with_each_task(digits, plain):
    with Weighing(2) as executor:
        assert comparable(snnbp.sweep(CONFIGS, digits, progress=False, executor=executor)) == comparable(
            plain
        )
    assert executor.heaviest < 1000 < digits.train.inputs.nbytes


def test_processes_give_the_same_runs(digits, plain):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert comparable(snnbp.sweep(CONFIGS, digits, progress=False, executor=executor)) == comparable(
            plain
        )
        with pytest.raises(SweepFailed, match="1 of 2 runs failed"):
            snnbp.sweep([BAD, CONFIGS[0]], digits, progress=False, executor=executor)


def test_a_cluster_gives_the_same_runs(digits, plain):
    distributed = pytest.importorskip("distributed", reason="the optional extra 'cluster' is not installed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        runs = snnbp.sweep(CONFIGS, digits, progress=False, executor=client.get_executor())
    assert comparable(runs) == comparable(plain)


def test_the_spread_leaves_collapsed_runs_out_and_counts_them(digits, plain):
    collapsed = snnbp.train(digits, snnbp.Config(hidden=1, epochs=1), progress=False)
    assert collapsed.collapsed
    kept = [run for run in plain if not run.collapsed]
    found = spread([*plain, collapsed], "final", "spikes")
    finals = [run.statistic("final", "spikes") for run in kept]
    assert (found.n, found.collapsed) == (len(kept), 4 - len(kept))
    assert (found.least, found.most) == (min(finals), max(finals))
    with pytest.raises(ValueError, match="1 of 2 runs did not collapse"):
        spread([kept[0], collapsed], "final", "spikes")
