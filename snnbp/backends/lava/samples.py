"""Samples presented to the paper's circuits in Lava: learning, prediction and complete traces."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnbp.backends import spiking
from snnbp.backends.lava.network import Processes
from snnbp.backends.spiking.stepper import Events, SpikeRecord
from snnbp.circuit.loihi import SUM_LIMIT
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import Weights


class LavaNetwork(spiking.Network):
    """A circuit with a synfire chain, run in Lava. Each `run` begins with a cycle that starts the chain.

    Matrices are carried over from one run to the next, spikes are not: those in flight between two samples
    have no effect as long as no population fires that must be silent.
    """

    def __init__(self, circuit: Circuit, plastic: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(circuit, plastic)
        self._next_active = np.zeros((2, len(circuit.populations)), np.bool_)

    def run(
        self,
        events: Events,
        rows: NDArray[np.int64],
        populations: Iterable[str] = (),
        potentials: bool = False,
    ) -> SpikeRecord:
        """As `spiking.Network.run`; `active` covers populations that are recorded or reached by a matrix."""
        names = tuple(populations)
        record = self._empty_record(rows, names, potentials)
        if not rows.size:
            return record
        period = len(self.circuit.phases)
        steps = period + rows.size + 2  # the last spikes arrive one step later, with effects in the next
        stimuli = np.zeros((steps, sum(p.size for p in self.circuit.populations)), np.bool_)
        when = np.repeat(np.arange(rows.size), np.diff(events.first)) + period
        stimuli[when, events.neurons[: when.size]] = True
        stimuli[period - 2, self.start["in_g"]] = True  # the first gate then fires in the cycle's last step
        inputs = {p.name: stimuli[:, self.start[p.name] :][:, : p.size] for p in self.circuit.populations}
        spikes, currents, matrices = Processes(
            self.circuit,
            self.matrices,
            {name: spikes for name, spikes in inputs.items() if spikes.any()},
            steps,
            dict.fromkeys((*names, *(p.post for p in self.circuit.matrices))),
            potentials,
        ).run()
        record.active[:2], self._next_active = self._next_active, np.zeros_like(self._next_active)
        chosen = np.flatnonzero(rows >= 0)
        for number, population in enumerate(self.circuit.populations):
            if population.name not in spikes:
                continue
            column = record.column[number]
            active = np.logical_or.reduce(spikes[population.name], axis=1)[period:]
            record.active[:, number] |= active[:-2]
            self._next_active[:, number] = active[-2:]
            if column >= 0:
                there = np.ix_(rows[chosen], np.arange(column, column + population.size))
                record.spikes[there] = spikes[population.name][period + chosen]
                if potentials:
                    current = currents.get(population.name, np.zeros((steps, 1), np.int32))[period + chosen]
                    wrapped = (current + SUM_LIMIT) % (2 * SUM_LIMIT) - SUM_LIMIT
                    potential = wrapped + population.neuron.bias
                    record.potentials[there] = potential.clip(1 - SUM_LIMIT, SUM_LIMIT - 1)
        super().__init__(self.circuit, matrices)
        return record

    def next_steps(self, steps: int) -> SpikeRecord:
        """As `spiking.Network.next_steps`, for two steps at most."""
        record = self._empty_record(np.full(steps, -1))
        record.active[:] = self._next_active[:steps]
        return record


class StimulusDriver(spiking.StimulusDriver):
    """As `spiking.StimulusDriver`, with every step run by Lava's own Processes."""

    def __init__(self, circuit: Circuit, weights: Weights, feedback: Weights | None = None) -> None:
        super().__init__(circuit, weights, feedback)
        self.network = LavaNetwork(circuit, self.network.matrices)


class Learner(spiking.Learner):
    """As `spiking.Learner`, with every step run by Lava's own Processes.

    Input sums that leave 24 bits wrap in Lava, too, but are not counted as overdriven.
    """

    driver_type = StimulusDriver


def predict(weights: Weights, inputs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Output spikes and potentials of the inference circuit in Lava, see `snnbp.predict`.

    Potentials are the sums of what Lava's synapse Processes send to the output neurons.
    """
    return spiking.predict(weights, inputs, StimulusDriver)


trace = partial(spiking.trace, driver_type=StimulusDriver)
"""As `snnbp.trace`, in Lava."""
