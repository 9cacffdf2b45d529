"""The circuit that the page steps through: spikes as in snnbp.trace, weights as in the page's kernel."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import snnbp
from snnbp.training.train import initial_weights

TRACE = Path(__file__).with_name("trace.mjs")
NODE = shutil.which("node")
N_SAMPLES = 40

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node.js (Debian: apt-get install nodejs)")


def traced_in_node(built, folder, weights, samples, **options):
    task = {"sizes": weights.sizes, "matrices": [matrix.ravel().tolist() for matrix in weights.matrices]}
    task |= {"inputs": samples.inputs.astype(int).tolist(), "labels": samples.labels.tolist()}
    task["options"] = {"threshold": weights.threshold, "step": 2, "off": "none"} | options
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    command = [NODE, TRACE, built, folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("hidden", "threshold"), [((40,), 1024), ((30, 20), 1024), ((20, 20, 15), 768), ((40,), 512)], ids=str
)
def test_playground_circuit_spikes_as_the_trace_says(built, tmp_path, hidden, threshold):
    data = snnbp.load_dataset("digits")
    weights = initial_weights(snnbp.Config(hidden=hidden, threshold=threshold), data)
    samples = data.train[:N_SAMPLES]
    found = traced_in_node(built, tmp_path, weights, samples)
    trace = snnbp.trace(weights, samples)
    last = {name for phase in trace.circuit.phases for name in phase.may_fire_while_gated_off}
    compared = 0
    for n, sample in enumerate(found["samples"]):
        assert sample["equal"], n
        for phase, spikes in enumerate(sample["phases"]):
            for population in trace.circuit.populations:
                if population.layer == "gate" or (phase == 0 and population.name in last):
                    continue
                expected = np.flatnonzero(trace.spikes[population.name][n, phase])
                assert spikes.get(population.name, []) == expected.tolist(), (n, phase, population.name)
                compared += expected.size
    assert compared > 100 * N_SAMPLES
    learned, _ = snnbp.learn(weights, samples, "reference")
    for matrix, numbers in zip(learned.matrices, found["weights"], strict=True):
        assert np.array_equal(matrix.ravel(), numbers)
    assert learned != weights
    assert all(len(text) > 20 for text in found["sentences"])


@pytest.mark.parametrize("off", ["feedback", "window", "upper", "depression"])
@pytest.mark.parametrize("hidden", [(40,), (30, 20)], ids=str)
def test_playground_circuit_and_kernel_agree_without_a_part(built, tmp_path, hidden, off):
    data = snnbp.load_dataset("digits")
    weights = initial_weights(snnbp.Config(hidden=hidden), data)
    samples = data.train[:N_SAMPLES]
    found = traced_in_node(built, tmp_path, weights, samples, off=off, step=32)
    assert [sample["equal"] for sample in found["samples"]] == [True] * N_SAMPLES
    whole = traced_in_node(built, tmp_path, weights, samples, step=32)
    assert found["weights"] != whole["weights"]
