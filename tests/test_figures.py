"""The committed evidence says what it says: shipped weights score as stated."""

import csv
import json

import pytest

import snnbp
from snnbp.paper import pipeline as reproduce
from snnbp.paper.results import ROOT

FIGURES = ROOT / "figures"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shipped_weights_give_the_stated_accuracies(mnist, seed):
    weights = snnbp.Weights.load(FIGURES / f"weights_seed{seed}.npz")
    record = json.loads((FIGURES / "04_mnist.json").read_text())
    assert weights.digest == record["weights"][f"weights_seed{seed}"]
    assert record["data"]["digest"] == mnist.digest
    scores = snnbp.evaluate(weights, mnist.test)
    for name in ("exact", "spikes", "potential"):
        assert getattr(scores, name) == record["results"][f"final.{name}"]["values"][seed - 1]
    with open(FIGURES / "learning_curves.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["seed"] == str(seed) and row["held_out"] == "0"]
    assert len(rows) == 120
    for name, value in scores._asdict().items():
        if name != "n":
            assert float(rows[-1][name]) == value


def test_everything_is_as_its_records_say_and_the_readme_carries_the_verdicts(capsys):
    assert reproduce.check() == 0, capsys.readouterr().out
