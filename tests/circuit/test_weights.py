"""Weights: checked, digested, saved whole or not at all."""

import hashlib
import struct

import numpy as np
import pytest

from snnbp.circuit.weights import Weights

W1, W2 = np.array([[2, -4], [6, 8], [-256, 254]]), np.array([[0], [-2]])
SOME = Weights((W1, W2))


def test_digest_is_of_shapes_and_matrices_as_little_endian_int16():
    content = struct.pack("<12h", 3, 2, 2, 1, 2, -4, 6, 8, -256, 254, 0, -2)
    assert SOME.digest == hashlib.sha256(content).hexdigest()


def test_equality_is_of_entries():
    for same in (W1.tolist(), np.array(W1, np.int16, order="F"), W1.astype(">i4")):
        assert Weights((same, W2)).digest == SOME.digest
    assert Weights((W1, np.array([[0], [-4]]))) != SOME
    assert Weights((W1, W2), 512) != SOME
    assert SOME.matrices[0].flags.writeable is False


@pytest.mark.parametrize(
    ("w1", "message"),
    [
        (np.array([[1, 2]]), "W1 must be even and within"),
        (np.array([[256, 2]]), "W1 must be even and within"),
        (np.array([[2.0, 2.0]]), "W1 must be a matrix of integers, got float64"),
        (np.array([2, 2]), "W1 must be a matrix of integers, got int64"),
        (np.zeros((0, 2), int), "W1 must be a matrix of integers"),
        (np.array([[2, 2, 2]]), "W1 ends at 3 neurons, W2 starts from 2"),
    ],
)
def test_bad_matrices_are_refused(w1, message):
    with pytest.raises(ValueError, match=message):
        Weights((w1, W2))


def test_what_was_saved_is_loaded(tmp_path):
    SOME.save(tmp_path / "weights.npz")
    assert Weights.load(tmp_path / "weights.npz") == SOME
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as file:
        assert sorted(file) == ["threshold", "w1", "w2"]


def test_damaged_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / "weights.npz"
    SOME.save(path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"w1.npy") + 40] ^= 0xFF
    np.savez(tmp_path / "odd.npz", w1=W1 + 1, w2=W2)
    np.savez(tmp_path / "lacking.npz", w1=W1)
    np.savez(tmp_path / "pickled.npz", w1=np.array([[None]]), w2=W2)
    for content in (
        b"",
        b"nonsense",
        whole[:100],
        bytes(flipped),
        *((tmp_path / name).read_bytes() for name in ("odd.npz", "lacking.npz", "pickled.npz")),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"weights\.npz is not a weights file, or is damaged") as caught:
            Weights.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        Weights.load(tmp_path / "nowhere.npz")


def test_mantissas_are_what_eight_bits_hold():
    rng = np.random.default_rng(4)
    weights = Weights(tuple(rng.integers(-128, 128, shape) * 2 for shape in ((40, 30), (30, 20), (20, 5))))
    mantissas, exponent = weights.mantissas()
    assert exponent == 1
    assert {mantissa.dtype for mantissa in mantissas} == {np.dtype(np.int8)}
    for mantissa, matrix in zip(mantissas, weights.matrices, strict=True):
        np.testing.assert_array_equal(mantissa.astype(int) * 2**exponent, matrix)
    assert (mantissas[0].min(), mantissas[0].max()) == (-128, 127)


def test_first_weights_end_at_240():
    for matrix in Weights.draw(np.random.default_rng(0), (50, 40, 10), scale=100).matrices:
        assert (matrix.min(), matrix.max()) == (-240, 240)
