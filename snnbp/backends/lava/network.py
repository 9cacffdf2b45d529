"""Any declared circuit, built from Lava's own Processes, none of them changed.

- A population is a LIFReset: it forgets current and voltage every step, and fires above its threshold.
- Spikes from outside come from a source.RingBuffer and join those of the population's neurons.
- Fixed weights are a Sparse (one-to-one) or Dense, with delays DelaySparse or DelayDense, of one sign each.
- A matrix is a LearningDense whose third factor is the reward, or a Dense if the circuit does not learn.
- What is recorded goes to a sink.RingBuffer.

*Merged*, the network takes about half the time. Populations of one cell that no matrix touches share a
Process, so do connections that differ only in their neurons or their target, and so do the matrices of a
layer and its two copies. These start equal and stay equal as long as no closed population fires.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.proc.io import sink, source
from lava.utils.weightutils import SignMode
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from snnbp.backends.lava import parts
from snnbp.backends.lava.runtime import started
from snnbp.backends.rule import Rule
from snnbp.backends.spiking import samples as spiking
from snnbp.backends.spiking.network import Network
from snnbp.backends.spiking.stepper import Events, Record
from snnbp.backends.spiking.tables import Matrices
from snnbp.circuit.backprop import Circuit
from snnbp.circuit.loihi import INHIBITION
from snnbp.circuit.spec import Cell, Population, mantissa_exponent
from snnbp.circuit.weights import Weights

Spikes = NDArray[np.bool_]


class Processes:
    """A circuit as connected Lava Processes, with its input spikes, ready to run once.

    `plastic`, `inputs`, `steps` and `populations` (those to record) as in `snnbp.simulate`. `table` pairs
    what is declared with its Process. Raises ValueError, in one line, for what Lava's Processes cannot do.
    """

    def __init__(
        self,
        circuit: Circuit,
        plastic: Mapping[tuple[str, str], Any],
        inputs: Mapping[str, Spikes],
        steps: int,
        populations: Iterable[str] | None = None,
        merged: bool = False,
    ) -> None:
        self.circuit = circuit
        self.steps = steps
        self.table: list[tuple[str, AbstractProcess]] = []
        self._recorded = [p.name for p in circuit.populations] if populations is None else list(populations)
        self._place: dict[str, tuple[str, int]] = {}  # population -> its group, and its first neuron there
        self._size: dict[str, int] = {}
        self._fires: dict[str, list[OutPort]] = {}  # group -> where its spikes come from
        self._takes: dict[str, InPort] = {}
        self._matrices: dict[tuple[str, str], AbstractProcess] = {}
        self._sinks: dict[str, AbstractProcess] = {}
        self._add_neurons(merged)
        self._add_inputs(inputs)
        self._add_fixed_weights(merged)
        self._add_matrices(plastic, merged)
        self._tie_together()
        self._add_sinks()

    def run(self) -> tuple[dict[str, Spikes], Matrices]:
        """Run all steps; return the recorded spikes, bool (steps, size), by population, and the matrices,
        int16 (pre.size, post.size), by (pre, post). Shows a progress bar if it takes over five seconds."""
        at_once = len(self.circuit.phases) or 1
        with (
            started(self.table[0][1]) as go,
            tqdm(total=self.steps, unit="step", delay=5, leave=False) as bar,
        ):
            for begin in range(0, self.steps, at_once):
                steps = min(at_once, self.steps - begin)
                go(steps)
                bar.update(steps)
            records = {group: sunk.data.get() > 0 for group, sunk in self._sinks.items()}
            weights = {process: process.weights.get() for process in dict.fromkeys(self._matrices.values())}
        spikes = {}
        for name in self._recorded:
            group, first = self._place[name]
            spikes[name] = records[group][first : first + self.circuit[name].size].T
        return spikes, {key: weights[process].T.astype(np.int16) for key, process in self._matrices.items()}

    def _add(self, what: str, process: AbstractProcess) -> AbstractProcess:
        self.table.append((what, process))
        return process

    def _add_neurons(self, merged: bool) -> None:
        touched = {name for p in self.circuit.matrices for name in (p.pre, p.post)}
        groups: dict[str | Cell, list[Population]] = {}
        for population in self.circuit.populations:
            alone = not merged or population.name in touched
            groups.setdefault(population.name if alone else population.cell, []).append(population)
        for members in groups.values():
            name = ", ".join(population.name for population in members)
            self._size[name] = 0
            for population in members:
                self._place[population.name] = name, self._size[name]
                self._size[name] += population.size
            neurons = self._add(name, parts.neurons(self._size[name], members[0].cell))
            self._fires[name], self._takes[name] = [neurons.s_out], neurons.a_in

    def _add_inputs(self, inputs: Mapping[str, Spikes]) -> None:
        data: dict[str, NDArray[np.int32]] = {}
        for name, spikes in inputs.items():
            if name not in self.circuit:
                raise ValueError(f"input spikes for {name!r}, which is not a population of this circuit")
            shape = (self.steps, self.circuit[name].size)
            if np.shape(spikes) != shape:
                raise ValueError(f"input spikes of {name!r} must be {shape}, got {np.shape(spikes)}")
            group, first = self._place[name]
            data.setdefault(group, np.zeros((self._size[group], self.steps), np.int32))
            data[group][first : first + shape[1]] = np.transpose(spikes)
        for group, columns in data.items():
            ring = self._add(f"input to {group}", source.RingBuffer(data=columns))
            self._fires[group].append(ring.s_out)

    def _add_fixed_weights(self, merged: bool) -> None:
        blocks: dict[tuple[Any, ...], NDArray[np.int32]] = {}
        names: dict[tuple[Any, ...], list[str]] = {}
        seen: Counter[tuple[Any, ...]] = Counter()
        for number, p in enumerate(self.circuit.projections):
            if p.weight is None:
                continue
            mantissa, exponent = mantissa_exponent(p.weight)
            one_to_one = p.pattern == "one-to-one"
            (pre, column), (post, row) = self._place[p.pre], self._place[p.post]
            kind = (pre, p.delay, exponent, mantissa > 0, one_to_one)
            # Two synapses between the same neurons stay apart: their sum may need a longer mantissa.
            synapse = (*kind, p.pre, p.post)
            key = (*kind, post, seen[synapse] if merged else -number)
            seen[synapse] += 1
            rows, columns = self.circuit[p.post].size, self.circuit[p.pre].size
            ones = np.eye(rows, dtype=np.int32) if one_to_one else np.ones((rows, columns), np.int32)
            block = blocks.setdefault(key, np.zeros((self._size[post], self._size[pre]), np.int32))
            block[row : row + rows, column : column + columns] += mantissa * ones
            names.setdefault(key, []).append(f"{p.pre} -> {p.post}")

        shared: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for key, block in blocks.items():
            same = (*key[:5], key[6], block.shape, block.tobytes()) if merged else key
            shared.setdefault(same, []).append(key)
        for keys in shared.values():
            pre, delay, exponent, positive, one_to_one, *_ = keys[0]
            what = ", ".join(name for key in keys for name in names[key])
            sign = SignMode.EXCITATORY if positive else SignMode.INHIBITORY
            process = parts.fixed(what, blocks[keys[0]], delay, exponent, sign, one_to_one)
            self._connect(what, pre, process, [key[5] for key in keys])

    def _add_matrices(self, plastic: Mapping[tuple[str, str], Any], merged: bool) -> None:
        copies: dict[tuple[Any, ...], list[str]] = {}
        for p in self.circuit.matrices:
            if (p.pre, p.post) not in plastic:
                raise ValueError(f"{p}: its weights are missing")
            matrix, shape = (
                np.asarray(plastic[p.pre, p.post]),
                (self.circuit[p.pre].size, self.circuit[p.post].size),
            )
            if matrix.shape != shape:
                raise ValueError(f"{p}: weights must be {shape}, got {matrix.shape}")
            same = (p.symbol, matrix.tobytes()) if merged else (p.post,)
            copies.setdefault((p.pre, p.delay, *same), []).append(p.post)
        rewards: dict[int, AbstractProcess] = {}
        for (pre, delay, *_), posts in copies.items():
            what = ", ".join(f"{pre} -> {post}" for post in posts)
            weights = np.array(plastic[pre, posts[0]], np.int32).T
            if self.circuit.learning is None:
                process = parts.fixed(what, weights, delay, 0, SignMode.MIXED, False)
            else:
                process = parts.learning(what, weights, delay, self.circuit.learning)
                size = len(weights)
                if size not in rewards:
                    rewards[size] = self._add(f"reward for {size}", parts.reward(self.circuit, size))
                rewards[size].s_out.connect(process.s_in_y1)
                for port in self._fires[posts[0]]:
                    port.connect(process.s_in_bap)
            self._connect(what, pre, process, posts)
            self._matrices.update({(pre, post): process for post in posts})

    def _connect(self, what: str, pre: str, process: AbstractProcess, posts: Iterable[str]) -> None:
        self._add(what, process)
        for port in self._fires[pre]:
            port.connect(process.s_in)
        for post in posts:
            process.a_out.connect(self._takes[post])

    def _tie_together(self) -> None:
        """Lava runs what is connected: parts of a circuit that are not get a common source, a silent one."""
        groups = list(self._size)
        edges = np.zeros((len(groups), len(groups)), np.int8)
        for p in self.circuit.projections:
            edges[groups.index(self._place[p.pre][0]), groups.index(self._place[p.post][0])] = 1
        count, part = connected_components(csr_matrix(edges), directed=False)
        if count > 1:
            silence = self._add("nothing", source.RingBuffer(data=np.zeros((1, 1), np.int32)))
            for number in range(count):
                group = groups[list(part).index(number)]
                nothing = np.zeros((self._size[group], 1), np.int32)
                tie = self._add(f"nothing -> {group}", parts.fixed("", nothing, 0, 0, SignMode.MIXED, False))
                silence.s_out.connect(tie.s_in)
                tie.a_out.connect(self._takes[group])

    def _add_sinks(self) -> None:
        for group in dict.fromkeys(self._place[name][0] for name in self._recorded):
            sunk = sink.RingBuffer(shape=(self._size[group],), buffer=self.steps)
            self._sinks[group] = self._add(f"record of {group}", sunk)
            for port in self._fires[group]:
                port.connect(sunk.a_in)


class LavaNetwork(Network):
    """A circuit with a ring of gates; every `run` is one in Lava, from rest, after a cycle to start the ring.

    From one run to the next go the matrices but no spikes: those in flight between two samples come to
    nothing, as long as no closed population fires.
    """

    def __init__(self, circuit: Circuit, plastic: Mapping[tuple[str, str], Any], merged: bool) -> None:
        super().__init__(circuit, plastic)
        self._merged = merged

    def run(
        self, events: Events, rows: NDArray[np.int64], populations: Any = (), potentials: bool = False
    ) -> Record:
        """As `Network.run`. `active` is filled in for populations that are recorded or that a matrix drives.

        Raises ValueError if potentials are asked for: the Processes give spikes only.
        """
        if potentials:
            raise ValueError("Lava's own Processes give spikes only, no potentials")
        record = self._empty_record(rows, populations, False)
        if not rows.size:
            return record
        period = len(self.circuit.phases)
        stimuli = np.zeros((period + rows.size, sum(p.size for p in self.circuit.populations)), np.bool_)
        when = np.repeat(np.arange(rows.size), np.diff(events.first)) + period
        stimuli[when, events.neurons[: when.size]] = True
        stimuli[period - 2, self.first["in_g"]] = True  # its gate, the first, opens phase 0
        inputs = {p.name: stimuli[:, self.first[p.name] :][:, : p.size] for p in self.circuit.populations}
        recorded = dict.fromkeys((*populations, *(p.post for p in self.circuit.matrices)))
        spikes, matrices = Processes(
            self.circuit,
            self.matrices,
            {name: spikes for name, spikes in inputs.items() if spikes.any()},
            len(stimuli),
            recorded,
            self._merged,
        ).run()
        for number, population in enumerate(self.circuit.populations):
            if population.name in spikes:
                fired = spikes[population.name][period:]
                record.active[:, number] = fired.any(axis=1)
                if population.name in populations:
                    column = record.column[number]
                    record.spikes[rows[rows >= 0], column : column + population.size] = fired[rows >= 0]
        super().__init__(self.circuit, matrices)
        return record


class Presenter(spiking.Presenter):
    """As `spiking.Presenter`, with every step of every sample done by Lava's own Processes."""

    def __init__(self, circuit: Circuit, weights: Weights, merged: bool = True) -> None:
        super().__init__(circuit, weights)
        self.network = LavaNetwork(circuit, self.network.matrices, merged)


class Learner(spiking.Learner):
    """As `spiking.Learner`, with every step of every sample done by Lava's own Processes, merged."""

    def __init__(self, weights: Weights, rule: Rule, inhibition: int = INHIBITION) -> None:
        super().__init__(weights, rule, inhibition)
        self._presenter = Presenter(self._presenter.circuit, weights)
