"""A bundle as an oracle: its digests, the vectors of the rule, and the first mismatch of a trace."""

import csv
import hashlib
import random

import numpy as np
import pytest

import snnbp
from snnbp.__main__ import main
from snnbp.interop import export_bundle

HEADER = "sample,phase,population,neuron,spike,potential"


@pytest.fixture(scope="module")
def bundle(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("observed") / "bundle"
    run = snnbp.train(digits, snnbp.Config(hidden=8, epochs=1, step=4), progress=False)
    export_bundle(folder, run, digits, 4)
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_phase_and_matrix_has_its_digest(bundle):
    found = rows(bundle / "digests.csv")
    for row in found:
        array, sample = np.load(bundle / row["part"] / row["file"]), int(row["sample"])
        part = array[sample, int(row["phase"])] if row["phase"] else array[sample + 1]
        assert row["sha256"] == hashlib.sha256(part.tobytes()).hexdigest()
    training = [row for row in found if row["part"] == "training"]
    assert sum(row["phase"] == "" for row in training) == 5 * 8
    assert sum(row["phase"] != "" for row in training) == 2 * 4 * 12
    assert len({tuple(row.values())[:4] for row in found}) == len(found)


def test_the_rule_is_given_synapse_by_synapse(bundle):
    found = [tuple(map(int, row.values())) for row in rows(bundle / "rule.csv")]
    assert len(set(found)) == len(found) == 256 * 2 * 2 * 2
    for before, pre, post, reward, after in found:
        assert after == min(max(before + (4 if reward else -4) * pre * post, -256), 254)
    assert (254, 1, 1, 1, 254) in found
    assert (-254, 1, 1, 0, -256) in found


def observed(bundle, part="training"):
    """All that a board would observe, as lines by sample, phase and neuron."""
    spikes, potentials = (np.load(bundle / part / f"{name}.npy") for name in ("spikes", "potentials"))
    names = [
        (row["name"], n) for row in rows(bundle / part / "populations.csv") for n in range(int(row["size"]))
    ]
    return {
        (sample, phase, *names[column]): [
            int(spikes[sample, phase, column]),
            int(potentials[sample, phase, column]),
        ]
        for sample, phase, column in np.ndindex(spikes.shape)
    }


def compare(bundle, tmp_path, capsys, lines, *options):
    path = tmp_path / "trace.csv"
    text = "\n".join([HEADER, *(",".join(map(str, (*place, *values))) for place, values in lines)])
    path.write_text(text, encoding="utf-8")
    code = main(["bundle", "--compare", str(bundle), str(path), *options])
    return code, "".join(capsys.readouterr())


def test_the_first_mismatch_is_found(bundle, tmp_path, capsys):
    trace = observed(bundle)
    for options, lines in (((), trace), (("--part", "inference"), observed(bundle, "inference"))):
        assert compare(bundle, tmp_path, capsys, lines.items(), *options) == (0, "no mismatch\n")
    for place in ((3, 11, "h1", 2), (2, 5, "o", 1), (2, 5, "h1", 7)):
        trace[place][0] ^= 1
        shuffled = random.Random(0).sample(list(trace.items()), len(trace))
        expected, got = trace[place][0] ^ 1, trace[place][0]
        words = "sample {}, phase {}, population {}, neuron {}".format(*place)
        message = f"{words}: spike expected {expected}, got {got}\n"
        assert compare(bundle, tmp_path, capsys, shuffled) == (1, message)
    place = (0, 0, "g00", 0)
    expected = trace[place][1]
    line = [(place, [trace[place][0], expected + 64])]
    message = (
        f"sample 0, phase 0, population g00, neuron 0: potential expected {expected}, got {expected + 64}\n"
    )
    assert compare(bundle, tmp_path, capsys, line) == (1, message)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ((4, 0, "h1", 0), "line 2: the bundle has no sample 4"),
        ((0, -1, "h1", 0), "line 2: the bundle has no phase -1"),
        ((0, 0, "h7", 0), "line 2: the bundle has no population h7"),
        ((0, 0, "h1", 8), "line 2: the bundle has no neuron 8"),
        ((0, 0, "h1", ""), "the column neuron must hold integers only"),
    ],
)
def test_a_trace_of_another_circuit_is_refused(bundle, tmp_path, capsys, place, reason):
    code, text = compare(bundle, tmp_path, capsys, [(place, [0, 0])])
    assert code == 1
    assert text.startswith("snnbp: ")
    assert text.endswith(f"{reason}\n")


def test_what_is_no_trace_is_refused(bundle, tmp_path, capsys):
    path = tmp_path / "trace.csv"
    for content in ("", "a,b\n1,2\n", f"{HEADER}\n", "sample,phase,population,neuron\n0,0,h1,0\n"):
        path.write_text(content, encoding="utf-8")
        assert main(["bundle", "--compare", str(bundle), str(path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["bundle", "--compare", str(tmp_path), str(path)]) == 1
    for words in ([], ["folder", "--compare", "bundle", "trace.csv"]):
        with pytest.raises(SystemExit):
            main(["bundle", *words])
