"""./reproduce.sh: what it refuses, and what it leaves behind when a notebook fails."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from snnbp.paper import pipeline as reproduce
from snnbp.paper.results import ROOT


def shell(*words, **environment):
    return subprocess.run(
        ["bash", "reproduce.sh", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_help_names_every_command():
    done = shell("--help")
    assert done.returncode == 0
    assert all(
        word in done.stdout
        for word in (
            "quick",
            "test",
            "lab",
            "explore",
            "setup",
            "SNNBP_DATA",
            "--only",
            "-p",
            "--force",
            "--check",
        )
    )


@pytest.mark.parametrize("words", [["everything"], ["setup", "now"]])
def test_unknown_words_are_refused_with_the_usage(words):
    done = shell(*words)
    assert done.returncode == 2
    assert "usage:" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "99_none"], "invalid choice: '99_none'"),
        (["--quik"], "unrecognized arguments: --quik"),
        (["-p", "epochs"], "'epochs' is not NAME=VALUE"),
        (["quick", "slow"], "unrecognized arguments: slow"),
    ],
)
def test_unknown_options_are_refused(capsys, words, message):
    with pytest.raises(SystemExit) as exit_:
        reproduce.main(words)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def refused(capsys, *words):
    """Run words that must fail; return the only line on stderr, progress bars aside."""
    assert reproduce.main(words) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("reproduce: ")]
    assert len(lines) == 1
    return lines[0]


def test_an_unknown_parameter_is_refused(capsys):
    line = refused(capsys, "--only", "04_mnist", "-p", "epoch=5")
    assert line.startswith("reproduce: unknown parameter 'epoch': 04_mnist takes dataset, backend, epochs,")


def test_an_unknown_dataset_is_refused(capsys):
    line = refused(capsys, "--only", "04_mnist", "-p", "dataset=cifar")
    assert line == "reproduce: unknown dataset 'cifar': choose one of mnist, fashion-mnist, digits"


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("backend=warp", "unknown backend 'warp'"),
        ("rule=hebb", "unknown rule 'hebb'"),
        ("hidden=0", "hidden must be a whole number of at least 1, got 0"),
        ("epochs=0", "epochs must be a whole number of at least 1, got 0"),
    ],
)
def test_a_failing_notebook_is_named_with_its_cell_and_error(
    capsys, monkeypatch, tmp_path, parameter, message
):
    monkeypatch.setattr("snnbp.paper.pipeline.PARTIAL", tmp_path)
    line = refused(capsys, "--only", "04_mnist", "-p", "dataset=digits", "-p", parameter)
    assert line.startswith("reproduce: 04_mnist, cell ")
    assert f"ValueError: {message}" in line
    assert (tmp_path / "04_mnist.ipynb").exists()


def test_a_damaged_file_is_an_error_not_missing_data(capsys, monkeypatch, tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"nonsense")
    monkeypatch.setenv("SNNBP_DATA", str(tmp_path))
    line = refused(capsys, "quick", "--only", "04_mnist")
    assert "train-images-idx3-ubyte.gz is damaged" in line


def test_a_claim_that_is_not_reproduced_any_more_fails_the_run(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("snnbp.paper.pipeline.profile_folder", lambda profile: tmp_path)
    monkeypatch.setattr("snnbp.paper.pipeline.README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("a\n<!-- verdict -->\nold\n<!-- end of verdict -->\nz\n")
    before = json.dumps([{"id": "mnist-best-spikes", "verdict": "reproduced"}])
    monkeypatch.setattr("snnbp.paper.pipeline.committed_verdict", lambda: before)
    with pytest.raises(reproduce.Failure, match="reproduced before and not any more: mnist-best-spikes"):
        reproduce.run("paper", [], {})
    assert "mnist-best-spikes" not in capsys.readouterr().err
    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("a\n<!-- verdict -->\n\n| claim ")
    assert readme.endswith(" |\n\n<!-- end of verdict -->\nz\n")
    monkeypatch.setattr("snnbp.paper.pipeline.committed_verdict", lambda: "[]")
    assert reproduce.run("paper", [], {}) == 0


def test_a_changed_run_reads_its_own_results():
    assert reproduce.changed_parameters("10_verdict", "paper", {}) == {}
    assert reproduce.changed_parameters("10_verdict", "paper", {"epochs": 5}) == {"profile": "custom"}
    assert reproduce.changed_parameters("04_mnist", "paper", {"epochs": 5}) == {"epochs": 5}


def test_without_lava_its_notebook_is_left_out_with_a_reason(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "lava", None)
    assert reproduce.main(["--only", "06_lava"]) == 0
    assert "06_lava is left out: it needs Lava: pip install lava-nc==0.10.0, in" in capsys.readouterr().out


def test_normalised_notebooks_hold_no_times_and_no_progress():
    output = nbformat.v4.new_output
    cell = nbformat.v4.new_code_cell(
        "1",
        execution_count=3,
        metadata={"papermill": {"duration": 1.0}, "execution": {"iopub.status.idle": "2020"}},
        outputs=[
            output("stream", name="stderr", text="50%"),
            output("stream", name="stdout", text="1"),
            output("stream", name="stdout", text="\n"),
        ],
    )
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {"duration": 2.0}})
    result = reproduce.normalised(notebook)
    assert "papermill" not in result.metadata
    assert not {"papermill", "execution"} & set(result.cells[0].metadata)
    assert [o.text for o in result.cells[0].outputs] == ["1\n"]
    assert result.cells[0].execution_count == 3
