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
    layers = [Layer(0, "x", "x", "input", (Copy("x", "x", 1 / 2, "x"),))]
    for n in range(1, n_hidden + 1):
        number = "" if n_hidden == 1 else str(n)  # the paper's single hidden layer has none
        copies = _copies("h", n, f"h{n}", f"h{number}", learns)
        layers.append(Layer(n, f"h{n}", f"h{number}", f"hidden layer {number}".rstrip(), copies))
    outputs = _copies("o", n_hidden + 1, "o", "o", learns)
    if margin:
        v = f"v{n_hidden + 1}"
        outputs += (
            Copy("o_low", "o-m", 1 / 2 - margin, f"{v} > 1/2 - m"),
            Copy("o_high", "o+m", 1 / 2 + margin, f"{v} > 1/2 + m"),
        )
    return [*layers, Layer(n_hidden + 1, "o", "o", "output", outputs)]


def _copies(letter: str, number: int, name: str, symbol: str, learns: bool) -> tuple[Copy, ...]:
    v = f"v{number}"
    copies = (
        Copy(name, symbol, 1 / 2, f"{letter} = f({v})"),
        Copy(f"{name}_copy", f"{symbol}<", 0, f"{v} > 0"),
        Copy(f"{name}_copy2", f"{symbol}>", 1, f"{v} > 1"),
    )
    return copies if learns else copies[:1]
