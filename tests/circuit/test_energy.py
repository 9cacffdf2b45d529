"""Counts, costs and units: by hand, by brute force, and against what the declaration says."""

import numpy as np
import pytest

import snnbp
from snnbp.circuit.spec import Circuit, LearningRule, Phase, Population, Projection
from snnbp.circuit.energy import (
    BARRIER_NS,
    COSTS,
    PAPER_CORES,
    Cost,
    count,
    energy_mj,
    latency_ms,
    resources,
)
from snnbp.backends.spiking.samples import Trace

TOY = Circuit(
    populations=(Population("a", 2), Population("b", 3), Population("g", 1)),
    projections=(
        Projection("a", "b", "all-to-all", None, 0, "W"),
        Projection("b", "b", "one-to-one", 64, 1),
        Projection("g", "a", "one-to-all", 64),
    ),
    phases=(Phase("g"), Phase()),
    learning=LearningRule(),
)


def toy_trace(spikes, circuit=TOY):
    """Spikes by population as rows of 0 and 1, one a step, two steps a sample."""
    folded = {name: np.array(rows, bool).reshape(-1, 2, len(rows[0])) for name, rows in spikes.items()}
    return Trace(circuit, (0, 1), folded, {}, {}, {}, 0)


def test_a_toy_circuit_counted_by_hand():
    """Two samples of two steps; the first one only says what is on its way into the second."""
    trace = toy_trace(
        {
            "a": [[0, 0], [0, 1], [1, 1], [0, 0]],
            "b": [[0, 0, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0]],
            "g": [[0], [0], [0], [1]],
        }
    )
    found = count(trace)
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
                plastic = p.weight is None and circuit.learning
                updates += bool(plastic and step in steps and (p.post, step, j) in fired)
    active = sum(step in steps for _, step, _ in reached)
    neurons = sum(p.size for p in circuit.populations) * len(steps)
    return [leaving, updates, active, neurons - active, sum(step in steps for _, step, _ in fired)]


@pytest.mark.parametrize("inference", [False, True])
def test_counts_are_those_of_a_brute_force_count(digits, inference):
    data = snnbp.Dataset.from_arrays(
        digits.train.inputs[:6, 20:40], digits.train.labels[:6], digits.test.inputs[:1, 20:40], [0]
    )
    weights = snnbp.initial_weights(snnbp.Config(hidden=5), data)
    circuit = (snnbp.inference_circuit if inference else snnbp.training_circuit)(20, 5, 10)
    trace = snnbp.trace(weights, data.train, circuit=circuit)
    assert (count(trace).total * 5).round(6).tolist() == brute_force(trace)


def test_updates_are_the_weights_that_moved(digits):
    weights = snnbp.initial_weights(snnbp.Config(hidden=30), digits)
    first, second = (snnbp.trace(weights, digits.train[[1, 0][:n]]) for n in (1, 2))
    changed = sum(int((second.after[pair] != first.after[pair]).sum()) for pair in second.after)
    assert count(second).updates.sum() == changed > 0


def test_nothing_learns_in_the_inference_circuit(digits):
    weights = snnbp.initial_weights(snnbp.Config(hidden=30), digits)
    assert not count(
        snnbp.trace(weights, digits.test[:2], circuit=snnbp.inference_circuit(64, 30))
    ).visits.any()


def test_a_part_of_a_trace_is_refused(digits):
    weights = snnbp.initial_weights(snnbp.Config(hidden=5), digits)
    for part, reason in (
        (snnbp.trace(weights, digits.train[:2], phases=[3]), "all phases"),
        (snnbp.trace(weights, digits.train[:2], ["o"]), "all populations"),
        (snnbp.trace(weights, digits.train[:1]), "two samples"),
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
    training, inference = resources(snnbp.training_circuit()), resources(snnbp.inference_circuit())
    assert training.plastic == 3 * 400 * 400 + 5 * 400 * 10
    assert (training.compartments, training.cores) == (3 * 400 + 6 * 400 + 8 * 10 + 13, 4)
    assert (inference.compartments, inference.plastic, inference.cores) == (1215, 0, 2)
    assert resources(snnbp.training_circuit(784)).cores > training.cores
