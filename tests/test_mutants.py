"""Faults put in by hand: for each, the tests named beside it must fail."""

import shutil
import subprocess
import sys

import pytest

from snnbp.paper import ROOT

CURVES = "plots/test_plots.py::test_accuracy_curves_draw_each_run_and_the_mean"
MEANS = "plots/test_plots.py::test_against_depth_joins_the_means_of_the_seeds"
BARS = "plots/test_plots.py::test_bars_stand_on_one_another"
FAULTS = {  # (file in snnbp/, tests that notice it): what the file says, and what the fault says
    ("circuit/loihi.py", "circuit/test_circuit.py"): {
        "threshold - BIAS - inhibition": "threshold - BIAS + inhibition",
    },
    ("circuit/loihi.py", "circuit/test_weights.py"): {
        "WEIGHT_MIN = -256": "WEIGHT_MIN = -254",
        "INITIAL_LIMIT = 240": "INITIAL_LIMIT = 242",
    },
    ("circuit/schedule.py", "circuit/test_circuit.py"): {
        "potentiate={2: 5, 1: 7}": "potentiate={2: 5, 1: 8}",
        "{0: 1, 1: 2, 8: 2}": "{0: 1, 1: 2}",
    },
    ("circuit/wires.py", "circuit/test_circuit.py"): {
        '"o_copy2", ["d-"], -spike': '"o_copy2", ["d-"], spike',
        "arrives - leaves - 1": "arrives - leaves",
    },
    ("circuit/gating.py", "circuit/test_circuit.py"): {
        "half if share <= 1 / 2 else 0": "half if share < 1 / 2 else 0",
    },
    ("backends/base.py", "backends/test_overdriven.py"): {
        "top = SUM_LIMIT - 1 + BIAS": "top = SUM_LIMIT + BIAS",
        "Range(BIAS - threshold - SUM": "Range(-SUM",
        "low + gate < -SUM_LIMIT": "low < -SUM_LIMIT",
        "high + gate >= SUM_LIMIT": "high + gate > SUM_LIMIT",
    },
    ("backends/bounds.py", "backends/test_overdriven.py"): {
        "zip(spikes[2:], feedback": "zip(spikes[2:], [w.T for w in after[1:]]",
        "if learner.replays_between else after": "if False else after",
    },
    ("backends/reference.py", "backends/test_gradient.py"): {
        "(potential > 0)": "(potential >= 0)",
    },
    ("backends/reference.py", "backends/test_equality.py"): {
        "if rule.updates_first:": "if True:",
    },
    ("backends/rule.py", "backends/test_equality.py"): {
        "else self.threshold - 1": "else self.threshold",
    },
    ("backends/fused/kernel.py", "backends/test_equality.py"): {
        "n_plus += inside and up[j] > 0": "n_plus += up[j] > 0",
    },
    ("backends/spiking/stepper.py", "backends/test_simulator.py"): {
        "step > silent_until[j]": "step >= silent_until[j]",
    },
    ("training/metrics.py", "training/test_training.py"): {
        "tied=int((spikes > 1)": "tied=int((spikes >= 1)",
        "inv_cdf((1 + level) / 2)": "inv_cdf(level)",
    },
    ("training/summary.py", "training/test_table.py"): {
        "values.std()": "values.std(ddof=0)",
        "run.collapsed or other.collapsed": "run.collapsed",
    },
    ("training/shift.py", "training/test_shift.py"): {
        "top, left = divmod(k, 3)": "left, top = divmod(k, 3)",
    },
    ("training/images.py", "training/test_contrast.py"): {
        "right > threshold": "right >= threshold",
    },
    ("training/images.py", "training/test_data.py"): {
        "pixels / 255 * 256": "pixels",
    },
    ("training/feedback.py", "backends/test_variants.py"): {
        "PCG64([config.seed, 2])": "PCG64([config.seed, 1])",
    },
    ("training/energy.py", "training/test_energy.py"): {
        "ceil(total / CORE": "int(total / CORE",
        "fired[p.pre] * sizes[p.post]": "fired[p.post] * sizes[p.pre]",
    },
    ("training/sweep.py", "training/test_sweep.py"): {
        "run.version == __version__ and": "",
    },
    ("paper/claims.py", "paper/test_claims.py"): {
        "all(round(": "any(round(",
        "2 * math.hypot": "2.04 * math.hypot",
        "spread = stdev(kept)": "spread = stdev(kept) / 2",
        "level: float = 0.95": "level: float = 0.94",
        "mean_interval(values, 0.9)": "mean_interval(values, 0.88)",
        "(HIGHER, LOWER)": "(LOWER, HIGHER)",
        ' or field(record, "profile") != "paper"': "",
        "(REPRODUCED, HIGHER, LOWER, NO_DIFFERENCE)": "(REPRODUCED,)",
    },
    ("paper/verdict.py", "paper/test_claims.py"): {
        "if not v.claim.repeats:": "if True:",
    },
    ("plots/curves.py", CURVES): {
        "[:, -1].mean()": "[:, -1].max()",
        "runs.mean(axis=0), linewidth": "runs.max(axis=0), linewidth",
    },
    ("plots/distributions.py", MEANS): {
        "ddof=min(1, values.size - 1)": "ddof=0",
    },
    ("plots/energy.py", BARS): {
        "bottom = bottom + heights": "bottom = heights",
    },
    ("interop/nir.py", "interop/test_nir.py"): {
        "weights.threshold // 2 | 1": "weights.threshold // 2",
        "4 * int(max(bounds) // 2)": "2 * int(max(bounds) // 2)",
    },
    ("checks.py", "training/test_inputs.py"): {
        "not named[0].equals(named[1])": "False",
    },
    ("checks.py", "training/test_data.py"): {
        "(numbers >= stop)": "(numbers > stop)",
    },
    ("files.py", "test_files.py"): {
        "if _lock(partial, stack):": "if True:",
    },
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A checkout whose package and tests are its own."""
    folder = tmp_path_factory.mktemp("mutants")
    for path in ROOT.iterdir():
        if path.name in ("snnbp", "tests"):
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.suffix in (".py", ".toml"):
            shutil.copy(path, folder)
        elif path.name not in (".git", ".venv", "build"):
            (folder / path.name).symlink_to(path)
    return folder


def outcome(copy, *tests):
    """Run tests in a checkout, without leaving bytecode of a fault behind."""
    command = [sys.executable, "-B", *["-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]]
    command += [f"tests/{name}" for name in tests]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)


def test_without_a_fault_the_tests_pass(copy):
    done = outcome(copy, *dict.fromkeys(tests for _, tests in FAULTS))
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(
    ("file", "tests", "old", "new"), [(*key, *fault) for key in FAULTS for fault in FAULTS[key].items()]
)
def test_a_fault_is_noticed(copy, file, tests, old, new):
    path = copy / "snnbp" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1
    path.write_text(source.replace(old, new), encoding="utf-8")
    try:
        done = outcome(copy, tests)
    finally:
        path.write_text(source, encoding="utf-8")
    assert done.returncode in (1, 2), done.stdout[-2000:]  # 2: a module fails to load
