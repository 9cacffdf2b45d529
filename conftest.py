"""Fixtures, and what becomes of tests where the published data cannot be had."""

import functools
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from snnbp.training.data import Dataset, DataUnavailable, load_dataset
from snnbp.paper.results import PROFILES, ROOT
from snnbp.paper.pipeline import needed_data, not_here

# A shell that starts tests in the background has them ignore Ctrl-C, and all that they start: tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Re-executed notebooks, and everything that tests start, must leave the evidence in figures/ alone.
os.environ["SNNBP_OUTPUT"] = tempfile.mkdtemp(prefix="snnbp-test-")
FULL_SECONDS = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="repeat stored runs, too")


def pytest_configure(config: pytest.Config) -> None:
    """Notebooks find what others have written; without --full, 09_beyond finds its runs of many minutes."""
    for path in (ROOT / "figures").glob("*.json*"):
        if path.suffix == ".json" or not config.getoption("--full"):
            shutil.copy(path, os.environ["SNNBP_OUTPUT"])
    if config.getoption("--full"):
        config.option.nbval_cell_timeout = FULL_SECONDS


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Notebooks are compared with results on the paper's data; without it there is nothing to compare."""
    for item in items:
        if item.path.suffix == ".ipynb":
            if config.getoption("--full"):
                item.add_marker(pytest.mark.timeout(FULL_SECONDS))
            notebook = Path(item.path).stem
            if reason := not_here(notebook):
                item.add_marker(pytest.mark.skip(reason=f"{notebook}: {reason}"))
            for name in needed_data(PROFILES["paper"][notebook]):
                if isinstance(data := _load(name), str):
                    item.add_marker(pytest.mark.skip(reason=data))
