"""A record says what made a file, and stops saying so when that has changed."""

import gzip
import json
import sys

import numpy as np
import pandas as pd
import pytest

from snnbp.paper import Results, lock, records, settings
from snnbp.training.data import Dataset, Samples

SAMPLES = Samples(np.zeros((2, 3), bool), np.zeros(2, int))
DATA = Dataset(SAMPLES, SAMPLES, "mnist", verified=True)
PAPER = settings.notebooks()["04_mnist"].parameters


def complaints(*arguments):
    return list(records.complaints(*arguments))


@pytest.fixture
def record(tmp_path, monkeypatch):
    """As a notebook writes it."""
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path))
    locked = "".join(f"{name}=={version} \n" for name, version in lock.versions(sys.modules).items())
    monkeypatch.setattr("snnbp.paper.lock.text", lambda: locked)
    results = Results("04_mnist", PAPER, DATA)
    results.table("curve", pd.DataFrame({"a": [1]}))
    results.results(x=1)
    results.text("note.md", "said after the results\n")
    return tmp_path / "records" / "04_mnist.json"


def test_it_says_what_made_the_files(record):
    found = records.read_record(record)
    assert found["parameters"] == PAPER
    assert found["data"] == {"source": "mnist", "digest": DATA.digest, "verified": True}
    assert set(found["files"]) == {"data/curve.csv", "note.md"}
    assert found["source"]["path"] == "notebooks/04_mnist.ipynb"
    assert "library" not in found
    assert found["packages"]["numpy"] == np.__version__
    assert complaints(record, PAPER) == []


def test_other_parameters_and_packages_make_it_stale(record, monkeypatch):
    assert complaints(record, {**PAPER, "epochs": 61}) == ["it was made with other parameters"]
    monkeypatch.setattr("snnbp.paper.lock.text", lambda: "numpy==0.1 \n")
    reason = f"numpy {np.__version__} made it, requirements.lock has another version"
    assert reason in complaints(record, PAPER)


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
    assert complaints(record, PAPER) == [reason]


def test_a_record_cut_anywhere_is_stale(record):
    whole = record.read_bytes()
    for length in range(0, len(whole) - 1, 97):
        record.write_bytes(whole[:length])
        assert complaints(record, PAPER) == ["04_mnist.json is not a record, or is damaged"]


def test_a_result_changed_by_hand_is_named(record):
    record.write_text(record.read_text().replace('"values": [\n    1', '"values": [\n    2'))
    assert complaints(record, PAPER) == ["04_mnist.json was edited by hand"]


def test_files_that_were_changed_or_lost_are_named(record):
    (record.parent.parent / "data" / "curve.csv").write_text("a\n2\n")
    (record.parent.parent / "note.md").unlink()
    assert complaints(record) == [
        "data/curve.csv was changed after it was made",
        "note.md is missing",
    ]


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
    assert complaints(record, PAPER, executed) == [unfinished]
    records.add_executed(record, executed)
    executed.write_text(
        json.dumps({"cells": [{**cell, "metadata": {"scrolled": True}}], "metadata": {"a": 1}})
    )
    assert complaints(record, PAPER, executed) == []
    executed.write_text(json.dumps({"cells": [{**cell, "outputs": []}]}))
    assert complaints(record, PAPER, executed) == ["executed.ipynb has other outputs than that run"]


def test_a_packed_file_counts_by_what_is_packed(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"1,2", 1, mtime=0))
    digest = records.file_digest(path)
    path.write_bytes(gzip.compress(b"1,2", 9, mtime=1))
    assert records.file_digest(path) == digest
    path.write_bytes(path.read_bytes()[:10])
    assert "a.csv.gz is damaged: " in records.file_digest(path)
