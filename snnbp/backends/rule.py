"""The learning rules, one entry each in `RULES`; a `Rule` adds threshold and learning step."""

from collections.abc import Sequence
from dataclasses import dataclass

from snnbp import checks
from snnbp.circuit.backprop import training_circuit
from snnbp.circuit.loihi import INHIBITION, MARGIN_GRID, THRESHOLD, WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.spec import Circuit
from snnbp.circuit.weights import checked_threshold


@dataclass(frozen=True)
class Variant:
    """How a learning rule differs from the circuit's.

    `updates_first`: weights change before the error is propagated back through them.
    `window_includes_threshold`: the surrogate-derivative window includes v = threshold.
    `weight_min`: lower weight bound (weight units), -256 or -254.
    """

    updates_first: bool = False
    window_includes_threshold: bool = True
    weight_min: int = WEIGHT_MIN

    def __post_init__(self) -> None:
        if self.weight_min not in (WEIGHT_MIN, -WEIGHT_MAX):
            raise ValueError(f"weight_min must be {WEIGHT_MIN} or {-WEIGHT_MAX}, got {self.weight_min}")


RULES = {
    "circuit": Variant(),
    "published-simulation": Variant(True, False, -WEIGHT_MAX),
    "circuit-updates-first": Variant(updates_first=True),
}
"""`circuit` is what the spiking circuit computes, `published-simulation` the authors' NumPy simulation, and
`circuit-updates-first` an ablation of the update order."""


def register(name: str, variant: Variant) -> None:
    """Add a rule of one's own to `RULES`, in this process; backends "reference" and "fused" learn by it.

    Parameters
    ----------
    name : str
        A new one.
    variant : Variant

    Raises
    ------
    ValueError
        If the name is another rule's.
    """
    checks.an(Variant, "variant", variant)
    if RULES.setdefault(checks.an(str, "name", name), variant) != variant:
        raise ValueError(f"the rule {name!r} exists: choose another name")


@dataclass(frozen=True)
class Rule:
    """A learning rule with its parameters.

    Parameters
    ----------
    name : str
        One of `RULES`.
    threshold : int
        Firing threshold (weight units): even, within [2, 131070].
    step : int
        Learning step (weight units): even, within [2, 254].
    open_target : bool
        Whether an output that should have fired learns whatever its potential. Else only if it is above 0,
        inside the surrogate-derivative window.
    margin : int
        Distance m from half the threshold (weight units) that an output must keep to count as right, a
        multiple of 64 up to threshold / 2: the target output learns up to threshold / 2 + m, the others from
        threshold / 2 - m on.

    Raises
    ------
    ValueError
        For an unknown name or a value out of range.
    """

    name: str = "circuit"
    threshold: int = THRESHOLD
    step: int = WEIGHT_GRID
    open_target: bool = False
    margin: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name not in RULES:
            raise ValueError(f"unknown rule {self.name!r}: choose one of {', '.join(RULES)}")
        object.__setattr__(self, "threshold", checked_threshold(self.threshold))
        object.__setattr__(self, "step", checks.whole("step", self.step))
        if self.step % WEIGHT_GRID or not 0 < self.step <= WEIGHT_MAX:
            raise ValueError(f"step must be even and within [2, {WEIGHT_MAX}], got {self.step}")
        checks.an(bool, "open_target", self.open_target)
        object.__setattr__(self, "margin", checks.whole("margin", self.margin))
        if self.margin % MARGIN_GRID or not 0 <= self.margin <= self.spike_above:
            raise ValueError(
                f"margin must be a multiple of {MARGIN_GRID}, from 0 to threshold / 2, got {self.margin}"
            )

    @property
    def updates_first(self) -> bool:
        """True if weights change before the error is propagated back through them."""
        return RULES[self.name].updates_first

    @property
    def spike_above(self) -> int:
        """Potential above which an open neuron fires: half the threshold; its gate adds the other half."""
        return self.threshold // 2

    @property
    def window_top(self) -> int:
        """Largest potential inside the surrogate-derivative window 0 < v <= threshold."""
        return self.threshold if RULES[self.name].window_includes_threshold else self.threshold - 1

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest plastic weight."""
        return RULES[self.name].weight_min, WEIGHT_MAX

    def circuit(
        self, sizes: Sequence[int], inhibition: int = INHIBITION, fixed_feedback: bool = False
    ) -> Circuit:
        """Build the circuit that learns by this rule; see `training_circuit`.

        Parameters
        ----------
        sizes : sequence of int
        inhibition : int
            Weight units, negative.
        fixed_feedback : bool

        Returns
        -------
        Circuit

        Raises
        ------
        ValueError
            If the rule is not "circuit", or as in `training_circuit`.
        """
        if self.name != "circuit":
            raise ValueError(f"the spiking circuit learns by the rule 'circuit' only, not {self.name!r}")
        return training_circuit(
            sizes,
            inhibition,
            self.threshold,
            self.step,
            open_target=self.open_target,
            margin=self.margin,
            fixed_feedback=fixed_feedback,
        )
