"""The committed evidence: shipped weights score as stated and records are current."""

import json

import pytest

import snnbp
from snnbp.paper import ROOT

FIGURES = ROOT / "figures"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shipped_weights_give_the_stated_accuracies(mnist, seed):
    weights = snnbp.Weights.load(FIGURES / "data" / f"weights_seed{seed}.npz")
    record = json.loads((FIGURES / "records" / "04_mnist.json").read_text(encoding="utf-8"))
    assert record["data"]["digest"] == mnist.digest
    scores = snnbp.evaluate(weights, mnist.test)._asdict()
    for name in ("exact", "spikes", "potential"):
        assert scores[name] == record["results"][f"final.{name}"]["values"][seed - 1]
    stored = snnbp.read_runs(FIGURES / "data" / "04_mnist_runs.csv")
    (run,) = [run for run in stored if (run.config.seed, run.config.n_validation) == (seed, 0)]
    assert run.digest == weights.digest
    assert len(run.history) == 120
    assert all(run.history[name].iloc[-1] == value for name, value in scores.items() if name != "n")


def test_the_shipped_weights_of_the_first_seed_have_the_published_digest():
    digest = snnbp.Weights.load(FIGURES / "data" / "weights_seed1.npz").digest
    assert digest == "6efa1f42daa99fc0c6c7af062f430b846643f1c8841a64da91bbad979d7232a2"
