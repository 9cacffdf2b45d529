"""Names that stand for a population and its copies, and phases under construction, which use them."""

from dataclasses import dataclass, field

from snnbp.circuit.parts import Phase

COPIES = {"": 1 / 2, "_copy": 0, "_copy2": 1}
"""What a star stands for, h1* for h1, h1_copy and h1_copy2: the share of the threshold that each compares its
potential with."""

MARGIN_COPIES = ("_low", "_high")
"""What the second star of o** adds: the copies that compare with half the threshold minus and
plus a margin."""


def starred(name: str) -> tuple[str, ...]:
    """The names that a name stands for: one, with a star three, with two stars five."""
    plain = name.rstrip("*")
    suffixes = (("",), tuple(COPIES), (*COPIES, *MARGIN_COPIES))[len(name) - len(plain)]
    return tuple(plain + suffix for suffix in suffixes)


def numbered(symbol: str, layer: int, n_hidden: int) -> str:
    """The symbol with the layer's number; the paper's single hidden layer has none."""
    return symbol if n_hidden == 1 else f"{symbol}{layer}"


@dataclass
class Draft:
    """A phase under construction."""

    events: list[str] = field(default_factory=list)
    opens: dict[str, float] = field(default_factory=dict)
    opened_by: dict[str, str] = field(default_factory=dict)
    inhibits: list[str] = field(default_factory=list)
    receives_input: list[str] = field(default_factory=list)
    may_fire: list[str] = field(default_factory=list)
    reward: bool = False
    encodes: dict[str, str] = field(default_factory=dict)

    def open(self, name: str, encodes: str, share: float = 1 / 2, by: str = "") -> None:
        for copy in starred(name):
            if by:
                self.opened_by[copy] = by
            else:
                self.opens[copy] = share
            self.encodes[copy] = encodes

    def compare(self, name: str, layer: int, margin: float = 0) -> None:
        """Open a layer, and the copies that the stars of its name stand for, to compare its potential v."""
        shares = (*COPIES.values(), 1 / 2 - margin, 1 / 2 + margin)
        limits = ("", "0", "1", "1/2 - m", "1/2 + m")
        for copy, share, limit in zip(starred(name), shares, limits, strict=False):
            self.open(copy, f"v{layer} > {limit}" if limit else f"{name[0]} = f(v{layer})", share)

    def finished(self, gate: str) -> Phase:
        return Phase(
            gate,
            "; ".join(self.events),
            self.opens,
            self.opened_by,
            tuple(self.inhibits),
            tuple(self.receives_input),
            tuple(self.may_fire),
            self.reward,
            self.encodes,
        )
