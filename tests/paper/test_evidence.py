"""The committed evidence: shipped weights score as stated and records are current."""

import json

import pandas as pd
import pytest

import snnbp
from snnbp.paper import ROOT, pipeline

FIGURES = ROOT / "figures"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shipped_weights_give_the_stated_accuracies(mnist, seed):
    weights = snnbp.Weights.load(FIGURES / f"weights_seed{seed}.npz")
    record = json.loads((FIGURES / "04_mnist.json").read_text(encoding="utf-8"))
    assert record["data"]["digest"] == mnist.digest
    scores = snnbp.evaluate(weights, mnist.test)._asdict()
    for name in ("exact", "spikes", "potential"):
        assert scores[name] == record["results"][f"final.{name}"]["values"][seed - 1]
    curves = pd.read_csv(FIGURES / "learning_curves.csv").query("seed == @seed and n_validation == 0")
    assert len(curves) == 120
    assert all(curves[name].iloc[-1] == value for name, value in scores.items() if name != "n")


def test_the_shipped_weights_of_the_first_seed_have_the_published_digest():
    digest = snnbp.Weights.load(FIGURES / "weights_seed1.npz").digest
    assert digest == "6efa1f42daa99fc0c6c7af062f430b846643f1c8841a64da91bbad979d7232a2"


def test_all_evidence_is_as_its_records_say():
    assert pipeline.check() == []
