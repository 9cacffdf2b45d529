"""The file of a run: the same bytes, checked when read; a training that is killed resumes from it."""

import copy
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

import snnbp
from snnbp import Config, Run, Weights, backends, files
from snnbp.files import atomic_open
from snnbp.training.train import iter_training

SMALL = Config(hidden=20, epochs=4)


@pytest.fixture(scope="module")
def run(digits):
    return snnbp.train(digits, SMALL, progress=False)


def same(run, other):
    assert (run.config, run.backend, run.data) == (other.config, other.backend, other.data)
    assert (run.digest, run.n_overdriven) == (other.digest, other.n_overdriven)
    pd.testing.assert_frame_equal(run.history, other.history)


def changed(path, arrays=None, **about):
    """Rewrite a run's file with other contents, as a careful forger would."""
    with np.load(path) as stored:
        content = dict(stored)
    content |= arrays or {}
    content["about"] = np.array(json.dumps(json.loads(str(content["about"])) | about))
    put(path, **{name: value for name, value in content.items() if value is not None})


def put(path, **arrays):
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def zip_of_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")


def npy():
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    return content.getvalue()


# Interruptions


@pytest.mark.parametrize("stop_at", [0.5, 1, 1.5, 3, 4])
def test_an_interrupted_training_resumes_at_its_last_whole_epoch(digits, run, tmp_path, stop_at):
    path, seen = tmp_path / "checkpoint", []

    def stop(row):
        if row["epoch"] == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snnbp.train(digits, SMALL, progress=stop, checkpoint=path)
    resumed = snnbp.train(digits, SMALL, progress=lambda row: seen.append(row["epoch"]), checkpoint=path)
    assert len(seen) == 8 - 2 * int(stop_at)
    assert resumed.weights == run.weights
    same(resumed, run)


def test_overdriven_samples_are_counted_across_an_interruption(digits, tmp_path):
    config, path = (
        Config(hidden=200, epochs=3, init_scale=20.0, step=200, inhibition=-2),
        tmp_path / "checkpoint",
    )

    def stop(row):
        if row["epoch"] == 2.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snnbp.train(digits, config, progress=stop, checkpoint=path)
    whole = snnbp.train(digits, config, progress=False)
    assert whole.n_overdriven > 0
    assert snnbp.train(digits, config, progress=False, checkpoint=path).n_overdriven == whole.n_overdriven


# The file


def test_a_run_is_read_as_it_was_written(run, tmp_path):
    run.save(tmp_path / "run.npz")
    found = Run.load(tmp_path / "run.npz")
    same(found, run)
    assert found.weights == run.weights == Weights.load(tmp_path / "run.npz")
    assert found.finished
    run.save(tmp_path / "light.npz", weights=False)
    found = Run.load(tmp_path / "light.npz")
    same(found, run)
    assert found.weights is None
    found.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "light.npz").read_bytes()


def test_the_same_run_gives_the_same_bytes_in_another_process_and_an_hour_later(run, digits, tmp_path):
    run.save(tmp_path / "here.npz")
    code = (
        "import sys, time; real = time.time; time.time = lambda: real() + 3700\n"
        "import snnbp; config = snnbp.Config(hidden=20, epochs=4)\n"
        "snnbp.train(snnbp.load_dataset('digits'), config, progress=False).save(sys.argv[1])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "there.npz"], env=environment, check=True)
    assert (tmp_path / "here.npz").read_bytes() == (tmp_path / "there.npz").read_bytes()


def test_what_a_file_holds_does_not_depend_on_versions(run, tmp_path):
    """Names, types and values; only the compression is left to the library."""
    run.save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as arrays:
        kinds = {name: arrays[name].dtype.str for name in arrays.files}
        about = json.loads(str(arrays["about"]))
    assert list(about) == ["version", "config", "backend", "data", "digest", "n_overdriven", "history"]
    floats = ("epoch", "exact", "spikes", "potential", "mse")
    counts = ("silent", "silent_right", "tied", "tied_right", "dead", "overdriven", "threshold")
    assert {name for name, kind in kinds.items() if kind == "<f8"} == set(floats)
    assert {name for name, kind in kinds.items() if kind == "<i8"} == set(counts)
    assert {name for name, kind in kinds.items() if kind == "<i2"} == {"w1", "w2"}
    assert kinds.keys() == {*floats, *counts, "weights", "w1", "w2", "about"}


def other_matrix(rows, columns):
    return np.full((rows, columns), 2, np.int16)


FORGED = {
    "history cut to 2 rows": lambda path: changed(path, {name: column[:2] for name, column in columns(path)}),
    "one column cut": lambda path: changed(path, {"spikes": np.zeros(2)}),
    "a value changed": lambda path: changed(path, {"spikes": np.full(8, 0.99)}),
    "a column missing": lambda path: changed(path, {"dead": None}),
    "a column of text": lambda path: changed(path, {"dead": np.array(["a"] * 8)}),
    "a column of two dimensions": lambda path: changed(path, {"dead": np.zeros((8, 2))}),
    "validation without held-out images": lambda path: changed(path, {"validation": np.zeros(8)}),
    "another W1": lambda path: changed(path, {"w1": other_matrix(64, 20)}),
    "W1 of other inputs": lambda path: changed(path, {"w1": other_matrix(63, 20)}),
    "W1 and W2 that do not fit": lambda path: changed(path, {"w1": other_matrix(64, 21)}),
    "odd weights": lambda path: changed(path, {"w1": other_matrix(64, 20) + 1}),
    "no W2": lambda path: changed(path, {"w2": None}),
    "another threshold": lambda path: changed(path, {"threshold": np.array(2048)}),
    "a fractional threshold": lambda path: changed(path, {"threshold": np.array(1024.5)}),
    "two thresholds": lambda path: changed(path, {"threshold": np.array([1024, 1024])}),
    "fewer epochs than rows": lambda path: changed(path, config=SMALL.model_dump() | {"epochs": 3}),
    "another hidden size": lambda path: changed(path, config=SMALL.model_dump() | {"hidden": [21]}),
    "two hidden layers": lambda path: changed(path, config=SMALL.model_dump() | {"hidden": [20, 20]}),
    "a configuration that means nothing": lambda path: changed(path, config=SMALL.model_dump() | {"step": 3}),
    "an unknown field": lambda path: changed(path, config=SMALL.model_dump() | {"margin": 3}),
    "no configuration": lambda path: changed(path, config=None),
    "overdriven below 0": lambda path: changed(path, n_overdriven=-1),
    "overdriven nan": lambda path: changed(path, n_overdriven=float("nan")),
    "a digest that is none": lambda path: changed(path, digest="abc"),
    "more than it should hold": lambda path: changed(path, more=1),
    "about that is no JSON": lambda path: put(path, about=np.array("{"), w1=other_matrix(2, 2)),
    "about that is a number": lambda path: put(path, about=np.array(3)),
    "no about": lambda path: put(path, w1=other_matrix(2, 2)),
    "pickled": lambda path: put(path, about=np.array([None])),
    "npy": lambda path: path.write_bytes(npy()),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"nonsense"),
    "a zip of something else": lambda path: zip_of_text(path),
}


def columns(path):
    with np.load(path) as arrays:
        return [(name, arrays[name]) for name in arrays.files if arrays[name].shape == (8,)]


@pytest.mark.parametrize("forgery", FORGED)
def test_files_whose_parts_do_not_belong_together_are_refused(digits, run, tmp_path, monkeypatch, forgery):
    path = tmp_path / "checkpoint"
    run.save(path)
    FORGED[forgery](path)
    monkeypatch.setattr(backends, "learner", lambda *words: pytest.fail("this must never reach a kernel"))
    for call in (lambda: Run.load(path), lambda: snnbp.train(digits, SMALL, progress=False, checkpoint=path)):
        with pytest.raises(ValueError, match="checkpoint") as caught:
            call()
        assert "\n" not in str(caught.value)


def bomb(path, **sizes):
    """An .npz whose arrays are zeros, written without holding them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "<i2", "fortran_order": False, "shape": (size, 1)}
            )
            with archive.open(f"{name}.npy", "w") as member:
                member.write(header.getvalue())
                for start in range(0, 2 * size, 1 << 20):
                    member.write(bytes(min(1 << 20, 2 * size - start)))


def test_a_bomb_is_refused_by_its_size_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "bomb.npz"
    bomb(path, w1=600_000, w2=600_000)
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 21)
    monkeypatch.setattr(np, "load", lambda *words, **options: pytest.fail("it was read"))
    for load in (Run.load, Weights.load):
        with pytest.raises(
            ValueError, match=r"bomb\.npz .*it has 2400\d\d\d bytes, more than the limit of 2097152"
        ):
            load(path)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = tmp_path / "promise.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i2", "fortran_order": False, "shape": (1 << 50, 1)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w1.npy", header.getvalue() + bytes(100))
    for load in (Run.load, Weights.load):
        with pytest.raises(ValueError, match=r"promise\.npz"):
            load(path)


# Checkpoints of something else


def test_a_checkpoint_of_another_run_is_refused_and_kept(digits, run, tmp_path, monkeypatch):
    path = tmp_path / "checkpoint"
    run.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(backends, "learner", lambda *words: pytest.fail("this must never reach a kernel"))
    fewer = snnbp.Dataset(digits.train[:1000], digits.test)
    wider = snnbp.Dataset(digits.train, digits.test, classes=tuple("0123456789ab"))
    for data, config, backend, reason in (
        (digits, SMALL.model_copy(update={"hidden": 21}), "fused", r"\(hidden=\(20,\)\)"),
        (digits, SMALL.model_copy(update={"epochs": 5, "seed": 2}), "fused", r"\(epochs=4, seed=1\)"),
        (digits, SMALL, "reference", r"\(backend='fused'\)"),
        (fewer, SMALL, "fused", r"\(other data\)"),
        (wider, SMALL, "fused", r"\(other data\)"),
    ):
        with pytest.raises(
            ValueError,
            match=f"checkpoint is the checkpoint of another run {reason}",
        ) as caught:
            snnbp.train(data, config, backend, progress=False, checkpoint=path)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before


def test_weights_of_another_width_never_reach_a_kernel(digits, tmp_path, monkeypatch):
    """W1 with its right digest, in a file that says it is of this data."""
    short = snnbp.Dataset(
        *(snnbp.Samples(part.inputs[:, :9], part.labels) for part in (digits.train, digits.test))
    )
    for epochs in (2, 4):
        path = tmp_path / f"{epochs}.npz"
        snnbp.train(short, SMALL.model_copy(update={"epochs": epochs}), progress=False).save(path)
        changed(path, data=digits.digest, config=SMALL.model_dump())
        stored = Run.load(path)
        with pytest.raises(ValueError, match="no weights for the network"):
            next(iter_training(digits, SMALL, resume=stored))
        with monkeypatch.context() as patch:
            patch.setattr(backends, "learner", lambda *words: pytest.fail("this must never reach a kernel"))
            with pytest.raises(ValueError, match=r"\(9, 20, 10\), the data need \(64, 20"):
                snnbp.train(digits, SMALL, progress=False, checkpoint=path)
    stored.without_weights().save(path)
    with pytest.raises(ValueError, match="not a checkpoint to resume from: delete it"):
        snnbp.train(digits, SMALL, progress=False, checkpoint=path)


# Writing


def test_what_cannot_be_written_is_named_and_leaves_the_old_file(run, tmp_path):
    path = tmp_path / "run.npz"
    run.save(path)
    before = path.read_bytes()

    def fill_the_disk():
        with atomic_open(path) as file:
            file.write(b"half")
            raise OSError(28, "no space")

    with pytest.raises(OSError, match=r"cannot write .*run\.npz: no space") as caught:
        fill_the_disk()
    assert caught.value.errno == 28
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.npz"]
    for save in (run.save, run.weights.save):
        with pytest.raises(OSError, match=r"cannot write .*nowhere"):
            save(tmp_path / "nowhere" / "run.npz")
    with atomic_open(path, "w") as file:
        file.write("µ\n")
    assert path.read_bytes() == b"\xc2\xb5\n"


def test_a_run_becomes_a_table(run, tmp_path):
    frame = run.to_frame()
    assert list(frame.columns[:4]) == ["seed", "rule", "hidden", "epoch"]
    pd.testing.assert_frame_equal(frame[list(run.history.columns)], run.history)
    settings = {**run.config.model_dump(), "hidden": "20"}
    for name, value in settings.items():
        assert (frame[name] == value).all(), name
    assert set(frame) == {*run.history, *settings, "backend", "data", "digest", "n_overdriven"}
    for dtype in frame.dtypes.drop(["rule", "hidden", "feedback", "backend", "data", "digest", "weights"]):
        assert dtype.kind in "ifb"  # no objects but text: what Parquet stores
    frame.to_csv(tmp_path / "run.csv", index=False)
    back = pd.read_csv(tmp_path / "run.csv", dtype={"hidden": str})
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    deep = snnbp.Run(
        Config(hidden=(8, 6), epochs=1), "fused", run.data, run.history[:2], run.digest, run.n_overdriven
    )
    assert set(pd.concat([frame, deep.to_frame()])["hidden"]) == {"20", "8-6"}


def test_a_changed_history_is_not_saved_as_genuine(digits, tmp_path):
    """Nor is that of a copy, nor in a table of runs."""
    run = snnbp.train(digits, snnbp.Config(hidden=5, epochs=1), progress=False)
    for made in (copy.copy, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))):
        changed = made(run)
        changed.save(tmp_path / "run.npz")
        changed.history.loc[1, "spikes"] = 0.999
        for save in (changed.save, lambda path, run=changed: snnbp.write_runs(path, [run])):
            with pytest.raises(ValueError, match=r"^the history of the run was changed: change a copy"):
                save(tmp_path / "new_runs.csv")
        changed.history.loc[1, "spikes"] = snnbp.Run.load(tmp_path / "run.npz").history.loc[1, "spikes"]
    assert not list(tmp_path.glob("new*"))
