"""Spatial contrast as input: worked out by hand, pixel by pixel, shifted, in a run."""

from fractions import Fraction

import numpy as np
import pytest

import snnbp
from snnbp import Dataset
from snnbp.training import idx, sources
from snnbp.training.images import contrasts
from snnbp.training.shift import digest_of, framed_images, shifted
from snnbp.training.sweep import _handle_to, _read

RNG = np.random.default_rng(8)
IMAGES = RNG.integers(0, 256, (40, 7, 6), dtype=np.uint8)
LABELS = np.arange(40) % 3


def made(images=IMAGES, **options):
    options = {"contrast": (2, 60)} | options
    return Dataset.from_images(images[:30], LABELS[:30], images[30:], LABELS[30:], **options)


def by_pixel(images, distance, threshold, full_scale=255):
    """The definition, in Python's integers."""
    rows, columns = images.shape[1:]
    found = np.zeros((len(images), 4, rows, columns), bool)
    for (n, r, c), value in np.ndenumerate(images):
        for plane, (y, x) in ((0, (r, c + distance)), (2, (r + distance, c))):
            if y < rows and x < columns:
                grey, other = (round(Fraction(int(v) * 255, full_scale)) for v in (value, images[n, y, x]))
                found[n, plane, r, c] = other - grey > threshold
                found[n, plane + 1, r, c] = grey - other > threshold
    return found.reshape(len(images), -1)


def test_both_signs_and_directions_by_hand():
    """A step of exactly the threshold is silent; the last column has no right, the last row no lower one."""
    image = np.array([[[0, 10, 21], [11, 11, 0]]], np.uint8)
    right_on, right_off, down_on, down_off = contrasts(image, 1, 10).reshape(4, 2, 3).astype(int).tolist()
    assert right_on == [[0, 1, 0], [0, 0, 0]]
    assert right_off == [[0, 0, 0], [0, 1, 0]]
    assert down_on == [[1, 0, 0], [0, 0, 0]]
    assert down_off == [[0, 0, 1], [0, 0, 0]]
    spikes = np.flatnonzero(contrasts(image, 2, 10)).tolist()  # 0 to 21 and 11 to 0, two columns away
    assert spikes == [0, 6 + 3]
    assert not contrasts(image, 1, 21).any()
    assert np.flatnonzero(contrasts(image, 1, 20)).tolist() == [18 + 2]
    both = np.concatenate([contrasts(image, 1, 10), contrasts(image, 1, 20)], axis=1)
    assert np.array_equal(contrasts(image, 1, 10, 20), both)


@pytest.mark.filterwarnings("ignore:.*(all inputs on, or none|all test inputs are)")
def test_what_never_spikes_in_training_is_left_out_of_both_parts():
    train, test = np.zeros((2, 1, 3), np.uint8), np.full((2, 1, 3), [0, 99, 0], np.uint8)
    train[:, 0, 1] = 0, 50
    data = Dataset.from_images(train, [0, 1], test, [0, 1], contrast=(1, 9))
    assert data.code.kept.tolist() == [0, 3 + 1]  # right ON of the first pixel, right OFF of the second
    assert data.train.inputs.tolist() == [[False] * 2, [True] * 2]
    test[:] = [99, 0, 99]  # the opposite signs, which no training image has
    assert not Dataset.from_images(train, [0, 1], test, [0, 1], contrast=(1, 9)).test.inputs.any()
    assert data.image_shape is None
    assert data.code.contrast == (1, 9)


@pytest.mark.filterwarnings("ignore:.*(all inputs on, or none|all test inputs are)")
@pytest.mark.parametrize("contrast", [(1, 0), (2, 60), [3, 200], np.array([4, 9])])
@pytest.mark.parametrize("crop", [0, 1])
def test_every_pixel_of_every_image(contrast, crop):
    for images in (IMAGES, IMAGES.astype(int), IMAGES / 255, (IMAGES / 255).astype(np.float32)):
        data = made(images, contrast=contrast, crop=crop)
        inside = IMAGES[:, crop : 7 - crop, crop : 6 - crop]
        expected = by_pixel(inside, *map(int, contrast))
        kept = np.flatnonzero(expected[:30].any(axis=0))
        np.testing.assert_array_equal(data.code.kept, kept)
        np.testing.assert_array_equal(data.train.inputs, expected[:30, kept])
        np.testing.assert_array_equal(data.test.inputs, expected[30:, kept])


def test_the_digits_have_a_full_scale_of_255():
    raw, data = sources.load("digits"), snnbp.load_dataset("digits", contrast=(1, 80))
    expected = by_pixel(raw.images[1], 1, 80, 16)
    np.testing.assert_array_equal(data.test.inputs, expected[:, data.code.kept])


def move(grey, dy, dx):
    """Images whose pixel (r, c) is (r + dy, c + dx) of `grey`, zeros from outside."""
    rows, columns = grey.shape[1:]
    return np.pad(grey, ((0, 0), (1, 1), (1, 1)))[:, 1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]


@pytest.mark.parametrize("crop", [0, 1])
@pytest.mark.parametrize("contrast", [(1, 40), (2, 60)])
def test_a_shift_moves_the_image_before_the_contrast_is_taken(contrast, crop):
    data, order = made(crop=crop, contrast=contrast), RNG.permutation(30)
    directions = np.arange(30) % 9
    found = shifted(framed_images(data), data.code, order, directions)
    for n, (place, k) in enumerate(zip(order, directions, strict=True)):
        moved = move(IMAGES[place][None], k // 3 - 1, k % 3 - 1)[:, crop : 7 - crop, crop : 6 - crop]
        np.testing.assert_array_equal(found[n], by_pixel(moved, *contrast)[0, data.code.kept])


def test_a_shifted_run_differs_by_what_surrounds_the_images():
    """Also in its digest; and by the contrast where the same inputs come from another."""
    whole, cropped = made(crop=1), made(IMAGES[:, 1:-1, 1:-1])
    assert whole.digest == cropped.digest
    assert digest_of(whole, 0) == digest_of(cropped, 0)
    assert len({digest_of(data, shift) for data in (whole, cropped) for shift in (0, 1)}) == 3
    flat = IMAGES // 2 * 2
    one, other = made(flat, contrast=(1, 50)), made(flat, contrast=(1, 51))
    assert one.digest == other.digest
    assert digest_of(one, 1) != digest_of(other, 1)


def test_processes_get_the_same_data():
    data = made()
    with _handle_to(data, None) as path:
        found = _read(path)
    assert digest_of(found, 1) == digest_of(data, 1)
    assert found.code.contrast == (2, 60)
    np.testing.assert_array_equal(found.code.kept, data.code.kept)


def test_fashion_in_contrast(fashion_mnist):
    data = snnbp.load_dataset("fashion-mnist", contrast=[2, 16])
    grey = idx.parse(sources._contents("fashion-mnist", sources.SOURCES["fashion-mnist"])[0][0][1])
    chosen = [0, 999, 1000, 59_999]
    np.testing.assert_array_equal(data.train.inputs[chosen], by_pixel(grey[chosen], 2, 16)[:, data.code.kept])
    assert data.train.inputs.any(axis=0).all()
    assert data.verified
    assert data.classes == fashion_mnist.classes


@pytest.mark.parametrize(("shift", "accuracy"), [(0, 0.85), (1, 0.7)])
def test_a_network_learns_the_digits_in_contrast(shift, accuracy):
    data = snnbp.load_dataset("digits", contrast=(1, 16))
    run = snnbp.train(data, snnbp.Config(hidden=100, epochs=5, shift=shift), progress=False)
    assert run.statistic("final", "potential") > accuracy
    assert run.data == digest_of(data, shift)


@pytest.mark.parametrize(
    ("contrast", "reason"),
    [
        (
            (0, 16),
            r"^contrast must be a distance from 1 and thresholds .* in rising order, got \(0, 16\)$",
        ),
        ((1, 255), "thresholds from 0 to 254"),
        ((1, -1), "thresholds from 0 to 254"),
        ((1,), r"got \(1,\)$"),
        ((1, 3, 2), "in rising order"),
        ((1, 2, 2), "in rising order"),
        (2, "^contrast must be a sequence of integers, got 2$"),
        ("ab", "^contrast must be a sequence of integers, got 'ab'$"),
        ((1, 0.5), "^contrast must be an integer, got 0.5$"),
        ((8, 16), r"^contrast \(8, 16\): no input ever spikes: take a smaller distance or threshold$"),
    ],
)
def test_what_is_no_contrast_is_refused(contrast, reason):
    for call in (made, lambda **options: snnbp.load_dataset("digits", **options)):
        with pytest.raises(ValueError, match=reason) as caught:
            call(contrast=contrast)
        assert "\n" not in str(caught.value)


def test_contrast_needs_images_and_no_threshold():
    with pytest.raises(ValueError, match=r"contrast needs images \(n, rows, columns\), got \(n, pixels\)"):
        made(IMAGES.reshape(40, -1))
    for call, other in (
        (made, {"pixel_threshold": 0.4}),
        (lambda **options: snnbp.load_dataset("digits", **options), {"test_pixel_threshold": 0.4}),
    ):
        with pytest.raises(ValueError, match="give a contrast or a pixel threshold, not both"):
            call(contrast=(1, 16), **other)
