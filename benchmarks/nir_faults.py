"""The smallest NIR files that other simulators read differently from NIR's definition. For docs/nir.md.

    python benchmarks/nir_faults.py

The files are in build/nir/faults: one input, one neuron. Each is read in the environment of nir_conformance.
Needs the net, for pip's answer about the newer Sinabs.
"""

import re
import subprocess
from itertools import pairwise
from typing import NamedTuple

import nir
import numpy as np
from environment import python_with
from in_nir import DT, SIMULATORS
from nir_conformance import FOLDER, fill, spikes_in
from table import Part

NEWER, NIR = "sinabs==3.1.3", "nir==1.0.8"


class Fault(NamedTuple):
    """A graph of these two nodes, its input in each step, and what the simulator does with it."""

    simulator: str
    nodes: tuple[nir.NIRNode, ...]
    x: tuple[float, ...]
    consequence: str
    dt: float = DT


def affine(weight: float = 1) -> nir.Affine:
    return nir.Affine(weight=np.array([[weight]], np.float32), bias=np.zeros(1, np.float32))


def neuron(kind: type[nir.NIRNode], dtype: type = np.float64, **parameters: float) -> nir.NIRNode:
    return kind(**{name: np.array([value], dtype) for name, value in parameters.items()})


LIF = neuron(nir.LIF, tau=DT, r=1, v_leak=0, v_threshold=0.75)
CUBALIF = neuron(nir.CubaLIF, np.float32, tau_syn=DT, tau_mem=DT, r=1, v_leak=0, v_threshold=0.75)
FAULTS = {
    "if_decays": Fault(
        "snntorch",
        (affine(), neuron(nir.IF, r=1, v_threshold=2.8)),
        (1, 1, 1, 1),
        "`to_nir` does not use `IF`.",
        dt=1,
    ),
    "linear_dropped": Fault(
        "sinabs",
        (nir.Linear(weight=np.array([[0.5]], np.float32)), LIF),
        (1,),
        "`to_nir` writes `Affine` nodes only.",
    ),
    "several_spikes": Fault(
        "sinabs", (affine(1.75), LIF), (1,), "The bias T - 513 keeps every potential below two thresholds."
    ),
    "float32_refused": Fault(
        "spikingjelly", (affine(), CUBALIF), (1,), "`to_nir` stores time constants in float64."
    ),
    "one_step_late": Fault(
        "spyx",
        (affine(), LIF),
        (1, 0, 0),
        "Read the output of L hidden layers at step L + 1, counted from 0.",
    ),
    "threshold_lost": Fault(
        "spyx",
        (affine(1.25), neuron(nir.Threshold, threshold=0.75)),
        (1,),
        "`to_nir` does not use `Threshold`, which would suffice.",
    ),
    "lif_refused": Fault("rockpool", (affine(), LIF), (1,), "Rockpool has a dialect of its own."),
}


def definition(fault: Fault) -> list[float]:
    """The spikes by NIR's equations, one Euler step of dt an input. r and w_in are 1, bias, leak, reset 0."""
    first, node = fault.nodes
    bound = node.threshold if isinstance(node, nir.Threshold) else node.v_threshold
    current, v, spikes = 0.0, 0.0, []
    for x in fault.x:
        signal = first.weight.item() * x
        if isinstance(node, nir.Threshold):
            v = signal
        elif isinstance(node, nir.IF):
            v += fault.dt * signal
        elif isinstance(node, nir.LIF):
            v += fault.dt / node.tau.item() * (signal - v)
        else:  # CubaLIF
            current += fault.dt / node.tau_syn.item() * (signal - current)
            v += fault.dt / node.tau_mem.item() * (current - v)
        spikes.append(float(v > bound.item()))
        v = 0.0 if spikes[-1] else v
    return spikes


def text(nodes: tuple[nir.NIRNode, ...]) -> str:
    """The nodes with all their parameters that are not 0."""

    def about(node: nir.NIRNode) -> str:
        values = {name: value.item() for name, value in vars(node).items() if isinstance(value, np.ndarray)}
        return ", ".join(f"{name}={short(value)}" for name, value in values.items() if value)

    return ", ".join(f"{type(node).__name__}({about(node)})" for node in nodes)


def short(value: float) -> str:
    """Six digits; they say so if they are those of a float32, which is a little off."""
    digits = f"{value:g}"
    return digits if float(digits) == value else f"{digits} in float32"


def numbers(values) -> str:
    return " ".join(f"{value:g}" for value in values)


def compare(name: str, fault: Fault) -> tuple[str, ...]:
    """One row of the table."""
    shape, file = np.array([1]), FOLDER / "faults" / f"{name}.nir"
    nodes = (nir.Input({"input": shape}), *fault.nodes, nir.Output({"output": shape}))
    chain = dict(zip(("input", "node0", "node1", "output"), nodes, strict=True))
    nir.write(file, nir.NIRGraph(chain, list(pairwise(chain))))
    versions, spikes = spikes_in(fault.simulator, file, np.reshape(fault.x, (-1, 1, 1)))
    expected = numbers(definition(fault))
    found = f"`{spikes}`" if isinstance(spikes, str) else numbers(spikes.ravel())
    if found == expected:
        found += " (no fault shows)"
    return (
        name,
        versions.split(",")[0],
        text(fault.nodes),
        numbers(fault.x),
        expected,
        found,
        fault.consequence,
    )


def newer_sinabs() -> tuple[str, ...]:
    """Whether pip would install it beside the nir that wrote the files: no graph, but a row of the table."""
    python = python_with("nir/sinabs", SIMULATORS["sinabs"].packages)
    command = [python, "-m", "pip", "install", "--dry-run", NEWER, NIR]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = re.search(r"sinabs \S+ depends on nir\S*", done.stdout + done.stderr)
    if done.returncode and not said:
        raise SystemExit(f"pip: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    found = f"`{said[0]}`" if said else "installed (no fault shows)"
    newer = NEWER.replace("==", " ")
    return "none: pip's answer", newer, "", "", "installed", found, "Sinabs is measured at 2.0.3."


def main() -> None:
    part = Part(__file__, __doc__)
    (FOLDER / "faults").mkdir(parents=True, exist_ok=True)
    rows = [compare(name, fault) for name, fault in FAULTS.items()] + [newer_sinabs()]
    fill(part, "faults", ("file", "simulator", "nodes", "input", "expected", "found", "so"), rows)


if __name__ == "__main__":
    main()
