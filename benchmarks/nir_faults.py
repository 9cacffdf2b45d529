"""The smallest NIR files that other simulators read differently from NIR's definition. For docs/nir.md.

    python benchmarks/nir_faults.py

The files are in build/nir/faults: one input, one neuron. Each is read in the environment of nir_conformance.
Needs the net, for pip's answer about the newer Sinabs.
"""

import re
import subprocess
from itertools import pairwise
from typing import Any, NamedTuple

import nir
import numpy as np
from environment import python_with
from in_nir import DT, SIMULATORS
from nir_conformance import FOLDER, fill, spikes_in
from numpy.typing import NDArray
from table import Part

NEWER, NIR = "sinabs==3.1.3", "nir==1.0.8"


class Fault(NamedTuple):
    """A graph of these two nodes, its input in each step, and what the simulator does with it."""

    simulator: str
    nodes: tuple[nir.NIRNode, ...]
    x: tuple[float, ...]
    consequence: str
    dt: float = DT


def one(value: float, dtype: type = np.float64) -> NDArray[Any]:
    """A parameter of one neuron."""
    return np.array([value], dtype)


def affine(weight: float = 1) -> nir.Affine:
    return nir.Affine(weight=np.array([[weight]], np.float32), bias=one(0, np.float32))


def lif() -> nir.LIF:
    return nir.LIF(tau=one(DT), r=one(1), v_leak=one(0), v_threshold=one(0.75))


def float32_cubalif() -> nir.CubaLIF:
    tau, r, v_leak, bound = (one(value, np.float32) for value in (DT, 1, 0, 0.75))
    return nir.CubaLIF(tau_syn=tau, tau_mem=tau, r=r, v_leak=v_leak, v_threshold=bound)


LINEAR = nir.Linear(weight=np.array([[0.5]], np.float32))
FAULTS = {
    "if_decays": Fault(
        "snntorch",
        (affine(), nir.IF(r=one(1), v_threshold=one(2.8))),
        (1, 1, 1, 1),
        "`to_nir` does not use `IF`.",
        dt=1,
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
        "spyx", (affine(), lif()), (1, 0, 0), "Read the output of L hidden layers at step L + 1."
    ),
    "threshold_dropped": Fault(
        "spyx",
        (affine(1.25), nir.Threshold(one(0.75))),
        (1,),
        "`to_nir` does not use `Threshold`, which would suffice.",
    ),
    "lif_refused": Fault("rockpool", (affine(), lif()), (1,), "Rockpool has a dialect of its own."),
}


def definition(fault: Fault) -> list[float]:
    """The spikes by NIR's equations, one Euler step of dt an input. r and w_in are 1, bias, leak, reset 0."""
    first, neuron = fault.nodes
    bound = neuron.threshold if isinstance(neuron, nir.Threshold) else neuron.v_threshold
    current, v, spikes = 0.0, 0.0, []
    for x in fault.x:
        signal = first.weight.item() * x
        if isinstance(neuron, nir.Threshold):
            v = signal
        elif isinstance(neuron, nir.IF):
            v += fault.dt * signal
        elif isinstance(neuron, nir.LIF):
            v += fault.dt / neuron.tau.item() * (signal - v)
        else:  # CubaLIF
            current += fault.dt / neuron.tau_syn.item() * (signal - current)
            v += fault.dt / neuron.tau_mem.item() * (current - v)
        spikes.append(float(v > bound.item()))
        v = 0.0 if spikes[-1] else v
    return spikes


def text(nodes: tuple[nir.NIRNode, ...]) -> str:
    """The nodes with all their parameters that are not 0."""

    def about(node: nir.NIRNode) -> str:
        values = {name: value.item() for name, value in vars(node).items() if isinstance(value, np.ndarray)}
        return ", ".join(f"{name}={value:.9g}" for name, value in values.items() if value)

    return ", ".join(f"{type(node).__name__}({about(node)})" for node in nodes)


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
    return name, versions, text(fault.nodes), numbers(fault.x), expected, found, fault.consequence


def newer_sinabs() -> tuple[str, ...]:
    """Whether pip would install it beside the nir that wrote the files: no graph, but a row of the table."""
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
    part = Part(__file__, __doc__)
    (FOLDER / "faults").mkdir(parents=True, exist_ok=True)
    rows = [compare(name, fault) for name, fault in FAULTS.items()] + [newer_sinabs()]
    fill(part, "faults", ("file", "simulator", "nodes", "input", "expected", "found", "so"), rows)


if __name__ == "__main__":
    main()
