"""What a network needs of a chip, by hand, and what does not fit."""

import numpy as np
import pytest

import snnbp
from snnbp.circuit.parts import NeuronType, Population, Projection
from snnbp.interop import chip_fit, to_nir


def test_the_published_circuit_fits():
    table = chip_fit(snnbp.training_circuit())
    assert table.loc["compartments", "needed"] == 3693
    assert table.loc["cores", "needed"] == 4
    assert table.loc["longest delay (steps)"].tolist() == [5, 63, True]
    assert table.loc["bits of a bias"].tolist() == [13, 13, True]
    assert table["fits"].all()


@pytest.mark.parametrize(
    ("circuit", "names"),
    [
        (snnbp.training_circuit((400, 4000, 4000, 10)), ["cores", "synapses", "synaptic bytes"]),
        (snnbp.Circuit((Population("a", 131_072),), ()), []),
        (snnbp.Circuit((Population("a", 131_073),), ()), ["cores", "compartments"]),
        (snnbp.Circuit((Population("a", 1, NeuronType("n", -8192)),), ()), []),
        (snnbp.Circuit((Population("a", 1, NeuronType("n", 8192)),), ()), ["bits of a bias"]),
        (snnbp.Circuit((Population("a", 1, NeuronType("n", 4097)),), ()), ["bits of a bias"]),
        (snnbp.Circuit((Population("a", 2),), (Projection("a", "a", "one-to-one", 254, 63),)), []),
    ],
)
def test_what_does_not_fit_is_said(circuit, names):
    table = chip_fit(circuit)
    assert table.index[~table["fits"]].tolist() == names


def test_a_graph_stands_for_its_inference_circuit():
    pytest.importorskip("nir", reason="the package nir is not installed")
    weights = snnbp.Weights.draw(np.random.default_rng(0), (64, 20, 10))
    expected = chip_fit(snnbp.inference_circuit(weights.sizes, weights.threshold))
    assert chip_fit(to_nir(weights)).equals(expected)
