"""What connects the populations of the paper's circuits, apart from the gates (lines of Fig. 2).

One-to-one projections are written with the phase in which their spikes leave and the one in which they
arrive. Their weight is `spike`, with which a copied spike makes an open neuron fire; its negative is a veto.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from snnbp.circuit.layers import Layer
from snnbp.circuit.parts import Phase, Projection
from snnbp.circuit.schedule import Schedule


def forward_wires(layers: Sequence[Layer], spike: int) -> Iterator[Projection]:
    """Wires from the input to the outputs, to all copies of a layer."""
    yield from _copied("input", ["x"], spike, leaves=0, arrives=1)
    for below, layer in pairwise(layers):
        yield from _matrix(f"W{layer.number}", below.name, layer.populations)


def learning_wires(
    layers: Sequence[Layer], plan: Schedule, spike: int, fixed_feedback: bool
) -> Iterator[Projection]:
    """Wires of the error, of its way back, and of the memories; all but the vetoes of `vetoes`."""
    p, d = plan.potentiate, plan.depress
    *_, o = layers
    last = o.number

    # The error: d+ = t and not o, d- = o and not t and not o>; both are open only where o< spiked. With a
    # margin, o-m and o+m take the place of o.
    low, high = o.populations[3:] or ("o", "o")
    now = {"leaves": plan.error - 1, "arrives": plan.error}
    yield from _copied("in_tgt", ["t"], spike, leaves=last, arrives=last + 1)
    yield from _copied("t", ["d+"], spike, **now)
    yield from _copied(high, ["d+"], -spike, **now)
    yield from _copied(low, ["d-"], spike, **now)
    yield from _copied("t", ["d-"], -spike, **now)
    yield from _copied("o_copy2", ["d-"], -spike, **now)

    # To the outputs: d+ potentiates in P and depresses through oT- in D, d- the reverse.
    yield from _copied("d+", o.populations, spike, leaves=plan.error, arrives=p[last])
    yield from _copied("d+", ["oT-"], spike, leaves=plan.error, arrives=d[last])
    yield from _copied("d-", o.populations, spike, leaves=plan.error, arrives=d[last])
    yield from _copied("d-", ["oT-"], spike, leaves=plan.error, arrives=p[last])

    for layer in layers[-2:0:-1]:
        n, h, above = layer.number, layer.name, layers[layer.number + 1].name
        up, down = plan.deltas(n)

        # Back through the transposed weights, and on to where the deltas change W_l: those to potentiate in
        # P_l, those to depress, after the same delay, in D_l. Through hT- the signs change places.
        feedback = f"B{n + 1}" if fixed_feedback else f"W{n + 1}T"
        yield from _matrix(f"{feedback}+", above, [f"{h}T"], not fixed_feedback)
        yield from _matrix(f"{feedback}-", f"{above}T-", [f"{h}T"], not fixed_feedback)
        yield from _copied(f"{h}T", layer.populations, spike, leaves=up, arrives=p[n])
        if n > 1:
            yield from _copied(f"{h}T", [f"{h}T-"], spike, leaves=down, arrives=p[n])
            yield from _copied(f"{h}T", [f"{h}T-"], spike, leaves=up, arrives=d[n])

        # The memory of h repeats it, at h and at hT, when the layer above learns.
        fires, keeps = n + 1, n + 2
        yield from _copied(h, [f"m_{h}"], spike, leaves=fires, arrives=keeps)
        for replay in (p[n + 1], d[n + 1]):
            yield from _copied(f"m_{h}", [h], spike, leaves=keeps, arrives=replay)
            yield from _copied(f"m_{h}", [f"{h}T"], spike, leaves=keeps, arrives=replay)

        # The window, h< and not h>, kept by the delay: c_h opens h and its copies, and hT-, in P_l and D_l.
        yield from _copied(f"{h}_copy", [f"c_{h}"], spike, leaves=fires, arrives=up)
        yield from _copied(f"{h}_copy2", [f"c_{h}"], -spike, leaves=fires, arrives=up)

    # The memory of x repeats it when the first layer learns.
    keeps = p[1] - 1
    yield from _copied("x", [plan.memory_of_x], spike, leaves=1, arrives=keeps)
    for replay in (p[1], d[1]):
        yield from _copied(plan.memory_of_x, ["x"], spike, leaves=keeps, arrives=replay)


def vetoes(
    layers: Sequence[Layer], plan: Schedule, phases: Sequence[Phase], spike: int
) -> Iterator[Projection]:
    """Vetoes from m_h that cancel delayed spikes of hT at h and its copies, wherever h is open or inhibited.

    hT fires not only for the deltas but also when it repeats h, and its projection to h carries both. The
    published schedule needs no veto: there these spikes arrive in phases 6 and 10, when h is gated off.
    """
    for layer in layers[1:-1]:
        n, h = layer.number, layer.name
        delay = plan.potentiate[n] - plan.deltas(n)[0]
        for repeats in (plan.potentiate[n + 1], plan.depress[n + 1]):
            arrives = repeats + delay
            if h in (*phases[arrives].opens, *phases[arrives].inhibits):
                yield from _copied(f"m_{h}", layer.populations, -spike, leaves=n + 2, arrives=arrives)


def _matrix(symbol: str, pre: str, posts: Iterable[str], learns: bool = True) -> Iterator[Projection]:
    return (Projection(pre, post, "all-to-all", symbol=symbol, learns=learns) for post in posts)


def _copied(pre: str, posts: Iterable[str], weight: int, leaves: int, arrives: int) -> Iterator[Projection]:
    """One-to-one projections between two phases; a delay of 0 is one step."""
    return (Projection(pre, post, "one-to-one", weight, arrives - leaves - 1) for post in posts)
