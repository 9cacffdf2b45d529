"""The simulator runs any circuit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnbp.backends.spiking import simulate
from snnbp.circuit.parts import NeuronType, Phase, PlasticityRule, Population, Projection
from snnbp.circuit.spec import Circuit


def raster(steps: int, size: int, *spikes: tuple[int, int]) -> np.ndarray:
    """bool (steps, size), True at the given (step, neuron)."""
    marks = np.zeros((steps, size), np.bool_)
    for step, neuron in spikes:
        marks[step, neuron] = True
    return marks


def times(spikes: np.ndarray) -> list[int]:
    return np.flatnonzero(spikes.any(axis=1)).tolist()


@pytest.mark.parametrize(("weight", "fires"), [(512, False), (516, True), (1024, True)])
def test_a_two_input_gate_needs_both_inputs_and_compares_strictly(weight, fires):
    gate = Circuit(
        (Population("a", 4), Population("b", 1), Population("both", 4)),
        (Projection("a", "both", "one-to-one", weight), Projection("b", "both", "one-to-all", weight)),
    )
    inputs = {"a": raster(5, 4, (0, 0), (2, 1), (2, 3)), "b": raster(5, 1, (1, 0), (2, 0))}
    done = simulate(gate, {}, inputs, 5, potentials=True)
    expected = raster(5, 4, (3, 1), (3, 3)) if fires else raster(5, 4)
    np.testing.assert_array_equal(done.spikes["both"], expected, strict=True)
    assert done.potentials["both"].tolist()[1:4] == [
        [weight, 0, 0, 0],
        [weight] * 4,
        [weight, 2 * weight, weight, 2 * weight],
    ]


@pytest.mark.parametrize("refractory", [0, 1, 3])
def test_refractory_period(refractory):
    resting = NeuronType("resting", bias=1025, refractory=refractory)
    plain = NeuronType("plain", refractory=refractory)
    circuit = Circuit(
        (Population("self", 1, resting), Population("a", 1), Population("b", 1, plain)),
        (Projection("a", "b", "one-to-one", 1040),),
    )
    done = simulate(circuit, {}, {"a": np.ones((9, 1), np.bool_)}, 9)
    assert times(done.spikes["self"]) == list(range(0, 9, refractory + 1))
    assert times(done.spikes["b"]) == list(range(1, 9, refractory + 1))


def test_input_spikes_join_a_populations_own_and_start_its_rest():
    circuit = Circuit(
        (Population("a", 2), Population("b", 2, NeuronType("resting", refractory=2))),
        (Projection("a", "b", "one-to-one", 1040),),
    )
    inputs = {"a": raster(6, 2, (0, 0), (3, 1)), "b": raster(6, 2, (1, 1), (3, 1))}
    done = simulate(circuit, {}, inputs, 6)
    np.testing.assert_array_equal(done.spikes["b"], raster(6, 2, (1, 0), (1, 1), (3, 1)), strict=True)


@pytest.mark.parametrize(
    ("size", "weight", "wrapped", "fires"),
    [
        (516, 254, 0, True),
        (517, 254, 1, False),
        (784, 254, 1, False),
        (512, -256, 0, False),
        (513, -256, 1, True),
    ],
)
def test_input_sums_wrap_in_24_bits_and_are_counted(size, weight, wrapped, fires):
    circuit = Circuit((Population("a", size), Population("b", 1)), (Projection("a", "b", "all-to-all"),))
    matrix = {("a", "b"): np.full((size, 1), weight)}
    done = simulate(circuit, matrix, {"a": np.ones((1, size), np.bool_).repeat(2, 0)}, 2, potentials=True)
    total = size * weight
    inside = total - 2**18 * round(total / 2**18) if wrapped else total
    assert done.overflows == wrapped
    assert times(done.spikes["b"]) == ([1] if fires else [])
    assert done.potentials["b"][1, 0] == max(inside, -131_071)


def test_potentials_saturate():
    high = NeuronType("high", bias=130_000)
    circuit = Circuit(
        (Population("a", 1), Population("b", 1, high)), (Projection("a", "b", "one-to-one", 8192),)
    )
    done = simulate(circuit, {}, {"a": raster(2, 1, (0, 0))}, 2, potentials=True)
    assert done.potentials["b"].ravel().tolist() == [130_000, 131_071]
    assert done.overflows == 0


@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1, 2, 15, 16, 17, 33]))
@settings(deadline=None, max_examples=30)
def test_random_circuits_against_a_naive_simulation(seed, size):
    """Three populations, everything connected at random, every synapse one after the other."""
    rng = np.random.default_rng(seed)
    sizes = {"a": size, "b": size, "c": int(rng.integers(1, 40))}
    kinds = [NeuronType(name, int(rng.integers(-300, 200)), int(rng.integers(1, 400))) for name in sizes]
    projections = []
    for pre in sizes:
        for post in sizes:
            projections.append(Projection(pre, post, "all-to-all", None, int(rng.integers(0, 4))))
            if sizes[pre] == sizes[post]:
                projections.append(
                    Projection(pre, post, "one-to-one", int(rng.integers(-255, 256)), int(rng.integers(0, 3)))
                )
            projections.append(Projection(pre, post, "all-to-all", int(rng.integers(-20, 20))))
    phases = (Phase(), Phase(reward=True), Phase())
    populations = tuple(
        Population(name, n, kind) for (name, n), kind in zip(sizes.items(), kinds, strict=True)
    )
    circuit = Circuit(populations, tuple(projections), phases, PlasticityRule(20, -6))
    plastic = {
        (p.pre, p.post): 2 * rng.integers(-128, 128, (sizes[p.pre], sizes[p.post])) for p in circuit.matrices
    }
    steps = 12
    inputs = {"b": rng.random((steps, size)) < 0.2}
    done = simulate(circuit, plastic, inputs, steps, potentials=True)

    sums = {name: np.zeros((steps + 6, n), np.int64) for name, n in sizes.items()}
    weights = {key: matrix.copy() for key, matrix in plastic.items()}
    for step in range(steps):
        fired = {}
        for population in populations:
            name, potential = population.name, sums[population.name][step] + population.neuron.bias
            fired[name] = (potential > population.neuron.threshold) | (
                inputs["b"][step] if name == "b" else False
            )
            np.testing.assert_array_equal(done.potentials[name][step], potential)
            np.testing.assert_array_equal(done.spikes[name][step], fired[name])
        for p in projections:
            spikes, matrix = fired[p.pre], weights[p.pre, p.post]
            if p.weight is None:
                arriving = spikes @ matrix
            else:
                arriving = p.weight * (spikes if p.pattern == "one-to-one" else spikes.sum())
            sums[p.post][step + 1 + p.delay] += arriving
        change = 14 if step % 3 == 1 else -6
        for (pre, post), matrix in weights.items():
            np.clip(matrix + change * np.outer(fired[pre], fired[post]), -256, 254, out=matrix)
    for key, matrix in weights.items():
        np.testing.assert_array_equal(done.plastic[key], matrix)


PAIR = Circuit((Population("a", 2), Population("b", 3)), (Projection("a", "b", "all-to-all"),))


@pytest.mark.parametrize(
    ("plastic", "inputs", "message"),
    [
        ({}, {}, "projection a -> b: its weights are missing"),
        (
            {("a", "b"): np.zeros((3, 2), int)},
            {},
            r"a -> b: weights must be integers \(2, 3\), got int64 \(3, 2\)",
        ),
        ({("a", "b"): np.zeros((2, 3))}, {}, r"a -> b: weights must be integers \(2, 3\), got float64"),
        ({("a", "b"): np.full((2, 3), 256)}, {}, r"a -> b: weights must be even and within \[-256, 254\]"),
        ({("a", "b"): np.full((2, 3), 1)}, {}, "a -> b: weights must be even"),
        ({("a", "b"): np.zeros((2, 3), int), ("b", "a"): 0}, {}, "weights given for b -> a, which has no"),
        ({("a", "b"): np.zeros((2, 3), int)}, {"z": raster(4, 2)}, "input spikes for 'z', which is not"),
        (
            {("a", "b"): np.zeros((2, 3), int)},
            {"a": raster(3, 2)},
            r"input spikes of 'a' must be bool \(4, 2\)",
        ),
        (
            {("a", "b"): np.zeros((2, 3), int)},
            {"a": np.zeros((4, 2))},
            r"'a' must be bool \(4, 2\), got float64",
        ),
    ],
)
def test_simulate_refuses_what_does_not_fit(plastic, inputs, message):
    with pytest.raises(ValueError, match=message):
        simulate(PAIR, plastic, inputs, 4)


def test_simulate_refuses_wrong_records_and_steps():
    plastic = {("a", "b"): np.zeros((2, 3), int)}
    with pytest.raises(ValueError, match="'z' is not a population of this circuit"):
        simulate(PAIR, plastic, {}, 4, populations=["z"])
    with pytest.raises(ValueError, match="population 'a' is listed twice"):
        simulate(PAIR, plastic, {}, 4, populations=["a", "a"])
    with pytest.raises(ValueError, match="steps must not be negative"):
        simulate(PAIR, plastic, {}, -1)
    assert simulate(PAIR, plastic, {}, 0).spikes["b"].shape == (0, 3)
