"""The package as a user meets it: names, documentation, what is loaded when, the wheel, the lock file."""

import inspect
import os
import pydoc
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from numpydoc.docscrape import FunctionDoc

import snnbp

ROOT = Path(__file__).parents[1]
NAMES = [name for name in snnbp.__all__ if name not in ("__version__", "backends", "interop")]


def loaded_by(code):
    listing = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_nothing_heavy_is_loaded_unasked():
    heavy = {"numba", "pandas", "matplotlib", "pydantic", "numpy", "importlib.metadata"}
    assert not loaded_by("import snnbp; dir(snnbp); snnbp.__version__") & heavy
    everything = "import snnbp; [getattr(snnbp, name) for name in snnbp.__all__]; snnbp.backends()"
    unasked = {"lava", "ipywidgets", "anywidget", "papermill", "matplotlib", "pandas", "pooch", "snnbp.paper"}
    assert not loaded_by(everything) & unasked


def test_the_layers_contract_is_kept():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Names


def test_public_names_are_listed():
    assert dir(snnbp) == sorted(snnbp.__all__)
    assert {"Config", "Dataset", "Run", "Weights", "backends", "load_dataset", "sweep", "trace", "train"} < {
        *dir(snnbp)
    }
    for name in NAMES:
        assert re.search(rf"\b{name}\b", snnbp.__doc__), name
    assert snnbp.__doc__.count("\n") < 24  # the first screen of help(snnbp)
    text = pydoc.plain(pydoc.render_doc(snnbp))
    for name in NAMES:
        assert re.search(rf"^ +(class )?{name}\b", text, re.MULTILINE), name
    assert re.fullmatch(r"\d+\.\d+\.\d+", snnbp.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        snnbp.nonsense  # noqa: B018


def test_the_names_for_type_checkers_are_the_same():
    """They stand in __init__.py twice: imported for tools that read it, and in a table for Python."""
    source = Path(snnbp.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"(\w+) as \1\b", source)) == {*NAMES, "backends", "interop"}
    assert Path(snnbp.__file__).with_name("py.typed").exists()


def test_backends_is_a_list_and_a_package():
    assert snnbp.backends() == ("reference", "fused", "spiking", "lava")
    assert snnbp.backends.names() == snnbp.backends()


# Documentation


def described():
    """Every public function, class and method."""
    for name in NAMES:
        public = getattr(snnbp, name)
        yield name, public
        if inspect.isclass(public) and public.__module__.startswith("snnbp"):
            for member, value in vars(public).items():
                if not member.startswith("_") and callable(value := getattr(value, "__func__", value)):
                    yield f"{name}.{member}", value


DESCRIBED = dict(described())


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_documentation_names_what_the_signature_has(name):
    public = DESCRIBED[name]
    assert public.__doc__, "no documentation"
    documented = FunctionDoc(public)
    summary = " ".join(documented["Summary"])
    assert summary
    assert summary.endswith((".", ":")), summary
    if inspect.isclass(public) and issubclass(public, Exception) and public.__init__ is OSError.__init__:
        return
    signature = inspect.signature(public)
    expected = [
        parameter for parameter in signature.parameters if parameter not in ("self", "cls", "update", "deep")
    ]
    found = [
        part.strip().lstrip("*")
        for section in ("Parameters", "Attributes")
        for parameter in documented[section]
        for part in parameter.name.split(",")
    ]
    if found or "." not in name:  # a method may do with a sentence
        assert sorted(found) == sorted(expected)
    for parameter in documented["Parameters"]:
        assert parameter.type, f"{parameter.name} has no type"
    if "." not in name and not inspect.isclass(public) and signature.return_annotation not in (None, "None"):
        assert documented["Returns"] or documented["Yields"], "no section Returns"


# The wheel

PROGRAM = """
import sys
from pathlib import Path

import snnbp
from snnbp import plots

assert Path(snnbp.__file__).is_relative_to(sys.prefix), snnbp.__file__
data = snnbp.load_dataset("digits")
data = snnbp.Dataset(data.train[:200], data.test[:50], classes=data.classes)
run = snnbp.train(data, snnbp.Config(hidden=20, epochs=2), progress=False)
run.save("run.npz")
assert snnbp.Run.load("run.npz").digest == run.digest
trace = snnbp.trace(run.weights, data.train[:2])
assert trace.spikes["h1"].shape == (2, 12, 20)
Path("curves.png").write_bytes(plots.to_png(plots.learning_curves([run.history])))
Path("circuit.png").write_bytes(plots.to_png(plots.conceptual_circuit(trace.circuit)))
print(run.digest)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_what_the_wheel_contains(wheel):
    assert wheel.name == f"snnbp-{snnbp.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < 1 << 20
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "snnbp").rglob("*") if path.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    assert {"snnbp/py.typed", "snnbp/training/digits.csv.gz", "snnbp/paper/claims.toml"} < package
    assert package <= names
    assert all(name.startswith(("snnbp/", "snnbp-")) for name in names)


def test_the_wheel_works_without_the_checkout(wheel, digits, tmp_path):
    """In an environment of its own that sees the other packages, from an empty folder."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", "-q", wheel], capture_output=True, check=True)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (site,) = (path.parent for path in (tmp_path / "venv").rglob("site-packages/snnbp"))
    (site / "others.pth").write_text("\n".join(packages), encoding="utf-8")
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "home").mkdir()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SNNBP"))
    }
    environment |= {"HOME": str(tmp_path / "home")}

    def run(*words):
        done = subprocess.run(
            [python, *words], cwd=empty, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    small = snnbp.Dataset(digits.train[:200], digits.test[:50], classes=digits.classes)
    here = snnbp.train(small, snnbp.Config(hidden=20, epochs=2), progress=False)
    assert run("-W", "error", "-c", PROGRAM).split() == [here.digest]
    assert {path.name for path in empty.iterdir()} == {"run.npz", "curves.png", "circuit.png"}
    assert (empty / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "usage" in run("-m", "snnbp", "--help").lower()
    assert run("-m", "snnbp", "--version").strip() == snnbp.__version__
    run("-m", "snnbp", "bundle", "bundle", "--hidden", "8", "--epochs", "1")
    assert (empty / "bundle" / "README.md").exists()


# The lock file


def test_the_lock_file_is_hashed_universal_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "index" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    for package in (
        "jupyterlab",
        "papermill",
        "lava-nc",
        "numpy",
        "numba",
        "matplotlib",
        "anywidget",
        "pydantic",
    ):
        assert any(entry.startswith(f"{package}==") for entry in entries), package
