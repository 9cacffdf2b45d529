"""Fixtures, and what becomes of tests where the published data cannot be had."""

import functools
import os
import tempfile
from pathlib import Path

import pytest

from snnbp.datasets import Dataset, DataUnavailable, load_dataset
from snnbp.provenance import PROFILES
from snnbp.reproduce import needed_data, not_here

# Re-executed notebooks, and everything that tests start, must leave the evidence in figures/ alone.
os.environ["SNNBP_OUTPUT"] = tempfile.mkdtemp(prefix="snnbp-test-")


@functools.cache
def _load(name: str) -> Dataset | str:
    try:
        return load_dataset(name)
    except DataUnavailable:
        return f"{name} cannot be had here"


def _data_or_skip(name: str) -> Dataset:
    data = _load(name)
    if isinstance(data, str):
        pytest.skip(data)
    return data


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return _data_or_skip("mnist")


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    return _data_or_skip("fashion-mnist")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks are compared with results on the paper's data; without it there is nothing to compare."""
    for item in items:
        if item.path.suffix == ".ipynb":
            notebook = Path(item.path).stem
            if reason := not_here(notebook):
                item.add_marker(pytest.mark.skip(reason=f"{notebook}: {reason}"))
            for name in needed_data(PROFILES["paper"][notebook]):
                if isinstance(data := _load(name), str):
                    item.add_marker(pytest.mark.skip(reason=data))
