"""A declared circuit as flat lists of synapses and of spikes from outside, for other simulators."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import snnbp
from snnbp.backends.spiking.samples import initial_matrices
from snnbp.circuit.loihi import WEIGHT_MAX, WEIGHT_MIN


def synapses(circuit: snnbp.Circuit, weights: snnbp.Weights) -> dict[str, NDArray[Any]]:
    """All synapses of a circuit, one entry each; neurons are counted through all populations."""
    start, columns = starts(circuit), []
    matrices = initial_matrices(circuit, weights)
    for projection in circuit.projections:
        shape = circuit[projection.pre].size, circuit[projection.post].size
        i, j = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
        if projection.pattern == "one-to-one":
            i = j = np.arange(shape[0])
        matrix = None if projection.weight is not None else matrices[projection.pre, projection.post]
        columns.append(
            {
                "pre": start[projection.pre] + i,
                "post": start[projection.post] + j,
                "weight": i * 0 + projection.weight if matrix is None else matrix.ravel(),
                "delay": i * 0 + projection.delay,
                "in_matrix": i * 0 + (matrix is not None),
                "learns": i * 0 + (circuit.role(projection) == "plastic"),
            }
        )
    joined = {name: np.concatenate([each[name] for each in columns]).astype(np.int32) for name in columns[0]}
    return joined | {name: joined[name].astype(bool) for name in ("in_matrix", "learns")}


def starts(circuit: snnbp.Circuit) -> dict[str, int]:
    """Number of each population's first neuron."""
    ends = np.cumsum([0, *(population.size for population in circuit.populations)]).tolist()
    return {population.name: end for population, end in zip(circuit.populations, ends, strict=False)}


def events(circuit: snnbp.Circuit, samples: snnbp.Samples) -> dict[str, NDArray[Any]]:
    """Spikes from outside: the first cycle starts the gates, then a cycle a sample; see `StimulusDriver`."""
    start, period = starts(circuit), len(circuit.phases)
    steps, neurons = [np.array([period - 2])], [np.array([start["in_g"]])]
    for phase, about in enumerate(circuit.phases):
        given = {
            "input": samples.inputs,
            "in_tgt": np.eye(circuit["in_tgt"].size, dtype=bool)[samples.labels],
        }
        for name in about.receives_input:
            sample, neuron = np.nonzero(given[name])
            steps.append(period * (sample + 1) + phase)
            neurons.append(start[name] + neuron)
    order = np.argsort(np.concatenate(steps), kind="stable")
    found = {"event_step": np.concatenate(steps)[order], "event_neuron": np.concatenate(neurons)[order]}
    return found | {"steps": np.array(period * (len(samples) + 1))}


def listed(circuit: snnbp.Circuit, weights: snnbp.Weights, samples: snnbp.Samples) -> dict[str, NDArray[Any]]:
    """Everything that a simulator is told."""
    rule = circuit.plasticity or snnbp.PlasticityRule(0, 0)
    needed = [np.full(p.size, p.neuron.threshold - p.neuron.bias) for p in circuit.populations]
    changes = [rule.always + rule.rewarded * phase.reward for phase in circuit.phases]
    about = {"needed": np.concatenate(needed), "changes": changes, "bounds": [WEIGHT_MIN, WEIGHT_MAX]}
    return synapses(circuit, weights) | events(circuit, samples) | about
