"""A record says what made a file, and stops saying so when that has changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from snnbp.paper import ROOT, Results, records, settings
from snnbp.training.data import Dataset, Samples

SAMPLES = Samples(np.zeros((2, 3), bool), np.zeros(2, int))
DATA = Dataset(SAMPLES, SAMPLES, "mnist", verified=True)
PAPER = settings.notebooks()["04_mnist"].parameters


@pytest.fixture
def record(tmp_path, monkeypatch):
    """As a notebook writes it."""
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path))
    lock = "".join(f"{name}=={version} \n" for name, version in records._versions(sys.modules).items())
    monkeypatch.setattr("snnbp.paper.records._lock", lambda: lock)
    results = Results("04_mnist", PAPER, DATA)
    results.table("curve", pd.DataFrame({"a": [1]}))
    results.results(x=1)
    results.text("note.md", "said after the results\n")
    return tmp_path / "04_mnist.json"


def test_it_says_what_made_the_files(record):
    found = records.read_record(record)
    assert found["parameters"] == PAPER
    assert found["data"] == {"source": "mnist", "digest": DATA.digest, "verified": True}
    assert set(found["files"]) == {"curve.csv", "note.md"}
    assert found["source"]["path"] == "notebooks/04_mnist.ipynb"
    assert {"snnbp/training/data.py", "snnbp/training/sources.py"} <= set(found["library"])
    assert not {"snnbp/paper/records.py", "snnbp/paper/settings.py"} & set(found["library"])
    assert found["packages"]["numpy"] == np.__version__
    assert records.stale(record, PAPER) == []


def test_other_parameters_and_packages_make_it_stale(record, monkeypatch):
    assert records.stale(record, {**PAPER, "epochs": 61}) == ["it was made with other parameters"]
    monkeypatch.setattr("snnbp.paper.records._lock", lambda: "numpy==0.1 \n")
    reason = f"numpy {np.__version__} made it, requirements.lock has another version"
    assert reason in records.stale(record, PAPER)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "04_mnist.json is not a record, or is damaged"),
        (b"[1]", "04_mnist.json is not a record, or is damaged"),
        (b"\xff\xfe", "04_mnist.json is not a record, or is damaged"),
        (None, "04_mnist.json is missing"),
    ],
)
def test_a_damaged_record_is_named_and_stale(record, content, reason):
    record.write_bytes(content) if content is not None else record.unlink()
    assert records.stale(record, PAPER) == [reason]


def test_a_record_cut_anywhere_is_stale(record):
    whole = record.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        record.write_bytes(whole[:length])
        assert records.stale(record, PAPER) == ["04_mnist.json is not a record, or is damaged"]


def test_a_result_changed_by_hand_is_named(record):
    record.write_text(record.read_text().replace('"values": [\n    1', '"values": [\n    2'))
    assert records.stale(record, PAPER) == ["04_mnist.json was edited by hand"]


def test_files_that_were_changed_or_lost_are_named(record):
    (record.parent / "curve.csv").write_text("a\n2\n")
    (record.parent / "note.md").unlink()
    assert records.stale(record) == ["curve.csv was changed after it was made", "note.md is missing"]


def test_the_executed_notebook_belongs_to_the_record(record, tmp_path):
    executed = tmp_path / "executed.ipynb"
    cell = {
        "cell_type": "code",
        "source": "1",
        "execution_count": 1,
        "outputs": [{"data": 1}],
        "metadata": {},
    }
    executed.write_text(json.dumps({"cells": [cell], "metadata": {}}))
    unfinished = "notebooks/04_mnist.ipynb was not completed by ./reproduce.sh"
    assert records.stale(record, PAPER, executed) == [unfinished]
    seal = records.add_executed(record, executed)
    assert records.read_record(record)["seal"] == seal
    executed.write_text(
        json.dumps({"cells": [{**cell, "metadata": {"scrolled": True}}], "metadata": {"a": 1}})
    )
    assert records.stale(record, PAPER, executed) == []
    executed.write_text(json.dumps({"cells": [{**cell, "outputs": []}]}))
    assert records.stale(record, PAPER, executed) == ["executed.ipynb has other outputs than that run"]


CODE = '''
"""Docstring."""
import os  # comment

NUMBER = 1_000


class A:
    """Docstring."""

    x: int = 0
    """Attribute."""


def f(a, *, b="x"):
    """Docstring."""
    return f"{a!r:>{NUMBER}} {b}" "µ" if a else [*a, 1.0, None, b"x", 2j]
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Docstring.", "Other words.", True),
        ("Attribute.", "Other words.", True),
        ("# comment", "", True),
        ("1_000", "1000", True),
        ('return f"', 'return  f"', True),
        ("1_000", "1001", False),
        ('b="x"', 'b="y"', False),
        ("1.0", "1", False),
        ("!r", "!s", False),
        ("x: int = 0", "x: int = 1", False),
        ("import os", "import os, re", False),
    ],
)
def test_code_is_compared_without_words_about_it(tmp_path, old, new, same):
    path = tmp_path / "a.py"
    path.write_text(CODE, encoding="utf-8")
    before = records.code_digest(path)
    assert old in CODE
    path.write_text(CODE.replace(old, new), encoding="utf-8")
    assert (records.code_digest(path) == before) == same


def test_digests_of_code_are_the_same_on_every_python(tmp_path):
    """On all of 3.10 to 3.13 that this machine has: only records.py's own imports are needed."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    pythons = [sys.executable, *map(str, pyenv.glob("3.1[0123].*/bin/python"))]
    (tmp_path / "code.py").write_text(CODE, encoding="utf-8")
    program = (
        "import sys; sys.path[:0] = sys.argv[1:2]; from pathlib import Path; "
        "from snnbp.paper import records; "
        "print([records.code_digest(Path(p)) for p in sys.argv[2:]])"
    )
    stub = tmp_path / "stub" / "snnbp"  # the package without its dependencies
    (stub / "paper").mkdir(parents=True)
    (stub / "__init__.py").touch()
    for name in ("files.py", "paper/__init__.py", "paper/records.py"):
        (stub / name).write_text((ROOT / "snnbp" / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "stub" / "reproduce.sh").touch()
    files = [str(tmp_path / "code.py"), *sorted(map(str, (ROOT / "snnbp").rglob("*.py")))]
    answers = {
        subprocess.run(
            [python, "-c", program, str(tmp_path / "stub"), *files],
            env={"PATH": os.environ["PATH"]},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in pythons
    }
    assert len(answers) == 1


def test_stored_runs_depend_on_what_computes_them():
    before = records.library_digest("circuit", "backends", "training")
    assert before != records.library_digest("circuit", "backends")
    assert before == records.library_digest("circuit", "backends", "training")
