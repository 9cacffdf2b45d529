"""The layers of a network, each with the populations that receive its input."""

from dataclasses import dataclass
from typing import NamedTuple


class Copy(NamedTuple):
    """A population that receives a layer's input and compares it with a limit of its own."""

    name: str
    symbol: str
    share: float  # the limit, as a share of the threshold
    encodes: str  # what its spikes stand for


@dataclass(frozen=True)
class Layer:
    """A layer; `name` and `symbol` are those of the first copy, whose spikes go on to the next layer."""

    number: int
    name: str
    symbol: str
    title: str
    copies: tuple[Copy, ...]

    @property
    def populations(self) -> tuple[str, ...]:
        """Names of the copies."""
        return tuple(copy.name for copy in self.copies)


def layers_of(n_hidden: int, learns: bool, margin: float = 0) -> list[Layer]:
    """List the input layer 0, the hidden layers 1 to L, and the output layer L + 1.

    Parameters
    ----------
    n_hidden : int
        Number of hidden layers, L.
    learns : bool
        Whether layers have copies for the two edges of the surrogate derivative, h< and h>.
    margin : float
        Share of the threshold. If it is not 0, the outputs have two more copies, which compare with half the
        threshold minus and plus the margin.

    Returns
    -------
    list of Layer
    """
    numbers = [""] if n_hidden == 1 else [str(n + 1) for n in range(n_hidden)]  # the paper writes h, not h1
    layers = [Layer(0, "x", "x", "input", (Copy("x", "x", 1 / 2, "x"),))]
    for n, number in enumerate(numbers, 1):
        h, title = f"h{number}", f"hidden layer {number}".rstrip()
        layers.append(Layer(n, f"h{n}", h, title, _copies(f"h{n}", h, f"h = f(v{n})", f"v{n}", learns)))
    v = f"v{n_hidden + 1}"
    copies = _copies("o", "o", f"o = f({v})", v, learns)
    if margin:
        copies += (
            Copy("o_low", "o-m", 1 / 2 - margin, f"{v} > 1/2 - m"),
            Copy("o_high", "o+m", 1 / 2 + margin, f"{v} > 1/2 + m"),
        )
    return [*layers, Layer(n_hidden + 1, "o", "o", "output", copies)]


def _copies(name: str, symbol: str, encodes: str, v: str, learns: bool) -> tuple[Copy, ...]:
    edges = (
        Copy(f"{name}_copy", f"{symbol}<", 0, f"{v} > 0"),
        Copy(f"{name}_copy2", f"{symbol}>", 1, f"{v} > 1"),
    )
    return (Copy(name, symbol, 1 / 2, encodes), *(edges if learns else ()))
