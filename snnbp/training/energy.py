"""Energy and latency on a Loihi chip, estimated: operations counted in a trace, times published costs.

The counts follow from a circuit and its spikes alone; energy and latency are estimates made from them.
Nothing was measured on a chip. What is counted, each in the step in which it happens:

- synaptic events: a spike causes one for every synapse that leaves its neuron;
- synaptic updates: plastic synapses whose two neurons spike in the same step, which is when the rule changes
  a weight. A lower bound: the chip's learning unit also visits synapses that it does not change.
  `visits` counts the plastic synapses of spiking presynaptic neurons, `Resources.plastic` all of them;
- active neuron updates: neurons that spike or receive input in this step;
- inactive neuron updates: all other neurons, since the chip updates every neuron in every step;
- spikes: each once, as if all its synapses were in one other core of the same tile; again a lower bound.

"Unverified" marks a number that was not looked up in the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snnbp.circuit.parts import Projection
from snnbp.circuit.spec import Circuit

Floats = NDArray[np.float64]

CORE_COMPARTMENTS, CORE_SYNAPTIC_BYTES = 1024, 128 * 1024
"""Limits of a core (Davies et al., IEEE Micro 38(1), 2018)."""


class Cost(NamedTuple):
    """Cost of one operation. `unverified`: which of energy and latency was not looked up in the source."""

    operation: str
    energy_pj: float
    latency_ns: float
    unverified: str


COSTS = (
    Cost("synaptic events", 23.6, 3.5, "latency"),
    Cost("synaptic updates", 120.0, 6.1, "latency"),
    Cost("active neuron updates", 81.0, 8.4, "both"),
    Cost("inactive neuron updates", 52.0, 5.3, "both"),
    Cost("spikes", 1.7, 0.0, "energy"),
)
"""Costs from Davies et al. 2018. It gives no time in a core for a spike, hence 0."""

BARRIER_NS = (113.0, 465.0)
"""Shortest and longest time of the barrier that ends a step (same source, unverified)."""

PAPER_CORES = 81
"""Cores that the paper's training circuit occupied (unverified)."""


class Spikes(Protocol):
    """The part of a `snnbp.Trace` that is counted."""

    @property
    def circuit(self) -> Circuit: ...
    @property
    def phases(self) -> tuple[int, ...]: ...
    @property
    def spikes(self) -> Mapping[str, NDArray[np.bool_]]: ...


@dataclass(frozen=True)
class Operations:
    """Mean counts a sample, float64, by phase: rows are the circuit's populations (`spikes`, `active`) or its
    projections (`events`, `updates`, `visits`), columns its phases."""

    circuit: Circuit
    spikes: Floats
    active: Floats
    events: Floats
    updates: Floats
    visits: Floats

    @property
    def inactive(self) -> Floats:
        """Inactive neuron updates, (populations, phases)."""
        inactive: Floats = np.array([[p.size] for p in self.circuit.populations]) - self.active
        return inactive

    @property
    def by_phase(self) -> Floats:
        """All operations in the order of COSTS, (phases, 5)."""
        counts = (self.events, self.updates, self.active, self.inactive, self.spikes)
        return np.stack([count.sum(axis=0) for count in counts], axis=1)

    @property
    def total(self) -> Floats:
        """All operations of a sample in the order of COSTS, (5,)."""
        total: Floats = self.by_phase.sum(axis=0)
        return total


class Resources(NamedTuple):
    """What a circuit occupies; `cores` is the smallest number that could hold it, at one byte a synapse."""

    compartments: int
    synapses: int
    plastic: int
    cores: int


def count(trace: Spikes) -> Operations:
    """Count the operations of a trace.

    Parameters
    ----------
    trace : Trace
        Its first sample only fills the delays; the mean is over the others.

    Returns
    -------
    Operations

    Raises
    ------
    ValueError
        For a trace of fewer than two samples, or of only some populations or phases.
    """
    circuit = trace.circuit
    sizes = {population.name: population.size for population in circuit.populations}
    phases = len(circuit.phases)
    if trace.phases != tuple(range(phases)) or set(trace.spikes) != set(sizes):
        raise ValueError("operations are counted in a trace of all populations in all phases")
    if len(next(iter(trace.spikes.values()))) < 2:
        raise ValueError("operations are counted in a trace of two samples or more")
    spikes = {name: trace.spikes[name].reshape(-1, size) for name, size in sizes.items()}
    fired = {name: spikes[name].sum(axis=1) for name in sizes}
    active = {name: spikes[name].copy() for name in sizes}
    for projection in circuit.projections:
        pre, travel = projection.pre, projection.delay + 1
        sent = spikes[pre] if projection.pattern == "one-to-one" else fired[pre][:, None] > 0
        active[projection.post][travel:] |= sent[:-travel]

    plastic = [p if circuit.role(p) == "plastic" else None for p in circuit.projections]

    def a_sample(steps: list[NDArray[np.int64]]) -> Floats:
        """Mean by phase, over all samples but the first, of rows of counts by step."""
        means: Floats = np.array(steps).reshape(len(steps), -1, phases)[:, 1:].mean(axis=1)
        return means

    nothing = np.zeros_like(fired[circuit.populations[0].name])
    return Operations(
        circuit,
        a_sample(list(fired.values())),
        a_sample([active[name].sum(axis=1) for name in sizes]),
        a_sample([fired[p.pre] * fan_out(circuit, p) for p in circuit.projections]),
        a_sample([fired[p.pre] * fired[p.post] if p else nothing for p in plastic]),
        a_sample([fired[p.pre] * sizes[p.post] if p else nothing for p in plastic]),
    )


def fan_out(circuit: Circuit, projection: Projection) -> int:
    """Number of synapses of a projection that leave one neuron."""
    return 1 if projection.pattern == "one-to-one" else circuit[projection.post].size


def energy_mj(counts: Floats) -> Floats:
    """Estimated energy (mJ) of counts (..., 5), last axis in the order of COSTS; shape (...)."""
    energy: Floats = counts @ np.array([cost.energy_pj for cost in COSTS]) * 1e-9
    return energy


def latency_ms(by_phase: Floats, cores: float, barrier_ns: float) -> float:
    """Estimate the latency of a sample when `cores` share the work of every step evenly.

    A lower bound for that many cores: a step takes as long as its busiest core, then the barrier.

    Parameters
    ----------
    by_phase : float array (phases, 5)
        Counts, as in `Operations.by_phase`.
    cores : float
    barrier_ns : float
        Time (ns) of the barrier that ends each step.

    Returns
    -------
    float
        Milliseconds.
    """
    steps_ns = by_phase @ np.array([cost.latency_ns for cost in COSTS]) / cores + barrier_ns
    return float(steps_ns.sum() * 1e-6)


def resources(circuit: Circuit) -> Resources:
    """Count neurons and synapses, and the smallest number of cores with enough compartments and bytes."""
    compartments = sum(population.size for population in circuit.populations)
    synapses = circuit.counts().synapses
    total = sum(synapses.values())
    cores = max(ceil(compartments / CORE_COMPARTMENTS), ceil(total / CORE_SYNAPTIC_BYTES))
    return Resources(compartments, total, synapses.get("plastic", 0), cores)
