"""When each matrix learns: the two tables of phases from which a circuit is derived."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """When each matrix learns.

    Attributes
    ----------
    name : str
    potentiate, depress : mapping of int to int
        Layer l -> phase in which W_l potentiates (P_l) and depresses (D_l).
    uninhibited : tuple of (int, str)
        Phase and layer that the circuit does not inhibit although a matrix reaches it then.
    may_fire : tuple of (int, str)
        Those of them that may fire, because nothing follows from it.
    """

    name: str
    potentiate: Mapping[int, int]
    depress: Mapping[int, int]
    uninhibited: tuple[tuple[int, str], ...] = ()
    may_fire: tuple[tuple[int, str], ...] = ()

    @property
    def period(self) -> int:
        """Phases of a sample."""
        return self.depress[1] + 1

    @property
    def memory_of_x(self) -> str:
        """Name of the population that keeps the input; the published one is named after its phase."""
        return "m_x6" if self.name == "published" else "m_x"


def schedule_of(n_hidden: int, name: str | None = None) -> Schedule:
    """The schedule for a number of hidden layers.

    Parameters
    ----------
    n_hidden : int
        Number of hidden layers, L.
    name : {"published", "compact"}, optional
        "published" (12 phases) exists for one hidden layer and is the default there; "compact",
        11 + 5 (L - 1) phases, is the default for more.

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
        return Schedule(name, {2: 5, 1: 7}, {2: 9, 1: 11}, ((0, "h1*"), (1, "o*"), (8, "o*")), ((0, "h1*"),))
    if name != "compact":
        raise ValueError(f"unknown schedule {name!r}: choose 'published' or 'compact'")
    potentiate = {n_hidden + 1: n_hidden + 4}
    for layer in range(n_hidden, 0, -1):
        potentiate[layer] = potentiate[layer + 1] + (4 if layer > 1 else 3)
    return Schedule(name, potentiate, {layer: phase + 2 for layer, phase in potentiate.items()})
