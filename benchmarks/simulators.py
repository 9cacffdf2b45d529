"""The declared circuit in other simulators: first the same spikes, then the time of a sample.

    python benchmarks/simulators.py [--samples N] [--repeats N]

The training circuit (400-400-10, published schedule) with learning, and the same without. Each simulator gets
the list of all synapses that the declaration implies, and runs in an environment of its own in
build/simulators with the packages of the table. Every spike must be that of `spiking`, over the first samples
of MNIST; with learning, every final weight too. Times are of the steps alone, on one core, without recording.
A synaptic event is a spike that passes a synapse; `spiking` adds up equal copies of a matrix once.
"""

import os
import subprocess
import time
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from environment import python_with
from listing import listed
from numpy.typing import NDArray
from table import Part, markdown

import snnbp
from snnbp.backends.spiking import StimulusDriver
from snnbp.paper import ROOT

COMPARED = 30
"""Samples whose spikes, and weights with learning, are compared."""

FOLDER = ROOT / "build" / "simulators"
HERE = "spiking, of this package"
CASES = {
    "learning": snnbp.training_circuit(),
    "not learning": replace(snnbp.training_circuit(), plasticity=None),
}
HEAD = ("simulator", "circuit", "µs a sample, median (range)", "ns a synaptic event", "equal to `spiking`")


class Simulator(NamedTuple):
    script: str
    packages: tuple[str, ...]
    not_expressed: str = ""
    """Why it cannot learn."""


SIMULATORS = {
    "Brian 2 (C++ standalone)": Simulator("in_brian2.py", ("brian2==2.9.0", "numpy==2.2.6", "cython==3.1.3")),
    "NEST": Simulator(
        "in_nest.py",
        ("nest-simulator==3.10.0", "numpy==2.2.6"),
        "not expressed: its plastic synapses follow decaying traces; none changes a weight by +2 or -2, "
        "following the phase in which both neurons spike (a synapse model of one's own, in C++, could)",
    ),
}


def run(simulator: Simulator, told: dict[str, NDArray[Any]], record: bool, repeats: int) -> dict[str, Any]:
    """Run the steps in a simulator; with a record, also return spikes, and final weights if it learns."""
    name = simulator.packages[0].replace("==", "-")
    python = python_with(f"simulators/{name}", simulator.packages)
    source, out = FOLDER / f"{name}-circuit.npz", FOLDER / f"{name}-out.npz"
    np.savez(source, record=record, repeats=repeats, **told)
    script = ROOT / "benchmarks" / simulator.script
    done = subprocess.run(
        [python, script, source, out, FOLDER / f"{name}-code"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise SystemExit(f"{name} failed: {done.stderr.strip()}")
    return dict(np.load(out))


def compare(
    circuit: snnbp.Circuit, weights: snnbp.Weights, samples: snnbp.Samples, simulator: Simulator
) -> str:
    """Check every spike and, with learning, every final weight; return what was compared, or exit."""
    expected = snnbp.trace(weights, samples, circuit=circuit)
    spikes = np.concatenate([expected.spikes[p.name] for p in circuit.populations], axis=2)
    told = listed(circuit, weights, samples)
    found = run(simulator, told, record=True, repeats=1)
    seen = np.zeros((told["steps"], spikes.shape[2]), bool)
    seen[found["step"], found["neuron"]] = True
    seen = seen[len(circuit.phases) :].reshape(spikes.shape)
    compared, differing = {"spikes": int(spikes.sum())}, {"spikes": int((seen != spikes).sum())}
    if circuit.plasticity:
        final = np.concatenate([expected.after[p.pre, p.post].ravel() for p in circuit.matrices])
        compared["weights"] = final.size
        differing["weights"] = int((found["weight"][told["in_matrix"]] != final).sum())
    counts = [", ".join(f"{n:,} {what}" for what, n in each.items()) for each in (compared, differing)]
    if any(differing.values()):
        raise SystemExit(f"{simulator.packages[0]}: {counts[1]} differ")
    return counts[0]


def here(circuit: snnbp.Circuit, weights: snnbp.Weights, samples: snnbp.Samples, repeats: int) -> list[float]:
    """Seconds in which `spiking` presents the samples, one value a repeat."""
    labels, order = samples.labels.astype(np.int64), np.arange(len(samples))
    seconds = []
    for _ in range(1 + repeats):
        driver = StimulusDriver(circuit, weights)
        begin = time.perf_counter()
        driver.present(samples.inputs, labels, order, ("o",), (driver.output_phase,))
        seconds.append(time.perf_counter() - begin)
    return seconds[1:]  # the first one compiles


def synaptic_events(circuit: snnbp.Circuit, weights: snnbp.Weights, samples: snnbp.Samples) -> float:
    """Synapses that a spike passes, a sample."""
    spikes = snnbp.trace(weights, samples, circuit=circuit).spikes
    synapses = [
        int(spikes[p.pre].sum()) * (1 if p.pattern == "one-to-one" else circuit[p.post].size)
        for p in circuit.projections
    ]
    return sum(synapses) / len(samples)


def main() -> None:
    part = Part(__file__, __doc__, samples=1000, repeats=5)
    FOLDER.mkdir(parents=True, exist_ok=True)
    data, repeats = snnbp.load_dataset("mnist"), part.options.repeats
    weights, samples = snnbp.initial_weights(snnbp.Config(), data), data.train[: part.options.samples]
    rows, microseconds = [], {}
    for case, circuit in CASES.items():
        events = synaptic_events(circuit, weights, samples)
        times = {HERE: here(circuit, weights, samples, repeats)}
        equal, refused = {}, {}
        for title, simulator in SIMULATORS.items():
            name = f"{title}: {', '.join(simulator.packages).replace('==', ' ')}"
            if circuit.plasticity and simulator.not_expressed:
                refused[name] = simulator.not_expressed
                continue
            equal[name] = compare(circuit, weights, data.train[:COMPARED], simulator)
            told = listed(circuit, weights, samples)
            times[name] = run(simulator, told, record=False, repeats=repeats)["seconds"].tolist()
        for name, seconds in times.items():
            each = microseconds[f"{name}, {case}"] = [1e6 * value / len(samples) for value in seconds]
            value = f"{median(each):.4g} ({min(each):.4g} - {max(each):.4g})"
            rows.append((name, case, value, f"{1000 * median(each) / events:.2g}", equal.get(name, "")))
        rows += [(name, case, reason, "", "") for name, reason in refused.items()]
    text = markdown(HEAD, rows) + "\n"
    print(text)
    table = [
        (f"{name}, {case}", value, f"µs a sample; {event} ns a synaptic event" if event else "")
        for name, case, value, event, _ in rows
    ]
    part.write(data, {"simulators.md": text}, table, {"microseconds": microseconds}, compared=COMPARED)


if __name__ == "__main__":
    main()
