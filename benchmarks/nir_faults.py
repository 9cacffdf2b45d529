"""The smallest NIR files that other simulators read differently from NIR's definition. For docs/nir.md.

    python benchmarks/nir_faults.py

The files are in build/nir/faults: one input, one neuron. Each is read in the environment of nir_conformance.
Needs the package nir, and the net for pip's answer about the newer Sinabs.
"""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import nir
import numpy as np
from nir_conformance import FOLDER, PAGE, SIMULATORS

FAULTS_FOLDER = FOLDER / "faults"
TAU = 1e-4
NEWER, NIR = "sinabs==3.1.3", "nir==1.0.8"


# In the simulator's environment: several steps, where nir_conformance runs one. `x` is (steps, 1).


def snntorch(graph, x):
    import torch
    from snntorch.import_nir import import_from_nir

    network = import_from_nir(graph)  # the neuron keeps its potential itself
    outputs = [network(step[None])[0] for step in torch.tensor(x)]  # spikes and potentials
    return [spikes.item() for spikes, _ in outputs]


def spyx(graph, x):
    import spyx.nir

    return spyx.nir.from_nir(graph, x[:, None], dt=TAU)[1]


class Fault(NamedTuple):
    """A graph of these two nodes, its input in each step, and what the simulator does with it."""

    simulator: str
    nodes: tuple[nir.NIRNode, ...]
    x: tuple[float, ...]
    consequence: str
    dt: float = TAU
    run: Callable | None = None
    """By default as in nir_conformance, which runs one step."""


def one(value: float, dtype: type = np.float64) -> np.ndarray:
    """A parameter of one neuron."""
    return np.array([value], dtype)


def affine(weight: float = 1) -> nir.Affine:
    return nir.Affine(weight=np.array([[weight]], np.float32), bias=one(0, np.float32))


def lif() -> nir.LIF:
    return nir.LIF(tau=one(TAU), r=one(1), v_leak=one(0), v_threshold=one(0.75))


def float32_cubalif() -> nir.CubaLIF:
    tau, r, v_leak, bound = (one(value, np.float32) for value in (TAU, 1, 0, 0.75))
    return nir.CubaLIF(tau_syn=tau, tau_mem=tau, r=r, v_leak=v_leak, v_threshold=bound)


LINEAR = nir.Linear(weight=np.array([[0.5]], np.float32))
FAULTS = {
    "if_decays": Fault(
        "snntorch",
        (affine(), nir.IF(r=one(1), v_threshold=one(2.8))),
        (1, 1, 1, 1),
        "`to_nir` does not use `IF`.",
        dt=1,
        run=snntorch,
    ),
    "linear_dropped": Fault("sinabs", (LINEAR, lif()), (1,), "`to_nir` writes `Affine` nodes only."),
    "several_spikes": Fault(
        "sinabs",
        (affine(1.75), lif()),
        (1,),
        "The bias T - 513 keeps every potential below two thresholds.",
    ),
    "float32_refused": Fault(
        "spikingjelly",
        (affine(), float32_cubalif()),
        (1,),
        "`to_nir` stores time constants in float64.",
    ),
    "one_step_late": Fault(
        "spyx", (affine(), lif()), (1, 0, 0), "Read the output of L hidden layers at step L + 1.", run=spyx
    ),
    "threshold_dropped": Fault(
        "spyx",
        (affine(1.25), nir.Threshold(one(0.75))),
        (1,),
        "`to_nir` does not use `Threshold`, which would suffice.",
        run=spyx,
    ),
    "lif_refused": Fault("rockpool", (affine(), lif()), (1,), "Rockpool has a dialect of its own."),
}


def definition(fault: Fault) -> list[float]:
    """The spikes by NIR's equations, with one Euler step of dt for each input. All biases are 0."""
    first, neuron = fault.nodes
    current, v, spikes = 0.0, 0.0, []
    for x in fault.x:
        signal = first.weight.item() * x
        if isinstance(neuron, nir.Threshold):
            spikes.append(float(signal > neuron.threshold.item()))
            continue
        if isinstance(neuron, nir.CubaLIF):
            current += fault.dt / neuron.tau_syn.item() * (neuron.w_in.item() * signal - current)
            v += fault.dt / neuron.tau_mem.item() * (neuron.v_leak.item() - v + neuron.r.item() * current)
        elif isinstance(neuron, nir.LIF):
            v += fault.dt / neuron.tau.item() * (neuron.v_leak.item() - v + neuron.r.item() * signal)
        else:  # IF
            v += fault.dt * neuron.r.item() * signal
        spikes.append(float(v > neuron.v_threshold.item()))
        v = neuron.v_reset.item() if spikes[-1] else v
    return spikes


def text(nodes: tuple[nir.NIRNode, ...]) -> str:
    """The nodes with all their parameters that are not 0."""

    def about(node: nir.NIRNode) -> str:
        values = {name: value.item() for name, value in vars(node).items() if isinstance(value, np.ndarray)}
        return ", ".join(f"{name}={value:.9g}" for name, value in values.items() if value)

    return ", ".join(f"{type(node).__name__}({about(node)})" for node in nodes)


def numbers(values) -> str:
    return " ".join(f"{value:g}" for value in values)


def work(name: str) -> None:
    """In the simulator's environment: print its versions, then the spikes of one file."""
    fault = FAULTS[name]
    simulator = SIMULATORS[fault.simulator]
    packages = (package.split("==")[0] for package in simulator.packages)
    print(", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages))
    graph = nir.read(FAULTS_FOLDER / f"{name}.nir")
    spikes = (fault.run or simulator.run)(graph, np.array(fault.x, np.float32)[:, None])
    print(numbers(np.asarray(spikes).ravel()))


def compare(name: str, fault: Fault) -> tuple[str, ...]:
    """One row of the table."""
    from environment import python_with

    shape = np.array([1])
    names = ("input", *(f"node{n}" for n in range(len(fault.nodes))), "output")
    nodes = (nir.Input({"input": shape}), *fault.nodes, nir.Output({"output": shape}))
    graph = nir.NIRGraph(dict(zip(names, nodes, strict=True)), list(pairwise(names)))
    nir.write(FAULTS_FOLDER / f"{name}.nir", graph)
    python = python_with(f"nir/{fault.simulator}", SIMULATORS[fault.simulator].packages)
    done = subprocess.run([python, __file__, "--work", name], capture_output=True, text=True, check=False)
    expected = numbers(definition(fault))
    versions, *said = done.stdout.splitlines()
    if done.returncode:
        found = f"`{done.stderr.strip().splitlines()[-1]}`"
    else:
        found = said[-1] + (" (no fault shows)" if said[-1] == expected else "")
    return name, versions, text(fault.nodes), numbers(fault.x), expected, found, fault.consequence


def newer_sinabs() -> tuple[str, ...]:
    """Whether pip would install it beside the nir that wrote the files: no graph, but a row of the table."""
    from environment import python_with

    python = python_with("nir/sinabs", SIMULATORS["sinabs"].packages)
    command = [python, "-m", "pip", "install", "--dry-run", NEWER, NIR]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = re.search(r"sinabs \S+ depends on nir\S*", done.stdout + done.stderr)
    if done.returncode and not said:
        raise SystemExit(f"pip: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found = f"`{said[0]}`" if said else "installed (no fault shows)"
    versions = f"{NEWER}, {NIR}".replace("==", " ")
    return "none: pip's answer", versions, "", "", "installed", found, "Sinabs is measured at 2.0.3."


def main() -> None:
    from snnbp.files import atomic_open

    FAULTS_FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [compare(name, fault) for name, fault in FAULTS.items()] + [newer_sinabs()]
    head = ("file", "simulator", "nodes", "input", "expected", "found", "so")
    lines = [" | ".join(row) for row in (head, ("---",) * len(head), *rows)]
    table = "\n".join(f"| {line} |" for line in lines)
    page = PAGE.read_text(encoding="utf-8")
    page = re.sub(r"(?s)(<!-- faults -->\n).*?(?=<!-- end faults -->)", lambda m: f"{m[1]}{table}\n", page)
    with atomic_open(PAGE, "w") as file:
        file.write(page)
    print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2])
    else:
        main()
