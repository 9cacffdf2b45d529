"""A circuit as data; validated on construction.

A `Circuit` says which neurons exist, what connects them, and what each phase of the cycle opens or inhibits.
It computes nothing. `backprop` builds the paper's circuits from the classes of `parts`; any other circuit can
be written down by hand.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from snnbp import checks
from snnbp.cards import Card
from snnbp.circuit.loihi import DELAY_MAX, mantissa_exponent
from snnbp.circuit.parts import NeuronType, Phase, PlasticityRule, Population, Projection

Role = Literal["plastic", "trained", "gating", "chain", "copy"]


@dataclass(frozen=True)
class Counts:
    """Size of a circuit: neurons by layer, projections and synapses by role."""

    populations: int
    neurons: Mapping[str, int]
    projections: Mapping[str, int]
    synapses: Mapping[str, int]


@dataclass(frozen=True, repr=False)
class Circuit(Card):
    """A complete network. Step s, from 0, is phase s mod len(phases); without phases there is no reward.

    Parameters
    ----------
    populations : tuple of Population
    projections : tuple of Projection
    phases : tuple of Phase
        Describe the cycle: reward, drawings, meanings. The dynamics follow from the other fields alone.
    plasticity : PlasticityRule or None
        None: the matrices do not learn.
    inhibition : int or None
        Weight of the inhibiting gates (weight units).

    Raises
    ------
    ValueError
        For an inconsistent circuit, or one that the chip cannot hold. The message names the entry.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    phases: tuple[Phase, ...] = ()
    plasticity: PlasticityRule | None = None
    inhibition: int | None = None

    def __post_init__(self) -> None:
        for name, kind in (("populations", Population), ("projections", Projection), ("phases", Phase)):
            object.__setattr__(self, name, checks.each(name, getattr(self, name), kind))
        sizes = {p.name: p.size for p in self.populations}
        for name, times in Counter(p.name for p in self.populations).items():
            if times > 1:
                raise ValueError(f"population {name!r} is declared {times} times")
        for projection in self.projections:
            _check_projection(projection, sizes)
        matrices = Counter((p.pre, p.post) for p in self.projections if p.weight is None)
        for (pre, post), times in matrices.items():
            if times > 1:
                raise ValueError(f"projection {pre} -> {post}: {times} matrices for the same two populations")
        _check_phases(self.phases, sizes)

    def __getitem__(self, name: str) -> Population:
        """The population of that name; KeyError if there is none."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(population.name == name for population in self.populations)

    def _card(self) -> dict[str, Any]:
        return {
            "sizes": self.sizes,
            "populations": len(self.populations),
            "projections": len(self.projections),
            "synapses": sum(self.counts().synapses.values()),
            "phases": len(self.phases),
            "learns": self.plasticity is not None,
            "digest": self.digest[:12],
        }

    @property
    def sizes(self) -> dict[str, int]:
        """Number of neurons of a population of each layer, by layer."""
        return {p.layer: p.size for p in self.populations}

    @property
    def digest(self) -> str:
        """SHA-256 of all that the circuit declares, names and drawing included."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def neuron_types(self) -> dict[str, NeuronType]:
        """The neuron types in use, by name."""
        return {p.neuron.name: p.neuron for p in self.populations}

    @property
    def matrices(self) -> tuple[Projection, ...]:
        """The projections whose weights are matrices."""
        return tuple(p for p in self.projections if p.weight is None)

    @property
    def reward(self) -> tuple[int, ...]:
        """The phases with reward."""
        return tuple(n for n, phase in enumerate(self.phases) if phase.reward)

    def without(self, pre: str, post: str) -> "Circuit":
        """Return the circuit without the projections from `pre` to `post`; ValueError if there are none."""
        kept = tuple(p for p in self.projections if (p.pre, p.post) != (pre, post))
        if len(kept) == len(self.projections):
            raise ValueError(f"no projection {pre} -> {post} in this circuit")
        return replace(self, projections=kept)

    def role(self, projection: Projection) -> Role:
        """Classify a projection by its purpose.

        Returns
        -------
        str
            "plastic" or "trained" (a matrix that learns or does not), "gating" (opens or inhibits a
            population), "chain" (the synfire chain of gates), "copy" (one-to-one, excites or vetoes).
        """
        if projection.weight is None:
            return "plastic" if self.plasticity and projection.learns else "trained"
        if projection.post in {phase.gate for phase in self.phases}:
            return "chain"
        opens = any(phase.opened_by.get(projection.post) == projection.pre for phase in self.phases)
        return "gating" if opens or projection.pattern == "one-to-all" else "copy"

    def projections_into(self, phase: int) -> tuple[Projection, ...]:
        """List the projections that can carry spikes into `phase`.

        Their target is open in this phase. When the spikes left, their source was open, or received input
        from outside, or is the phase's gate.
        """
        period = len(self.phases)
        now = self.phases[phase]

        def can_fire(projection: Projection) -> bool:
            then = self.phases[(phase - 1 - projection.delay) % period]
            gate_fires = projection.delay == 0 and projection.pre == now.gate
            return gate_fires or projection.pre in then.open or projection.pre in then.receives_input

        return tuple(p for p in self.projections if p.post in now.open and can_fire(p))

    def counts(self) -> Counts:
        """Count populations, neurons by layer, projections and synapses by role."""
        neurons: Counter[str] = Counter()
        projections: Counter[str] = Counter()
        synapses: Counter[str] = Counter()
        for population in self.populations:
            neurons[population.layer] += population.size
        sizes = {p.name: p.size for p in self.populations}
        for projection in self.projections:
            fan_in = sizes[projection.pre] if projection.pattern == "all-to-all" else 1
            projections[self.role(projection)] += 1
            synapses[self.role(projection)] += fan_in * sizes[projection.post]
        return Counts(len(self.populations), dict(neurons), dict(projections), dict(synapses))


def _check_projection(projection: Projection, sizes: Mapping[str, int]) -> None:
    for name in (projection.pre, projection.post):
        if name not in sizes:
            raise ValueError(f"{projection}: {name!r} is not a population")
    pre, post = sizes[projection.pre], sizes[projection.post]
    if projection.pattern == "one-to-one" and pre != post:
        raise ValueError(f"{projection}: one-to-one needs equal sizes, got {pre} and {post}")
    if projection.pattern == "one-to-all" and pre != 1:
        raise ValueError(f"{projection}: one-to-all starts from a single neuron, {projection.pre} has {pre}")
    if projection.pattern not in ("one-to-one", "one-to-all", "all-to-all"):
        raise ValueError(f"{projection}: unknown pattern {projection.pattern!r}")
    if projection.delay < 0:
        raise ValueError(f"{projection}: delay {projection.delay} is negative")
    if projection.delay > DELAY_MAX:
        raise ValueError(f"{projection}: delay {projection.delay} exceeds 6 bits")
    if projection.weight is None:
        if projection.pattern != "all-to-all":
            raise ValueError(f"{projection}: a matrix of weights needs the pattern all-to-all")
        return
    try:
        mantissa_exponent(projection.weight)
    except ValueError as error:
        raise ValueError(f"{projection}: {error}") from None


def _check_phases(phases: tuple[Phase, ...], sizes: Mapping[str, int]) -> None:
    for number, phase in enumerate(phases):
        acting = (*phase.open, *phase.opened_by.values(), *phase.inhibits, *phase.receives_input)
        for name in (*acting, *phase.may_fire_while_gated_off, *phase.encodes):
            if name not in sizes:
                raise ValueError(f"phase {number}: {name!r} is not a population")
        if phase.gate and sizes.get(phase.gate) != 1:
            raise ValueError(f"phase {number}: its gate {phase.gate!r} is not a population of one neuron")
        if phase.gate and phase.gate in (earlier.gate for earlier in phases[:number]):
            raise ValueError(f"phase {number}: its gate {phase.gate!r} is that of an earlier phase")
