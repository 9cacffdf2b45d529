"""The learning rule's parameters, checked once for all rungs."""

from dataclasses import dataclass
from typing import Literal, get_args

from snnbp.loihi import THRESHOLD, WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN

RuleName = Literal["circuit", "published-simulation", "circuit-updates-first"]


@dataclass(frozen=True)
class Rule:
    """Which rule, with which threshold and learning step (weight units).

    `circuit` is what the spiking circuit computes. `published-simulation` is the authors' NumPy
    simulation, which differs in four ways: it updates W2 before it sends the error back, it excludes the
    upper box edge for hidden neurons and for outputs, and it clips at +-254. `circuit-updates-first` is the
    circuit's rule with the first of these differences only: it tells what the order of updates is worth.
    Raises ValueError for an unknown name, or a threshold or step that is not even and in range.
    """

    name: RuleName = "circuit"
    threshold: int = THRESHOLD
    step: int = WEIGHT_GRID

    def __post_init__(self) -> None:
        if self.name not in get_args(RuleName):
            raise ValueError(f"unknown rule {self.name!r}: choose one of {', '.join(get_args(RuleName))}")
        if self.threshold % 2 or self.threshold < 2:
            raise ValueError(f"threshold must be even and at least 2, got {self.threshold}")
        if self.step % WEIGHT_GRID or not 0 < self.step <= WEIGHT_MAX:
            raise ValueError(f"step must be even and within [2, {WEIGHT_MAX}], got {self.step}")

    @property
    def updates_first(self) -> bool:
        """True if W2 changes before the error travels back through it."""
        return self.name != "circuit"

    @property
    def fires_above(self) -> int:
        """An open neuron fires above half the threshold: its gate has lifted it half-way."""
        return self.threshold // 2

    @property
    def box_top(self) -> int:
        """Largest potential at which the truncated ReLU still has slope one."""
        return self.threshold - 1 if self._published else self.threshold

    @property
    def rails(self) -> tuple[int, int]:
        """Smallest and largest plastic weight."""
        return (-WEIGHT_MAX if self._published else WEIGHT_MIN), WEIGHT_MAX

    @property
    def _published(self) -> bool:
        return self.name == "published-simulation"
