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


def change(file, pattern, new):
    """Replace a pattern in a file."""

    def mutate(top):
        text = (top / file).read_text(encoding="utf-8")
        changed = re.sub(pattern, new, text, flags=re.M)
        assert changed != text
        (top / file).write_text(changed, encoding="utf-8")

    return mutate


def one_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def another_row(top):
    """A stored history in which every second row has one more silent image."""
    path = top / "figures/data/13_feedback_histories.csv.gz"
    head, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    at = head.split(",").index("silent")
    cells = [row.split(",") for row in rows]
    for row in cells[::2]:
        row[at] = str(int(row[at]) + 1)
    path.write_bytes(gzip.compress("\n".join([head, *map(",".join, cells), ""]).encode()))


def owned_twice(top):
    """A file on two records, both with intact seals."""
    folder = top / "figures/records"
    path = folder / "02_activation.json"
    other = next(iter(records.files_of(folder / "01_circuit.json").items()))
    record = records.read_record(path)
    records._write(path, record | {"files": record["files"] | dict([other])})


def another_digit(top):
    path = top / "snnbp/training/digits.csv.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    at = next(place for place, byte in enumerate(content) if chr(byte) == "0")
    content[at] = ord("9")
    path.write_bytes(gzip.compress(bytes(content), mtime=0))


def byte_of(pattern):
    return lambda top: one_byte(next(top.glob(pattern)))


RECORDS = {
    "07_energy: data/energy.csv was changed after it was made": byte_of("figures/data/energy.csv"),
    "09_seeds: data/09_seeds_runs.csv was changed after": byte_of("figures/data/09_seeds_runs.csv"),
    "03_one_sample: raster.png was changed after it was made": byte_of("figures/raster.png"),
    "13_feedback: data/13_feedback_histories.csv.gz was changed after it was made": another_row,
    "02_activation: 02_activation.ipynb has other outputs than that run": change(
        "notebooks/02_activation.ipynb", '"execution_count": 1', '"execution_count": 9'
    ),
    "04_mnist: it was made with other parameters": change(
        "notebooks/04_mnist.ipynb", "epochs = 60", "epochs = 61"
    ),
    "04_mnist: 04_mnist.json was edited by hand": change("figures/records/04_mnist.json", "0.96", "0.97"),
    "conceptual_circuit.png belongs to 01_circuit and to 02_activation": owned_twice,
    "figures/data/stray.csv has no record": lambda top: (top / "figures/data/stray.csv").touch(),
    "records/verdict.json is not what the records give: run 10_verdict": change(
        "snnbp/paper/claims.toml", r"value = 0\.963", "value = 0.973"
    ),
    "made it, .python-version has another": change(".python-version", r".+", "3.9"),
    "scipy 1": change("requirements.lock", r"^scipy==\S+", "scipy==0.0.1"),
    "03_one_sample: autograd ": change("requirements.lock", r"^autograd==\S+", "autograd==0.0.1"),
    "speed: benchmarks/contenders.py, which it reads, has changed": change(
        "benchmarks/contenders.py", '"""', '"""Other. '
    ),
}
TABLES = {
    "of a run is ": change("figures/data/13_feedback_runs.csv", r",False,0\.", ",False,0.1"),
    "13_feedback_histories.csv.gz: no intact table": byte_of("figures/data/13_feedback_histories.csv.gz"),
}
BEHAVIOUR = {
    "probe 'parameters'": change("snnbp/paper/settings.toml", "n_seeds = 3", "n_seeds = 4"),
    "probe 'ledger'": change("snnbp/paper/claims_beyond.toml", "against", "and"),
    "probe 'picture, ": change("snnbp/plots/figure.mplstyle", r"lines.linewidth: ", "lines.linewidth: 1"),
    "probe 'page, ": byte_of("snnbp/widgets/**/*.js"),
    "probe 'data digits": another_digit,
    "probe 'learning, fused": change("snnbp/backends/fused/kernel.py", r"up\[j\] > 0", "up[j] >= 0"),
    "probe 'learning, reference": change("snnbp/backends/reference.py", r" > 0\b", " >= 0"),
    "probe 'circuit ": change("snnbp/circuit/loihi.py", "THRESHOLD = 1024", "THRESHOLD = 2048"),
    "probe 'verdict, accuracy": change(
        "snnbp/paper/claims.py", r"spread = stdev\(", "spread = 1.01 * stdev("
    ),
    "probe 'verdict, equal": change("snnbp/paper/claims.py", r"equal = all\(", "equal = any("),
    "probe 'verdict, difference": change(
        "snnbp/paper/claims.py", "level: float = 0.95", "level: float = 0.94"
    ),
    "probe 'statistics of runs, best'": change(
        "snnbp/training/run.py", r"float\(curve.max\(\)\)", "float(curve.min())"
    ),
}
ORDER = {
    "a stored run does not come out again: seed": change(
        "snnbp/training/train.py", r"rng.permutation\(n\)", "rng.permutation(n)[::-1]"
    )
}
COMMANDS = (
    ("check.files()", RECORDS),
    ("check.stored_runs()[1]", TABLES),
    ("probes.changed()[1]", BEHAVIOUR),
    ("check.check(False, lambda text: None)[0]", ORDER),
)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("command", "complaint", "change"),
    [(command, *mutant) for command, mutants in COMMANDS for mutant in mutants.items()],
)
def test_a_mutant_is_noticed_and_named(request, tmp_path, command, complaint, change):
    """Of code, data, style, claims or lock."""
    if command != COMMANDS[0][0] and not request.config.getoption("--full"):
        pytest.skip("repeats all probes: ./reproduce.sh test --full")
    if change in ORDER.values():
        request.getfixturevalue("mnist")
    top = tmp_path / "checkout"
    for folder in ("snnbp", "figures", "notebooks", "benchmarks"):
        shutil.copytree(ROOT / folder, top / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (".python-version", "requirements.lock", "reproduce.sh", "pyproject.toml"):
        shutil.copy(ROOT / file, top)
    change(top)
    code = f"from snnbp.paper import check, probes\nprint(*{command}, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=top, capture_output=True, text=True, timeout=500, check=False
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
