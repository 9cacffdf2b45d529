"""A configuration is what it says, or refused in one line."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import snnbp
from snnbp import Config
from snnbp.backends.rule import Rule

NAN = float("nan")


def test_the_defaults_are_the_papers():
    assert Config() == Config(
        hidden=400,
        epochs=60,
        seed=1,
        rule="circuit",
        threshold=1024,
        step=2,
        init_scale=1.0,
        n_validation=0,
        inhibition=-8128,
        open_target=False,
        margin=0,
        shift=0,
        feedback="exact",
    )
    assert (Config().learning_rule.threshold, Config().learning_rule.step) == (1024, 2)


@pytest.mark.parametrize(
    "hidden",
    [(30, 20), [30, 20], np.array([30, 20]), np.array([30, 20], np.uint8), (np.int16(30), 20)],
    ids=repr,
)
def test_hidden_layers_are_a_tuple_of_ints(hidden):
    config = Config(hidden=hidden)
    assert config == Config(hidden=(30, 20))
    assert [type(size) for size in config.hidden] == [int, int]
    assert Config(hidden=7).hidden == Config(hidden=np.int64(7)).hidden == (7,)


def test_numpy_numbers_are_welcome_and_stored_as_pythons():
    config = Config(
        hidden=np.int32(5),
        epochs=np.uint8(3),
        seed=np.uint64(2**63),
        threshold=np.int64(2048),
        step=np.int8(4),
        init_scale=np.float32(0.5),
        n_validation=np.int64(7),
        inhibition=np.int16(-8128),
    )
    plain = Config(
        hidden=5,
        epochs=3,
        seed=2**63,
        threshold=2048,
        step=4,
        init_scale=0.5,
        n_validation=7,
        inhibition=-8128,
    )
    assert config == plain
    assert hash(config) == hash(plain)
    assert json.loads(config.model_dump_json()) == json.loads(plain.model_dump_json())
    assert Config.model_validate_json(config.model_dump_json()) == plain
    assert pickle.loads(pickle.dumps(config)) == plain
    assert Config(init_scale=2).init_scale == 2.0


WRONG = {
    "hidden": [0, -1, 2.0, True, "400", None, (), (5, 0), (5, 2.0), (5, True), [[5]], np.ones((2, 2)), NAN],
    "epochs": [0, -1, 2.5, 2.0, True, np.bool_(True), "60", None, NAN, np.float64(2), np.array([1, 2])],
    "seed": [-1, 1.0, True, "1", None, NAN, 1j],
    "rule": ["hebb", "", None, 1, b"circuit", "Circuit"],
    "threshold": [0, -2, 1023, 1024.0, True, "1024", None, NAN, float("inf")],
    "step": [0, -2, 3, 256, 2.0, True, "2", None, NAN],
    "init_scale": [0, -1.0, NAN, float("inf"), True, "1", None, np.array([1.0, 2.0])],
    "n_validation": [-1, 100.0, True, "0", None, NAN],
    "inhibition": [0, 8128, -8128.0, -8128.5, -8127, NAN, float("-inf"), True, "-8128", None, -(2**40)],
    "open_target": [1, 0, "yes", None],
    "margin": [-64, 1, 32, 576, 1024, 64.0, True, "64", None, NAN],
    "shift": [-1, 2, 1.0, True, "1", None],
    "feedback": ["transposed", "", None, 1, True],
    "hiden": [400],
    "validation": [100],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values], ids=repr
)
def test_what_means_nothing_is_refused_in_one_line_that_names_it(name, value):
    for make in (lambda: Config(**{name: value}), lambda: Config().model_copy(update={name: value})):
        with pytest.raises(ValueError, match=name) as caught:
            make()
        assert type(caught.value) is ValueError
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


LARGEST = {
    "hidden": 131072,
    "epochs": 10**9,
    "seed": 2**64 - 1,
    "threshold": 131070,
    "step": 254,
    "init_scale": 1e6,
    "n_validation": 10**9,
}


def test_every_number_has_an_upper_limit_that_the_arithmetic_and_the_files_hold(tmp_path):
    largest = Config(**LARGEST)
    assert Config.model_validate_json(largest.model_dump_json()) == largest
    for name, value in LARGEST.items():
        for more in (value + 2, 2**70, 2**2000):
            with pytest.raises(ValueError, match=f"{name}.*(limit|less|must be|valid|exceeds)") as caught:
                Config(**{name: more})
            assert "\n" not in str(caught.value)
    digits = snnbp.load_dataset("digits")
    data = snnbp.Dataset(digits.train[:200], digits.test[:20], classes=digits.classes)
    config = largest.model_copy(update={"hidden": 3, "epochs": 1, "n_validation": 0})
    runs = [snnbp.train(data, config, backend, progress=False) for backend in ("reference", "fused")]
    assert runs[0].digest == runs[1].digest
    runs[1].save(tmp_path / "run.npz")
    again = snnbp.Run.load(tmp_path / "run.npz")
    assert (again.config, again.digest, again.weights) == (config, runs[1].digest, runs[1].weights)
    assert again.to_frame()["seed"].tolist() == [2**64 - 1] * 2


@pytest.mark.parametrize("threshold", [2, 130, 1 << 16, 131070])
@pytest.mark.parametrize("step", [2, 254])
def test_fused_is_reference_at_the_limits(threshold, step):
    rng = np.random.default_rng(threshold + step)
    samples = snnbp.Samples(rng.random((300, 700)) < 0.9, rng.integers(0, 4, 300))
    for scale in (1.0, 1e-3, 1e6):
        weights = snnbp.Weights.draw(rng, (700, 40, 30, 4), threshold, scale)
        ends = [snnbp.learn(weights, samples, backend, step=step) for backend in ("reference", "fused")]
        assert ends[0][0] == ends[1][0]
        np.testing.assert_array_equal(ends[0][1], ends[1][1])
    for beyond in (1 << 17, 1 << 33, 1 << 64, 1 << 70):
        for refuse in (lambda v: snnbp.Weights(weights.matrices, v), lambda v: Rule(threshold=v)):
            with pytest.raises(
                ValueError, match=r"threshold must be (even and within \[2, 131070\]|an integer of)"
            ):
                refuse(beyond)


def test_a_misspelt_name_lists_the_fields_and_several_mistakes_are_all_named():
    with pytest.raises(ValueError, match="hiden: unknown field, choose from hidden, epochs, seed"):
        Config(hiden=3)
    with pytest.raises(ValueError, match=r"epochs: .*; seed: "):
        Config(epochs=0, seed=-1)


def test_a_configuration_does_not_change():
    config = Config()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 2
    other = config.model_copy(update={"seed": 2})
    assert (config.seed, other.seed) == (1, 2)
    assert other == Config(seed=2)


@given(st.integers(-(2**33), 2))
def test_inhibition_is_what_the_chip_can_hold_or_refused(value):
    held = value < 0 and any(value % 2**exponent == 0 and -value >> exponent <= 255 for exponent in range(8))
    try:
        assert Config(inhibition=value).inhibition == value
    except ValueError:
        assert not held
    else:
        assert held
