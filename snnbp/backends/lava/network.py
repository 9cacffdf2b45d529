"""Any declared circuit, built from unmodified Lava Processes.

- Populations are a LIFReset: it forgets current and voltage every step, and fires above its threshold. Those
  of one neuron type that no matrix touches share one.
- Spikes from outside come from a source.RingBuffer and are added to those of the population.
- Fixed weights are a Sparse (one-to-one) or Dense, with delays DelaySparse or DelayDense, of one sign each.
  Projections that differ only in their neurons or their target share one.
- A matrix is a LearningDense whose third factor is the reward, or a Dense if the circuit does not learn. A
  layer and its two copies share one: they start equal and stay equal as long as no population fires that must
  be silent.
- What is recorded leaves Lava through an Extractor.
"""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.proc.io import source
from lava.proc.io.extractor import Extractor
from numpy.typing import NDArray
from tqdm import tqdm

from snnbp.backends.lava import parts
from snnbp.backends.lava.runtime import started
from snnbp.backends.spiking.network import Matrices
from snnbp.circuit.loihi import mantissa_exponent
from snnbp.circuit.parts import NeuronType, Population
from snnbp.circuit.spec import Circuit

STEPS_AT_ONCE = 12
"""Steps between two readings of the record: the capacity of Lava's channels."""


class _Group(NamedTuple):
    """Populations in one Process."""

    size: int
    spikes: list[OutPort]  # where its spikes come from
    current: list[OutPort]  # where its input current comes from
    neurons: AbstractProcess


class Processes:
    """A circuit as connected Lava Processes, with its input spikes, ready to run once.

    Parameters
    ----------
    circuit : Circuit
    plastic : mapping of (str, str) to integer array
        Weights of each matrix, by (pre, post): (pre.size, post.size), even, in [-256, 254].
    inputs : mapping of str to bool array
        Spikes (steps, size) that a population emits besides its own.
    steps : int
        Number of time steps.
    populations : iterable of str, optional
        Those to record; default: all.
    potentials : bool
        Whether to record the input current, too.

    Attributes
    ----------
    table : list of (str, AbstractProcess)
        Each part of the circuit, in words, and its Process.

    Raises
    ------
    ValueError
        For circuits that Lava's Processes cannot represent.
    """

    def __init__(
        self,
        circuit: Circuit,
        plastic: Mapping[tuple[str, str], Any],
        inputs: Mapping[str, NDArray[np.bool_]],
        steps: int,
        populations: Iterable[str] | None = None,
        potentials: bool = False,
    ) -> None:
        self.circuit = circuit
        self.steps = steps
        self.table: list[tuple[str, AbstractProcess]] = []
        self._recorded = [p.name for p in circuit.populations] if populations is None else list(populations)
        self._groups: dict[str, _Group] = {}
        self._place: dict[str, tuple[str, int]] = {}  # population -> its group, and its first neuron there
        self._matrices: dict[tuple[str, str], AbstractProcess] = {}
        self._add_neurons()
        self._add_inputs(inputs)
        self._add_fixed_weights()
        self._add_matrices(plastic)
        self._connect_components()
        groups = {self._place[name][0]: self._groups[self._place[name][0]] for name in self._recorded}
        self._spikes = {name: self._add_record(name, group.spikes) for name, group in groups.items()}
        self._currents = {
            name: self._add_record(name, group.current)
            for name, group in groups.items()
            if potentials and group.current
        }

    def run(self) -> tuple[dict[str, NDArray[np.bool_]], dict[str, NDArray[np.int32]], Matrices]:
        """Run all steps, with a progress bar in a terminal if it takes over five seconds.

        Returns
        -------
        spikes : dict of str to bool array (steps, size)
            By population.
        currents : dict of str to int32 array (steps, size)
            Input sums (weight units) by population, if asked for and if a projection leads there.
        matrices : dict of (str, str) to int16 array (pre.size, post.size)
            Weights after the run.
        """
        records = [*self._spikes.values(), *self._currents.values()]
        rows: dict[AbstractProcess, list[NDArray[Any]]] = {record: [] for record in records}
        bar = tqdm(total=self.steps, unit="step", delay=5, leave=False, disable=None)
        with started([process for _, process in self.table]) as go, bar:
            for begin in range(0, self.steps, STEPS_AT_ONCE):
                steps = min(STEPS_AT_ONCE, self.steps - begin)
                go(steps)
                for record in records:
                    rows[record] += [record.receive() for _ in range(steps)]
                bar.update(steps)
            weights = {process: process.weights.get() for process in dict.fromkeys(self._matrices.values())}

        def recorded(record: Mapping[str, AbstractProcess], dtype: Any) -> dict[str, NDArray[Any]]:
            whole = {group: np.array(rows[process], dtype) for group, process in record.items()}
            places = {name: self._place[name] for name in self._recorded}
            return {
                name: whole[group][:, first:][:, : self.circuit[name].size]
                for name, (group, first) in places.items()
                if group in whole
            }

        matrices = {key: weights[process].T.astype(np.int16) for key, process in self._matrices.items()}
        return recorded(self._spikes, np.bool_), recorded(self._currents, np.int32), matrices

    def _add(self, what: str, process: AbstractProcess) -> AbstractProcess:
        self.table.append((what, process))
        return process

    def _add_neurons(self) -> None:
        touched = {name for p in self.circuit.matrices for name in (p.pre, p.post)}
        groups: dict[str | NeuronType, list[Population]] = {}
        for population in self.circuit.populations:
            key = population.name if population.name in touched else population.neuron
            groups.setdefault(key, []).append(population)
        for members in groups.values():
            name = ", ".join(population.name for population in members)
            size = 0
            for population in members:
                self._place[population.name] = name, size
                size += population.size
            neurons = self._add(name, parts.lif_neurons(size, members[0].neuron))
            self._groups[name] = _Group(size, [neurons.s_out], [], neurons)

    def _add_inputs(self, inputs: Mapping[str, NDArray[np.bool_]]) -> None:
        data: dict[str, NDArray[np.int32]] = {}
        for name, spikes in inputs.items():
            group, first = self._place[name]
            data.setdefault(group, np.zeros((self._groups[group].size, self.steps), np.int32))
            data[group][first : first + self.circuit[name].size] = spikes.T
        for group, columns in data.items():
            ring = self._add(f"input to {group}", source.RingBuffer(data=columns))
            self._groups[group].spikes.append(ring.s_out)

    def _add_fixed_weights(self) -> None:
        blocks: dict[
            tuple[Any, ...], NDArray[np.int32]
        ] = {}  # a Process's weights, by kind, number and target
        names: dict[tuple[Any, ...], list[str]] = {}
        for p in self.circuit.projections:
            if p.weight is None:
                continue
            mantissa, exponent = mantissa_exponent(p.weight)
            one_to_one = p.pattern == "one-to-one"
            (pre, column), (post, row) = self._place[p.pre], self._place[p.post]
            rows, columns = self.circuit[p.post].size, self.circuit[p.pre].size
            kind = (pre, p.delay, exponent, one_to_one, mantissa > 0)
            # Two synapses between the same neurons stay apart: their sum may need a longer mantissa.
            for number in count():
                shape = self._groups[post].size, self._groups[pre].size
                block = blocks.setdefault((kind, number, post), np.zeros(shape, np.int32))
                place = block[row : row + rows, column : column + columns]
                if not place.any():
                    break
            place[:] = mantissa * (np.eye(rows, dtype=np.int32) if one_to_one else 1)
            names.setdefault((kind, number, post), []).append(f"{p.pre} -> {p.post}")

        shared: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for key, block in blocks.items():
            shared.setdefault((*key[:2], block.shape, block.tobytes()), []).append(key)
        for keys in shared.values():
            pre, delay, exponent, one_to_one, _ = keys[0][0]
            process = parts.fixed_synapses(blocks[keys[0]], delay, exponent, one_to_one)
            what = ", ".join(name for key in keys for name in names[key])
            self._connect(what, pre, process, [post for *_, post in keys])

    def _add_matrices(self, plastic: Mapping[tuple[str, str], Any]) -> None:
        copies: dict[tuple[Any, ...], list[str]] = {}
        for p in self.circuit.matrices:
            if p.delay and p.learns and self.circuit.plasticity:
                raise ValueError(f"{p}: delay {p.delay}, but Lava's LearningDense supports none")
            key = p.pre, p.delay, p.learns, p.symbol, plastic[p.pre, p.post].tobytes()
            copies.setdefault(key, []).append(p.post)
        rewards: dict[int, AbstractProcess] = {}
        for (pre, delay, learns, *_), posts in copies.items():
            weights = np.array(plastic[pre, posts[0]], np.int32).T
            if self.circuit.plasticity is None or not learns:
                process = parts.fixed_synapses(weights, delay)
            else:
                process = parts.plastic_synapses(weights, self.circuit.plasticity)
                size = len(weights)
                if size not in rewards:
                    rewards[size] = self._add(f"reward for {size}", parts.third_factor(self.circuit, size))
                rewards[size].s_out.connect(process.s_in_y1)
                for port in self._groups[posts[0]].spikes:
                    port.connect(process.s_in_bap)
            self._connect(", ".join(f"{pre} -> {post}" for post in posts), pre, process, posts)
            self._matrices.update({(pre, post): process for post in posts})

    def _connect(self, what: str, pre: str, process: AbstractProcess, posts: Iterable[str]) -> None:
        self._add(what, process)
        for port in self._groups[pre].spikes:
            port.connect(process.s_in)
        for post in posts:
            process.a_out.connect(self._groups[post].neurons.a_in)
            self._groups[post].current.append(process.a_out)

    def _connect_components(self) -> None:
        """Link what is apart to the first neurons, with weight 0: Lava runs only what is connected."""
        first, *others = self._groups
        neurons = self._groups[first].neurons
        for other in others:
            if neurons not in find_processes(self._groups[other].neurons):
                zeros = np.zeros((self._groups[first].size, self._groups[other].size), np.int32)
                self._connect(f"{other}, linked to {first}", other, parts.fixed_synapses(zeros), [first])

    def _add_record(self, group: str, ports: Iterable[OutPort]) -> AbstractProcess:
        record = Extractor(shape=(self._groups[group].size,), buffer_size=STEPS_AT_ONCE)
        for port in ports:
            port.connect(record.in_port)
        return self._add(f"record of {group}", record)
