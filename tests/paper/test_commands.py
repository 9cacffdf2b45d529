"""./reproduce.sh and python -m snnbp: what they say, what they refuse, and how the environment is set up."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from snnbp.paper import ROOT, commands, options

ONE_LINE = "reproduce: "


def shell(*words, cwd=ROOT, **environment):
    return subprocess.run(
        ["bash", str(ROOT / "reproduce.sh"), *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_help_is_one_text_that_needs_no_environment(capsys, tmp_path):
    text = (ROOT / "snnbp" / "paper" / "help.txt").read_text(encoding="utf-8")
    long = tmp_path / ("long" * 30)
    long.mkdir()
    (tmp_path / "reproduce.sh").mkdir()  # where CDPATH would lead
    done = shell("--help", cwd=tmp_path, CDPATH=str(tmp_path), TMPDIR=str(long))
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")
    for words in (["--help"], ["quick", "--help"], ["-h"]):
        assert commands.main(words) == 0
        assert capsys.readouterr().out == text
    assert all(f" {name} " in text for name in options.COMMANDS)
    assert all(name in text for name in ("--only", "-p", "--fresh", "--check", "SNNBP_DATA", "SNNBP_PYTHON"))


def refused(capsys, *words):
    """Run words that must fail: the exit code, and the only line on stderr."""
    code = commands.main(words)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(ONE_LINE)
    return code, lines[0].removeprefix(ONE_LINE)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--quik"], 2, "unknown option '--quik': did you mean quick?"),
        (["qick"], 2, "unknown command 'qick': did you mean quick?"),
        (["--frech"], 2, "unknown option '--frech': did you mean --fresh?"),
        (["--onyl", "04"], 2, "unknown option '--onyl': did you mean --only?"),
        (["--onyl=04"], 2, "unknown option '--onyl': did you mean --only?"),
        (["-only"], 2, "unknown option '-only': did you mean --only?"),
        (["quick", "slow"], 2, "unknown command 'slow': choose one of all, quick, test,"),
        ([""], 2, "unknown command ''"),
        (["\n"], 2, "unknown command '\\n'"),
        (["--été"], 2, "unknown option '--été'"),
        (["--only"], 2, "argument --only: expected one argument"),
        (["-p", "epochs"], 2, "-p takes NAME=VALUE, got 'epochs'"),
        (["--only", "99"], 1, "--only 99: choose one of 00_start_here, 01_circuit,"),
        (["--only", "0"], 1, "--only 0: choose one of 00_start_here, 01_circuit,"),
        (["--only", "04", "-p", "epoch=5"], 1, "unknown parameter 'epoch': 04_mnist takes backend, dataset,"),
        (["--only", "00", "-p", "epochs=5"], 1, "unknown parameter 'epochs': 00_start_here takes none"),
        (["--only", "04", "-p", 'dataset=["mnist"]'], 1, '-p dataset: expected a value such as "mnist"'),
        (["--only", "03", "-p", "datasets=5"], 1, '-p datasets: expected a value such as ["mnist", '),
        (["--only", "04", "-p", "seeds=1"], 1, "-p seeds: expected a value such as [1, 2, 3], got 1"),
        (["--only", "04", "-p", "seeds=[]"], 1, "-p seeds: expected a value such as [1, 2, 3], got []"),
        (["--only", "04", "-p", "seeds=[1.5]"], 1, "-p seeds: expected a value such as [1, 2, 3], got [1.5]"),
        (["--only", "04", "-p", "pixel_threshold=50%"], 1, "-p pixel_threshold: expected a value such as "),
        (["--only", "04", "-p", "epochs=1e2"], 1, "-p epochs: expected a value such as 60, got 100.0"),
        (["--only", "04", "-p", "epochs=true"], 1, "-p epochs: expected a value such as 60, got True"),
        (["--only", "04", "-p", "dataset=cifar"], 1, "unknown dataset 'cifar'"),
    ],
)  # fmt: skip
def test_a_slip_of_the_user_gets_one_line_before_anything_runs(
    capsys, monkeypatch, tmp_path, words, code, message
):
    monkeypatch.setattr("snnbp.paper.pipeline.BUILD", tmp_path)
    found = refused(capsys, *words)
    assert found[0] == code
    assert found[1].startswith(message)


def test_a_number_may_be_whole_where_a_fraction_is_meant(monkeypatch):
    asked = []
    monkeypatch.setattr("snnbp.paper.commands.run", lambda *arguments: asked.append(arguments))
    assert commands.main(["--only", "04", "-p", "init_scale=1", "--fresh"]) == 0
    assert commands.main(["quick", "--only", "04_mnist"]) == 0
    assert asked == [
        ("paper", ["04_mnist"], {"init_scale": 1}, True),
        ("quick", ["04_mnist"], {}, False),
    ]


def test_the_default_is_the_paper_and_all_is_all(monkeypatch):
    asked = []
    monkeypatch.setattr("snnbp.paper.commands.run", lambda *arguments: asked.append(arguments[1]))
    commands.main([])
    commands.main(["all"])
    assert set(asked[0]) <= set(asked[1])
    assert all(name <= "10_verdict" for name in asked[0])
    assert asked[0][-1] == asked[1][-1] == "10_verdict"


def test_outside_a_checkout_the_pipeline_is_declined_in_one_line(tmp_path):
    shutil.copytree(ROOT / "snnbp", tmp_path / "site" / "snnbp", ignore=shutil.ignore_patterns("__pycache__"))
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-B", "-m", "snnbp"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    options = {"cwd": empty, "env": environment, "capture_output": True, "text": True, "check": False}
    done = subprocess.run([*command, "quick"], **options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "needs a checkout" in done.stderr
    done = subprocess.run([*command, "--version"], **options)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(empty.iterdir())
    assert {path.name for path in (tmp_path / "site").iterdir()} == {"snnbp"}


PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo 3.12 ;;
    *" -m venv "* | "-m venv "*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    *"pip install"*requirements.lock)
        echo "Collecting one"; echo $$ >pip.pid; echo install >>log
        if [ -e slow ]; then sleep 600; fi ;;
    *"pip check"*) if [ -e broken ]; then echo "one needs another"; fi ;;
    "-m snnbp"*) echo "ran $*${GIT_DIR:-}" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """Only what set-up needs, with a Python that pretends."""
    for name in ("bin", "snnbp/paper"):
        (tmp_path / "checkout" / name).mkdir(parents=True)
    for name in ("reproduce.sh", "requirements.lock", "pyproject.toml", "snnbp/paper/options.py"):
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    python = tmp_path / "checkout" / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path / "checkout"


def set_up(checkout, *words):
    return subprocess.Popen(
        ["bash", "reproduce.sh", *words],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "SNNBP_PYTHON": "bin/python", "GIT_DIR": "of a hook, not for us"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_set_up_happens_once_and_shows_what_it_does(checkout):
    output, errors = set_up(checkout, "quick").communicate(timeout=60)
    assert output == "ran -m snnbp quick\n"
    assert "Collecting one" in errors
    assert "set-up complete" in errors
    output, errors = set_up(checkout, "--check").communicate(timeout=60)
    assert (output, errors) == ("ran -m snnbp --check\n", "")
    with open(checkout / "requirements.lock", "a", encoding="utf-8") as file:
        file.write("# changed\n")
    set_up(checkout, "setup").communicate(timeout=60)
    assert (checkout / "log").read_text() == "install\ninstall\n"


def test_an_environment_of_another_folder_is_made_anew(checkout, tmp_path):
    set_up(checkout, "setup").communicate(timeout=60)
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy)
    (copy / ".venv" / "of the original").touch()
    _, errors = set_up(copy, "setup").communicate(timeout=60)
    assert "creating .venv" in errors
    assert not (copy / ".venv" / "of the original").exists()


def test_a_broken_environment_is_not_called_complete(checkout):
    (checkout / "broken").touch()
    process = set_up(checkout, "quick")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines()[-2:] == ["one needs another", "set-up failed: delete .venv and try again"]
    (checkout / "broken").unlink()
    assert set_up(checkout, "quick").communicate(timeout=60)[0] == "ran -m snnbp quick\n"


def test_ctrl_c_in_a_callback_of_a_freed_object_is_not_lost():
    program = """
import sys, time
from snnbp.paper import commands

class Freed:
    def __del__(self):
        raise KeyboardInterrupt

def work(words):
    Freed()
    time.sleep(20)
    return 0

commands._command = work
sys.exit(commands.main([]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "\nreproduce: interrupted; what is finished is kept\n")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_set_up_leaves_nothing_running_and_starts_anew(checkout, how):
    (checkout / "slow").touch()
    process = set_up(checkout, "setup")
    deadline = time.monotonic() + 60
    while not ((checkout / "pip.pid").exists() and (checkout / "pip.pid").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    if how != signal.SIGKILL:
        process.communicate(timeout=5)
        assert process.returncode == 130
    installer = int((checkout / "pip.pid").read_text())
    if how == signal.SIGKILL:
        os.killpg(installer_group(installer), signal.SIGKILL)  # nobody was left to end it
        process.communicate(timeout=5)
    time.sleep(0.2)
    assert not running(installer)
    (checkout / "slow").unlink()
    (checkout / ".venv" / "half unpacked").touch()
    _, errors = set_up(checkout, "setup").communicate(timeout=60)
    assert "set-up complete" in errors
    assert not (checkout / ".venv" / "half unpacked").exists()


def installer_group(pid):
    return os.getpgid(pid)


def running(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout[:1] not in ("", "Z")


def test_no_python_is_one_line(checkout):
    (checkout / "bin" / "python").unlink()
    process = set_up(checkout, "setup")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "SNNBP_PYTHON=bin/python is not a working Python 3.11 to 3.13\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["everything"],
            "unknown command 'everything': choose one of all, quick, test, docs, lab, explore, setup",
        ),
        (["--onyl", "04"], "unknown option '--onyl': did you mean --only?"),
        (["setup", "now"], "setup takes no options"),
    ],
)
def test_slips_are_refused_before_set_up(checkout, words, message):
    process = set_up(checkout, *words)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith(f"{ONE_LINE}{message}")
    assert errors.count("\n") == 1
    assert not (checkout / ".venv").exists()
