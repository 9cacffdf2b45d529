"""What happens in each phase of the paper's circuits: what is open, inhibited and rewarded."""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace

from snnbp.circuit.layers import Copy, Layer
from snnbp.circuit.parts import Phase, Projection
from snnbp.circuit.schedule import Schedule


class _Draft(SimpleNamespace):
    """A phase under construction, with the fields of `Phase`."""

    event: str

    def __init__(self, event: str = "", receives_input: tuple[str, ...] = ()) -> None:
        super().__init__(**vars(Phase(event=event, receives_input=receives_input)))

    def happens(self, event: str) -> None:
        self.event = "; ".join(filter(None, (self.event, event)))

    def open(self, names: Iterable[str], encodes: str, share: float = 1 / 2) -> None:
        self.opens |= dict.fromkeys(names, share)
        self.encodes |= dict.fromkeys(names, encodes)

    def open_by(self, opener: str, names: Iterable[str], encodes: str) -> None:
        self.opened_by |= dict.fromkeys(names, opener)
        self.encodes |= dict.fromkeys(names, encodes)

    def compare(self, copies: Iterable[Copy]) -> None:
        for copy in copies:
            self.open([copy.name], copy.encodes, copy.share)


def forward_phases(layers: Sequence[Layer]) -> tuple[Phase, ...]:
    """Phases from the presentation of the sample to the output."""
    return _finished(_forward(layers))


def training_phases(
    layers: Sequence[Layer], plan: Schedule, matrices: Sequence[Projection], open_target: bool
) -> tuple[Phase, ...]:
    """All phases of learning; `matrices` are the circuit's, `open_target` is as in `training_circuit`."""
    phases = _forward(layers)
    phases += [_Draft() for _ in range(plan.period - len(phases))]
    _add_error(phases, plan, layers[-1].number, open_target)
    for layer in layers[:0:-1]:
        _add_replay(phases[plan.potentiate[layer.number]], layers, layer, "+")
        _add_replay(phases[plan.depress[layer.number]], layers, layer, "-")
    for layer in layers[-2:0:-1]:
        _add_deltas(phases, plan, layer)
    phases[plan.potentiate[1] - 1].open([plan.memory_of_x], "x")
    _inhibit_targets(phases, matrices, layers, plan)
    return _finished(phases)


def _forward(layers: Sequence[Layer]) -> list[_Draft]:
    phases = [_Draft("the sample is presented", receives_input=("input",))]
    for layer in layers:
        phases.append(_Draft(layer.title))
        phases[-1].compare(layer.copies)
    return phases


def _add_error(phases: Sequence[_Draft], plan: Schedule, last: int, open_target: bool) -> None:
    """Present the target, so that it is there with the outputs; then compare."""
    phases[last].happens("the target is presented")
    phases[last].receives_input += ("in_tgt",)
    phases[last + 1].happens("target")
    phases[last + 1].open(["t"], "t")
    error = phases[plan.error]
    error.happens("error")
    if open_target:
        error.open(["d+"], "output too low")
    else:
        error.open_by("o_copy", ["d+"], "output too low")
    error.open_by("o_copy", ["d-"], "output too high")
    error.inhibits = ("oT-",)  # as published; nothing reaches it now


def _add_replay(phase: _Draft, layers: Sequence[Layer], layer: Layer, sign: str) -> None:
    """Let W_l learn: the spikes of the layer below and, above, the error of this sign fire together."""
    n, below = layer.number, layers[layer.number - 1]
    phase.reward, other = (True, "-") if sign == "+" else (False, "+")
    phase.happens(f"W{n} {'potentiates' if phase.reward else 'depresses'}")
    if layer is layers[-1]:
        phase.open(layer.populations, f"d{n}{sign}")
        phase.open(["oT-"], f"d{n}{other}")
    else:
        phase.open_by(f"c_h{n}", layer.populations, f"d{n}{sign} and f'(v{n})")
        if n > 1:
            phase.open_by(f"c_h{n}", [f"h{n}T-"], f"d{n}{other} and f'(v{n})")
    phase.open([below.name, f"{below.name}T"] if n > 1 else [below.name], below.symbol)


def _add_deltas(phases: Sequence[_Draft], plan: Schedule, layer: Layer) -> None:
    """Keep h; let hT fire where the error that comes back is positive, and later where it is negative."""
    n, h = layer.number, layer.name
    up, down = (phases[number] for number in plan.deltas(n))
    phases[n + 2].open([f"m_{h}"], layer.symbol)
    up.open([f"c_{h}"], f"f'(v{n}): 0 < v{n} <= 1")
    for phase, sign, purpose, relation in ((up, "+", "potentiate", ">"), (down, "-", "depress", "<")):
        phase.happens(f"deltas of {layer.title}, to {purpose}")
        phase.open([f"{h}T"], f"d{n}{sign}: W{n + 1}T d{n + 1} {relation} 0", share=0)


def _inhibit_targets(
    phases: Sequence[_Draft], matrices: Sequence[Projection], layers: Sequence[Layer], plan: Schedule
) -> None:
    """Inhibit every population that a matrix reaches while it is not open, except where the plan does not."""
    for number, layer in plan.may_fire.items():
        phases[number].may_fire_while_gated_off = layers[layer].populations
    for number, phase in enumerate(phases):
        before = phases[number - 1]
        can_fire = (*before.opens, *before.opened_by, *before.may_fire_while_gated_off)
        reached = dict.fromkeys(p.post for p in matrices if p.pre in can_fire)
        left = layers[plan.uninhibited[number]].populations if number in plan.uninhibited else ()
        spared = (*phase.opens, *phase.opened_by, *left)
        phase.inhibits += tuple(name for name in reached if name not in spared)


def _finished(drafts: Iterable[_Draft]) -> tuple[Phase, ...]:
    return tuple(Phase(**{**vars(draft), "gate": f"g{number:02}"}) for number, draft in enumerate(drafts))
