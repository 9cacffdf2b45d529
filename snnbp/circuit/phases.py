"""What happens in each phase of the paper's circuits: what is open, inhibited and rewarded."""

from collections.abc import Sequence

from snnbp.circuit.drafts import Draft, numbered, starred
from snnbp.circuit.schedule import Schedule
from snnbp.circuit.wires import Wire


def forward_phases(n_hidden: int, star: str, outputs: str, margin: float = 0) -> list[Draft]:
    """Phases from the presentation of the sample to the output; `margin` is a share of the threshold."""
    phases = [Draft() for _ in range(n_hidden + 3)]
    phases[0].events.append("the sample is presented")
    phases[0].receives_input.append("input")
    phases[1].events.append("input")
    phases[1].open("x", "x")
    for layer in range(1, n_hidden + 1):
        phases[layer + 1].events.append(_hidden_layer(layer, n_hidden))
        phases[layer + 1].compare(f"h{layer}{star}", layer)
    phases[n_hidden + 2].events.append("output")
    phases[n_hidden + 2].compare(outputs, n_hidden + 1, margin)
    return phases


def add_learning(phases: list[Draft], plan: Schedule, outputs: str, open_target: bool) -> None:
    """Add the target, the error and the phases in which weights change to `phases`, one for each step."""
    p, d, last = plan.potentiate, plan.depress, max(plan.potentiate)
    target, error = phases[last], phases[last + 2]
    target.events.append("the target is presented")
    target.receives_input.append("in_tgt")
    phases[last + 1].events.append("target")
    phases[last + 1].open("t", "t")
    error.events.append("error")
    error.open("d+", "output too low", by="" if open_target else "o_copy")
    error.open("d-", "output too high", by="o_copy")
    error.inhibits.append("oT-")

    for layer in range(last, 0, -1):
        for replay, sign in ((phases[p[layer]], "+"), (phases[d[layer]], "-")):
            replay.reward = sign == "+"
            replay.events.append(f"W{layer} {'potentiates' if replay.reward else 'depresses'}")
            other = "-" if replay.reward else "+"
            if layer == last:
                replay.open(outputs, f"d{layer}{sign}")
                replay.open("oT-", f"d{layer}{other}")
            else:
                replay.open(f"h{layer}*", f"d{layer}{sign} and f'(v{layer})", by=f"c_h{layer}")
                if layer > 1:
                    replay.open(f"h{layer}T-", f"d{layer}{other} and f'(v{layer})", by=f"c_h{layer}")
            if layer > 1:
                for name in (f"h{layer - 1}", f"h{layer - 1}T"):
                    replay.open(name, numbered("h", layer - 1, last - 1))
            else:
                replay.open("x", "x")

    for layer in range(last - 1, 0, -1):
        h = f"h{layer}"
        up, down = phases[p[layer + 1] + 1], phases[d[layer + 1] + 1]
        phases[layer + 2].open(f"m_{h}", numbered("h", layer, last - 1))
        up.open(f"c_{h}", f"f'(v{layer}): 0 < v{layer} <= 1")
        for delta, sign, purpose, relation in ((up, "+", "potentiate", ">"), (down, "-", "depress", "<")):
            delta.events.append(f"deltas of {_hidden_layer(layer, last - 1)}, to {purpose}")
            delta.open(f"{h}T", f"d{layer}{sign}: W{layer + 1}T d{layer + 1} {relation} 0", 0)
    phases[p[1] - 1].open(plan.memory_of_x, "x")


def inhibit_matrix_targets(phases: list[Draft], wires: Sequence[Wire], plan: Schedule) -> None:
    """Inhibit every population that a matrix reaches while it is not open, except where the plan does not."""
    for number, phase in enumerate(phases):
        before = phases[number - 1]
        reached = {
            post: None
            for pre, post, carries, _ in wires
            if isinstance(carries, str) and pre in (*before.opens, *before.opened_by, *before.may_fire)
        }
        for post in reached:
            if starred(post)[0] in (*phase.opens, *phase.opened_by):
                continue
            name = post.rstrip("*") + "*"
            if (number, name) in plan.may_fire:
                phase.may_fire += starred(post)
            if (number, name) not in plan.uninhibited:
                phase.inhibits += starred(post)
                phase.events.append(f"{post} inhibited")


def _hidden_layer(layer: int, n_hidden: int) -> str:
    return "hidden layer" if n_hidden == 1 else f"hidden layer {layer}"
