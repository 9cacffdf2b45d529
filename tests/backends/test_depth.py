"""Any number of hidden layers: all backends agree, and one hidden layer is the published network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnbp.backends import fused, reference, spiking
from snnbp.backends.rule import Rule
from snnbp.circuit.backprop import training_circuit
from snnbp.circuit.weights import Weights


def random_network(seed, sizes, spread, threshold=1024, mean=0.0):
    """Weights around `mean` (weight units), a tenth of them at a bound or around zero."""
    rng = np.random.default_rng(seed)
    matrices = []
    for shape in zip(sizes, sizes[1:], strict=False):
        matrix = np.clip(2 * np.rint(rng.normal(mean / 2, spread / 2, shape)), -256, 254)
        edges = rng.choice([-256, -254, -2, 0, 2, 252, 254], shape)
        matrices.append(np.where(rng.random(shape) < 0.1, edges, matrix).astype(np.int16))
    return Weights(tuple(matrices), threshold)


def matrices_by_symbol(learner: reference.Learner) -> dict[str, np.ndarray]:
    named = {f"W{n}": matrix for n, matrix in enumerate(learner.matrices, 1)}
    for n, (plus, minus) in enumerate(zip(learner.feedback_plus, learner.feedback_minus, strict=True), 2):
        named |= {f"W{n}T+": plus, f"W{n}T-": minus}
    return named


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=6),
    spread=st.sampled_from([2.0, 60.0, 300.0]),
    density=st.sampled_from([0.1, 0.5, 1.0]),
    rule=st.builds(Rule, threshold=st.sampled_from([128, 1024, 2048]), step=st.sampled_from([2, 6, 254])),
    compact=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_backends_agree_at_every_depth(seed, sizes, spread, density, rule, compact):
    rng = np.random.default_rng(seed)
    inputs = rng.random((20, sizes[0])) < density
    labels = rng.integers(0, sizes[-1], 20)
    weights = random_network(seed, sizes, spread, rule.threshold)
    circuit = training_circuit(sizes, -16256, rule.threshold, rule.step, "compact" if compact else None)
    definition = reference.Learner(weights, rule, -16256)
    compiled = fused.Learner(weights, rule, -16256)
    simulated = spiking.Learner(weights, rule, -16256, circuit)
    outputs = [learner.learn(inputs, labels) for learner in (definition, compiled, simulated)]
    assert (outputs[0] == outputs[1]).all()
    assert definition.weights == compiled.weights
    assert definition.n_overdriven == compiled.n_overdriven
    if not definition.n_overdriven:
        assert (outputs[0] == outputs[2]).all()
        named = matrices_by_symbol(definition)
        for projection in simulated.driver.circuit.matrices:
            matrix = simulated.matrices[projection.pre, projection.post]
            assert np.array_equal(matrix, named[projection.symbol]), projection


def test_seed_1_gives_the_published_weights(mnist):
    """60 epochs at 400-400-10, as stored when the package had one hidden layer only."""
    rng = np.random.Generator(np.random.PCG64(1))
    weights = Weights.draw(rng, (400, 400, 10))
    for _ in range(60):
        learner = fused.Learner(weights, Rule())
        learner.learn(mnist.train.inputs, mnist.train.labels, rng.permutation(len(mnist.train)))
        weights = learner.weights
    assert weights == Weights.load("figures/weights_seed1.npz")


@pytest.mark.parametrize("n_hidden", [2, 3])
def test_deep_networks_agree_on_mnist(mnist, n_hidden):
    weights = Weights.draw(np.random.default_rng(0), (400,) * (n_hidden + 1) + (10,))
    samples = mnist.train[:300]
    learners = [backend.Learner(weights, Rule()) for backend in (reference, fused, spiking)]
    outputs = [learner.learn(samples.inputs, samples.labels) for learner in learners]
    assert np.array_equal(outputs[0], outputs[1])
    assert np.array_equal(outputs[0], outputs[2])
    assert learners[0].weights == learners[1].weights == learners[2].weights != weights
    assert [learner.n_overdriven for learner in learners] == [0, 0, 0]
