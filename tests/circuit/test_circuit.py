"""The declared circuits are the published ones, and nonsense is refused."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnbp.circuit.backprop import (
    Cell,
    Circuit,
    LearningRule,
    Phase,
    Population,
    Projection,
    gating_projections,
    inference_circuit,
    mantissa_exponent,
    training_circuit,
)

GOLDEN = Path(__file__).parent / "golden"
CIRCUITS = {"training": training_circuit, "inference": inference_circuit}
SIZES = [(400, 400, 10), (784, 33, 7), (1, 1, 1)]


def golden(name: str) -> Counter:
    with (GOLDEN / f"circuit_{name}.csv").open() as file:
        return Counter(tuple(row.values()) for row in csv.DictReader(file))


def row(circuit: Circuit, projection: Projection) -> tuple[str, ...]:
    """A projection as the published list writes it: nominal weight, and what mantissa and exponent hold."""
    nominal, stored = "", circuit.role(projection)
    if projection.weight is not None:
        mantissa, exponent = mantissa_exponent(projection.weight)
        nominal, stored = str(projection.weight), str(mantissa * 2**exponent)
    return projection.pre, projection.post, projection.pattern, nominal, stored, str(projection.delay)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_are_the_published_lists(name, sizes):
    circuit = CIRCUITS[name](*sizes)
    assert Counter(row(circuit, p) for p in circuit.projections) == golden(f"{name}_connections")
    assert Counter((p.name, p.kind, p.cell.name) for p in circuit.populations) == golden(
        f"{name}_populations"
    )
    assert circuit.sizes == dict(zip(("in", "hid", "out", "gat"), (*sizes, 1), strict=True))


def test_counts():
    counts = training_circuit().counts()
    assert (counts.populations, sum(counts.projections.values())) == (30, 102)
    assert counts.neurons == {"in": 1200, "hid": 2400, "out": 80, "gat": 13}
    assert counts.projections == {"copy": 28, "plastic": 8, "gating": 53, "chain": 13}
    assert counts.synapses["plastic"] == 3 * 400 * 400 + 5 * 400 * 10
    assert inference_circuit().counts().synapses["trained"] == 400 * 400 + 400 * 10


def test_cells_rule_and_reward():
    circuit = training_circuit(step=6)
    assert {name: (cell.bias, cell.threshold) for name, cell in circuit.cells.items()} == {
        "n_inp": (0, 1024),
        "n_gat": (0, 1024),
        **dict.fromkeys(("n_sfc", "n_sfl", "n_sfl_nr"), (-8192, 1024)),
    }
    assert circuit.learning == LearningRule(rewarded=12, always=-6)
    assert circuit.reward == (5, 7)
    assert inference_circuit().learning is None


@pytest.mark.parametrize("threshold", [128, 512, 1024, 2048])
def test_fixed_weights_follow_the_threshold(threshold):
    half = threshold // 2
    weights = {p.weight for p in training_circuit(3, 4, 2, -16256, threshold).projections}
    gates = {8192 + half, half, 8192, -16256}
    assert weights == {None, *gates, half + 8, -half - 8, 8192 + threshold + 64}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 1000}, r"projection g01 -> x: weight 8692 is no 8-bit mantissa"),
        ({"threshold": -128}, "threshold and step must be positive"),
        ({"inhibition": -8129}, r"projection g00 -> o: weight -8129 is no 8-bit mantissa"),
        ({"inhibition": 8128}, "inhibition must be negative"),
        ({"step": 3}, "learning rule: a change of -3 is odd"),
        ({"step": 256}, "learning rule: a change of -256 is odd or exceeds 254"),
        ({"hidden": 0}, "population 'h1': size 0 is not positive"),
    ],
)
def test_training_circuit_refuses_what_the_chip_cannot_hold(arguments, message):
    with pytest.raises(ValueError, match=message):
        training_circuit(**arguments)


@given(mantissa=st.integers(-255, 255), exponent=st.integers(0, 7))
def test_mantissa_and_exponent_give_back_the_weight(mantissa, exponent):
    small, power = mantissa_exponent(mantissa * 2**exponent)
    assert small * 2**power == mantissa * 2**exponent
    assert abs(small) <= 255
    assert 0 <= power <= exponent


@pytest.mark.parametrize("weight", [257, 511, -257, 255 * 256, 9281])
def test_weights_between_the_mantissas_are_refused(weight):
    with pytest.raises(ValueError, match=f"weight {weight} is no 8-bit mantissa"):
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
        ({"projections": (Projection("a", "b", "all-to-all", 513),)}, "a -> b: weight 513 is no 8-bit"),
        ({"projections": (Projection("a", "b", "all-to-all"),) * 2}, "a -> b: 2 matrices for the same two"),
        ({"populations": (A, B, A)}, "population 'a' is declared 2 times"),
        ({"phases": (Phase("one"), Phase(), Phase("one"))}, "phases 0 and 2 both claim the gate 'one'"),
        ({"phases": (Phase("a"),)}, "phase 0: its gate 'a' is not a population of one neuron"),
        ({"phases": (Phase(opens={"z": 1}),)}, "phase 0: 'z' is not a population"),
        ({"phases": (Phase(), Phase(holds=("z",)))}, "phase 1: 'z' is not a population"),
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
        (lambda: Cell("c", refractory=-1), "cell 'c': refractory period -1"),
        (lambda: Cell("c", threshold=1 << 17), "cell 'c': threshold 131072 exceeds 17 bits"),
        (lambda: LearningRule(2, -3), "learning rule: a change of -3"),
    ],
)
def test_bad_parts_are_refused(declare, message):
    with pytest.raises(ValueError, match=message):
        declare()


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        (Phase("one", opens={"a": 0.3}), "phase one leaves 0.3 of the threshold to 'a'"),
        (Phase("one", opens={"z": 1}), "phase one opens 'z', which is not a population"),
        (Phase("one", opened_by={"a": "b"}), "'b' shall open 'a' but never opens itself"),
    ],
)
def test_gates_that_make_no_sense_are_refused(phase, message):
    with pytest.raises(ValueError, match=message):
        tuple(gating_projections((A, B, ONE), (phase,), -128))


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_open_population_has_a_meaning_and_input(name):
    circuit = CIRCUITS[name]()
    for number, phase in enumerate(circuit.phases):
        assert set(phase.meaning) == set(phase.open)
        assert phase.event
        arriving = circuit.arriving(number)
        assert {p.post for p in arriving} == set(phase.open)
        assert {p.post for p in arriving if circuit.role(p) == "gating"} == set(phase.open)
        assert {p.post for p in arriving if circuit.role(p) != "gating"} == set(phase.open)


def test_what_arrives_in_a_phase():
    circuit = training_circuit()
    arriving = {(p.pre, p.post) for p in circuit.arriving(7)}
    assert arriving == {("m_x6", "x"), ("g07", "x")} | {
        (pre, post) for pre in ("h1T", "c_h1") for post in ("h1", "h1_copy", "h1_copy2")
    }
    assert circuit.arriving(0) == circuit.arriving(8) == ()


def test_without_cuts_every_projection_between_two_populations():
    circuit = training_circuit(3, 4, 2)
    cut = circuit.without("g02", "h1_copy")
    assert len(cut.projections) == 100
    assert replace(cut, projections=circuit.projections) == circuit
    with pytest.raises(ValueError, match="projection x -> o: there is none to remove"):
        circuit.without("x", "o")


def test_populations_are_found_by_name_and_carry_the_papers_symbols():
    circuit = training_circuit(3, 4, 2)
    names = ("h1", "h1_copy", "h1_copy2", "h1T", "oT-")
    assert [circuit[name].symbol for name in names] == ["h", "h<", "h>", "d1", "oT-"]
    assert Population("mine", 2).symbol == "mine"
    assert "h1" in circuit
    assert "h2" not in circuit
    with pytest.raises(KeyError):
        circuit["h2"]
    assert sorted(p.row for p in circuit.populations) == list(range(30))
