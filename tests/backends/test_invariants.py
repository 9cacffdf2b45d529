"""What the circuit's proof leaves out: resting neurons, and spikes of populations that are gated off."""

from dataclasses import replace

import numpy as np
from networks import KINDS, every_kind, lively, same

from snnbp.backends import reference, spiking
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import trace
from snnbp.circuit.backprop import training_circuit
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights


def resting(circuit: Circuit, types: set[str]) -> Circuit:
    """The same circuit with a refractory period of one step in the named neuron types."""
    return replace(
        circuit,
        populations=tuple(
            replace(p, neuron=replace(p.neuron, refractory=1)) if p.neuron.name in types else p
            for p in circuit.populations
        ),
    )


@every_kind
def test_a_refractory_period_matters_only_to_populations_that_fire_twice_in_a_row(kind):
    """h1T does, in P_2 and in the next phase: its type is the one that the authors call `nr`.

    In the compact schedule, h1 does so too, in D_2 and in P_1.
    """
    n_hidden, schedule = KINDS[kind]
    weights, samples = lively(n_hidden, n_hidden)
    algorithm = reference.Learner(weights, Rule())
    expected = algorithm.learn(*samples)
    circuit = training_circuit(weights.sizes, schedule=schedule)

    def learns_the_same(types: set[str]) -> bool:
        learner = spiking.Learner(weights, Rule(), circuit=resting(circuit, types))
        return np.array_equal(learner.learn(*samples), expected) and same(learner, algorithm)

    twice = {"n_sfl_nr"} if kind == "published" else {"n_sfl_nr", "n_sfl"}
    assert learns_the_same(set(circuit.neuron_types) - twice)
    for name in twice:
        assert not learns_the_same({name})


def test_spurious_hidden_spikes_in_phase_0_are_there_and_harmless(mnist):
    weights, samples = Weights.load("figures/data/weights_seed1.npz"), mnist.train[:300]
    done = trace(weights, samples)
    spurious = [int(done.spikes[name][:, 0].sum()) for name in ("h1", "h1_copy", "h1_copy2")]
    assert spurious[0] == spurious[1] == spurious[2] > 0
    assert not done.spikes["o"][:, [0, 1]].any()
    assert not done.spikes["c_h1"][:, [1, 4]].any()
    assert not done.spikes["m_h1"][:, 1].any()
    assert done.n_overdriven == 0
