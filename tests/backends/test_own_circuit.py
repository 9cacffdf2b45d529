"""A circuit or rule of one's own is trained, and its runs are never taken for standard ones."""

from dataclasses import replace

import numpy as np
import pytest

import snnbp
from snnbp import Config
from snnbp.backends import rule
from snnbp.circuit.parts import Population
from snnbp.interop import export_bundle

CONFIG = Config(hidden=(12, 8), epochs=2)
SIZES = (64, 12, 8, 10)


def train(data, circuit, config=CONFIG, backend="spiking", **options):
    return snnbp.train(data, config, backend, progress=False, circuit=circuit, **options)


@pytest.fixture(scope="module")
def cut():
    return snnbp.training_circuit(SIZES).without("h1_copy2", "c_h1")


@pytest.fixture(scope="module")
def run(digits, cut):
    return train(digits, cut)


def test_the_same_circuit_learns_the_same_and_a_changed_one_as_its_trace(digits, cut, run):
    whole = snnbp.training_circuit(SIZES)
    standard = snnbp.train(digits, CONFIG, progress=False)
    assert train(digits, whole).digest == standard.digest != run.digest
    assert (standard.circuit, run.circuit) == (None, cut.digest)
    start, samples = snnbp.initial_weights(CONFIG, digits), digits.train[:60]
    learned, _ = snnbp.learn(start, samples, "spiking", circuit=cut)
    traced = snnbp.trace(start, samples, [], circuit=cut)
    np.testing.assert_array_equal(learned.matrices[0], traced.after["x", "h1"])


def test_a_digest_stands_for_one_circuit(cut):
    whole = snnbp.training_circuit(SIZES)
    assert whole.digest == snnbp.training_circuit(SIZES).digest
    others = [cut, replace(whole, inhibition=-64), snnbp.training_circuit(SIZES, open_target=True)]
    assert len({circuit.digest for circuit in (whole, *others)}) == 4


def test_a_run_of_a_changed_circuit_is_kept_apart(digits, run, cut, tmp_path):
    run.save(tmp_path / "run.npz")
    assert snnbp.Run.load(tmp_path / "run.npz").circuit == cut.digest
    assert set(run.to_frame()["circuit"]) == {cut.digest}
    (swept,) = snnbp.sweep([CONFIG], digits, "spiking", progress=False, known=[run])
    assert swept.circuit is None
    assert swept.digest != run.digest
    with pytest.raises(ValueError, match=r"keep them with Run\.save"):
        snnbp.write_runs(tmp_path / "runs.csv", [run])
    with pytest.raises(ValueError, match="trained on a circuit of its own"):
        export_bundle(tmp_path / "bundle", run, digits)
    with pytest.raises(ValueError, match=r"another run \(another circuit\)"):
        train(digits, None, checkpoint=tmp_path / "run.npz")


def test_a_changed_circuit_resumes(digits, run, cut, tmp_path):
    def stop(row):
        if row["epoch"] > 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        snnbp.train(digits, CONFIG, "spiking", stop, tmp_path / "run.npz", circuit=cut)
    assert train(digits, cut, checkpoint=tmp_path / "run.npz").digest == run.digest


def grown(circuit, name):
    bigger = tuple(
        replace(each, size=each.size + 1) if each.layer == circuit[name].layer else each
        for each in circuit.populations
    )
    return replace(circuit, populations=bigger)


def deaf(circuit):
    phases = tuple(replace(phase, receives_input=()) for phase in circuit.phases)
    return replace(circuit, phases=phases)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: grown(c, "h1"), "a population 'h1' of size 12, the circuit has 13"),
        (lambda c: grown(c, "in_tgt"), "a population 'in_tgt' of size 10, the circuit has 11"),
        (lambda c: replace(c, populations=(Population("x", 64),), projections=(), phases=()), "'in_g'"),
        (lambda c: c.without("h1", "h2"), "a matrix h1 -> h2 with the symbol W2"),
        (deaf, "a phase whose receives_input names 'input'"),
        (
            lambda c: snnbp.training_circuit(SIZES, threshold=2048),
            "threshold is 2048, the configuration's 1024",
        ),
        (lambda c: snnbp.training_circuit(SIZES, fixed_feedback=True), r"its matrix 'B3\+' is unknown"),
    ],
)
def test_a_circuit_that_cannot_be_trained_is_refused(digits, monkeypatch, change, reason):
    monkeypatch.setattr("snnbp.backends.spiking.network.run", None)  # nothing is compiled
    with pytest.raises(ValueError, match=reason) as caught:
        train(digits, change(snnbp.training_circuit(SIZES)))
    assert "\n" not in str(caught.value)


def test_a_circuit_needs_its_backend_and_its_feedback(digits, cut):
    for backend in ("reference", "fused"):
        with pytest.raises(
            ValueError, match=f"backend '{backend}' takes no circuit: choose backend='spiking'"
        ):
            train(digits, cut, backend=backend)
    with pytest.raises(ValueError, match=r"the circuit has learning feedback, W3T.: choose feedback='exact'"):
        train(digits, cut, CONFIG.model_copy(update={"feedback": "sign"}))


def test_a_rule_is_registered(digits, monkeypatch):
    monkeypatch.setattr(rule, "RULES", dict(rule.RULES))
    mine = rule.Variant(updates_first=True, window_includes_threshold=False)
    rule.register("mine", mine)
    rule.register("mine", mine)  # a cell that is run twice
    config = Config(hidden=12, epochs=1, rule="mine")
    one, other = (snnbp.train(digits, config, name, progress=False) for name in ("reference", "fused"))
    assert one.digest == other.digest
    assert one.digest != snnbp.train(digits, Config(hidden=12, epochs=1), progress=False).digest
    with pytest.raises(ValueError, match="the rule 'circuit' exists: choose another name"):
        rule.register("circuit", mine)
    with pytest.raises(ValueError, match="weight_min must be -256 or -254, got -64"):
        rule.Variant(weight_min=-64)
