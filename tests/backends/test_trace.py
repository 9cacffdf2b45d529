"""Traces show the sample in its phases, whole or in part."""

from dataclasses import replace

import numpy as np
import pytest
from networks import lively

from snnbp.backends import reference
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import StimulusDriver, predict, trace
from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.circuit.parts import Population
from snnbp.circuit.schedule import schedule_of
from snnbp.circuit.spec import Circuit


@pytest.fixture(scope="module")
def task():
    return lively(1, 1)


@pytest.mark.parametrize(("n_hidden", "schedule"), [(1, "published"), (1, "compact"), (2, None), (3, None)])
def test_trace_shows_the_sample_in_its_phases(n_hidden, schedule):
    weights, samples = lively(n_hidden, n_hidden)
    circuit, plan = training_circuit(weights.sizes, schedule=schedule), schedule_of(n_hidden, schedule)
    done = trace(weights, samples, potentials=True, circuit=circuit)
    p, d, last = plan.potentiate, plan.depress, n_hidden + 1
    labels = np.eye(weights.sizes[-1], dtype=np.bool_)[samples.labels]
    for name, phase, expected in (
        ("input", 0, samples.inputs),
        *(("x", phase, samples.inputs) for phase in (1, p[1], d[1])),
        ("in_tgt", last, labels),
        ("t", last + 1, labels),
    ):
        np.testing.assert_array_equal(done.spikes[name][:, phase], expected)
    algorithm = reference.Learner(weights, Rule())
    for n in range(len(labels)):
        sample = algorithm.learn_sample(samples.inputs[n], labels[n])
        np.testing.assert_array_equal(done.potentials["h1"][n, 2] + 8192 - 8704, sample.v[0])
        expectations = [
            ("o", last + 1, sample.o),
            ("d+", last + 2, sample.d_plus),
            ("d-", last + 2, sample.d_minus),
            ("o", p[last], sample.d_plus),
            ("o", d[last], sample.d_minus),
            ("oT-", p[last], sample.d_minus),
            ("oT-", d[last], sample.d_plus),
        ]
        for layer in range(1, last):
            h, window = f"h{layer}", sample.window[layer - 1]
            up, down = sample.up[layer - 1], sample.down[layer - 1]
            for phase in (layer + 1, p[layer + 1], d[layer + 1]):
                expectations.append((h, phase, sample.h[layer - 1]))
            expectations += [
                (f"c_{h}", p[layer + 1] + 1, window),
                (f"{h}T", p[layer + 1] + 1, up),
                (f"{h}T", d[layer + 1] + 1, down),
                (h, p[layer], up & window),
                (h, d[layer], down & window),
            ]
            if layer > 1:
                expectations += [(f"{h}T-", p[layer], down & window), (f"{h}T-", d[layer], up & window)]
        for name, phase, expected in expectations:
            np.testing.assert_array_equal(done.spikes[name][n, phase], expected, f"{name} in {phase}")
    for population in circuit.populations:
        spikes, potentials = done.spikes[population.name], done.potentials[population.name]
        assert spikes.shape == potentials.shape == (len(labels), plan.period, population.size)
        if population.name not in ("input", "in_tgt"):
            np.testing.assert_array_equal(spikes, potentials > population.neuron.threshold)


def test_a_partial_record_is_part_of_the_whole_and_changes_nothing(task):
    whole = trace(*task)
    part = trace(*task, ["o", "g03"], [3, 1], potentials=True)
    assert part.spikes.keys() == part.potentials.keys() == {"o", "g03"}
    for name, spikes in part.spikes.items():
        np.testing.assert_array_equal(spikes, whole.spikes[name][:, [3, 1]], strict=True)
    for before, after in ((whole.before, part.before), (whole.after, part.after)):
        assert before.keys() == after.keys()
        assert all((before[key] == after[key]).all() for key in before)
    assert trace(*task, []).spikes == {}
    assert whole.potentials == {}
    assert any((whole.before[key] != whole.after[key]).any() for key in whole.before)


def test_trace_of_the_inference_circuit(task):
    weights, samples = task
    done = trace(weights, samples, ["o"], circuit=inference_circuit(weights.sizes))
    np.testing.assert_array_equal(done.spikes["o"][:, 3], predict(weights, samples.inputs)[0])
    assert not done.spikes["o"][:, :3].any()


def test_trace_refuses_circuits_that_take_no_samples(task):
    with pytest.raises(ValueError, match="samples need a circuit with a population 'in_g'"):
        trace(*task, circuit=Circuit((Population("a", 2),), ()))
    circuit = training_circuit(task[0].sizes)
    renamed = tuple(replace(p, symbol="W3") if p.symbol == "W1" else p for p in circuit.projections)
    with pytest.raises(
        ValueError,
        match=r"x -> h1: its matrix 'W3' is unknown: choose one of W1, W2, W2T\+, W2T-$",
    ):
        trace(*task, circuit=replace(circuit, projections=renamed))
    with pytest.raises(ValueError, match=r"o -> h1T: its matrix 'B2\+' is unknown"):
        trace(*task, circuit=training_circuit(task[0].sizes, fixed_feedback=True))


def test_trace_refuses_unknown_populations_before_it_compiles(task, monkeypatch):
    monkeypatch.setattr(StimulusDriver, "__init__", lambda *words: pytest.fail("it was made"))
    for names in (["z"], ["o", ""]):
        with pytest.raises(ValueError, match="is not a population of this circuit: choose from input, x, "):
            trace(*task, names)


def test_trace_refuses_unknown_phases(task):
    for phases in ([12], [-1], [3, 3]):
        with pytest.raises(ValueError, match="phases must be different and within 0 to 11"):
            trace(*task, ["o"], phases)
