"""Inputs and labels as people have them: tensors, data frames, sparse matrices, one-hot labels."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import snnbp
from snnbp import Dataset, Samples
from snnbp.training.labels import numbered
from snnbp.training.shift import framed_images

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (12, 9, 8), dtype=np.uint8)
LABELS = np.arange(12) % 3
BITS = IMAGES.reshape(12, 72) > 127


class Tensor:
    """What a tensor on a graphics card offers: no array before `detach` and `cpu`."""

    def __init__(self, values, place="card with gradient"):
        self.values, self.place = values, place

    def detach(self):
        return Tensor(self.values, "card")

    def cpu(self):
        assert self.place == "card"
        return Tensor(self.values, "here")

    def __array__(self, dtype=None, copy=None):
        assert self.place == "here"
        return np.asarray(self.values, dtype)


class Item:
    """A tensor that is one number."""

    def __init__(self, value):
        self.item = lambda: value

    item = None


def from_images(x=IMAGES, y=LABELS, **options):
    return Dataset.from_images(x[:8], y[:8], x[8:], y[8:], **options)


@pytest.mark.parametrize(
    "convert",
    [
        Tensor,
        lambda x: x[:, None],
        lambda x: Tensor(x[:, None] / 255),
        lambda x: x.reshape(len(x), -1),
        lambda x: pd.DataFrame(x.reshape(len(x), -1)),
        lambda x: pd.DataFrame(x.reshape(len(x), -1)).astype("Int64"),
        lambda x: scipy.sparse.csr_matrix(x.reshape(len(x), -1)),
    ],
)
def test_images_of_many_kinds_are_the_same(convert):
    parts = convert(IMAGES[:8]), LABELS[:8], convert(IMAGES[8:]), LABELS[8:]
    assert Dataset.from_images(*parts).digest == from_images().digest


@pytest.mark.parametrize(
    "convert",
    [Tensor, pd.DataFrame, lambda x: pd.DataFrame(x).astype("boolean"), scipy.sparse.csc_array, list],
)
def test_arrays_of_many_kinds_are_the_same(convert):
    expected = Dataset.from_arrays(BITS[:8], LABELS[:8], BITS[8:], LABELS[8:])
    made = Dataset.from_arrays(convert(BITS[:8]), Tensor(LABELS[:8]), convert(BITS[8:]), Tensor(LABELS[8:]))
    assert made.digest == expected.digest


NAMES = np.array(["ant", "bee", "cow"])


@pytest.mark.parametrize(
    ("convert", "classes"),
    [
        (lambda y: y[:, None], ("0", "1", "2")),
        (lambda y: y.astype(np.float32)[:, None], ("0", "1", "2")),
        (lambda y: np.eye(3)[y], ("0", "1", "2")),
        (lambda y: np.eye(3, dtype=bool)[y].tolist(), ("0", "1", "2")),
        (lambda y: NAMES[y], ("ant", "bee", "cow")),
        (lambda y: NAMES[y][:, None], ("ant", "bee", "cow")),
        (lambda y: pd.Series(NAMES[y], dtype="category"), ("ant", "bee", "cow")),
        (lambda y: pd.DataFrame({"label": NAMES[y]}), ("ant", "bee", "cow")),
        (lambda y: pd.get_dummies(pd.Series(NAMES[y])), ("ant", "bee", "cow")),
        (lambda y: pd.Series(y).astype("Int64"), ("0", "1", "2")),
    ],
)
def test_labels_of_many_kinds_are_the_same(convert, classes):
    data = Dataset.from_arrays(BITS[:8], convert(LABELS[:8]), BITS[8:], convert(LABELS[8:]))
    assert data.train.labels.tolist() == LABELS[:8].tolist()
    assert data.test.labels.tolist() == LABELS[8:].tolist()
    assert data.classes == classes


def test_a_class_of_one_hot_labels_without_a_sample_is_kept():
    data = Dataset.from_arrays(BITS[:8], np.eye(5)[LABELS[:8]], BITS[8:], np.eye(5)[LABELS[8:]])
    assert data.classes == ("0", "1", "2", "3", "4")
    for labels in (np.eye(4)[LABELS[8:]], LABELS[8:]):
        with pytest.raises(ValueError, match="labels of train and test are of different kinds"):
            Dataset.from_arrays(BITS[:8], np.eye(5)[LABELS[:8]], BITS[8:], labels)
    with pytest.raises(ValueError, match=r"train: labels must be a vector \(n,\) or one-hot"):
        Dataset.from_arrays(BITS[:8], 2 * np.eye(5)[LABELS[:8]], BITS[8:], LABELS[8:])


def test_one_hot_columns_in_another_order_are_refused():
    train = pd.DataFrame({"cat": [1, 0], "dog": [0, 1]})
    test = train.iloc[::-1].reset_index(drop=True)
    labels, classes = numbered(train, test)
    assert [part.tolist() for part in labels] == [[0, 1], [1, 0]]
    assert classes == ("cat", "dog")
    for columns in (["dog", "cat"], ["cat", "cow"]):
        others = test.rename(columns={"dog": "cow"}) if "cow" in columns else test
        with pytest.raises(ValueError, match="one-hot columns of train and test differ") as caught:
            numbered(train, others[columns])
        text = str(caught.value)
        assert f"['cat', 'dog'] and {columns}: give both the same columns in the same order" in text
        assert "\n" not in text


@pytest.mark.parametrize(
    ("labels", "index", "value"),
    [
        (np.array([1.0, 2.0, np.nan], dtype=object), 2, "nan"),
        (np.array(["ant", None], dtype=object), 1, "None"),
        (["ant", np.nan], 1, "nan"),
        ([1, None], 1, "None"),
        (pd.Series(["ant", None], dtype="category"), 1, "nan"),
        (pd.Series(["ant", None], dtype="string"), 1, "<NA>"),
        (pd.to_datetime(["2020-01-01", None]), 1, "NaT"),
        ([1.0, np.nan], 1, "nan"),
        (pd.Series([1, None], dtype="Int64"), 1, "nan"),
        (np.array(["NaT", "2020-01-01"], dtype="M8[D]"), 0, "NaT"),
    ],
)
def test_a_missing_label_is_no_class(labels, index, value):
    for part, parts in (("train", (labels, [1, 2])), ("test", ([1, 2], labels))):
        reason = rf"^{part}: labels must not be missing, got ({value}) at \[{index}\b.*\]: leave such samples"
        with pytest.raises(ValueError, match=reason) as caught:
            numbered(*parts)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "labels", [np.ma.array(["ant", "bee"], mask=[0, 1]), ["ant", np.ma.masked]], ids=type
)
def test_a_masked_label_is_no_class(labels):
    with pytest.raises(ValueError, match=r"^train: labels must not be missing, got (a masked value|-- at)"):
        numbered(labels, ["ant"])


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="needs NumPy 2")
@pytest.mark.parametrize("missing", [np.nan, None])
def test_missing_text_of_any_length_is_no_class(missing):
    labels = np.array(["ant", "bee", missing], np.dtypes.StringDType(na_object=missing))
    with pytest.raises(ValueError, match=rf"labels must not be missing, got {missing} at \[2\]"):
        numbered(labels, ["ant"])
    assert numbered(labels[:2], ["ant"])[1] == ("ant", "bee")


MASKED = np.ma.array([[1, 0, 1], [0, 1, 0]], mask=[[0, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    "inputs",
    [
        MASKED,
        MASKED.astype(float),
        list(MASKED),
        MASKED.tolist(),
        [[1, 0, 1], [0, 1, np.ma.masked]],
        [[1, 0, 1], [0, 1, np.nan]],
        np.array([[1, 0, 1], [0, 1, None]], dtype=object),
        np.array([[True, False, True], [False, True, pd.NA]], dtype=object),
        pd.DataFrame(MASKED.tolist()).astype("Int64"),
        pd.DataFrame(MASKED.tolist()).astype("boolean"),
        pd.DataFrame(MASKED.tolist()).astype(pd.SparseDtype(float)),
        scipy.sparse.csr_matrix([[1, 0, 1], [0, 1, np.nan]]),
    ],
    ids=lambda inputs: type(inputs).__name__,
)
@pytest.mark.filterwarnings("ignore:Warning. converting a masked element to nan")
def test_a_missing_input_or_pixel_is_refused(inputs):
    whole = np.eye(2, 3, dtype=int)
    for make in (Dataset.from_arrays, Dataset.from_images):
        for parts, name in (
            ((inputs, [0, 1], whole, [0, 1]), "train"),
            ((whole, [0, 1], inputs, [1, 0]), "test"),
        ):
            with pytest.raises(ValueError, match=rf"{name}: \w+ must not be missing, got ") as caught:
                make(*parts)
            assert "\n" not in str(caught.value)
    for call in (
        lambda: Samples(inputs, [0, 1]),
        lambda: snnbp.predict(snnbp.Weights((2 * whole.T, 2 * whole)), inputs),
        lambda: snnbp.Weights((inputs, whole)),
    ):
        with pytest.raises(ValueError, match="must not be missing"):
            call()


@pytest.mark.parametrize(
    ("train", "test", "classes"),
    [
        (np.array([2**63 + 1, 2**63 + 3], np.uint64), np.array([-1], np.int64), (-1, 2**63 + 1, 2**63 + 3)),
        ([2**63 + 1, -1], [2**63 + 1], (-1, 2**63 + 1)),
        ([2**70, 2**70 + 1], [0.0], (0, 2**70, 2**70 + 1)),
        (np.array([2**53 + 1, 2**53]), [0.5], (0.5, 2**53, 2**53 + 1)),
        (
            np.array(["2020-01-01"], "M8[ns]"),
            np.array(["2020-01-02T12"], "M8[ns]"),
            ("2020-01-01", "2020-01-02T12:00"),
        ),
        (
            pd.to_datetime(["2020-01-01"]),
            pd.Series(pd.to_datetime(["2020-02-01"])),
            ("2020-01-01", "2020-02-01"),
        ),
        (np.array([1], "m8[D]"), np.array([2], "m8[D]"), ("1 days", "2 days")),
        (pd.Series([(1, 2), (0, 1)]), pd.Series([(1, 2)]), ("(0, 1)", "(1, 2)")),
        (pd.cut([1, 5, 9], [0, 4, 8, 12]), pd.cut([1], [0, 4, 8, 12]), ("(0, 4]", "(4, 8]", "(8, 12]")),
        (
            np.array([np.datetime64("2020-01-02T03", "ns")], object),
            np.array(["2020"], "M8[ns]"),
            ("2020-01-01", "2020-01-02T03:00"),
        ),
        ([Item(1), Item(2)], [Item(2)], (1, 2)),
    ],
)
def test_parts_that_are_joined_keep_every_value_and_name(train, test, classes):
    labels, names = numbered(train, test)
    assert names == tuple(map(str, classes))
    assert len(labels[0]) == len(train)
    assert {n for part in labels for n in part} == set(range(len(classes)))


def test_rows_and_columns_of_data_frames_are_joined_by_name_or_refused():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(BITS[:8, :5], columns=list("abcde"))
    labels = pd.Series(LABELS[:8])
    expected = Dataset.from_arrays(frame.to_numpy(), labels.to_numpy(), ~frame.to_numpy(), labels).digest
    assert Dataset.from_arrays(frame, labels, ~frame, labels).digest == expected
    order = rng.permutation(8)
    mixed = frame.iloc[order], labels.iloc[order]
    Dataset.from_arrays(*mixed, ~frame, labels)
    for make in (Dataset.from_arrays, Dataset.from_images):
        for other in (frame[list("edcba")], frame.rename(columns={"e": "f"}), frame[list("abcd")]):
            with pytest.raises(ValueError, match="the input columns of train and test differ") as caught:
                make(frame, labels, other, labels)
            assert "\n" not in str(caught.value)
        for x, y in ((mixed[0], labels), (frame, mixed[1]), (mixed[0], pd.get_dummies(labels))):
            with pytest.raises(ValueError, match="train: inputs and labels have different indices") as caught:
                make(x, y, ~frame, labels)
            with pytest.raises(ValueError, match="test: inputs and labels have different indices"):
                make(~frame, labels, x, y)
            with pytest.raises(ValueError, match="samples: inputs and labels have different indices"):
                Samples(x, y)
    text = str(caught.value)
    assert "labels.loc[inputs.index]" in text
    joined = labels.loc[mixed[0].index]
    Dataset.from_arrays(mixed[0], joined, ~frame, labels)


class Table:
    """Arrow's: `columns` are not the names."""

    def __init__(self, frame):
        self.column_names, self.frame = list(frame), frame
        self.columns = [frame[name].to_numpy() for name in frame]

    def __array__(self, dtype=None, copy=None):
        return self.frame.to_numpy()


def test_columns_of_arrow_tables_are_joined_by_name_or_refused():
    frame = pd.get_dummies(pd.Series(NAMES[LABELS[:8]]))
    tables = Table(frame), Table(frame[["bee", "ant", "cow"]])
    assert Dataset.from_arrays(BITS[:8], tables[0], ~BITS[:8], tables[0]).classes == tuple(NAMES)
    with pytest.raises(
        ValueError, match="the input columns of train and test differ, \\['ant', 'bee', 'cow'\\]"
    ):
        Dataset.from_arrays(tables[0], LABELS[:8], tables[1], LABELS[:8])


class Refusing(Tensor):
    """A tensor that has no data (meta), or rows of different lengths (nested)."""

    def detach(self):
        return self

    def cpu(self):
        raise NotImplementedError("Cannot copy out of meta tensor; no data!\nat line 1")


class Negative(Tensor):
    """A tensor that is stored with the other sign: no array before `resolve_neg`."""

    def detach(self):
        return self

    cpu = detach

    def resolve_neg(self):
        return -self.values

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that has negative bit set.")


def test_tensors_without_plain_values():
    labels = LABELS[:8]
    made = Dataset.from_arrays(Negative(-BITS[:8].astype(int)), labels, ~BITS[:8], Negative(-labels))
    assert made.digest == Dataset.from_arrays(BITS[:8], labels, ~BITS[:8], labels).digest
    for call in (
        lambda: Dataset.from_arrays(Refusing(BITS[:8]), labels, ~BITS[:8], labels),
        lambda: Dataset.from_arrays(BITS[:8], Refusing(labels), ~BITS[:8], labels),
        lambda: Dataset.from_images(Refusing(IMAGES[:8]), labels, ~IMAGES[:8], labels),
    ):
        with pytest.raises(
            ValueError, match=r"train: .* must be an array: Cannot copy out of meta tensor"
        ) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("train", "test", "kinds"),
    [
        ([0, 1, 2], ["a", "b", "c"], "numbers and text"),
        ([True, False], ["True"], "text and truth values"),
        ([True, False], [1, 0], "numbers and truth values"),
        ([1, "a"], ["a"], "numbers and text"),
        (pd.DataFrame({"label": [1, "a"]}), ["a"], "numbers and text"),
        (["a"], [b"a"], "bytes and text"),
        (np.array(["2020-01-01"], dtype="M8[D]"), ["2020-01-01"], r"datetime64\[D\] and text"),
        (np.array(["2020-01-01"], dtype="M8[D]"), [1], r"datetime64\[D\] and numbers"),
        (
            np.array(["1600-01-01"], dtype="M8[D]"),
            np.array(["2184-07-20T23:34:33.709551616"], dtype="M8[ns]"),  # equal, if days become nanoseconds
            r"datetime64\[D\] and datetime64\[ns\]",
        ),
    ],
)
def test_numbers_and_text_are_not_mixed(train, test, kinds):
    reason = f"one kind, got {kinds}: convert them all to integers, or all to text"
    with pytest.raises(ValueError, match=reason) as caught:
        numbered(train, test)
    assert "\n" not in str(caught.value)


def test_labels_that_cannot_be_sorted_are_refused():
    with pytest.raises(ValueError, match="labels must be of one type that can be sorted: '<'"):
        numbered([1j], [2j])


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([1, 2], [2.0, 1.0]),
        (np.array([1, 2], dtype=object), [2.0, 1.0]),
        ([1, 2], np.array([2.0, 1.0], dtype=object)),
        ([1, 2], pd.Series([2, 1], dtype="Int64")),
    ],
)
def test_integers_and_whole_floats_are_the_same_labels(train, test):
    labels, classes = numbered(train, test)
    assert [part.tolist() for part in labels] == [[0, 1], [1, 0]]
    assert classes == ("1", "2")


def test_infinite_and_huge_labels():
    with pytest.raises(ValueError, match="train: labels have the value inf"):
        numbered([1.0, np.inf], [1.0])
    assert numbered([1e300, 2.0], [2.0])[1] == ("2.0", "1e+300")


def test_no_image_and_one_image():
    one, label = IMAGES[:1], LABELS[:1]
    with pytest.warns(UserWarning, match=r"no training sample has, \['1', '2'\]: they cannot be") as warned:
        assert len(Dataset.from_images(one, label, IMAGES[1:], LABELS[1:]).train) == 1
    assert warned[0].filename == __file__
    for arguments, reason in (
        ((one[0], label, IMAGES, LABELS), r"train: a single image must have the shape \(1, rows, columns\)"),
        ((IMAGES, LABELS, one[0], label), "test: a single image must have the shape"),
        ((IMAGES[:0], LABELS[:0], IMAGES, LABELS), "train: there is no image"),
        ((IMAGES, LABELS, [], []), "test: there is no image"),
        (([], [], IMAGES, list("abc" * 4)), "train: there is no image"),
        ((IMAGES, LABELS[:3], one, label), "train: the number of samples, 12, is not that of labels, 3"),
    ):
        with pytest.raises(ValueError, match=reason) as caught:
            Dataset.from_images(*arguments)
        assert "\n" not in str(caught.value)


def test_images_that_tell_nothing_are_worth_a_warning():
    images = IMAGES.copy()
    images[2], images[5] = 7, 255
    with pytest.warns(UserWarning, match="train: 2 of 8 images have all inputs on, or none") as caught:
        from_images(images)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="test: 4 of 4 images"):
        Dataset.from_images(IMAGES[:8], LABELS[:8], 0 * IMAGES[8:], LABELS[8:])


def test_train_and_test_of_different_scale_are_refused():
    for scaled in (IMAGES / 255, IMAGES > 99, IMAGES // 200):
        with pytest.raises(ValueError, match=r"pixels up to 255, test up to \S+: give both the same scale"):
            Dataset.from_images(IMAGES[:8], LABELS[:8], scaled[8:], LABELS[8:])
        with pytest.raises(ValueError, match=r"pixels up to \S+, test up to \d+: give both the same scale"):
            Dataset.from_images(scaled[:8], LABELS[:8], IMAGES[8:], LABELS[8:])


def test_a_crop_is_the_inside_and_shifts_move_over_the_original():
    data = from_images(crop=2)
    assert data.image_shape == (5, 4)
    on = IMAGES >= 129
    np.testing.assert_array_equal(data.train.inputs, on[:8, 2:-2, 2:-2].reshape(8, -1))
    np.testing.assert_array_equal(data.code(framed_images(data)), on[:8, 1:-1, 1:-1].reshape(8, -1))
    assert from_images(crop=0).digest == from_images().digest
    for crop, reason in ((4, "leaves nothing of images of 9x8 pixels"), (-1, "leaves"), (0.5, "an integer")):
        with pytest.raises(ValueError, match=reason):
            from_images(crop=crop)
    with pytest.raises(ValueError, match=r"crop needs images \(n, rows, columns\)"):
        from_images(IMAGES.reshape(12, 72), crop=1)


def test_torch_is_not_imported():
    code = "import sys, numpy as np; from snnbp import Dataset; x = np.eye(4); y = [0, 1, 0, 1]; "
    code += "Dataset.from_arrays(x, y, 1 - x, y); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "scipy"} & set(done.stdout.split())
