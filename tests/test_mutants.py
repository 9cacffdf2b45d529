"""Faults put in by hand: for each, the tests named beside it must fail."""

import shutil
import subprocess
import sys

import pytest

from snnbp.paper import ROOT

CURVES = "plots/test_plots.py::test_accuracy_curves_draw_each_run_and_the_mean"
MEANS = "plots/test_plots.py::test_against_depth_joins_the_means_of_the_seeds"
BARS = "plots/test_plots.py::test_bars_stand_on_one_another"
MUTANTS = [  # file in snnbp/, what it says, what the fault says, tests that notice it
    (
        "circuit/loihi.py",
        "threshold - BIAS - inhibition",
        "threshold - BIAS + inhibition",
        "circuit/test_circuit.py",
    ),
    ("circuit/loihi.py", "WEIGHT_MIN = -256", "WEIGHT_MIN = -254", "circuit/test_weights.py"),
    ("circuit/loihi.py", "INITIAL_LIMIT = 240", "INITIAL_LIMIT = 242", "circuit/test_weights.py"),
    ("circuit/schedule.py", "potentiate={2: 5, 1: 7}", "potentiate={2: 5, 1: 8}", "circuit/test_circuit.py"),
    ("circuit/schedule.py", "{0: 1, 1: 2, 8: 2}", "{0: 1, 1: 2}", "circuit/test_circuit.py"),
    ("circuit/wires.py", '"o_copy2", ["d-"], -spike', '"o_copy2", ["d-"], spike', "circuit/test_circuit.py"),
    ("circuit/wires.py", "arrives - leaves - 1", "arrives - leaves", "circuit/test_circuit.py"),
    (
        "circuit/gating.py",
        "half if share <= 1 / 2 else 0",
        "half if share < 1 / 2 else 0",
        "circuit/test_circuit.py",
    ),
    (
        "backends/base.py",
        "top = SUM_LIMIT - 1 + BIAS",
        "top = SUM_LIMIT + BIAS",
        "backends/test_overdriven.py",
    ),
    ("backends/base.py", "Range(BIAS - threshold - SUM", "Range(-SUM", "backends/test_overdriven.py"),
    ("backends/base.py", "low + gate < -SUM_LIMIT", "low < -SUM_LIMIT", "backends/test_overdriven.py"),
    (
        "backends/base.py",
        "high + gate >= SUM_LIMIT",
        "high + gate > SUM_LIMIT",
        "backends/test_overdriven.py",
    ),
    (
        "backends/bounds.py",
        "zip(spikes[2:], feedback",
        "zip(spikes[2:], [w.T for w in after[1:]]",
        "backends/test_overdriven.py",
    ),
    (
        "backends/bounds.py",
        "if learner.replays_between else after",
        "if False else after",
        "backends/test_overdriven.py",
    ),
    ("backends/reference.py", "(potential > 0)", "(potential >= 0)", "backends/test_gradient.py"),
    ("backends/reference.py", "if rule.updates_first:", "if True:", "backends/test_equality.py"),
    ("backends/rule.py", "else self.threshold - 1", "else self.threshold", "backends/test_equality.py"),
    (
        "backends/fused/kernel.py",
        "n_plus += inside and up[j] > 0",
        "n_plus += up[j] > 0",
        "backends/test_equality.py",
    ),
    (
        "backends/spiking/stepper.py",
        "step > silent_until[j]",
        "step >= silent_until[j]",
        "backends/test_simulator.py",
    ),
    ("training/metrics.py", "tied=int((spikes > 1)", "tied=int((spikes >= 1)", "training/test_training.py"),
    ("training/metrics.py", "inv_cdf((1 + level) / 2)", "inv_cdf(level)", "training/test_training.py"),
    ("training/summary.py", "values.std()", "values.std(ddof=0)", "training/test_table.py"),
    ("training/summary.py", "run.collapsed or other.collapsed", "run.collapsed", "training/test_table.py"),
    ("training/shift.py", "top, left = divmod(k, 3)", "left, top = divmod(k, 3)", "training/test_shift.py"),
    ("training/images.py", "right > threshold", "right >= threshold", "training/test_contrast.py"),
    ("training/images.py", "pixels / 255 * 256", "pixels", "training/test_data.py"),
    (
        "training/feedback.py",
        "PCG64([config.seed, 2])",
        "PCG64([config.seed, 1])",
        "backends/test_variants.py",
    ),
    ("training/energy.py", "ceil(total / CORE", "int(total / CORE", "training/test_energy.py"),
    (
        "training/energy.py",
        "fired[p.pre] * sizes[p.post]",
        "fired[p.post] * sizes[p.pre]",
        "training/test_energy.py",
    ),
    ("training/sweep.py", "run.version == __version__ and", "", "training/test_sweep.py"),
    ("paper/claims.py", "all(round(", "any(round(", "paper/test_claims.py"),
    ("paper/claims.py", "2 * math.hypot", "2.04 * math.hypot", "paper/test_claims.py"),
    ("paper/claims.py", "spread = stdev(kept)", "spread = stdev(kept) / 2", "paper/test_claims.py"),
    ("paper/claims.py", "level: float = 0.95", "level: float = 0.94", "paper/test_claims.py"),
    ("paper/claims.py", "mean_interval(values, 0.9)", "mean_interval(values, 0.88)", "paper/test_claims.py"),
    ("paper/claims.py", "(HIGHER, LOWER)", "(LOWER, HIGHER)", "paper/test_claims.py"),
    ("paper/claims.py", ' or field(record, "profile") != "paper"', "", "paper/test_claims.py"),
    (
        "paper/claims.py",
        "(REPRODUCED, HIGHER, LOWER, NO_DIFFERENCE)",
        "(REPRODUCED,)",
        "paper/test_claims.py",
    ),
    ("paper/verdict.py", "if not v.claim.repeats:", "if True:", "paper/test_claims.py"),
    ("plots/curves.py", "[:, -1].mean()", "[:, -1].max()", CURVES),
    ("plots/curves.py", "runs.mean(axis=0), linewidth", "runs.max(axis=0), linewidth", CURVES),
    (
        "plots/distributions.py",
        "ddof=min(1, values.size - 1)",
        "ddof=0",
        MEANS,
    ),
    (
        "plots/energy.py",
        "bottom = bottom + heights",
        "bottom = heights",
        BARS,
    ),
    ("interop/nir.py", "weights.threshold // 2 | 1", "weights.threshold // 2", "interop/test_nir.py"),
    ("interop/nir.py", "4 * int(max(bounds) // 2)", "2 * int(max(bounds) // 2)", "interop/test_nir.py"),
    ("checks.py", "not named[0].equals(named[1])", "False", "training/test_inputs.py"),
    ("checks.py", "(numbers >= stop)", "(numbers > stop)", "training/test_data.py"),
    ("files.py", "if _lock(partial, stack):", "if True:", "test_files.py"),
]


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


@pytest.mark.parametrize(("file", "old", "new", "tests"), MUTANTS)
def test_a_fault_is_noticed(copy, file, old, new, tests):
    path = copy / "snnbp" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        f"tests/{tests}",
    ]
    path.write_text(source.replace(old, new), encoding="utf-8")
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    finally:
        path.write_text(source, encoding="utf-8")
    assert done.returncode in (1, 2), done.stdout[-2000:]  # 2: a module fails to load
