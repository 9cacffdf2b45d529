"""What connects the populations of the paper's circuits, apart from the gates."""

from collections.abc import Iterator

from snnbp.circuit.drafts import Draft, starred
from snnbp.circuit.schedule import Schedule

# Source, target, what a spike carries (a matrix, or +1 and -1 for a copied spike and a veto), delay.
Wire = tuple[str, str, str | int, int]


def forward_wires(n_hidden: int, star: str, outputs: str) -> Iterator[Wire]:
    """Wires from the input to the outputs; `star` and `outputs` say which copies of a layer there are."""
    yield "input", "x", +1, 0
    for layer in range(1, n_hidden + 1):
        yield _layer(layer - 1, n_hidden), f"h{layer}{star}", f"W{layer}", 0
    yield f"h{n_hidden}", outputs, f"W{n_hidden + 1}", 0


def learning_wires(n_hidden: int, plan: Schedule, outputs: str, fixed_feedback: bool) -> Iterator[Wire]:
    """Wires of the error, of its way back, and of the memories; all but the vetoes."""
    p, d, last = plan.potentiate, plan.depress, n_hidden + 1

    # The error: d+ = t and not o, d- = o and not t and not o>; both are open only where o< spiked. With a
    # margin, o-m and o+m take the place of o.
    *_, low, high = starred(outputs) if outputs == "o**" else ("o", "o")
    yield "in_tgt", "t", +1, 0
    yield from (("t", "d+", +1, 0), (high, "d+", -1, 0))
    yield from ((low, "d-", +1, 0), ("t", "d-", -1, 0), ("o_copy2", "d-", -1, 0))

    # To the outputs: d+ potentiates in P and depresses through oT- in D, d- the reverse.
    to_p, to_d = (phase - (n_hidden + 3) - 1 for phase in (p[last], d[last]))
    yield from (("d+", outputs, +1, to_p), ("d+", "oT-", +1, to_d))
    yield from (("d-", outputs, +1, to_d), ("d-", "oT-", +1, to_p))

    for layer in range(n_hidden, 0, -1):
        h, above = f"h{layer}", _layer(layer + 1, n_hidden)
        matrix = f"B{layer + 1}" if fixed_feedback else f"W{layer + 1}T"
        up, down = p[layer + 1] + 1, d[layer + 1] + 1  # in these phases hT fires the deltas

        # Back through the transposed weights, and on to where the deltas change W_l.
        yield from ((above, f"{h}T", f"{matrix}+", 0), (f"{above}T-", f"{h}T", f"{matrix}-", 0))
        yield f"{h}T", f"{h}*", +1, p[layer] - up - 1
        if layer > 1:
            yield f"{h}T", f"{h}T-", +1, p[layer] - down - 1
            yield f"{h}T", f"{h}T-", +1, d[layer] - up - 1

        # Memories: of h for P and D of the layer above; of the window, to open h* and hT- in P and D.
        yield h, f"m_{h}", +1, 0
        for phase in (p[layer + 1], d[layer + 1]):
            delay = phase - (layer + 2) - 1
            yield from ((f"m_{h}", h, +1, delay), (f"m_{h}", f"{h}T", +1, delay))
        delay = up - (layer + 1) - 1
        yield from ((f"{h}_copy", f"c_{h}", +1, delay), (f"{h}_copy2", f"c_{h}", -1, delay))

    # Memory of x for P and D of the first layer.
    yield "x", plan.memory_of_x, +1, p[1] - 3
    yield from ((plan.memory_of_x, "x", +1, phase - p[1]) for phase in (p[1], d[1]))


def vetoes(n_hidden: int, plan: Schedule, phases: list[Draft]) -> list[Wire]:
    """Vetoes from m_h_l that cancel the delayed spikes of h_lT at h_l*, wherever h_l* is open or inhibited.

    h_lT fires not only for the deltas but also when it repeats h_l, and its projection to h_l* carries both.
    """
    made: list[Wire] = []
    for layer in range(1, n_hidden + 1):
        for replay in (plan.potentiate[layer + 1], plan.depress[layer + 1]):
            arrival = replay + plan.potentiate[layer] - plan.potentiate[layer + 1] - 1
            phase = phases[arrival]
            if f"h{layer}" in (*phase.opens, *phase.inhibits):
                made.append((f"m_h{layer}", f"h{layer}*", -1, arrival - (layer + 2) - 1))
    return made


def _layer(layer: int, n_hidden: int) -> str:
    """The population that fires for a layer."""
    return "x" if layer == 0 else "o" if layer > n_hidden else f"h{layer}"
