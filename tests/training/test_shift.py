"""Shifted presentation: its random stream, its frame, and that a run is the same however it is made."""

import numpy as np
import pytest

import snnbp
from snnbp.training import idx, sources
from snnbp.training.images import on
from snnbp.training.shift import directions, framed_images, shifted


def test_the_stream_is_one_number_for_each_presentation_and_epoch():
    rng = np.random.Generator(np.random.PCG64([7, 1]))
    stream = directions(7, 20)
    for _ in range(3):
        drawn = next(stream)
        np.testing.assert_array_equal(drawn, rng.integers(0, 9, 20), strict=True)
    assert drawn.dtype == np.int64


def test_images_move_and_zeros_come_in():
    rng = np.random.default_rng(1)
    images = rng.random((9, 4, 5)) < 0.5
    data = snnbp.Dataset.from_images(255 * images, np.arange(9) % 2, ~images * 255, np.arange(9) % 2)
    order = rng.permutation(9)
    moved = shifted(framed_images(data), data.code, order, np.arange(9)).reshape(9, 4, 5)
    for k in range(9):
        dy, dx = k // 3 - 1, k % 3 - 1
        for r in range(4):
            for c in range(5):
                inside = 0 <= r + dy < 4 and 0 <= c + dx < 5
                assert moved[k, r, c] == (inside and images[order[k], r + dy, c + dx])


def test_the_crop_of_mnist_moves_over_the_original(mnist):
    original = idx.parse(sources._contents("mnist", sources.SOURCES["mnist"])[0][0][1])
    chosen = np.arange(90)
    moved = shifted(framed_images(mnist), mnist.code, chosen, chosen % 9)
    for n in chosen:
        dy, dx = n % 9 // 3 - 1, n % 3 - 1
        crop = original[n : n + 1, 4 + dy : 24 + dy, 4 + dx : 24 + dx]
        np.testing.assert_array_equal(moved[n : n + 1], on(crop, 0.5))


def test_presentations_follow_the_stream_and_are_the_order_of_the_run():
    data = snnbp.load_dataset("digits")
    config = snnbp.Config(hidden=10, epochs=2, shift=1, seed=3, n_validation=100)
    weights, n = snnbp.initial_weights(config, data), len(data.train) - 100
    rng, moves = np.random.Generator(np.random.PCG64(3)), np.random.Generator(np.random.PCG64([3, 1]))
    for shape in ((64, 10), (10, 10)):
        rng.standard_normal(shape)
    for _ in range(2):
        order = rng.permutation(n)
        inputs = shifted(framed_images(data), data.code, order, moves.integers(0, 9, n))
        weights, _ = snnbp.learn(weights, snnbp.Samples(inputs, data.train.labels[order]))
    assert snnbp.train(data, config, progress=False).digest == weights.digest


def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    data, config = snnbp.load_dataset("digits"), snnbp.Config(hidden=10, epochs=4, shift=1, feedback="random")

    def stop(row):
        if row["epoch"] == 2.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snnbp.train(data, config, progress=stop, checkpoint=tmp_path / "run.npz")
    resumed = snnbp.train(data, config, progress=False, checkpoint=tmp_path / "run.npz")
    assert resumed.digest == snnbp.train(data, config, progress=False).digest


def test_data_without_images_is_refused():
    inputs = np.eye(4, dtype=bool)
    data = snnbp.Dataset.from_arrays(inputs, [0, 1, 0, 1], ~inputs, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="shift=1 needs images"):
        snnbp.train(data, snnbp.Config(hidden=3, shift=1), progress=False)


def test_runs_that_see_other_pixels_at_the_border_are_other_runs(tmp_path):
    """Cropping leaves pixels around the images; images cropped before have zeros there."""
    rng = np.random.default_rng(2)
    images, labels = rng.integers(0, 256, (60, 10, 10)), np.arange(60) % 3
    cropped, whole = (
        snnbp.Dataset.from_images(part[:40], labels[:40], part[40:], labels[40:], crop=crop)
        for part, crop in ((images[:, 2:-2, 2:-2], None), (images, 2))
    )
    assert cropped.digest == whole.digest
    for shift, equal in ((0, True), (1, False)):
        config = snnbp.Config(hidden=9, epochs=2, shift=shift)
        alone = [snnbp.train(data, config, progress=False) for data in (cropped, whole)]
        assert (alone[0].digest == alone[1].digest) == (alone[0].data == alone[1].data) == equal
        for run, data in zip(alone, (cropped, whole), strict=True):
            (found,) = snnbp.sweep([config], data, store=tmp_path, progress=False)
            assert (found.digest, found.data) == (run.digest, run.data)


def test_a_frame_of_other_images_is_refused():
    data = snnbp.load_dataset("digits")
    framed = framed_images(data)[:, 0]
    for other in (~framed, framed[1:], framed[:, 1:], framed[0], [[1]], [1]):
        frame = snnbp.Dataset(data.train, data.test, image_shape=(8, 8), framed=other)
        with pytest.raises(ValueError, match="framed must hold the training images inside its border"):
            snnbp.train(frame, snnbp.Config(hidden=3, shift=1), progress=False)
