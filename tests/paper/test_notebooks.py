"""The notebooks: executed, checked, short, and running on data that everyone has."""

import ast
import json

import nbformat
import papermill
import pytest

from snnbp.paper import pipeline as reproduce
from snnbp.paper.results import PROFILES, ROOT

NOTEBOOKS = reproduce.notebooks()


def read(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def test_every_notebook_has_its_settings_declared():
    assert list(PROFILES["paper"]) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameter_cell_holds_the_papers_settings(name):
    found = papermill.inspect_notebook(str(ROOT / "notebooks" / f"{name}.ipynb"))
    defaults = {key: ast.literal_eval(value["default"]) for key, value in found.items()}
    assert defaults == PROFILES["paper"][name]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_executed_with_a_checked_cell(name):
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    checked = [cell for cell in cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert checked
    assert all(cell.outputs for cell in checked)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_normalised(name):
    notebook = read(name)
    assert reproduce.normalised(read(name)) == notebook


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_functions_in_notebooks_are_short(name):
    for cell in read(name).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 5


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_on_the_digits(name, monkeypatch, tmp_path):
    """The way a machine without MNIST runs it; no claim of the paper is evaluated."""
    if reason := reproduce.not_here(name):
        pytest.skip(f"{name}: {reason}")
    monkeypatch.setattr("snnbp.paper.pipeline.PARTIAL", tmp_path / "partial")
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path))
    reproduce.execute(name, reproduce.changed_parameters(name, "digits", {}), tmp_path)
    record = json.loads((tmp_path / f"{name}.json").read_text())
    assert record["profile"] == ("digits" if "dataset" in PROFILES["paper"][name] else "paper")


def test_stored_runs_come_out_again(mnist, monkeypatch, tmp_path):
    """09_beyond takes minutes, so its runs are stored; a few of them are repeated here."""
    monkeypatch.setattr("snnbp.paper.pipeline.PARTIAL", tmp_path / "partial")
    monkeypatch.setenv("SNNBP_OUTPUT", str(tmp_path))
    reproduce.execute("09_beyond", {"seeds": [1, 2], "few": 2}, tmp_path)
    repeated = set((tmp_path / "beyond_runs.jsonl").read_text().splitlines())
    stored = set((ROOT / "figures" / "beyond_runs.jsonl").read_text().splitlines())
    assert len(repeated) == 10
    assert repeated <= stored
