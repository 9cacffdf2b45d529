"""The words in which a circuit is declared: populations, projections, phases, checked as they are written.

A `Circuit` says which neurons exist, what connects them, and what each phase of the cycle opens or holds
down. It computes nothing. `circuit` declares the paper's two circuits with these words; any other circuit can
be declared by hand.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from snnbp.circuit.loihi import THRESHOLD, WEIGHT_GRID, WEIGHT_MAX

Pattern = Literal["one-to-one", "one-to-all", "all-to-all"]
Role = Literal["plastic", "trained", "gating", "chain", "copy"]

MANTISSA_MAX = 255
"""Largest magnitude of a fixed weight's mantissa: 8 bits, the sign is common to the projection."""

EXPONENT_MAX = 7
"""Largest exponent of a fixed weight: mantissa * 2 ** exponent (Davies et al., IEEE Micro 38(1), 2018)."""

LEVEL_LIMIT = 1 << 17
"""Thresholds and biases stay below: 17 bits (Lava 0.10, PyLifModelBitAcc)."""


@dataclass(frozen=True)
class Cell:
    """A kind of neuron: it fires iff this step's input + bias > threshold, and forgets the input.

    `bias` and `threshold` are in weight units. After a spike the neuron stays silent for `refractory` steps.
    """

    name: str
    bias: int = 0
    threshold: int = THRESHOLD
    refractory: int = 0

    def __post_init__(self) -> None:
        for name in ("bias", "threshold"):
            if abs(getattr(self, name)) >= LEVEL_LIMIT:
                raise ValueError(f"cell {self.name!r}: {name} {getattr(self, name)} exceeds 17 bits")
        if self.refractory < 0:
            raise ValueError(f"cell {self.name!r}: refractory period {self.refractory} is negative")


@dataclass(frozen=True)
class Population:
    """`size` neurons of one cell. `kind` names the size ("in", "hid", "out", "gat"), `symbol` is the paper's
    (the name if it has none), `row` is the place in the drawing, counted from the top."""

    name: str
    size: int
    cell: Cell = Cell("plain")
    kind: str = ""
    symbol: str = ""
    row: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"population {self.name!r}: size {self.size} is not positive")
        object.__setattr__(self, "symbol", self.symbol or self.name)


@dataclass(frozen=True)
class Projection:
    """Synapses from `pre` to `post`. `weight` (weight units) is one for all, or None for a matrix
    (pre.size, post.size) that is handed in with the run and can learn; `symbol` names that matrix.

    A spike arrives `delay` + 1 steps later. "one-to-all" starts from a single neuron.
    """

    pre: str
    post: str
    pattern: Pattern
    weight: int | None = None
    delay: int = 0
    symbol: str = ""

    def __str__(self) -> str:
        return f"projection {self.pre} -> {self.post}"


@dataclass(frozen=True)
class Phase:
    """One step of the cycle. Its gate fires one step ahead, so that its effect is there in the phase.

    - `opens`: population -> share of the threshold that its input must exceed while it is open (1/2, 0 or 1);
    - `opened_by`: population -> the population that opens it instead of the gate, neuron by neuron, half-way;
    - `holds`: populations that are held down by inhibition;
    - `presents`: populations that receive the sample's spikes from outside;
    - `tolerates`: populations that are closed and may fire nevertheless, because nothing comes of it;
    - `reward`: whether plastic synapses see a reward;
    - `event`: what happens; `meaning`: population -> what its spikes stand for in this phase.
    """

    gate: str = ""
    event: str = ""
    opens: Mapping[str, float] = field(default_factory=dict)
    opened_by: Mapping[str, str] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    presents: tuple[str, ...] = ()
    tolerates: tuple[str, ...] = ()
    reward: bool = False
    meaning: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The populations that can fire in this phase, whoever opens them."""
        return (*self.opens, *self.opened_by)


@dataclass(frozen=True)
class LearningRule:
    """dw = rewarded * r * x0 * y0 + always * x0 * y0, applied in every step to every plastic synapse.

    x0 and y0 are pre- and postsynaptic spikes of the same step, r is the reward; both factors are in weight
    units and even, like the weights. Published: 4 and -2, which is +2 with reward and -2 without.
    """

    rewarded: int = 2 * WEIGHT_GRID
    always: int = -WEIGHT_GRID

    def __post_init__(self) -> None:
        for change in (self.always, self.always + self.rewarded):
            if change % WEIGHT_GRID or abs(change) > WEIGHT_MAX:
                raise ValueError(f"learning rule: a change of {change} is odd or exceeds {WEIGHT_MAX}")


@dataclass(frozen=True)
class Counts:
    """How large a circuit is: neurons by size kind, projections and synapses by role."""

    populations: int
    neurons: Mapping[str, int]
    projections: Mapping[str, int]
    synapses: Mapping[str, int]


@dataclass(frozen=True)
class Circuit:
    """A complete network. Step s, from 0, is phase s mod len(phases); without phases there is no reward.

    `phases` state the intention (reward, drawing, names); what runs is `populations` and `projections`.
    Raises ValueError, with the entry and the reason in one line, for a declaration that makes no sense or
    that the chip could not hold.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    phases: tuple[Phase, ...] = ()
    learning: LearningRule | None = None
    inhibition: int | None = None

    def __post_init__(self) -> None:
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

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each kind of population."""
        return {p.kind: p.size for p in self.populations}

    @property
    def cells(self) -> dict[str, Cell]:
        """The cells in use, by name."""
        return {p.cell.name: p.cell for p in self.populations}

    @property
    def matrices(self) -> tuple[Projection, ...]:
        """The projections whose weights are matrices."""
        return tuple(p for p in self.projections if p.weight is None)

    @property
    def reward(self) -> tuple[int, ...]:
        """The phases with reward."""
        return tuple(n for n, phase in enumerate(self.phases) if phase.reward)

    def without(self, pre: str, post: str) -> "Circuit":
        """The same circuit with every projection from `pre` to `post` cut; ValueError if there is none."""
        kept = tuple(p for p in self.projections if (p.pre, p.post) != (pre, post))
        if len(kept) == len(self.projections):
            raise ValueError(f"projection {pre} -> {post}: there is none to remove")
        return replace(self, projections=kept)

    def role(self, projection: Projection) -> Role:
        """What a projection is for: a matrix that learns ("plastic") or not ("trained"), opening or holding
        down a population ("gating"), passing the turn to the next gate ("chain"), copying spikes ("copy")."""
        if projection.weight is None:
            return "plastic" if self.learning else "trained"
        if projection.post in {phase.gate for phase in self.phases}:
            return "chain"
        opens = any(phase.opened_by.get(projection.post) == projection.pre for phase in self.phases)
        return "gating" if opens or projection.pattern == "one-to-all" else "copy"

    def arriving(self, phase: int) -> tuple[Projection, ...]:
        """Projections that can carry spikes into `phase`: their target is open then, and when these spikes
        left their source was open, or was presented from outside, or is the phase's gate."""
        period = len(self.phases)
        now = self.phases[phase]

        def can_fire(projection: Projection) -> bool:
            then = self.phases[(phase - 1 - projection.delay) % period]
            gate_fires = projection.delay == 0 and projection.pre == now.gate
            return gate_fires or projection.pre in then.open or projection.pre in then.presents

        return tuple(p for p in self.projections if p.post in now.open and can_fire(p))

    def counts(self) -> Counts:
        """Populations, neurons by kind, projections and synapses by role."""
        neurons: Counter[str] = Counter()
        projections: Counter[str] = Counter()
        synapses: Counter[str] = Counter()
        for population in self.populations:
            neurons[population.kind] += population.size
        for projection in self.projections:
            fan_in = self[projection.pre].size if projection.pattern == "all-to-all" else 1
            projections[self.role(projection)] += 1
            synapses[self.role(projection)] += fan_in * self[projection.post].size
        return Counts(len(self.populations), dict(neurons), dict(projections), dict(synapses))


def mantissa_exponent(weight: int) -> tuple[int, int]:
    """The smallest exponent, with its mantissa, for which weight == mantissa * 2 ** exponent.

    Raises ValueError if a mantissa of 8 bits (its sign apart) and an exponent of 3 bits cannot hold `weight`.
    """
    for exponent in range(EXPONENT_MAX + 1):
        mantissa, rest = divmod(abs(weight), 2**exponent)
        if not rest and mantissa <= MANTISSA_MAX:
            return (mantissa if weight > 0 else -mantissa), exponent
    raise ValueError(f"weight {weight} is no 8-bit mantissa times 2^0 to 2^{EXPONENT_MAX}")


def gating_projections(
    populations: Iterable[Population], phases: tuple[Phase, ...], inhibition: int
) -> Iterator[Projection]:
    """Every connection that opens a population or holds it down, as the phases ask for it.

    The share of the threshold that is left to the input sets the gate's weight: 1 -> -bias, 1/2 ->
    -bias + threshold / 2, and 0 -> -bias + threshold / 2 and threshold / 2, as two synapses. An `opened_by`
    population acts from the last phase in which it was open itself, which gives the delay; phases at the same
    distance share the connection.
    """
    cells = {p.name: p.cell for p in populations}
    seen = set()
    for number, phase in enumerate(phases):
        for post, share in phase.opens.items():
            for weight in _gate_weights(cells, phase, post, share):
                yield Projection(phase.gate, post, "one-to-all", weight)
        for post in phase.holds:
            yield Projection(phase.gate, post, "one-to-all", inhibition)
        for post, opener in phase.opened_by.items():
            delay = next((d for d in range(len(phases)) if opener in phases[number - 1 - d].open), None)
            if delay is None:
                raise ValueError(f"phase {phase.gate}: {opener!r} shall open {post!r} but never opens itself")
            if (opener, post, delay) not in seen:
                (weight,) = _gate_weights(cells, phase, post, 1 / 2)
                yield Projection(opener, post, "one-to-one", weight, delay)
            seen.add((opener, post, delay))


def _gate_weights(cells: Mapping[str, Cell], phase: Phase, post: str, share: float) -> tuple[int, ...]:
    if post not in cells:
        raise ValueError(f"phase {phase.gate} opens {post!r}, which is not a population")
    closed, half = -cells[post].bias, cells[post].threshold // 2
    shares: dict[float, tuple[int, ...]] = {1: (closed,), 1 / 2: (closed + half,), 0: (half, closed + half)}
    if share not in shares:
        raise ValueError(
            f"phase {phase.gate} leaves {share} of the threshold to {post!r}: choose 0, 1/2 or 1"
        )
    return shares[share]


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
    if projection.weight is None:
        if projection.pattern != "all-to-all":
            raise ValueError(f"{projection}: a matrix of weights needs the pattern all-to-all")
        return
    try:
        mantissa_exponent(projection.weight)
    except ValueError as error:
        raise ValueError(f"{projection}: {error}") from None


def _check_phases(phases: tuple[Phase, ...], sizes: Mapping[str, int]) -> None:
    claimed: dict[str, int] = {}
    for number, phase in enumerate(phases):
        for name in (
            *phase.open,
            *phase.opened_by.values(),
            *phase.holds,
            *phase.presents,
            *phase.tolerates,
            *phase.meaning,
        ):
            if name not in sizes:
                raise ValueError(f"phase {number}: {name!r} is not a population")
        if not phase.gate:
            continue
        if phase.gate in claimed:
            raise ValueError(f"phases {claimed[phase.gate]} and {number} both claim the gate {phase.gate!r}")
        if sizes.get(phase.gate) != 1:
            raise ValueError(f"phase {number}: its gate {phase.gate!r} is not a population of one neuron")
        claimed[phase.gate] = number
