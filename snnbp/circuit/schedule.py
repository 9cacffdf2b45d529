"""When each matrix learns: the two tables of phases from which a circuit is derived."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Schedule:
    """In which phase what happens. Layer l, from the input layer 0, fires for the sample in phase l + 1.

    Attributes
    ----------
    name : str
    memory_of_x : str
        Name of the population that keeps the input.
    potentiate, depress : mapping of int to int
        Layer l -> phase in which W_l potentiates (P_l) and depresses (D_l).
    uninhibited : mapping of int to int
        Phase -> layer that is not inhibited although a matrix reaches it while it is gated off.
    may_fire : mapping of int to int
        The entries of `uninhibited` that may fire, because it has no effect on learning.
    """

    name: str
    memory_of_x: str
    potentiate: Mapping[int, int]
    depress: Mapping[int, int]
    uninhibited: Mapping[int, int] = field(default_factory=dict)
    may_fire: Mapping[int, int] = field(default_factory=dict)

    @property
    def error(self) -> int:
        """Phase of d+ and d-, the one after the outputs'."""
        return max(self.potentiate) + 2

    @property
    def period(self) -> int:
        """Number of phases of a sample."""
        return self.depress[1] + 1

    def deltas(self, layer: int) -> tuple[int, int]:
        """Phases in which h_lT fires for the error, to potentiate and to depress.

        Each follows at once when W_l+1 learns, since the error then fires above it.
        """
        return self.potentiate[layer + 1] + 1, self.depress[layer + 1] + 1


PUBLISHED = Schedule(
    name="published",
    memory_of_x="m_x6",
    potentiate={2: 5, 1: 7},
    depress={2: 9, 1: 11},
    # The official code leaves three populations to their bias, which withstands 9,216: 36 spikes at the
    # largest weight. What reaches them are spikes that were replayed one phase before to change W_1.
    # - phase 0: x, from phase 11. Some h may fire: x is silent again, so that W_1 does not learn.
    # - phase 1: these h, at o.
    # - phase 8: the deltas at h, from phase 7, at o. Only neurons inside the window can have one.
    uninhibited={0: 1, 1: 2, 8: 2},
    may_fire={0: 1},
)
"""The paper's schedule: one hidden layer, 12 phases (Fig. 2)."""


def schedule_of(n_hidden: int, name: str | None = None) -> Schedule:
    """Return the schedule for a number of hidden layers.

    Parameters
    ----------
    n_hidden : int
        Number of hidden layers, L.
    name : {"published", "compact"}, optional
        "published" (12 phases) exists for one hidden layer and is the default there; "compact",
        11 + 5 (L - 1) phases, is the default for more.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        For another name, or more hidden layers than the schedule has.
    """
    if n_hidden < 1:
        raise ValueError("the circuit needs at least one hidden layer")
    if name is None:
        name = "published" if n_hidden == 1 else "compact"
    if name == "published":
        if n_hidden > 1:
            raise ValueError(f"schedule 'published' has one hidden layer, not {n_hidden}: choose 'compact'")
        return PUBLISHED
    if name != "compact":
        raise ValueError(f"unknown schedule {name!r}: choose 'published' or 'compact'")
    # W_L+1 learns right after the error. Each next layer potentiates after the deltas of both signs, which
    # h_lT- sends on; layer 1 has no h_1T- and need not wait for the second. D is two phases after P, so that
    # the deltas to potentiate fit between.
    potentiate = {n_hidden + 1: n_hidden + 4}
    for layer in range(n_hidden, 0, -1):
        potentiate[layer] = potentiate[layer + 1] + (4 if layer > 1 else 3)
    depress = {layer: phase + 2 for layer, phase in potentiate.items()}
    return Schedule(name, "m_x", potentiate, depress)
