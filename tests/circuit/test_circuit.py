"""The declared circuits are the published ones, at every depth their counts, and nonsense is refused."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.circuit.loihi import current_bound, mantissa_exponent
from snnbp.circuit.parts import NeuronType, Phase, PlasticityRule, Population, Projection
from snnbp.circuit.spec import Circuit

GOLDEN = Path(__file__).parents[1] / "golden"
PUBLISHED = {"training": training_circuit, "inference": inference_circuit}
SIZES = [(400, 400, 10), (784, 33, 7), (1, 1, 1)]
GOLDEN_LAYERS = {"in": "input", "hid": "hidden1", "out": "output", "gat": "gate"}
CIRCUITS = {
    "published": training_circuit((5, 4, 3)),
    "compact": training_circuit((5, 4, 3), schedule="compact"),
    "two layers": training_circuit((5, 4, 6, 3)),
    "three layers": training_circuit((5, 4, 6, 2, 3)),
    "inference": inference_circuit((5, 4, 3)),
    "inference, two layers": inference_circuit((5, 4, 6, 3)),
}
circuits = pytest.mark.parametrize("circuit", CIRCUITS.values(), ids=CIRCUITS)


def golden(name: str) -> list[dict[str, str]]:
    with (GOLDEN / f"circuit_{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row(circuit: Circuit, projection: Projection) -> tuple[str, ...]:
    """A projection as the published list writes it: nominal weight, and what mantissa and exponent hold."""
    nominal, stored = "", circuit.role(projection)
    if projection.weight is not None:
        mantissa, exponent = mantissa_exponent(projection.weight)
        nominal, stored = str(projection.weight), str(mantissa * 2**exponent)
    return projection.pre, projection.post, projection.pattern, nominal, stored, str(projection.delay)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", PUBLISHED)
def test_circuits_are_the_published_lists(name, sizes):
    circuit = PUBLISHED[name](sizes)
    published = Counter(tuple(row.values()) for row in golden(f"{name}_connections"))
    assert Counter(row(circuit, p) for p in circuit.projections) == published
    populations = (
        (name, GOLDEN_LAYERS[layer], kind)
        for name, layer, kind in (row.values() for row in golden(f"{name}_populations"))
    )
    assert Counter((p.name, p.layer, p.neuron.name) for p in circuit.populations) == Counter(populations)
    assert circuit.sizes == dict(zip(("input", "hidden1", "output", "gate"), (*sizes, 1), strict=True))


def test_counts():
    counts = training_circuit().counts()
    assert training_circuit(np.array([400, 400, 10]), threshold=np.int16(1024)) == training_circuit()
    assert (counts.populations, sum(counts.projections.values())) == (30, 102)
    assert counts.neurons == {"input": 1200, "hidden1": 2400, "output": 80, "gate": 13}
    assert counts.projections == {"copy": 28, "plastic": 8, "gating": 53, "chain": 13}
    assert counts.synapses["plastic"] == 3 * 400 * 400 + 5 * 400 * 10
    assert inference_circuit().counts().synapses["trained"] == 400 * 400 + 400 * 10


@pytest.mark.parametrize("n_hidden", [1, 2, 3, 4, 7])
def test_counts_of_the_compact_schedule_grow_by_a_layer_each(n_hidden):
    circuit = training_circuit((3,) * (n_hidden + 2), schedule="compact")
    counts = circuit.counts()
    more = n_hidden - 1
    assert counts.populations == 29 + 12 * more
    assert len(circuit.projections) == 113 + 62 * more
    assert counts.projections["plastic"] == 8 + 5 * more
    assert len(circuit.phases) == 11 + 5 * more


def test_neuron_types_rule_and_reward():
    circuit = training_circuit(step=6)
    assert {name: (kind.bias, kind.threshold) for name, kind in circuit.neuron_types.items()} == {
        "n_inp": (0, 1024),
        "n_gat": (0, 1024),
        **dict.fromkeys(("n_sfc", "n_sfl", "n_sfl_nr"), (-8192, 1024)),
    }
    assert circuit.plasticity == PlasticityRule(rewarded=12, always=-6)
    assert circuit.reward == (5, 7)
    assert training_circuit((3, 4, 5, 2)).reward == (6, 10, 13)
    assert inference_circuit().plasticity is None


@pytest.mark.parametrize("sizes", [(3, 4, 2), (3, 4, 5, 2)])
@pytest.mark.parametrize("threshold", [128, 512, 1024, 2048])
def test_fixed_weights_follow_the_threshold(threshold, sizes):
    half = threshold // 2
    weights = {p.weight for p in training_circuit(sizes, -16256, threshold).projections}
    gates = {8192 + half, half, 8192, -16256}
    assert weights == {None, *gates, half + 8, -half - 8, 8192 + threshold + 64}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 1000}, r"projection g01 -> x: weight 8692 is not an 8-bit mantissa"),
        ({"threshold": -128}, "threshold and step must be positive"),
        ({"inhibition": -8129}, r"projection g00 -> o: weight -8129 is not an 8-bit mantissa"),
        ({"inhibition": 8128}, "inhibition must be negative"),
        ({"margin": "64"}, "margin must be an integer, got '64'"),
        ({"open_target": "no"}, "open_target must be of class bool, got 'no'"),
        ({"fixed_feedback": 1}, "fixed_feedback must be of class bool, got 1"),
        ({"step": 3}, "plasticity rule: a change of -3 is odd"),
        ({"step": 256}, "plasticity rule: a change of -256 is odd or exceeds 254"),
        ({"sizes": (3, 0, 2)}, "population 'h1': size 0 is not positive"),
        ({"sizes": (3, 2)}, r"sizes must name inputs, hidden layers and outputs, got \(3, 2\)"),
        ({"sizes": (3, 4, 4, 2), "schedule": "published"}, "'published' has one hidden layer, not 2"),
        ({"schedule": "fast"}, "unknown schedule 'fast': choose 'published' or 'compact'"),
        ({"sizes": (2,) * 20}, "exceeds 6 bits"),
    ],
)
def test_training_circuit_refuses_what_the_chip_cannot_hold(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        training_circuit(**arguments)


@circuits
def test_every_open_population_says_what_it_encodes_and_is_reached(circuit):
    for number, phase in enumerate(circuit.phases):
        assert set(phase.encodes) == set(phase.open)
        into = circuit.projections_into(number)
        assert {p.post for p in into} == set(phase.open)
        assert {p.post for p in into if circuit.role(p) == "gating"} == set(phase.open)
        assert {p.post for p in into if circuit.role(p) != "gating"} == set(phase.open)


@given(mantissa=st.integers(-255, 255), exponent=st.integers(0, 7))
def test_mantissa_and_exponent_give_back_the_weight(mantissa, exponent):
    small, power = mantissa_exponent(mantissa * 2**exponent)
    assert small * 2**power == mantissa * 2**exponent
    assert abs(small) <= 255
    assert 0 <= power <= exponent


@pytest.mark.parametrize("weight", [257, 511, -257, 255 * 256, 9281])
def test_weights_between_the_mantissas_are_refused(weight):
    with pytest.raises(ValueError, match=f"weight {weight} is not an 8-bit mantissa"):
        mantissa_exponent(weight)


A, B, ONE = Population("a", 2), Population("b", 3), Population("one", 1)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"projections": (Projection("a", "z", "all-to-all"),)},
            "projection a -> z: 'z' is not a population",
        ),
        (
            {"projections": (Projection("z", "a", "all-to-all"),)},
            "projection z -> a: 'z' is not a population",
        ),
        ({"projections": (Projection("a", "b", "one-to-one", 8),)}, "equal sizes, got 2 and 3"),
        (
            {"projections": (Projection("a", "b", "one-to-all", 8),)},
            "a -> b: one-to-all starts from a single",
        ),
        ({"projections": (Projection("a", "b", "some", 8),)}, "a -> b: unknown pattern 'some'"),
        ({"projections": (Projection("one", "b", "one-to-all"),)}, "one -> b: a matrix of weights needs"),
        ({"projections": (Projection("a", "b", "all-to-all", 8, -1),)}, "a -> b: delay -1 is negative"),
        ({"projections": (Projection("a", "b", "all-to-all", 513),)}, "a -> b: weight 513 is not an 8-bit"),
        ({"projections": (Projection("a", "b", "all-to-all"),) * 2}, "a -> b: 2 matrices for the same two"),
        ({"populations": (A, B, A)}, "population 'a' is declared 2 times"),
        (
            {"phases": (Phase("one"), Phase(), Phase("one"))},
            "phase 2: its gate 'one' is that of an earlier",
        ),
        ({"phases": (Phase("a"),)}, "phase 0: its gate 'a' is not a population of one neuron"),
        ({"phases": (Phase(opens={"z": 1}),)}, "phase 0: 'z' is not a population"),
        ({"phases": (Phase(), Phase(inhibits=("z",)))}, "phase 1: 'z' is not a population"),
    ],
)
def test_bad_declarations_are_refused_in_one_line(entries, message):
    with pytest.raises(ValueError, match=message) as caught:
        Circuit(**{"populations": (A, B, ONE), "projections": ()} | entries)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Population("p", 0), "population 'p': size 0"),
        (lambda: NeuronType("c", refractory=-1), "neuron type 'c': refractory period -1"),
        (lambda: NeuronType("c", threshold=1 << 17), "neuron type 'c': threshold 131072 exceeds 17 bits"),
        (lambda: PlasticityRule(2, -3), "plasticity rule: a change of -3"),
    ],
)
def test_bad_parts_are_refused(declare, message):
    with pytest.raises(ValueError, match=message):
        declare()


def test_which_projections_carry_spikes_into_a_phase():
    circuit = training_circuit()
    into = {(p.pre, p.post) for p in circuit.projections_into(7)}
    assert into == {("m_x6", "x"), ("g07", "x")} | {
        (pre, post) for pre in ("h1T", "c_h1") for post in ("h1", "h1_copy", "h1_copy2")
    }
    assert circuit.projections_into(0) == circuit.projections_into(8) == ()


def test_without_cuts_every_projection_between_two_populations():
    circuit = training_circuit((3, 4, 2))
    cut = circuit.without("g02", "h1_copy")
    assert len(cut.projections) == 100
    assert replace(cut, projections=circuit.projections) == circuit
    with pytest.raises(ValueError, match="no projection x -> o in this circuit"):
        circuit.without("x", "o")


def test_populations_are_found_by_name_and_carry_the_papers_symbols():
    circuit = training_circuit((3, 4, 2))
    names = ("h1", "h1_copy", "h1_copy2", "h1T", "oT-", "d+")
    assert [circuit[name].symbol for name in names] == ["h", "h<", "h>", "d1", "oT-", "d2+"]
    assert Population("mine", 2).symbol == "mine"
    assert "h1" in circuit
    assert "h2" not in circuit
    with pytest.raises(KeyError):
        circuit["h2"]
    assert sorted(p.row for p in circuit.populations) == list(range(30))


def test_deeper_circuits_number_the_papers_symbols():
    circuit = training_circuit((3, 4, 5, 2))
    names = ("h1", "h2_copy", "h2T", "h2T-", "m_h2", "c_h1", "d-")
    assert [circuit[name].symbol for name in names] == ["h1", "h2<", "d2", "h2T-", "mh2", "f'(v1)", "d3-"]
    assert circuit.sizes == {"input": 3, "hidden1": 4, "hidden2": 5, "output": 2, "gate": 1}


def test_bounds_of_silent_populations():
    assert (current_bound(), current_bound(0), current_bound(-254 * 2**7)) == (17_344, 9_216, 41_728)
