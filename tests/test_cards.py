"""What is printed of a large object is one short line, and its table is safe HTML."""

import re

import numpy as np
import pytest

import snnbp


@pytest.fixture(scope="module")
def objects(digits):
    config = snnbp.Config(hidden=8, epochs=1)
    start = snnbp.initial_weights(config, digits)
    run = snnbp.train(digits, config, progress=False)
    trace = snnbp.trace(start, digits.train[:3])
    return {type(each).__name__: each for each in (digits, digits.train, start, trace, trace.circuit, run)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Dataset", ["source='digits'", "train=(1437, 64)", "test=(360, 64)"]),
        ("Samples", ["inputs=(1437, 64)"]),
        ("Weights", ["sizes=(64, 8, 10)", "threshold=1024"]),
        ("Trace", ["samples=3", "n_overdriven=0", "potentials=False"]),
        ("Circuit", ["phases=12", "learns=True"]),
        ("Run", ["hidden=(8,)", "seed=1", "epochs='1 of 1'"]),
    ],
)
def test_an_object_is_one_line_and_a_table(objects, name, words):
    shown = objects[name]
    line = repr(shown)
    assert line.startswith(f"{name}(")
    assert "\n" not in line
    assert len(line) < 300
    for word in words:
        assert word in line
    assert len(re.findall("<tr>", shown._repr_html_())) == line.count("=") - line.count("<=")
    if hasattr(shown, "digest"):
        assert shown.digest[:12] in line


def test_text_of_users_is_escaped():
    inputs = np.eye(2, dtype=bool)
    data = snnbp.Dataset.from_arrays(inputs, ["<b>\n", "&"], ~inputs[:1] | True, ["&"])
    assert "\n" not in repr(data)
    html = data._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "&amp;" in html


def test_a_run_without_a_checkpoint_is_shown(objects):
    import pandas as pd

    run = objects["Run"]
    assert "0 of 1" in repr(snnbp.Run(run.config, run.backend, run.data, pd.DataFrame(), "", 0))
