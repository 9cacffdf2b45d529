"""The notebooks: executed, checked, short, with visible figures, and running on data that everyone has."""

import ast

import nbformat
import pytest

from snnbp.paper import ROOT, records, settings
from snnbp.paper.execute import execute, normalised
from snnbp.paper.pipeline import why_unavailable

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def code_cells(name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def test_every_notebook_is_declared_and_every_declared_one_is_there():
    assert sorted(settings.notebooks()) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_executed_with_a_checked_cell(name):
    cells = code_cells(name)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    checked = tagged(cells, "nbval-check-output")
    assert checked
    assert all(cell.outputs for cell in checked)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_reads_is_on_its_record(name):
    """The record is written with the results: a file that is read later would not be on it."""
    source = "\n".join(cell.source for cell in code_cells(name))
    assert "results.read(" not in source.partition("results.results(")[2]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_figures_are_visible_and_described(name):
    """On GitHub, too: as PNG among the outputs, not as the text that stands for a Figure."""
    for cell in code_cells(name):
        shown = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(shown) >= cell.source.count("results.figure(")
        for output in shown:
            assert len(output.metadata["image/png"]["alt"]) > 20
            assert output.data["text/plain"] == output.metadata["image/png"]["alt"]
        for output in cell.outputs:
            assert "Figure" not in output.get("data", {}).get("text/plain", "").partition("(")[0]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_is_warned_about(name):
    assert not [out.text for cell in code_cells(name) for out in cell.outputs if out.get("name") == "stderr"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_normalised(name):
    path = ROOT / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert normalised(nbformat.read(path, as_version=4)) == notebook


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_functions_in_notebooks_are_short(name):
    for cell in code_cells(name):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 5


def test_normalised_notebooks_hold_no_times_and_keep_warnings():
    output = nbformat.v4.new_output
    cell = nbformat.v4.new_code_cell(
        "1",
        execution_count=3,
        metadata={"execution": {"iopub.status.idle": "2020"}, "scrolled": True, "tags": ["parameters"]},
        outputs=[
            output("stream", name="stderr", text="/tmp/ipykernel_12/345.py:1: UserWarning: look"),
            output("stream", name="stdout", text="1"),
            output("stream", name="stdout", text="\n"),
        ],
    )
    notebook = nbformat.v4.new_notebook(
        cells=[cell], metadata={"widgets": {}, "language_info": {"name": "python", "version": "3"}}
    )
    result = normalised(notebook)
    assert result.metadata.keys() == {"kernelspec", "language_info"}
    assert result.metadata.language_info == {"name": "python"}
    assert result.cells[0].metadata == {"tags": ["parameters"]}
    assert [out.text for out in result.cells[0].outputs] == ["cell:1: UserWarning: look", "1\n"]
    assert result.cells[0].execution_count == 3


def run(name, parameters, folder, monkeypatch):
    monkeypatch.setattr("snnbp.paper.execute.PARTIAL", folder / "partial")
    monkeypatch.setenv("SNNBP_OUTPUT", str(folder))
    execute(name, parameters, folder, folder / f"{name}.ipynb")
    return records.read_record(folder / "records" / f"{name}.json")


@pytest.fixture(scope="module")
def on_digits(tmp_path_factory):
    return tmp_path_factory.mktemp("digits")


@pytest.mark.parametrize("name", settings.notebooks())
def test_a_notebook_runs_on_the_digits(request, name, monkeypatch, on_digits):
    """The way a machine without MNIST runs them, in order; no claim of the paper is evaluated."""
    if name != "04_mnist" and not request.config.getoption("--full"):
        pytest.skip("notebooks on the digits take minutes: ./reproduce.sh test --full")
    if reason := why_unavailable(name):
        pytest.skip(f"{name}: {reason}")
    notebook = settings.notebooks()[name]
    record = run(name, notebook.digits, on_digits, monkeypatch)
    assert record["profile"] == ("digits" if notebook.digits else "paper")
