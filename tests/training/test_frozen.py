"""What cannot change stays so in every copy, and in what comes back from a file or another process."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import snnbp
from snnbp.circuit.weights import Weights
from snnbp.training.images import Code
from snnbp.training.shift import framed_images


def through_dask(value):
    protocol = pytest.importorskip("distributed.protocol")
    return protocol.deserialize(*protocol.serialize(value))


def out_of_band(value):
    buffers = []
    content = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(content, buffers=[bytearray(buffer) for buffer in buffers])


COPIES = [
    copy.copy,
    copy.deepcopy,
    dataclasses.replace,
    *(lambda value, n=n: pickle.loads(pickle.dumps(value, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
    out_of_band,
    through_dask,
]


@pytest.fixture(scope="module")
def data():
    digits = snnbp.load_dataset("digits")
    whole = snnbp.Dataset(
        digits.train[:300],
        digits.test[:50],
        "digits",
        True,
        (8, 8),
        (*"abcdefghijk",),
        framed_images(digits)[:300, 0],
        Code(contrast=(1, 8), kept=np.array([3, 5])),
    )
    assert whole.digest  # computed before any copy is made
    return whole


def arrays(value):
    if isinstance(value, snnbp.Dataset):
        return [*arrays(value.train), *arrays(value.test), value.framed, value.code.kept]
    return list(value.matrices) if isinstance(value, Weights) else [value.inputs, value.labels]


@pytest.mark.parametrize("made", COPIES)
@pytest.mark.parametrize("kind", ["samples", "data", "weights"])
def test_a_copy_is_equal_and_cannot_change(data, made, kind):
    weights = snnbp.initial_weights(snnbp.Config(hidden=5), data)
    value = {"samples": data.train, "data": data, "weights": weights}[kind]
    found = made(value)
    assert type(found) is type(value)
    for ours, theirs in zip(arrays(found), arrays(value), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
        with pytest.raises(ValueError, match="read-only"):
            ours[:1] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            ours.flags.writeable = True
    if kind != "samples":
        assert found.digest == value.digest
    if kind == "data":
        names = "source", "verified", "image_shape", "classes"
        assert [getattr(found, name) for name in names] == [getattr(value, name) for name in names]


def test_a_changed_copy_is_another_data_set(data):
    """What a copy holds is checked and digested anew, whatever a pickle says."""
    labels = np.roll(data.train.labels, 1)
    state = data.__reduce__()
    other = state[0](snnbp.Samples(data.train.inputs, labels), *state[1][1:])
    assert other.digest == snnbp.Dataset(other.train, other.test, classes=data.classes).digest != data.digest
    with pytest.raises(ValueError, match="labels must be within 0 to 65535, got -"):
        copy.copy(data.train).__reduce__()[0](data.train.inputs, labels.astype(int) - 10)
