"""A training that is killed goes on from its last epoch, to the weights that it would have reached."""

import random
import subprocess
import sys
import time

import pytest

import snnbp

CONFIG = snnbp.Config(hidden=100, epochs=150, validation=100)
PROGRAM = """
import sys
import snnbp
config = snnbp.Config(hidden=100, epochs=150, validation=100)
tell = lambda row: print(row.epoch, flush=True)
snnbp.train(snnbp.load_dataset("digits"), config, progress=tell, checkpoint=sys.argv[1])
"""


def rows(run):
    """The history less times; NaN is not equal to itself, so as text."""
    return repr([row[:-1] for row in run.history])


def test_twenty_kills_change_nothing(digits, tmp_path):
    whole = snnbp.train(digits, CONFIG, progress=False)
    checkpoint, chance, kills = tmp_path / "checkpoint", random.Random(6), 0
    for _ in range(4):
        for _ in range(5):
            command = [sys.executable, "-c", PROGRAM, checkpoint]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                process.stdout.readline()  # it trains now
                time.sleep(chance.uniform(0, 0.05))
                process.kill()
            kills += process.returncode == -9
        new = []
        resumed = snnbp.train(digits, CONFIG, progress=new.append, checkpoint=checkpoint)
        assert 0 < len(new) < 2 * CONFIG.epochs
        assert resumed.weights == whole.weights
        assert rows(resumed) == rows(whole)
        checkpoint.unlink()
    assert kills == 20


@pytest.mark.parametrize("stop_at", [0.5, 1, 1.5, 3, 4])
def test_an_interrupted_training_goes_on_at_its_last_whole_epoch(digits, tmp_path, stop_at):
    config, path, seen = snnbp.Config(hidden=20, epochs=4), tmp_path / "checkpoint", []

    def stop(row):
        if row.epoch == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snnbp.train(digits, config, progress=stop, checkpoint=path)
    resumed = snnbp.train(digits, config, progress=lambda row: seen.append(row.epoch), checkpoint=path)
    assert len(seen) == 8 - 2 * int(stop_at)
    whole = snnbp.train(digits, config, progress=False)
    assert resumed.weights == whole.weights
    assert resumed.digest == whole.digest
    assert resumed.overdriven == whole.overdriven
    assert rows(resumed) == rows(whole)
    assert [row.seconds for row in resumed.history] == sorted(row.seconds for row in resumed.history)


def test_overdriven_samples_are_counted_across_an_interruption(digits, tmp_path):
    config, path = snnbp.Config(hidden=20, epochs=3, init_scale=20.0, step=200), tmp_path / "checkpoint"

    def stop(row):
        if row.epoch == 2.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snnbp.train(digits, config, progress=stop, checkpoint=path)
    whole = snnbp.train(digits, config, progress=False)
    assert snnbp.train(digits, config, progress=False, checkpoint=path).overdriven == whole.overdriven


def test_files_that_are_not_of_this_run_are_refused(digits, tmp_path):
    path = tmp_path / "checkpoint"
    snnbp.train(digits, snnbp.Config(hidden=20, epochs=1), progress=False, checkpoint=path)
    with pytest.raises(ValueError, match="checkpoint is the checkpoint of another run"):
        snnbp.train(digits, snnbp.Config(hidden=20, epochs=2), progress=False, checkpoint=path)
    for damaged in (path.read_bytes()[:500], b"", b"nonsense"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="checkpoint is not a checkpoint, or is damaged"):
            snnbp.train(digits, snnbp.Config(hidden=20, epochs=1), progress=False, checkpoint=path)
