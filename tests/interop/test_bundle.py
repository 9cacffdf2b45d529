"""The bundle is complete: a C program that knows only its files reproduces every bit."""

import csv
import io
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import snnbp
from snnbp import Config
from snnbp.__main__ import main
from snnbp.interop import export_bundle
from snnbp.training.images import on

ONE, BEYOND = "one hidden layer", "beyond the validity bound"
CASES = {
    ONE: {"hidden": 30},
    "two hidden layers": {"hidden": (30, 20)},
    "three hidden layers": {"hidden": (20, 20, 20)},
    "weights at their bounds": {"hidden": (30, 20), "step": 64},
    BEYOND: {"hidden": 100, "inhibition": -64, "init_scale": 20.0},
    "threshold 4096": {"hidden": 30, "threshold": 4096},
    "variants": {"hidden": 30, "threshold": 2048, "open_target": True, "margin": 512},
}


@pytest.fixture(scope="module")
def bundles(digits, tmp_path_factory):
    """A folder with a bundle for each case."""
    folder = tmp_path_factory.mktemp("bundles")
    rng = np.random.default_rng(0)
    dense = snnbp.Dataset.from_arrays(
        rng.random((200, 400)) < 0.9, np.arange(200) % 10, rng.random((50, 400)) < 0.9, np.arange(50) % 10
    )
    for name, settings in CASES.items():
        data = dense if name == BEYOND else digits
        run = snnbp.train(data, Config(epochs=2, **settings), progress=False)
        export_bundle(folder / name, run, data)
    return folder


def compiled(folder, *options):
    """The C program, as a function of a bundle and a part: exit code, what it prints, and its complaint."""
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler cc on this machine")
    source = __file__.replace("test_bundle.py", "bundle.c")
    path = folder / "bundle"
    subprocess.run([compiler, *options, "-Wall", "-Wextra", "-Werror", "-o", path, source], check=True)

    def run(bundle, part):
        found = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=0", "UBSAN_OPTIONS": "exitcode=99"}
        command = [path, bundle, part]
        done = subprocess.run(command, capture_output=True, timeout=100, check=False, env=os.environ | found)
        return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")

    return run


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("program"), "-O2")


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("part", ["training", "inference"])
def test_bundle_is_reproduced_by_a_c_program(program, bundles, case, part):
    folder = bundles / case / part
    neurons = sum(int(row["size"]) for row in rows(folder / "populations.csv"))
    phases = len(rows(folder / "phases.csv"))
    learning = [row["matrix"] for row in rows(folder / "projections.csv") if row["learns"] == "1"]
    n_weights = sum(np.load(folder / name)[1:].size for name in learning)
    n = 20 * phases * neurons
    expected = f"{n} spikes, {n} potentials, {n_weights} weights: 0 differences\n"
    assert program(bundles / case, part) == (0, expected, "")
    assert (n_weights > 0) == (part == "training")


def test_bundle_cases_are_what_they_are_called(bundles):
    def about(case):
        return json.loads((bundles / case / "about.json").read_text(encoding="utf-8"))

    assert about(BEYOND)["samples_beyond_the_validity_bound"]["training"] > 0
    assert about("two hidden layers")["samples_beyond_the_validity_bound"] == {"training": 0, "inference": 0}
    matrices = np.load(bundles / "weights at their bounds/training/x_to_h1.npy")
    assert (matrices[0].min(), matrices[0].max()) == (-240, 240)
    assert (matrices[-1].min(), matrices[-1].max()) == (-256, 254)


@pytest.mark.parametrize("name", ["spikes.npy", "potentials.npy", "x_to_h1.npy"])
def test_bundle_program_finds_one_wrong_bit(program, bundles, tmp_path, name):
    shutil.copytree(bundles / ONE, tmp_path / "bundle")
    path = tmp_path / "bundle" / "training" / name
    array = np.load(path)
    array.reshape(-1)[-1] ^= 1
    np.save(path, array)
    code, text, _ = program(tmp_path / "bundle", "training")
    assert code == 1
    assert text.endswith(": 1 differences\n")


@pytest.mark.parametrize(
    ("case", "file", "old", "new"),
    [
        (ONE, "training/projections.csv", ",520,", ",512,"),
        (BEYOND, "training/projections.csv", ",-64,", ",-8128,"),
        (ONE, "training/populations.csv", ",-8192,1024,", ",-8192,1100,"),
        (ONE, "training/phases.csv", "\n5,2,", "\n5,-2,"),
        (ONE, "parameters.csv", "\nweight_max,254,", "\nweight_max,100,"),
    ],
)
def test_bundle_needs_what_it_says(program, bundles, tmp_path, case, file, old, new):
    """The program reads these numbers: others give other activity."""
    shutil.copytree(bundles / case, tmp_path / "bundle")
    path = tmp_path / "bundle" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    code, text, _ = program(tmp_path / "bundle", "training")
    assert code == 1
    assert int(text.split()[-2]) > 0


def damages(path, chance):
    """Contents of a file of a bundle that the C program must refuse, or find other activity in."""
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    if path.name == "about.json":
        samples = content.index(b'"samples"')
        yield from (content[:samples], content.replace(b'"samples": 20', b'"samples": 19'))
    elif path.name == "parameters.csv":
        needed = sum(map(len, lines[:4]))
        yield from (content[:at] for at in chance.sample(range(needed), 4))
        yield from (content.replace(b",131072,", new) for new in (b",0,", b",-1,", b",1e9,", b",,", b","))
    else:
        yield from (b"", content[:-1], content + content[-7:], bytes(len(content)))
        yield from (content[:at] for at in chance.sample(range(len(content)), 4))
    if path.suffix == ".csv" and path.name != "parameters.csv":
        yield lines[0]
        yield b"".join(lines[:2])
        for old, new in (
            (b"input", b"i" * 70),
            (b",", b",,"),
            (b",0,", b",99999999999999999999,"),
            (b",0,", b",x,"),
        ):
            if old in content:
                yield content.replace(old, new)
    if path.suffix == ".npy":
        array = np.load(io.BytesIO(content))
        for other in (array[:0], array[:-1], array.T.copy(order="C"), array.astype(">i8"), array[..., None]):
            if other.shape != array.shape or other.dtype != array.dtype:
                packed = io.BytesIO()
                np.save(packed, other)
                yield packed.getvalue()


@pytest.mark.parametrize("part", ["training", "inference"])
def test_bundle_that_is_damaged_is_never_confirmed(bundles, tmp_path, part):
    """Nothing unchecked is read, as the sanitizers say, and what is cut is no proof."""
    try:
        program = compiled(tmp_path, "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    except subprocess.CalledProcessError:
        pytest.skip("the C compiler has no sanitizers")
    made = tmp_path / "made"
    shutil.copytree(bundles / ONE, made)
    assert program(made, part)[0] == 0
    tried, chance = 0, random.Random(1)
    for path in (made / "about.json", made / "parameters.csv", *sorted((made / part).iterdir())):
        whole = path.read_bytes()
        for content in damages(path, chance) if path.name != "images.npy" else ():
            path.write_bytes(content)
            code, text, complaint = program(made, part)
            assert code in (1, 2), (path.name, code, content[:200], text, complaint)
            assert (code == 1) == text.endswith("differences\n") == (complaint == "")
            tried += 1
        path.write_bytes(whole)
    assert tried > 80


def test_bundle_agrees_with_the_library(bundles, digits):
    folder = bundles / "two hidden layers"
    config = Config(epochs=2, hidden=(30, 20))
    initial = snnbp.initial_weights(config, digits)
    learned, _ = snnbp.learn(initial, digits.train[:20], backend="reference")
    trained = snnbp.train(digits, config, progress=False).weights
    for name, n in (("x_to_h1", 0), ("h1_to_h2", 1), ("h2_to_o", 2)):
        matrices = np.load(folder / f"training/{name}.npy")
        assert matrices.dtype == "<i2"
        np.testing.assert_array_equal(matrices[0], initial.matrices[n])
        np.testing.assert_array_equal(matrices[-1], learned.matrices[n])
        np.testing.assert_array_equal(np.load(folder / f"inference/{name}.npy")[0], trained.matrices[n])
    phases = rows(folder / "inference/phases.csv")
    (phase,) = (n for n, row in enumerate(phases) if "o:0.5" in row["opens"].split())
    spikes = np.load(folder / "inference/spikes.npy")[:, phase, -10 - len(phases) - 1 :][:, :10]
    np.testing.assert_array_equal(spikes, snnbp.predict(trained, digits.test.inputs[:20])[0])
    for part, samples in (("training", digits.train), ("inference", digits.test)):
        np.testing.assert_array_equal(np.load(folder / part / "inputs.npy"), samples.inputs[:20])
        np.testing.assert_array_equal(np.load(folder / part / "labels.npy"), samples.labels[:20])
        images = np.load(folder / part / "images.npy")
        np.testing.assert_array_equal(on(images, 0.5, 16), samples.inputs[:20])


def test_bundle_says_where_each_parameter_comes_from(bundles, digits):
    table = {row["name"]: row for row in rows(bundles / ONE / "parameters.csv")}
    assert set(next(iter(table.values()))) == {"name", "value", "unit", "origin", "note"}
    origins = {"paper", "official code", "derived", "our choice", "unknown"}
    assert {row["origin"] for row in table.values()} == origins
    assert (table["inhibition"]["value"], table["inhibition"]["origin"]) == ("-8128", "official code")
    assert set(snnbp.Config.model_fields) <= set(table)
    assert [table[name]["value"] for name in ("pixel_threshold", "crop")] == ["0.5", "0"]
    changed = {row["name"]: row for row in rows(bundles / "variants/parameters.csv")}
    assert (changed["threshold"]["value"], changed["threshold"]["origin"]) == ("2048", "our choice")


@pytest.mark.parametrize("case", [ONE, "threshold 4096", "variants"])
def test_bundle_parameters_are_weights_of_the_circuit(bundles, case):
    table = {row["name"]: row["value"] for row in rows(bundles / case / "parameters.csv")}
    projections = rows(bundles / case / "training/projections.csv")
    by_role = {
        role: {row["weight"] for row in projections if row["role"] == role} for role in ("chain", "copy")
    }
    assert by_role["chain"] == {table["chain_weight"]}
    assert by_role["copy"] == {table["copied_spike"], f"-{table['copied_spike']}"}
    assert {table["inhibition"], table["gate_weight"]} <= {row["weight"] for row in projections}


@pytest.mark.parametrize(
    "changes", [{"pixel_threshold": 0.3}, {"test_pixel_threshold": 0.3}, {"contrast": (1, 64)}, None]
)
def test_bundle_says_only_what_is_known_of_other_inputs(bundles, tmp_path, changes):
    made = bundles / BEYOND  # of arrays
    if changes:
        made, data = tmp_path / "made", snnbp.load_dataset("digits", **changes)
        export_bundle(made, snnbp.train(data, Config(epochs=1, hidden=8), progress=False), data)
    table = {row["name"]: row for row in rows(made / "parameters.csv")}
    for name in ("pixel_threshold", "crop"):
        assert (table[name]["value"], table[name]["origin"]) == ("", "unknown")


def test_bundle_weights_are_mantissa_and_exponent(bundles):
    for row in rows(bundles / ONE / "training/projections.csv"):
        if row["matrix"]:
            assert (row["weight"], row["mantissa"], row["exponent"]) == ("", "", "1")
        else:
            assert int(row["mantissa"]) * 2 ** int(row["exponent"]) == int(row["weight"])


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_bundle_replaces_an_older_one_whole(bundles, digits, tmp_path):
    shutil.copytree(bundles / "two hidden layers", tmp_path / "made")
    export_bundle(tmp_path / "made", snnbp.train(digits, Config(epochs=2, hidden=30), progress=False), digits)
    assert tree(tmp_path / "made") == tree(bundles / ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_bundle_stays_as_it_was_after_an_error_midway(bundles, digits, tmp_path, monkeypatch):
    shutil.copytree(bundles / ONE, tmp_path / "made")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("snnbp.interop.bundle.parameters", full)
    run = snnbp.train(digits, Config(epochs=1, hidden=(8, 6)), progress=False)
    for name in ("made", "new"):
        with pytest.raises(OSError, match="No space left"):
            export_bundle(tmp_path / name, run, digits)
    assert tree(tmp_path / "made") == tree(bundles / ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("echo mine >thesis.tex", "thesis.tex is not as it was written"),
        ("mkdir .git", ".git is not as it was written"),
        ("echo mine >training/notes.npy", "training/notes.npy is not as it was written"),
        ("echo mine >>README.md", "README.md is not as it was written"),
        ("mv README.md .. && ln -s ../README.md .", "README.md is not as it was written"),
        ("rm -r * && echo {} >about.json && echo mine >thesis.tex", "holds no bundle"),
        ("rm about.json && mkfifo about.json", "holds no bundle"),
    ],
)
def test_bundle_is_replaced_only_if_all_in_its_folder_is_its_own(bundles, tmp_path, capsys, change, reason):
    made = tmp_path / "made"
    shutil.copytree(bundles / ONE, made)
    subprocess.run(change, shell=True, cwd=made, check=True)
    before = tree(tmp_path)
    assert main(["bundle", str(made), "--hidden", "8", "--epochs", "1"]) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert tree(tmp_path) == before
    assert os.path.lexists(made / "about.json")


def test_bundle_that_lacks_files_is_replaced(bundles, digits, tmp_path):
    shutil.copytree(bundles / ONE, tmp_path / "made")
    shutil.rmtree(tmp_path / "made" / "training")
    export_bundle(tmp_path / "made", snnbp.train(digits, Config(epochs=2, hidden=30), progress=False), digits)
    assert tree(tmp_path / "made") == tree(bundles / ONE)


def test_bundle_never_replaces_other_files(bundles, digits, tmp_path, monkeypatch):
    run = snnbp.train(digits, Config(epochs=1, hidden=8), progress=False)
    note = tmp_path / "mine" / "notes.txt"
    note.parent.mkdir()
    note.write_text("mine", encoding="utf-8")
    shutil.copytree(bundles / ONE, tmp_path / "bundle")
    (tmp_path / "link").symlink_to("bundle")
    (tmp_path / "closed").mkdir(0o555)
    monkeypatch.chdir(tmp_path / "bundle" / "training")
    before = tree(tmp_path)
    for folder, reason in (
        (note.parent, "is not empty and holds no bundle"),
        (note, "cannot be replaced, it is no folder"),
        (note / "made", "cannot be created"),
        (".", "holds the current folder and cannot be replaced"),
        ("..", "holds the current folder and cannot be replaced"),
        (tmp_path, "holds the current folder and cannot be replaced"),
        (tmp_path / "link", "is a link: name the folder itself"),
        (tmp_path / "closed", "cannot be replaced, it is read-only"),
        ("/proc", "is a mount point and cannot be replaced"),
    ):
        with pytest.raises(ValueError, match=reason):
            export_bundle(folder, run, digits)
    assert tree(tmp_path) == before


def test_bundle_folder_that_is_filled_meanwhile_is_not_replaced(digits, tmp_path, monkeypatch):
    def busy(*words):
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "thesis.tex").write_text("mine", encoding="utf-8")
        return iter(())

    monkeypatch.setattr("snnbp.interop.bundle.parameters", busy)
    with pytest.raises(ValueError, match="is not empty and holds no bundle"):
        export_bundle(
            tmp_path / "made", snnbp.train(digits, Config(epochs=1, hidden=8), progress=False), digits
        )
    assert tree(tmp_path) == {Path("made/thesis.tex"): b"mine"}


def test_bundle_arguments_are_checked(digits, tmp_path):
    run = snnbp.train(digits, Config(epochs=1, hidden=8), progress=False)
    other = snnbp.train(digits, Config(epochs=1, hidden=8, rule="published-simulation"), progress=False)
    random = snnbp.train(digits, Config(epochs=1, hidden=8, feedback="random"), progress=False)
    half = snnbp.Dataset(digits.train[:100], digits.test, classes=digits.classes)
    for arguments, reason in (
        ((run, half), "trained on other data"),
        ((run.without_weights(), digits), "stored without its weights"),
        ((other, digits), "a bundle needs the rule 'circuit', got 'published-simulation'"),
        ((random, digits), "a bundle needs feedback='exact', got 'random'"),
        ((run, digits, 0), "n_samples must be from 1 to 360, got 0"),
        ((run, digits, 361), "n_samples must be from 1 to 360, got 361"),
        ((run, digits, 1.5), "n_samples must be an integer"),
    ):
        with pytest.raises(ValueError, match=reason):
            export_bundle(tmp_path / "none", *arguments)
    assert not (tmp_path / "none").exists()


def test_bundle_command(tmp_path, digits, capsys):
    assert main(["bundle", str(tmp_path / "made"), "--hidden", "8", "6", "--epochs", "1"]) == 0
    assert "README.md" in capsys.readouterr().out
    assert json.loads((tmp_path / "made/about.json").read_text(encoding="utf-8"))["sizes"] == [64, 8, 6, 10]
    snnbp.train(digits, Config(epochs=1, hidden=8), progress=False).save(tmp_path / "run.npz")
    assert main(["bundle", str(tmp_path / "made"), "--run", str(tmp_path / "run.npz")]) == 0
    assert main(["bundle", str(tmp_path / "made"), "--run", str(tmp_path / "none.npz")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("snnbp: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [("--hidden", "5"), ("--epochs", "99")])
def test_bundle_command_refuses_settings_beside_a_run(tmp_path, capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(["bundle", str(tmp_path / "made"), "--run", "run.npz", *words])
    assert caught.value.code == 2
    assert "leave them out with --run" in capsys.readouterr().err


def test_bundle_command_refuses_before_it_trains(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("snnbp.interop.command.train", None)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    large = (
        "the bundle would have 3,363.8 GiB, more than the limit of 4: choose smaller layers or fewer samples"
    )
    for words, reason in (
        ([tmp_path], f"{tmp_path} is not empty and holds no bundle: name a new folder"),
        ([tmp_path / "new", "--hidden", "131072", "131072"], large),
        (
            [tmp_path / "new", "--hidden", "100000000"],
            "hidden.0: Input should be less than or equal to 131072, got 100000000",
        ),
    ):
        assert main(["bundle", *map(str, words)]) == 1
        assert capsys.readouterr().err == f"snnbp: {reason}\n"
