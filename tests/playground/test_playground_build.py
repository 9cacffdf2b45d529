"""What build.py writes: images as bits, with or without MNIST's files."""

import hashlib
import json
import runpy

import numpy as np
import pytest

import snnbp
from snnbp.paper import ROOT
from snnbp.training.sources import DataUnavailable

BUILD = ROOT / "docs" / "playground" / "build.py"


def sets_of(folder):
    return json.loads((folder / "sets.json").read_text(encoding="utf-8"))


def test_playground_packs_each_image_into_whole_bytes(built):
    for packed in sets_of(built):
        data, width = snnbp.load_dataset(packed["name"]), -(-np.prod(packed["shape"]) // 8)
        for split in ("train", "test"):
            images, labels = [], []
            for part in packed["parts"]:
                if part["split"] == split:
                    content = (built / part["file"]).read_bytes()
                    assert hashlib.sha256(content).hexdigest() == part["sha256"]
                    content = np.frombuffer(content, np.uint8)
                    images.append(content[: part["n"] * width].reshape(-1, width))
                    labels.append(content[part["n"] * width :])
            samples = getattr(data, split)
            count = samples.inputs.shape[1]
            assert np.array_equal(np.unpackbits(np.concatenate(images), axis=1, count=count), samples.inputs)
            assert np.array_equal(np.concatenate(labels), samples.labels)


@pytest.fixture
def without_mnist(monkeypatch):
    load = snnbp.load_dataset

    def unavailable(name):
        if name == "mnist":
            raise DataUnavailable("mnist not found")
        return load(name)

    monkeypatch.setattr(snnbp, "load_dataset", unavailable)


def test_playground_without_mnist_has_the_digits(without_mnist, tmp_path, capsys):
    runpy.run_path(str(BUILD))["build"](tmp_path)
    assert [each["name"] for each in sets_of(tmp_path)] == ["digits"]
    assert "mnist not found: the page is built with the 8x8 digits only" in capsys.readouterr().out
    assert not list(tmp_path.glob("mnist-*"))
    assert (tmp_path / "index.html").exists()
    assert (tmp_path / "playground.html").exists()
