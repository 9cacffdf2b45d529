"""Whether --check notices: each mutant of code, data, style, claims or lock is named in one line."""

import gzip
import json
import re
import shutil
import subprocess
import sys

import pytest

from snnbp.paper import ROOT, records, repeat
from snnbp.paper.check import check
from snnbp.training.table import read_runs

SAY = "from snnbp.paper import check, probes\nprint(*{}, sep='\\n')"
FILES, PROBES = SAY.format("check.files()"), SAY.format("probes.changed()[1]")
RUNS = SAY.format("check.check(False, lambda text: None)[0]")


def change(file, pattern, new):
    """Replace the first place in a file where a pattern matches."""

    def mutate(top):
        text = (top / file).read_text(encoding="utf-8")
        changed = re.sub(pattern, new, text, count=1, flags=re.M)
        assert changed != text
        (top / file).write_text(changed, encoding="utf-8")

    return mutate


def one_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def another_row(path):
    """A stored history in which every second row has one more silent image."""
    head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    at = head.split(",").index("silent")
    cells = [row.split(",") for row in rows]
    for row in cells[::2]:
        row[at] = str(int(row[at]) + 1)
    path.write_bytes(gzip.compress("\n".join([head, *map(",".join, cells), ""]).encode()))


def owned_twice(folder):
    """A file on two records, both with intact seals."""
    path = folder / "02_activation.json"
    other = next(iter(records.files_of(folder / "01_circuit.json").items()))
    record = records.read_record(path)
    records._write(path, record | {"files": record["files"] | dict([other])})


def another_digit(path):
    content = bytearray(gzip.decompress(path.read_bytes()))
    at = next(place for place, byte in enumerate(content) if chr(byte) == "0")
    content[at] = ord("9")
    path.write_bytes(gzip.compress(bytes(content), mtime=0))


MUTANTS = {
    "a byte of a table": (
        FILES,
        lambda top: one_byte(top / "figures/data/energy.csv"),
        "07_energy: data/energy.csv was changed after it was made",
    ),
    "a byte of a table of runs": (
        FILES,
        lambda top: one_byte(top / "figures/data/09_seeds_runs.csv"),
        "09_seeds: data/09_seeds_runs.csv was changed after it was made",
    ),
    "a byte of a picture": (
        FILES,
        lambda top: one_byte(top / "figures/raster.png"),
        "03_one_sample: raster.png was changed after it was made",
    ),
    "a history": (
        FILES,
        lambda top: another_row(top / "figures/data/13_feedback_histories.csv.gz"),
        "13_feedback: data/13_feedback_histories.csv.gz was changed after it was made",
    ),
    "an output of a notebook": (
        FILES,
        change("notebooks/02_activation.ipynb", '"execution_count": 1', '"execution_count": 9'),
        "02_activation: 02_activation.ipynb has other outputs than that run",
    ),
    "a parameter": (
        FILES,
        change("notebooks/04_mnist.ipynb", "epochs = 60", "epochs = 61"),
        "04_mnist: it was made with other parameters",
    ),
    "a result in a record": (
        FILES,
        change("figures/records/04_mnist.json", "0.96", "0.97"),
        "04_mnist: 04_mnist.json was edited by hand",
    ),
    "a file of two records": (
        FILES,
        lambda top: owned_twice(top / "figures/records"),
        "conceptual_circuit.png belongs to 01_circuit and to 02_activation",
    ),
    "a file without a record": (
        FILES,
        lambda top: (top / "figures/data/stray.csv").touch(),
        "figures/data/stray.csv has no record of what made it",
    ),
    "a claimed value": (
        FILES,
        change("snnbp/paper/claims.toml", r"value = 0\.963", "value = 0.973"),
        "records/verdict.json is not what the records give: run 10_verdict",
    ),
    "a statistic in a table of runs, with a record that fits": (
        SAY.format("check.stored_runs()[1]"),
        change("figures/data/13_feedback_runs.csv", r",False,0\.", ",False,0.1"),
        "of a run is ",
    ),
    "a hole in a packed table": (
        SAY.format("check.stored_runs()[1]"),
        lambda top: one_byte(top / "figures/data/13_feedback_histories.csv.gz"),
        "13_feedback_histories.csv.gz: no intact table of runs",
    ),
    "another Python": (
        FILES,
        change(".python-version", r".+", "3.9"),
        "made it, .python-version has another",
    ),
    "a parameter of small runs": (
        PROBES,
        change("snnbp/paper/settings.toml", "n_seeds = 3", "n_seeds = 4"),
        "probe 'parameters'",
    ),
    "another scipy": (
        FILES,
        change("requirements.lock", r"^scipy==\S+", "scipy==0.0.1"),
        "made it, requirements.lock has another version",
    ),
    "another autograd": (
        FILES,
        change("requirements.lock", r"^autograd==\S+", "autograd==0.0.1"),
        "03_one_sample: autograd ",
    ),
    "a module of the benchmarks": (
        FILES,
        change("benchmarks/contenders.py", '"""', '"""Other. '),
        "speed: benchmarks/contenders.py, which it reads, has changed",
    ),
    "a headline": (
        PROBES,
        change("snnbp/paper/claims_beyond.toml", "against", "and"),
        "probe 'ledger'",
    ),
    "a style sheet": (
        PROBES,
        change("snnbp/plots/style.py", '"lines.linewidth": ', '"lines.linewidth": 1 + '),
        "probe 'picture, ",
    ),
    "a script of the page": (
        PROBES,
        lambda top: one_byte(next((top / "snnbp/widgets").rglob("*.js"))),
        "probe 'page, ",
    ),
    "a byte of the digits": (
        PROBES,
        lambda top: another_digit(top / "snnbp/training/digits.csv.gz"),
        "probe 'data digits",
    ),
    "a comparison of the fused kernel": (
        PROBES,
        change("snnbp/backends/fused/kernel.py", r"up\[j\] > 0", "up[j] >= 0"),
        "probe 'learning, fused",
    ),
    "the reference": (
        PROBES,
        change("snnbp/backends/reference.py", r" > 0\b", " >= 0"),
        "probe 'learning, reference",
    ),
    "a wrong threshold": (
        PROBES,
        change("snnbp/circuit/loihi.py", r"THRESHOLD = 1024", "THRESHOLD = 2048"),
        "probe 'circuit ",
    ),
    "another standard deviation": (
        PROBES,
        change("snnbp/paper/claims.py", r"spread = stdev\(", "spread = 1.01 * stdev("),
        "probe 'verdict, accuracy",
    ),
    "any for all": (
        PROBES,
        change("snnbp/paper/claims.py", r"equal = all\(", "equal = any("),
        "probe 'verdict, equal",
    ),
    "the worst for the best": (
        PROBES,
        change("snnbp/training/run.py", r"float\(curve.max\(\)\)", "float(curve.min())"),
        "probe 'statistics of runs, best'",
    ),
    "the order of samples": (
        RUNS,
        change("snnbp/training/train.py", r"rng.permutation\(n\)", "rng.permutation(n)[::-1]"),
        "a stored run does not come out again: seed",
    ),
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_noticed_and_named(request, tmp_path, name):
    command, change, complaint = MUTANTS[name]
    if command != FILES and not request.config.getoption("--full"):
        pytest.skip("repeats all probes: ./reproduce.sh test --full")
    if command == RUNS:
        request.getfixturevalue("mnist")
    top = tmp_path / "checkout"
    for folder in ("snnbp", "figures", "notebooks", "benchmarks"):
        shutil.copytree(ROOT / folder, top / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (".python-version", "requirements.lock", "reproduce.sh", "pyproject.toml"):
        shutil.copy(ROOT / file, top)
    change(top)
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=top, capture_output=True, text=True, timeout=500, check=False
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if complaint in line], (lines, done.stderr)


@pytest.mark.timeout(3600)
def test_figures_are_what_this_code_computes(request, mnist, fashion_mnist):
    """A sample by lot; with --full all stored runs over an epoch, and twelve whole ones."""
    complaints, repeated = check(request.config.getoption("--full"), lambda text: None)
    assert complaints == []
    assert re.fullmatch(r"\d+ probes, the first epoch of \d+ of \d+ stored runs, \d+ whole", repeated)


def test_the_first_difference_of_a_run_is_named(digits):
    import snnbp

    run = snnbp.train(digits, snnbp.Config(hidden=4, epochs=2), progress=False)
    assert repeat.difference(run, digits) == repeat.difference(run, digits, 2) == ""
    run.history.loc[2, "weights"] = "0" * 12
    assert repeat.difference(run, digits) == ""
    where = "seed 1, (4,) hidden, epoch 1.5: weights is "
    assert repeat.difference(run, digits, 2).startswith(where)


def test_every_file_of_a_record_is_in_the_repository():
    known = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if known.returncode:
        pytest.skip("no git here")
    tracked = {ROOT / name for name in known.stdout.splitlines()}
    for folder in (ROOT / "figures", ROOT / "benchmarks" / "results"):
        for record in (folder / "records").glob("*.json"):
            assert record in tracked
            assert {folder / file for file in records.files_of(record)} <= tracked


def test_the_lot_draws_one_run_of_each_kind():
    runs = read_runs(ROOT / "figures" / "data" / "12_beyond_runs.csv")
    drawn = repeat.one_of_each_kind(runs, "a seed")
    kinds = {(run.config.model_copy(update={"seed": 0}), run.data) for run in drawn}
    assert len(kinds) == len(drawn)
    assert kinds == {(run.config.model_copy(update={"seed": 0}), run.data) for run in runs}
    assert drawn == repeat.one_of_each_kind(runs, "a seed") != repeat.one_of_each_kind(runs, "another")


def test_numbers_in_the_pages_are_those_of_the_circuit():
    """17,344 and 9,216."""
    import snnbp
    from snnbp.circuit.backprop import current_bounds

    bounds = set(current_bounds(snnbp.training_circuit((400, 400, 10))).values())
    text = (ROOT / "docs" / "validity.md").read_text(encoding="utf-8")
    assert all(f"{bound:,}" in text for bound in bounds)
    record = json.loads((ROOT / "figures" / "records" / "03_one_sample.json").read_text(encoding="utf-8"))
    assert record["results"]["gradient.differing"]["values"] == [0]
