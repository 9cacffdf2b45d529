"""Runs in two tables, and what is counted over many of them."""

import gzip

import pandas as pd
import pytest

import snnbp
from snnbp import Config
from snnbp.training import summary
from snnbp.training.table import write_csv

CONFIGS = [
    Config(hidden=(30, 20), epochs=2, feedback="sign", inhibition=-32512),
    Config(hidden=40, epochs=2, seed=2, n_validation=100, init_scale=0.1, open_target=True),
    Config(hidden=1, epochs=1, seed=3),
]


@pytest.fixture(scope="module")
def runs(digits):
    return snnbp.sweep(CONFIGS, digits, progress=False)


@pytest.fixture
def path(runs, tmp_path):
    snnbp.write_runs(tmp_path / "my_runs.csv", runs)
    return tmp_path / "my_runs.csv"


def test_runs_come_back_as_they_were(runs, path):
    found = snnbp.read_runs(path)
    for run, other in zip(runs, found, strict=True):
        assert (run.config, run.backend, run.data) == (other.config, other.backend, other.data)
        assert (run.digest, run.n_overdriven, run.version) == (
            other.digest,
            other.n_overdriven,
            other.version,
        )
        pd.testing.assert_frame_equal(run.history, other.history)
        assert other.weights is None


def test_anyone_can_open_them(runs, path):
    table = pd.read_csv(path)
    assert table["hidden"].tolist() == ["30-20", "40", "1"]
    assert table["final.spikes"].tolist() == [run.statistic("final", "spikes") for run in runs]
    assert table["selected.spikes"].isna().tolist() == [True, False, True]
    histories = pd.read_csv(path.with_name("my_histories.csv.gz"))
    assert histories["run"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    last = histories.groupby("run")["weights"].last()
    assert [run.digest.startswith(digest) for run, digest in zip(runs, last, strict=True)] == [True] * 3


def test_the_same_runs_give_the_same_bytes_and_equal_content_is_left_alone(runs, path):
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    histories = path.with_name("my_histories.csv.gz")
    other = gzip.compress(gzip.decompress(before[histories]), 1, mtime=5)
    histories.write_bytes(other)
    snnbp.write_runs(path, runs)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before | {histories: other}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("my_runs.csv", lambda content: content[:-300]),
        ("my_runs.csv", lambda content: content.replace(b"30-20", b"30-21")),
        ("my_runs.csv", lambda content: b""),
        ("my_histories.csv.gz", lambda content: content[:-20]),
        ("my_histories.csv.gz", lambda content: gzip.compress(gzip.decompress(content)[:-60])),
        ("my_histories.csv.gz", lambda content: b"not packed"),
    ],
)
def test_damaged_tables_are_named(path, name, change):
    file = path.with_name(name)
    before = file.read_bytes()
    file.write_bytes(change(before))
    if name == "my_runs.csv" and b"30-21" in file.read_bytes():
        assert snnbp.read_runs(path)[0].config.hidden == (
            30,
            21,
        )  # settings have no digest; --check tries them
        return
    with pytest.raises(ValueError, match=r"my_runs.csv, my_histories.csv.gz: no intact table of runs: "):
        snnbp.read_runs(path)


def test_missing_tables_and_other_names_are_refused(path, runs):
    path.with_name("my_histories.csv.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"my_histories.csv.gz"):
        snnbp.read_runs(path)
    with pytest.raises(ValueError, match=r"the name of a table of runs ends with runs.csv, got .*table.csv"):
        snnbp.write_runs(path.with_name("table.csv"), runs)


def test_an_index_is_written_if_it_says_something(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]})
    for number, (index, text) in enumerate({None: "a\n1\n2\n", "n": "n,a\n0,1\n1,2\n"}.items()):
        write_csv(tmp_path / f"{number}.csv", frame.rename_axis(index))
        assert (tmp_path / f"{number}.csv").read_text() == text


def test_a_summary_leaves_collapsed_runs_out_and_counts_them(runs):
    assert [run.collapsed for run in runs] == [False, False, True]
    groups = {("a", 1): runs, ("b", 2): runs[:2]}
    table = summary.summary(groups, "final", ["spikes"])
    values = pd.Series([100 * run.statistic("final", "spikes") for run in runs if not run.collapsed])
    assert table.columns.tolist() == ["runs", "collapsed", "overdriven_samples", "spikes_mean", "spikes_sd"]
    assert table.loc[("a", 1), ["runs", "collapsed"]].tolist() == [3, sum(run.collapsed for run in runs)]
    assert table.loc[("a", 1), "spikes_mean"] == values.mean()
    assert table.loc[("a", 1), "spikes_sd"] == values.std(ddof=1)
    every = pd.Series([100 * run.statistic("final", "spikes") for run in runs])
    assert summary.summary(groups, "final", ["spikes"], collapsed=True)["spikes_mean"].iloc[0] == every.mean()
    told = summary.told(table)["spikes (%)"].iloc[0]
    assert told == f"{values.mean():.2f} ± {values.std():.2f}"


def test_pairs_are_compared_seed_by_seed(runs):
    found = summary.paired(runs, runs[::-1], "final", "spikes")
    finals = [run.statistic("final", "spikes") for run in runs]
    assert found["values"] == [finals[0] - finals[2], 0.0, finals[2] - finals[0]]
    ends = runs[0].collapsed or runs[2].collapsed
    assert found["collapsed"] == [ends, runs[1].collapsed, ends]
    assert summary.by_seed(runs, "final", "spikes")["values"] == finals


def test_weights_that_differ_are_counted(runs):
    one = runs[1].weights
    other = [matrix.copy() for matrix in one.matrices]
    other[0][0, :3] ^= 2
    assert summary.differing(one, one) == 0
    assert summary.differing(one, snnbp.Weights(other, one.threshold)) == 3
