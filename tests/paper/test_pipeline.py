"""A small checkout of three notebooks, run as ./reproduce.sh does: what is skipped, kept, refused, ended."""

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from snnbp.paper import ROOT, execute, pipeline, verdict
from snnbp.paper import claims as ledger
from snnbp.paper.lock import PACKAGES

SETTINGS = """
[00_verdict]
reads = "all"
[01_first.quick]
epochs = 1
[02_second]
group = "beyond"
reads = ["01_first"]
"""
START = "from snnbp.paper import Results\nimport pandas as pd\nresults = Results('NAME', globals())"
CELLS = {
    "00_verdict": ["results.verdict(results.ledger())"],
    "01_first": [
        "from pathlib import Path\nimport subprocess, time, tqdm.auto, warnings",
        "if Path('../break').exists(): raise ValueError('broken on purpose')\n"
        "if Path('../hold').exists():\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    Path('../waiting').write_text(str(child.pid))\n"
        "    time.sleep(600)",
        "for _ in tqdm.auto.tqdm(range(3)): pass\nwarnings.warn('look here')",
        "from snnbp.plots.style import StyledFigure\nfigure = StyledFigure((3, 2), 'a line')\n"
        "figure.add_subplot().plot([1, epochs])\nresults.figure('line', figure)",
        "results.table('numbers', pd.DataFrame({'epochs': [epochs]}))",
        "import snnbp\ndata = snnbp.load_dataset('digits')\n"
        "runs = results.sweep([snnbp.Config(hidden=4, epochs=epochs, seed=n) for n in (1, 2, 3)], data)",
        "results.results(epochs=epochs)",
    ],
    "02_second": ["results.text('copy.csv', results.read('numbers.csv').read_text())\nresults.results()"],
}


def make(checkout):
    shutil.copytree(ROOT / "snnbp", checkout / "snnbp", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "snnbp" / "paper" / "settings.toml").write_text(SETTINGS)
    probes = checkout / "snnbp" / "paper" / "probes.py"  # one is enough here
    few = probes.read_text().replace(
        "(_circuits, _data, _learning, _statistics, _pictures, _page)", "(_page,)"
    )
    probes.write_text(few)
    for name in ("reproduce.sh", ".python-version"):
        shutil.copy(ROOT / name, checkout)
    locked = [f"{name}=={importlib.metadata.version(name)} \\\n" for name in PACKAGES if is_installed(name)]
    (checkout / "requirements.lock").write_text("".join(locked))
    (checkout / ".python-version").write_text("{}.{}\n".format(*sys.version_info))
    for name, sources in CELLS.items():
        cells = [new_code_cell("epochs = 2", metadata={"tags": ["parameters"]})]
        cells += [new_code_cell(source) for source in (START.replace("NAME", name), *sources)]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        (checkout / "notebooks").mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), checkout / "notebooks" / f"{name}.ipynb")
    return checkout


def is_installed(package):
    try:
        return bool(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return False


def start(checkout, *words, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SNNBP")}
    return subprocess.Popen(
        [sys.executable, "-m", "snnbp", *words],
        cwd=checkout,
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(checkout, *words, **environment):
    process = start(checkout, *words, **environment)
    output, errors = process.communicate(timeout=200)
    return process.returncode, output, errors


def tracked(checkout):
    """What a checkout would have under version control."""
    folders = [checkout / name for name in ("figures", "notebooks", "snnbp") if (checkout / name).exists()]
    files = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return {str(path.relative_to(checkout)): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkout after `all`, under settings of the user's that must not matter."""
    checkout = make(tmp_path_factory.mktemp("whole") / "checkout")
    user = checkout.parent / "user"
    spec = {"argv": ["false"], "display_name": "not this one", "language": "python"}
    (user / "kernels" / "python3").mkdir(parents=True)
    (user / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    (user / "matplotlibrc").write_text("lines.linewidth: 30\naxes.facecolor: black\n")
    (user / "profile_default" / "startup").mkdir(parents=True)
    (user / "profile_default" / "startup" / "00.py").write_text("print('a startup file')")
    code, output, errors = run(
        checkout, "all", JUPYTER_PATH=str(user), MATPLOTLIBRC=str(user), IPYTHONDIR=str(user), PATH="/nowhere"
    )
    assert code == 0, errors
    return checkout, output, errors


@pytest.fixture
def again(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "checkout")
    return tmp_path / "checkout"


def test_the_order_is_what_notebooks_declare(whole):
    _, output, errors = whole
    finished = [line.split()[1] for line in errors.splitlines() if line.endswith("...")]
    assert finished == ["01_first", "02_second", "00_verdict"]
    assert errors.splitlines()[0] == "[1/3] 01_first ..."
    assert all(len(line) <= 80 for line in output.splitlines())
    for some in verdict.ledgers(ledger.ledger(whole[0] / "figures")).values():
        assert "not evaluated" in verdict.counts(some)
        assert verdict.counts(some) in " ".join(output.split())
    assert "figures/verdict.md" in output
    assert "KeyboardInterrupt" not in errors


def test_warnings_are_kept_and_progress_is_not(whole):
    cells = nbformat.read(whole[0] / "notebooks" / "01_first.ipynb", as_version=4).cells
    streams = [output for output in cells[4].outputs if output.output_type == "stream"]
    assert [stream.name for stream in streams] == ["stderr"]
    assert "UserWarning: look here" in streams[0].text
    assert len(streams[0].text.splitlines()) == 2
    assert len(cells[4].outputs) == 1


def test_figures_are_shown_as_they_were_saved_whatever_the_user_prefers(whole):
    import base64

    cell = nbformat.read(whole[0] / "notebooks" / "01_first.ipynb", as_version=4).cells[5]
    shown = cell.outputs[0]
    saved = (whole[0] / "figures" / "line.png").read_bytes()
    assert base64.b64decode(shown.data["image/png"]) == saved
    assert shown.data["text/plain"] == "a line"
    assert shown.metadata["image/png"]["alt"] == "a line"
    from matplotlib.style import context

    from snnbp.plots.style import StyledFigure, to_png

    with context("default"):
        figure = StyledFigure((3, 2), "a line")
        figure.add_subplot().plot([1, 2])
    assert to_png(figure) == saved


def checked(checkout, *words):
    """The exit code of --check, and its complaints."""
    code, output, errors = run(checkout, "--check", *words)
    *lines, last = output.splitlines()
    assert last.startswith("repeated in "), errors
    return code, lines


def test_what_was_trained_and_what_was_read_is_said(whole, again):
    assert whole[1].endswith("\n3 trainings in full, 0 read\n")
    shutil.rmtree(again / "build")
    code, output, _ = run(again, "--only", "01")
    assert code == 0
    assert output.endswith(
        "\n0 trainings in full, 3 read, 1 repeated over an epoch: equal (--fresh trains all)\n"
    )
    assert tracked(again) == tracked(whole[0])
    output = run(again, "--only", "01", "--fresh")[1]
    assert output.endswith("\n3 trainings in full, 0 read\n")
    assert tracked(again) == tracked(whole[0])


def test_a_second_run_does_nothing_and_changes_nothing(again):
    before = tracked(again)
    code, _, errors = run(again, "all")
    assert code == 0
    assert errors.splitlines() == [
        f"{name} is up to date" for name in ("01_first", "02_second", "00_verdict")
    ]
    assert tracked(again) == before
    assert checked(again) == (0, ["no difference found"])


def test_a_fresh_clone_runs_although_its_records_are_up_to_date(again):
    """And if a claim is lost, the run fails."""
    before = tracked(again)
    shutil.rmtree(again / "build")
    assert checked(again)[0] == 0
    verdict = json.dumps([{"id": "mnist-best-spikes", "verdict": "reproduced"}])
    (again / "figures" / "records" / "verdict.json").write_text(verdict)
    code, _, errors = run(again, "--only", "01", PATH="/nowhere")
    assert code == 1
    assert "[1/1] 01_first ..." in errors
    assert errors.splitlines()[-1] == "reproduce: another verdict than the committed one: mnist-best-spikes"
    assert tracked(again) == before | {"figures/records/verdict.json": verdict.encode()}


def test_other_settings_touch_no_tracked_file(again):
    before = tracked(again)
    for words in (["quick", "--only", "01"], ["--only", "01", "-p", "epochs=7"]):
        code, output, _ = run(again, *words)
        assert code == 0
        assert "\nNo claim is judged: " in output
        assert "not evaluated" not in output
    (again / ".python-version").write_text("3.9\n")
    assert run(again, "--only", "01")[0] == 0
    assert tracked(again) == before
    for profile, epochs in (("quick", 1), ("custom", 7), ("paper", 2)):
        assert (again / "build" / profile / "data" / "numbers.csv").read_text() == f"epochs\n{epochs}\n"
        assert (again / "build" / profile / "01_first.ipynb").exists()


def test_what_has_changed_is_named_and_runs_again(again):
    (again / "figures" / "data" / "numbers.csv").write_text("by hand")
    notebook = again / "notebooks" / "02_second.ipynb"
    notebook.write_text(notebook.read_text().replace("copy.csv", "other.csv"))
    record = again / "figures" / "records" / "00_verdict.json"
    record.write_text(record.read_text()[:100])
    (again / "figures" / "stray.png").touch()
    code, complaints = checked(again)
    assert code == 1
    assert set(complaints) == {
        "00_verdict: 00_verdict.json is not a record, or is damaged",
        "01_first: data/numbers.csv was changed after it was made",
        "02_second: notebooks/02_second.ipynb has changed",
        "02_second: 02_second.ipynb has other outputs than that run",
        "figures/stray.png has no record of what made it",
        "figures/records/verdict.json has no record of what made it",
        "figures/verdict.md has no record of what made it",
    }
    code, _, errors = run(again, "all")
    assert code == 0, errors
    assert "00_verdict runs again: what it reads has changed" in errors
    assert "02_second runs again: the notebook has changed" in errors
    assert (again / "figures" / "other.csv").read_text() == "epochs\n2\n"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_change_of_the_library_that_changes_no_number_changes_no_file(again):
    """It runs all notebooks again on this machine, and asks for nothing else."""
    before = tracked(again)
    change(again / "snnbp" / "checks.py", "must be an integer", "is to be an integer")
    assert checked(again)[0] == 0
    code, _, errors = run(again, "all")
    assert code == 0
    assert "01_first runs again: the package has changed" in errors
    changed = {name for name, content in tracked(again).items() if before.get(name) != content}
    assert changed == {"snnbp/checks.py"}


def gone(pid):
    return (
        subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout[:1]
        in "Z"
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_ends_at_once_and_goes_on_later(whole, tmp_path, how):
    checkout = make(tmp_path / "checkout")
    (checkout / "hold").touch()
    process = start(checkout)
    waiting = checkout / "waiting"
    deadline = time.monotonic() + 100
    while not (waiting.exists() and waiting.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    stopped = time.monotonic()
    process.send_signal(how)
    _, errors = process.communicate(timeout=100)
    assert time.monotonic() - stopped < 5
    assert process.returncode == {signal.SIGKILL: -9}.get(how, 130)
    if how == signal.SIGTERM:
        assert errors.splitlines()[-1] == "reproduce: interrupted; what is finished is kept"
        assert gone(waiting.read_text())
    else:
        os.kill(int(waiting.read_text()), signal.SIGKILL)  # nobody was left to end it
    assert not (checkout / "figures" / "records" / "01_first.json").exists()
    if how == signal.SIGTERM:
        return
    (checkout / "notebooks" / f".snnbp-{'0' * 16}.partial").mkdir()
    (checkout / "hold").unlink()
    assert run(checkout, "all")[0] == 0
    assert tracked(checkout) == tracked(whole[0])


def test_a_failing_cell_is_named_and_two_runs_do_not_mix(again):
    (again / "break").touch()
    before = tracked(again)
    code, _, errors = run(again, "--fresh", "--only", "01")
    assert code == 1
    assert errors.splitlines()[-1] == (
        "reproduce: 01_first, cell 3: ValueError: broken on purpose (see build/partial/01_first.ipynb)"
    )
    assert tracked(again) == before
    from filelock import FileLock

    with FileLock(again / "build" / "lock"):
        code, _, errors = run(again, "--only", "01")
    assert (code, errors.count("\n")) == (1, 1)
    assert "another ./reproduce.sh is running in this checkout" in errors


def test_a_notebook_of_another_checkout_is_refused(again, tmp_path):
    code = "from snnbp.paper import Results; Results('01_first', {'epochs': 2})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=again / "notebooks",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"this notebook is in {again}, but snnbp comes from {ROOT}" in done.stderr


def test_what_cannot_run_here_is_skipped_with_a_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "lava", None)
    assert pipeline.why_unavailable("06_lava") == "needs lava-nc==0.10.0"
    assert pipeline.why_unavailable("04_mnist") == ""


def test_kernels_find_the_data_that_the_run_finds_and_no_variables_of_other_tools(monkeypatch, tmp_path):
    for folder in ("checkout", "data"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(execute, "ROOT", tmp_path / "checkout")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", "elsewhere")
    for given in ("", "data"):
        monkeypatch.setenv("SNNBP_DATA", given)
        environment = execute.kernel_environment()
        assert environment["SNNBP_DATA"] == str(tmp_path / "data")
        assert not any(name.startswith("GIT_") for name in environment)
