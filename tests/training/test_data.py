"""Your own arrays and images: what they become, what is refused, how many classes there are."""

import hashlib
import struct
import warnings

import numpy as np
import pandas as pd
import pytest

import snnbp
from snnbp import Dataset, Samples
from snnbp.training.images import on


def one_line(error):
    assert "\n" not in str(error)
    return str(error)


def arrays():
    return [np.eye(4, 7), np.array([0, 3, 9, 1]), np.ones((2, 7), dtype=np.int8), np.array([3, 3])]


def test_from_arrays():
    given = arrays()
    data = Dataset.from_arrays(*given)
    given[2][:] = 0
    assert data.test.inputs.all()
    assert (data.source, data.verified, data.image_shape) == ("arrays", False, None)
    assert data.classes == ("0", "1", "3", "9")
    assert data.train.labels.tolist() == [0, 2, 3, 1]
    assert data.test.labels.tolist() == [2, 2]
    for part in (data.train, data.test):
        assert (part.inputs.dtype, part.labels.dtype) == (np.bool_, np.uint8)
        for array in (part.inputs, part.labels):
            assert array.flags.c_contiguous
            assert not array.flags.writeable


def test_the_shape_of_an_image_is_that_of_the_inputs():
    data = Dataset.from_arrays(*arrays())
    for shape in ((1, 7), [7, 1], np.array([1, 1])):  # 1x1: seven images
        assert Dataset(data.train, data.test, image_shape=shape).image_shape == tuple(shape)
    for shape in ((7,), (2, 3), (0, 7), (-1, -7), (7, 7)):
        with pytest.raises(ValueError, match="image_shape must be rows and columns of 7 inputs, got"):
            Dataset(data.train, data.test, image_shape=shape)


@pytest.mark.parametrize("other", [(9, 8), (72,)])
def test_images_of_two_shapes_are_refused(other):
    images, labels = np.random.default_rng(0).integers(0, 256, (6, 8, 9)), [0, 1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match=r"x_train and x_test have images of the shapes \(8, 9\) and"):
        Dataset.from_images(images, labels, images.reshape(6, *other)[::-1], labels)


def test_samples_can_never_change():
    given = np.eye(4, 7) > 0
    given.flags.writeable = False
    samples = Samples(given, np.array([0, 3, 1, 1]))
    given.flags.writeable = True
    given[:] = True
    assert samples.inputs.sum() == 4
    for array in (samples.inputs, samples.inputs.base, samples[1:].inputs):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["dog", "cat", "dog", "eel"], ("cat", "dog", "eel")),
        ([-1, 1, -1, 7], ("-1", "1", "7")),
        ([2.0, 1.0, 2.0, 10.0], ("1", "2", "10")),
        ([0.5, 0.25, 0.5, 2.0], ("0.25", "0.5", "2.0")),
        ([True, False, True, True], ("False", "True")),
        (np.array([b"x", b"a", b"x", b"y"], object), ("b'a'", "b'x'", "b'y'")),
        (pd.Series(["b", "a", "b", "c"], dtype="category"), ("a", "b", "c")),
        (np.array([300, 2, 300, 70000], np.uint32), ("2", "300", "70000")),
    ],
    ids=str,
)
def test_labels_of_any_type_are_numbered_and_named(labels, classes):
    rng = np.random.default_rng(0)
    x = rng.random((4, 7)) < 0.5
    data = Dataset.from_arrays(x, labels, ~x, labels)
    assert data.classes == classes
    assert [data.classes[number] for number in data.train.labels] == [
        str(int(value)) if isinstance(value, float) and classes[0] == "1" else str(value) for value in labels
    ]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, np.full((4, 7), 0.5), r"train: inputs must be bool or 0 and 1, got 0.5: .*Dataset\.from_images"),
        (0, np.full((4, 7), 37), r"train: inputs must be bool or 0 and 1, got 37: .*Dataset\.from_images"),
        (2, np.full((2, 7), np.nan), r"test: inputs must not be missing, got nan at \[0, 0\]"),
        (2, np.full((2, 7), -1), "test: inputs must be bool or 0 and 1, got -1"),
        (0, np.full((4, 7), "1"), "train: inputs must be bool or 0 and 1, got <U1"),
        (0, np.full((4, 7), None), r"train: inputs must not be missing, got None at \[0, 0\]"),
        (0, np.full((4, 7), object()), "train: inputs must be bool or 0 and 1, got object"),
        (0, [[1, 0], [1]], "train: inputs must be an array, got rows of different lengths"),
        (
            0,
            np.ones((4, 7, 1)),
            r"train: inputs must have the shape \(n, inputs\), got \(4, 7, 1\): .*from_images",
        ),
        (0, np.ones((4, 0)), "train: inputs must have the shape"),
        (2, np.ones((2, 8)), "train has 7 inputs a sample, test has 8"),
        (0, np.ones((3, 7)), "train: the number of samples, 3, is not that of labels, 4"),
        (
            3,
            np.array([[1, 2]]),
            r"test: labels must be a vector \(n,\) or one-hot \(n, classes\), got \(1, 2\)",
        ),
        (1, np.array([0, np.nan, 1, 1]), r"train: labels must not be missing, got nan at \[1\]"),
        (1, [0, None, 1, 1], r"train: labels must not be missing, got None at \[1\]"),
        (1, [0, pd.NA, 1, 1], r"train: labels must not be missing, got <NA> at \[1\]"),
    ],
)
def test_from_arrays_refuses(place, value, reason):
    given = arrays()
    given[place] = value
    with pytest.raises(ValueError, match=reason) as caught:
        Dataset.from_arrays(*given)
    one_line(caught.value)


def test_a_data_set_needs_samples_and_a_class_for_each_label():
    with pytest.raises(ValueError, match="at least one sample each, got 4 and 0"):
        Dataset.from_arrays(*arrays()[:2], np.ones((0, 7)), np.array([], dtype=int))
    data = Dataset.from_arrays(*arrays())
    with pytest.raises(ValueError, match="label 3 has no class: there are 2"):
        Dataset(data.train, data.test, classes=("a", "b"))
    for labels, reason in (([-1], "got -1"), ([1 << 16], "got 65536"), ([0.5], "must be integers")):
        with pytest.raises(ValueError, match=rf"{reason}.*use Dataset\.from_arrays for other labels"):
            Samples(np.ones((1, 7)), labels)


def test_test_data_from_the_training_data_are_worth_a_warning():
    x, y = arrays()[:2]
    with pytest.warns(UserWarning, match="all test inputs are training inputs, too") as caught:
        Dataset.from_arrays(x, y, x.tolist(), y)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="all test inputs are training inputs, too"):
        Dataset.from_images(x, y, x, y)
    with pytest.warns(UserWarning, match="all test inputs are training inputs, too"):
        Dataset.from_arrays(x, y, x[:0:-2], y[:0:-2])
    Dataset.from_arrays(np.repeat(x, 3, 0), np.repeat(y, 3), x, y)


def test_images_are_binarized_as_the_papers():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (30, 5, 4), dtype=np.uint8)
    images[:, 0, :2] = 0, 255  # or a threshold leaves nothing of an image, which is worth a warning
    labels = np.arange(30) % 3
    for threshold in (0, 0.4, 0.5, 0.6, 0.999):
        expected = [
            [round(int(p) / 255 / 255 * 256, 2) > threshold for p in image.ravel()] for image in images
        ]
        for same in (
            images,
            images.reshape(30, 20),
            images.tolist(),
            images.astype(float),
            images / 255,
            (images / 255).astype(np.float32),
        ):
            data = Dataset.from_images(same[:20], labels[:20], same[20:], labels[20:], threshold)
            np.testing.assert_array_equal(
                np.concatenate([data.train.inputs, data.test.inputs]), expected, str(threshold)
            )
    data = Dataset.from_images(images[3:], labels[3:], images[:3], labels[:3])
    assert (data.image_shape, data.source, data.classes) == ((5, 4), "images", ("0", "1", "2"))
    binary = images > 99
    data = Dataset.from_images(binary[3:], labels[3:], binary[:3].astype(np.uint8), labels[:3])
    np.testing.assert_array_equal(data.train.inputs, binary[3:].reshape(27, 20))


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        (np.full((2, 3, 3), 256), "train: pixels must be from 0 to 255, or from 0 to 1, got 256"),
        (np.full((2, 3, 3), -0.5), "got -0.5"),
        (np.full((2, 3, 3), np.nan), "got nan"),
        (np.full((2, 3, 3), "dark"), "pixels must be numbers, got <U4"),
        (
            np.full((2, 3, 3, 3), 1),
            r"images must be grey, .* or \(n, pixels\), got \(2, 3, 3, 3\)",
        ),
        (np.zeros((2, 0, 3)), "images must be"),
    ],
)
def test_from_images_refuses(images, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        Dataset.from_images(images, [0, 1], np.ones((1, 3, 3)), [1])
    one_line(caught.value)


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan"), "50%", True, None])
def test_a_threshold_out_of_range_is_refused(threshold):
    for call in (
        lambda: snnbp.load_dataset("digits", pixel_threshold=threshold),
        lambda: snnbp.load_dataset("digits", test_pixel_threshold=threshold),
        lambda: Dataset.from_images(np.ones((1, 4)), [0], np.zeros((1, 4)), [0], threshold),
    ):
        with pytest.raises(
            ValueError, match=r"a pixel threshold must be a number in \[0, 1\), got"
        ) as caught:
            call()
        one_line(caught.value)


def test_every_pixel_follows_the_official_scaling():
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1)
    for threshold in (0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.996, 0.999):
        expected = [round(p / 255 / 255 * 256, 2) > threshold for p in range(256)]
        assert on(images, threshold)[:, 0].tolist() == expected


def test_indexing():
    samples = Dataset.from_arrays(*arrays()).train
    order = np.array([2, 0, 3, 1])
    for index in (slice(1, 3), slice(None, None, 2), slice(0, 0), order, [3, 3], np.array([True, False] * 2)):
        part = samples[index]
        assert isinstance(part, Samples)
        assert len(part) == len(samples.labels[index])
        np.testing.assert_array_equal(part.inputs, samples.inputs[index])
        np.testing.assert_array_equal(part.labels, samples.labels[index])
        assert part.inputs.flags.c_contiguous
        assert not part.inputs.flags.writeable
    for wrong in (0, np.int64(1), np.zeros((2, 2), dtype=int)):
        with pytest.raises(TypeError, match="slice or a vector"):
            samples[wrong]
    with pytest.raises(IndexError):
        samples[np.array([4])]


@pytest.mark.filterwarnings("ignore:test has labels that no training sample has")
def test_digest():
    given = arrays()
    given[1], given[3] = np.array([0, 2, 3, 1]), np.array([2, 2])
    data = Dataset.from_arrays(*given)
    train = struct.pack("<qq", 4, 7) + int("1000000010000000100000001000" + "0000", 2).to_bytes(4, "big")
    test = struct.pack("<qq", 2, 7) + bytes([0b11111111, 0b11111100])
    parts = train + bytes([0, 2, 3, 1]) + test + bytes([2, 2])
    assert data.digest == hashlib.sha256(parts).hexdigest()
    assert Dataset.from_arrays(*(array.tolist() for array in given)).digest == data.digest
    assert Dataset.from_arrays(*arrays()).digest == data.digest  # names do not matter
    for place in range(4):
        other = [np.array(array) for array in given]
        other[place][(1,) * other[place].ndim] = 0
        assert Dataset.from_arrays(*other).digest != data.digest
    assert Dataset.from_arrays(*given[2:], *given[:2]).digest != data.digest
    more = Dataset(data.train, data.test, classes=tuple("abcdef"))  # two more outputs: another network
    assert more.digest == hashlib.sha256(parts + struct.pack("<q", 6)).hexdigest()


@pytest.mark.parametrize("n_classes", [2, 5, 26])
def test_any_number_of_classes_trains(n_classes):
    """Each class has a random pattern, of which some inputs are wrong. Outputs that the problem has not got
    do not count as dead; the rule does lose some of 26."""
    rng = np.random.default_rng(0)
    labels = np.arange(100 * n_classes) % n_classes
    x = (rng.random((n_classes, 100)) < 0.3)[labels] ^ (rng.random((len(labels), 100)) < 0.02)
    half = len(labels) // 2
    data = Dataset.from_arrays(x[:half], labels[:half], x[half:], labels[half:])
    run = snnbp.train(data, snnbp.Config(hidden=200, epochs=20, seed=2), progress=False)
    assert run.weights.sizes == (100, 200, n_classes)
    spikes, _ = snnbp.predict(run.weights, data.test.inputs)
    assert spikes.shape == (half, n_classes)
    dead = n_classes - spikes.any(axis=0).sum()
    assert run.history["dead"].iloc[-1] == dead
    assert run.collapsed == (dead > 0)
    if n_classes < 26:
        assert not run.collapsed
        assert run.statistic("final", "spikes") > 0.95
    else:
        assert run.statistic("final", "spikes") > 0.75


def test_three_hundred_classes_train():
    rng = np.random.default_rng(0)
    codes = rng.random((300, 60)) < 0.5
    labels = np.array([f"class {n:03}" for n in range(300)])
    data = Dataset.from_arrays(codes.repeat(4, axis=0), labels.repeat(4), codes[:100], labels[:100])
    assert data.train.labels.dtype == np.uint16
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = snnbp.train(data, snnbp.Config(hidden=200, epochs=10), progress=False)
    assert len(data.classes) == 300
    assert run.weights.sizes == (60, 200, 300)
    assert run.statistic("best", "potential") > 0.3
    assert (
        run.history["dead"].max() <= 100
    )  # outputs of the 200 classes without a test sample are not counted
