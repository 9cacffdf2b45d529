"""Counts, costs and units: by hand, by brute force, and against what the declaration says."""

from typing import NamedTuple

import numpy as np
import pytest

from snnbp.backends.spiking import Trace, trace
from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.circuit.parts import Phase, PlasticityRule, Population, Projection
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights
from snnbp.training.energy import (
    BARRIER_NS,
    COSTS,
    PAPER_CORES,
    Cost,
    count,
    energy_mj,
    latency_ms,
    resources,
)


class Samples(NamedTuple):
    inputs: np.ndarray
    labels: np.ndarray


TOY = Circuit(
    populations=(Population("a", 2), Population("b", 3), Population("g", 1)),
    projections=(
        Projection("a", "b", "all-to-all", None, 0, "W"),
        Projection("b", "b", "one-to-one", 64, 1),
        Projection("g", "a", "one-to-all", 64),
    ),
    phases=(Phase("g"), Phase()),
    plasticity=PlasticityRule(),
)


def toy_trace(spikes, circuit=TOY):
    """Spikes by population as rows of 0 and 1, one a step, two steps a sample."""
    folded = {name: np.array(rows, bool).reshape(-1, 2, len(rows[0])) for name, rows in spikes.items()}
    return Trace(circuit, (0, 1), folded, {}, {}, {}, 0)


def test_a_toy_circuit_counted_by_hand():
    """Two samples of two steps; the first one only says what is on its way into the second."""
    found = count(
        toy_trace(
            {
                "a": [[0, 0], [0, 1], [1, 1], [0, 0]],
                "b": [[0, 0, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0]],
                "g": [[0], [0], [0], [1]],
            }
        )
    )
    assert found.spikes.tolist() == [[2, 0], [2, 0], [0, 1]]
    # a: both spike, then nothing (g's spike would arrive one step later); b: reached by a in both steps
    assert found.active.tolist() == [[2, 0], [3, 3], [0, 1]]
    assert found.inactive.tolist() == [[0, 2], [0, 0], [1, 0]]
    assert found.events.tolist() == [[2 * 3, 0], [2, 0], [0, 2]]
    assert found.updates.tolist() == [[2 * 2, 0], [0, 0], [0, 0]]
    assert found.visits.tolist() == [[2 * 3, 0], [0, 0], [0, 0]]
    assert found.total.tolist() == [10, 4, 9, 3, 5]


def brute_force(trace):
    """Neuron by neuron, synapse by synapse, step by step: [events, updates, active, inactive, spikes]."""
    circuit, phases = trace.circuit, len(trace.circuit.phases)
    fired = {
        (name, step, neuron)
        for name, spikes in trace.spikes.items()
        for step, neuron in np.argwhere(spikes.reshape(-1, spikes.shape[-1])).tolist()
    }
    steps = range(phases, phases * len(trace.spikes["x"]))
    synapses = [
        (p, i, j)
        for p in circuit.projections
        for i in range(circuit[p.pre].size)
        for j in range(circuit[p.post].size)
        if p.pattern != "one-to-one" or i == j
    ]
    leaving, reached = 0, set(fired)
    updates = 0
    for p, i, j in synapses:
        for step in range(steps.stop):
            if (p.pre, step, i) in fired:
                leaving += step in steps
                reached.add((p.post, step + p.delay + 1, j))
                plastic = p.weight is None and circuit.plasticity
                updates += bool(plastic and step in steps and (p.post, step, j) in fired)
    active = sum(step in steps for _, step, _ in reached)
    neurons = sum(p.size for p in circuit.populations) * len(steps)
    return [leaving, updates, active, neurons - active, sum(step in steps for _, step, _ in fired)]


def task(sizes, n=6, seed=0):
    """Initial weights, and random samples that make errors."""
    rng = np.random.default_rng(seed)
    inputs = rng.random((n, sizes[0])) < 0.4
    return Weights.draw(rng, sizes, scale=2.0), Samples(inputs, rng.integers(0, sizes[-1], n))


CIRCUITS = {
    "published": training_circuit((20, 5, 10)),
    "compact": training_circuit((20, 5, 10), schedule="compact"),
    "two layers": training_circuit((20, 5, 7, 10)),
    "inference": inference_circuit((20, 5, 10)),
    "inference, two layers": inference_circuit((20, 5, 7, 10)),
}


@pytest.mark.parametrize("circuit", CIRCUITS.values(), ids=CIRCUITS)
def test_counts_are_those_of_a_brute_force_count(circuit):
    sizes = tuple(size for layer, size in circuit.sizes.items() if layer != "gate")
    done = trace(*task(sizes), circuit=circuit)
    assert (count(done).total * 5).round(6).tolist() == brute_force(done)


@pytest.mark.parametrize("sizes", [(64, 30, 10), (64, 30, 20, 10)])
def test_updates_are_the_weights_that_moved(sizes):
    weights, samples = task(sizes, 2)
    first = trace(weights, Samples(samples.inputs[:1], samples.labels[:1]))
    second = trace(weights, samples)
    changed = sum(int((second.after[pair] != first.after[pair]).sum()) for pair in second.after)
    assert count(second).updates.sum() == changed > 0


def test_nothing_learns_in_the_inference_circuit():
    done = trace(*task((64, 30, 10), 2), circuit=inference_circuit((64, 30, 10)))
    assert not count(done).visits.any()


def test_a_part_of_a_trace_is_refused():
    weights, samples = task((20, 5, 10), 2)
    for part, reason in (
        (trace(weights, samples, phases=[3]), "all phases"),
        (trace(weights, samples, ["o"]), "all populations"),
        (trace(*task((20, 5, 10), 1)), "two samples"),
    ):
        with pytest.raises(ValueError, match=reason):
            count(part)


def test_units():
    """A picojoule is 1e-9 mJ, a nanosecond 1e-6 ms."""
    one_each = np.ones(5)
    assert energy_mj(one_each) == pytest.approx(sum(cost.energy_pj for cost in COSTS) * 1e-12 * 1e3)
    assert energy_mj(np.array([1e9, 0, 0, 0, 0])) == pytest.approx(23.6)
    two_steps = np.array([[1e6, 0, 0, 0, 0], [0, 1e6, 0, 0, 0]])
    assert latency_ms(two_steps, 1, 0) == pytest.approx(3.5 + 6.1)
    assert latency_ms(two_steps, 2, 0) == pytest.approx((3.5 + 6.1) / 2)
    assert latency_ms(np.zeros((12, 5)), 81, 465) == pytest.approx(12 * 465e-6)


def test_constants_are_those_of_their_source():
    assert (
        Cost("synaptic events", 23.6, 3.5, "latency"),
        Cost("synaptic updates", 120, 6.1, "latency"),
        Cost("active neuron updates", 81, 8.4, "both"),
        Cost("inactive neuron updates", 52, 5.3, "both"),
        Cost("spikes", 1.7, 0, "energy"),
    ) == COSTS
    assert (BARRIER_NS, PAPER_CORES) == ((113, 465), 81)


def test_resources_of_the_published_circuits():
    """3 x 400 x 400 + 5 x 400 x 10 plastic synapses, a byte each, are more than three cores hold."""
    training, inference = resources(training_circuit()), resources(inference_circuit())
    assert training.plastic == 3 * 400 * 400 + 5 * 400 * 10
    assert (training.compartments, training.cores) == (3 * 400 + 6 * 400 + 8 * 10 + 13, 4)
    assert (inference.compartments, inference.plastic, inference.cores) == (1215, 0, 2)
    assert resources(training_circuit((784, 400, 10))).cores == 8  # 981,075 synapses: 7.5 cores


def test_a_second_hidden_layer_more_than_doubles_the_plastic_synapses():
    """W1 and W2 three times each, W2T+ and W2T-: eight matrices of 400 x 400."""
    assert resources(training_circuit((400, 400, 400, 10))).plastic == 8 * 400 * 400 + 5 * 400 * 10
