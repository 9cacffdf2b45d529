"""The parts of a circuit: data classes, validated on construction.

A population is *open* in a phase (gated on) if a spike of its gate, or of another population, compensates its
bias; otherwise it is gated off. *Inhibited* means that a gate adds a negative weight on top of the bias.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from snnbp import checks
from snnbp.circuit.loihi import LEVEL_LIMIT, THRESHOLD, WEIGHT_GRID, WEIGHT_MAX

Pattern = Literal["one-to-one", "one-to-all", "all-to-all"]


@dataclass(frozen=True)
class NeuronType:
    """A neuron that fires iff its input in this step + bias > threshold, and keeps no potential.

    Parameters
    ----------
    name : str
    bias, threshold : int
        Weight units, 17 bits.
    refractory : int
        Steps for which the neuron stays silent after a spike.
    """

    name: str
    bias: int = 0
    threshold: int = THRESHOLD
    refractory: int = 0

    def __post_init__(self) -> None:
        for name in ("bias", "threshold", "refractory"):
            value = checks.whole(f"neuron type {self.name!r}: {name}", getattr(self, name))
            object.__setattr__(self, name, value)
        for name in ("bias", "threshold"):
            if abs(getattr(self, name)) >= LEVEL_LIMIT:
                raise ValueError(f"neuron type {self.name!r}: {name} {getattr(self, name)} exceeds 17 bits")
        if self.refractory < 0:
            raise ValueError(f"neuron type {self.name!r}: refractory period {self.refractory} is negative")


@dataclass(frozen=True)
class Population:
    """Neurons of one type.

    Parameters
    ----------
    name : str
    size : int
        Number of neurons.
    neuron : NeuronType
    layer : str
        "input", "hidden1", ..., "output" or "gate".
    symbol : str
        The paper's symbol; default: the name.
    row : int
        Place in the drawing, counted from the top.
    """

    name: str
    size: int
    neuron: NeuronType = NeuronType("plain")
    layer: str = ""
    symbol: str = ""
    row: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checks.whole(f"population {self.name!r}: size", self.size))
        checks.an(NeuronType, f"population {self.name!r}: neuron", self.neuron)
        if self.size < 1:
            raise ValueError(f"population {self.name!r}: size {self.size} is not positive")
        object.__setattr__(self, "symbol", self.symbol or self.name)


@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another.

    Parameters
    ----------
    pre, post : str
        Names of the populations.
    pattern : str
        "one-to-one", "one-to-all" (from a single neuron) or "all-to-all".
    weight : int or None
        One weight (weight units) for all synapses, or None for a matrix (pre.size, post.size) that is given
        when the circuit runs.
    delay : int
        A spike arrives `delay` + 1 steps later.
    symbol : str
        Name of the matrix.
    learns : bool
        Whether the matrix learns where the circuit has a plasticity rule.
    """

    pre: str
    post: str
    pattern: Pattern
    weight: int | None = None
    delay: int = 0
    symbol: str = ""
    learns: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "delay", checks.whole(f"{self}: delay", self.delay))
        if self.weight is not None:
            object.__setattr__(self, "weight", checks.whole(f"{self}: weight", self.weight))

    def __str__(self) -> str:
        return f"projection {self.pre} -> {self.post}"


@dataclass(frozen=True)
class Phase:
    """One step of the cycle. Its gate fires one step earlier, so that its spike arrives in this phase.

    Parameters
    ----------
    gate : str
        The population of one neuron that opens and inhibits.
    event : str
        What happens, apart from inhibition: "" if nothing else does.
    opens : mapping of str to float
        Population -> share of the threshold that its input must exceed (1/2, 0 or 1).
    opened_by : mapping of str to str
        Population -> the population that opens it instead of the gate, neuron by neuron, at share 1/2.
    inhibits : tuple of str
    receives_input : tuple of str
        Populations to which the sample's spikes are given from outside.
    may_fire_while_gated_off : tuple of str
        Populations that may fire although they are gated off, because it has no effect on learning.
    reward : bool
        Whether plastic synapses receive the third factor (r = 1).
    encodes : mapping of str to str
        Population -> what its spikes stand for.
    """

    gate: str = ""
    event: str = ""
    opens: Mapping[str, float] = field(default_factory=dict)
    opened_by: Mapping[str, str] = field(default_factory=dict)
    inhibits: tuple[str, ...] = ()
    receives_input: tuple[str, ...] = ()
    may_fire_while_gated_off: tuple[str, ...] = ()
    reward: bool = False
    encodes: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The populations that can fire in this phase, opened by the gate or by another population."""
        return (*self.opens, *self.opened_by)


@dataclass(frozen=True)
class PlasticityRule:
    """dw = rewarded * r * x0 * y0 + always * x0 * y0, applied in every step to every plastic synapse.

    x0 and y0 are pre- and postsynaptic spikes of the same step, r is the reward. Published: 4 and -2, which
    is +2 with reward and -2 without.

    Parameters
    ----------
    rewarded, always : int
        Changes (weight units); both `always` and `always + rewarded` are even.
    """

    rewarded: int = 2 * WEIGHT_GRID
    always: int = -WEIGHT_GRID

    def __post_init__(self) -> None:
        for name in ("rewarded", "always"):
            object.__setattr__(self, name, checks.whole(f"plasticity rule: {name}", getattr(self, name)))
        for change in (self.always, self.always + self.rewarded):
            if change % WEIGHT_GRID or abs(change) > WEIGHT_MAX:
                raise ValueError(f"plasticity rule: a change of {change} is odd or exceeds {WEIGHT_MAX}")
