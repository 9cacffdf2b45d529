"""Fixtures; skips tests whose data is missing; keeps re-executed notebooks away from figures/."""

import functools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from filelock import FileLock

from snnbp.paper import ROOT, settings
from snnbp.paper.pipeline import needed_data, why_unavailable
from snnbp.training.data import Dataset, load_dataset
from snnbp.training.sources import DataUnavailable

# Restore SIGINT (background shells ignore it); tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# nbval reads a cell's messages after the cell. On a slow machine progress bars could send more than the queue
# holds, a thousand, and the last message, that the cell is done, would be lost.
os.environ["TQDM_MININTERVAL"] = "5"

CHROMIUM = Path("/usr/bin/chromium")
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OUTPUT = Path(tempfile.mkdtemp(prefix="snnbp-test-"))
os.environ["SNNBP_OUTPUT"] = str(OUTPUT)
# Files of more than a minute come first: the last ones to end then leave no core idle for long.
LONG = (
    "05_fashion_mnist",
    "12_beyond",
    "test_pipeline",
    "test_check",
    "test_campaign",
    "test_mutants",
    "06_lava",
    "test_lava",
    "test_site",
    "test_playground_page",
    "test_notebooks",
    "test_compiled",
    "test_explorer_browser",
    "14_proof",
    "test_proof",
    "04_mnist",
    "13_feedback",
)


# What takes minutes, and what notices the same faults without it.
MINUTES = {
    "05_fashion_mnist": "--check repeats its runs, tests replay the published simulation",
    "06_lava": "test_lava",
    "12_beyond": "--check repeats its runs",
    "14_proof": "test_proof",
    "test_campaign": "the unit tests of what it damages and kills",
    "test_mutants": "nothing: it tests the tests",
    "test_site": "test_playground_page, test_howto",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also what takes minutes")


def pytest_configure() -> None:
    """Notebooks find what others have written."""
    for results in (ROOT / "figures", ROOT / "benchmarks" / "results"):
        shutil.copytree(results, OUTPUT, dirs_exist_ok=True)


def pytest_unconfigure() -> None:
    shutil.rmtree(OUTPUT, ignore_errors=True)


@functools.cache
def _load(name: str) -> Dataset | str:
    try:
        return load_dataset(name)
    except DataUnavailable:
        return f"{name} not found"


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
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    for item in items:
        slow = item.path.stem in MINUTES or item.get_closest_marker("minutes")
        if slow and not config.getoption("--full"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: ./reproduce.sh test --full"))
        if item.path.suffix == ".ipynb":
            notebook = item.path.stem
            if reason := why_unavailable(notebook):
                item.add_marker(pytest.mark.skip(reason=f"{notebook}: {reason}"))
            for name in needed_data(settings.notebooks()[notebook].parameters):
                if isinstance(data := _load(name), str):
                    item.add_marker(pytest.mark.skip(reason=data))


@pytest.fixture(scope="session")
def site_builder() -> ModuleType:
    """The module that builds the documentation site."""
    spec = spec_from_file_location("site_builder", ROOT / "docs" / "site" / "build.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if missing := module.missing_packages():
        pytest.skip(f"no site without {', '.join(missing)}")
    return module


@pytest.fixture(scope="session")
def site(site_builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation site, as `./reproduce.sh docs` builds it: once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "docs" / "site"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_name("lock")):
        if not folder.with_name("built").exists():
            site_builder.build(folder)
            folder.with_name("built").touch()
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser tests without playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=BROWSER_FLAGS, timeout=120_000)
        yield browser
        browser.close()
