"""The page's kernel and random streams in Node: equal to `fused` and to NumPy in every number."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import snnbp
from snnbp import backends
from snnbp.paper import ROOT
from snnbp.training.feedback import fixed_feedback
from snnbp.training.sources import DataUnavailable
from snnbp.training.train import initial_weights

SOURCE = ROOT / "snnbp" / "widgets" / "page"
LEARN = Path(__file__).with_name("learn.mjs")
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node.js (Debian: apt-get install nodejs)")


@pytest.fixture(scope="module")
def mnist():
    try:
        return snnbp.load_dataset("mnist")
    except DataUnavailable as error:
        pytest.skip(str(error))


def node(*arguments):
    done = subprocess.run([NODE, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def learned_in_node(folder, weights, samples, order, **options):
    """Weights, outputs while learning, potentials of all samples afterwards, and what the script prints."""
    task = {"sizes": weights.sizes, "options": {"threshold": weights.threshold} | options}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    arrays = {"x": samples.inputs, "y": samples.labels, "order": order.astype("<i4")}
    arrays |= {f"w{n}": matrix.astype("<i2") for n, matrix in enumerate(weights.matrices, 1)}
    for name, array in arrays.items():
        (folder / name).write_bytes(array.tobytes())
    printed = node(LEARN, SOURCE, folder)
    matrices = tuple(
        np.frombuffer((folder / f"out_w{n}").read_bytes(), "<i2").reshape(matrix.shape)
        for n, matrix in enumerate(weights.matrices, 1)
    )
    outputs = np.frombuffer((folder / "outputs").read_bytes(), bool).reshape(order.size, -1)
    potentials = np.frombuffer((folder / "potentials").read_bytes(), "<i4").reshape(len(samples), -1)
    return snnbp.Weights(matrices, weights.threshold), outputs, potentials, printed


@pytest.mark.parametrize("hidden", [(400,), (200, 100)], ids=str)
def test_playground_kernel_equals_fused_on_an_epoch_of_mnist(mnist, tmp_path, hidden):
    config = snnbp.Config(hidden=hidden)
    weights = initial_weights(config, mnist)
    order = np.random.default_rng(3).permutation(len(mnist.train))
    learner = backends.learner("fused", weights, config.learning_rule, config.inhibition)
    learner.learn(mnist.train.inputs[:8], mnist.train.labels[:8])  # compile
    learner = backends.learner("fused", weights, config.learning_rule, config.inhibition)
    start = time.process_time()
    expected = learner.learn(mnist.train.inputs, mnist.train.labels, order)
    fused = time.process_time() - start
    found, outputs, potentials, printed = learned_in_node(tmp_path, weights, mnist.train, order)
    assert found == learner.weights
    assert printed["digest"] == learner.weights.digest
    assert np.array_equal(outputs, expected)
    assert np.array_equal(potentials, snnbp.predict(learner.weights, mnist.train.inputs)[1])
    per_sample = printed["seconds"] / len(order)
    print(f"{hidden}: {per_sample * 1e6:.1f} us a sample in Node, {printed['seconds'] / fused:.1f} x fused")


@pytest.mark.parametrize(
    ("hidden", "threshold", "step", "feedback"),
    [
        ((13,), 1024, 2, "exact"),
        ((400,), 512, 16, "exact"),
        ((31, 17, 12), 768, 8, "exact"),
        ((50, 30), 1536, 64, "exact"),
        ((40,), 1024, 8, "cut"),
        ((40, 30), 1024, 254, "exact"),
    ],
    ids=str,
)
def test_playground_kernel_equals_reference_at_any_depth_threshold_and_step(
    tmp_path, hidden, threshold, step, feedback
):
    data = snnbp.load_dataset("digits")
    config = snnbp.Config(hidden=hidden, threshold=threshold, step=step, feedback=feedback)
    weights = initial_weights(config, data)
    fixed = fixed_feedback(config, weights)
    order = np.random.default_rng(1).permutation(len(data.train))
    learner = backends.learner("reference", weights, config.learning_rule, config.inhibition, fixed)
    expected = learner.learn(data.train.inputs, data.train.labels, order)
    off = "feedback" if feedback == "cut" else "none"
    found, outputs, _, _ = learned_in_node(tmp_path, weights, data.train, order, step=step, off=off)
    assert found == learner.weights != weights
    assert np.array_equal(outputs, expected)


STREAMS = """
const { Random, drawWeights } = await import(process.argv[1] + "/numpy_random.js");
const random = new Random(Number(process.argv[2]));
const matrices = drawWeights(random, [400, 401, 10], 1024).map((matrix) => [...matrix]);
const orders = [60000, 7].map((n) => [...random.permutation(n)]);
console.log(JSON.stringify({ matrices, orders }));
"""


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 7, 2024, 123_456_789, 2**32 - 1])
def test_playground_draws_the_weights_and_orders_of_numpy(seed):
    found = node("--input-type=module", "-e", STREAMS, SOURCE.as_uri(), seed)
    rng = np.random.Generator(np.random.PCG64(seed))
    weights = snnbp.Weights.draw(rng, (400, 401, 10))
    for matrix, numbers in zip(weights.matrices, found["matrices"], strict=True):
        assert np.array_equal(matrix.ravel(), numbers)
    for n, order in zip((60_000, 7), found["orders"], strict=True):
        assert np.array_equal(rng.permutation(n), order)
