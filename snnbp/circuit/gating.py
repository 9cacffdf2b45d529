"""Projections that open and inhibit populations, derived from the phases."""

import math
from collections.abc import Iterable, Iterator, Mapping

from snnbp.circuit.loihi import MARGIN_GRID
from snnbp.circuit.parts import NeuronType, Phase, Population, Projection


def gating_projections(
    populations: Iterable[Population], phases: tuple[Phase, ...], inhibition: int
) -> Iterator[Projection]:
    """Yield every projection by which the phases open or inhibit a population.

    The share of the threshold that the input must exceed sets the gate's weight: 1 -> -bias, 1/2 ->
    -bias + threshold / 2. Any other takes two synapses: 0 -> -bias + threshold / 2 and threshold / 2. An
    `opened_by` population acts from the last phase in which it was open itself, which gives the delay; phases
    at the same distance share the projection.

    Parameters
    ----------
    populations : iterable of Population
    phases : tuple of Phase
    inhibition : int
        Weight that inhibits (weight units).

    Yields
    ------
    Projection

    Raises
    ------
    ValueError
        For an unknown population or share, or an opener that is never open itself.
    """
    types = {p.name: p.neuron for p in populations}
    seen = set()
    for number, phase in enumerate(phases):
        for post, share in phase.opens.items():
            for weight in _gate_weights(types, phase, post, share):
                yield Projection(phase.gate, post, "one-to-all", weight)
        for post in phase.inhibits:
            yield Projection(phase.gate, post, "one-to-all", inhibition)
        for post, opener in phase.opened_by.items():
            delay = next((d for d in range(len(phases)) if opener in phases[number - 1 - d].open), None)
            if delay is None:
                raise ValueError(f"phase {phase.gate}: {opener!r} opens {post!r} but is never open itself")
            if (opener, post, delay) not in seen:
                (weight,) = _gate_weights(types, phase, post, 1 / 2)
                yield Projection(opener, post, "one-to-one", weight, delay)
            seen.add((opener, post, delay))


def _gate_weights(types: Mapping[str, NeuronType], phase: Phase, post: str, share: float) -> tuple[int, ...]:
    """Weights, one or two, after which the input must still exceed a share of the threshold for a spike."""
    if post not in types:
        raise ValueError(f"phase {phase.gate} opens {post!r}, which is not a population")
    lift, threshold = -types[post].bias, types[post].threshold
    limit = threshold - threshold // 2 if share == 1 / 2 else round(share * threshold)
    on_grid = 0 < share < 1 and limit % MARGIN_GRID == 0 and math.isclose(share * threshold, limit)
    if share not in (0, 1 / 2, 1) and not on_grid:
        raise ValueError(
            f"phase {phase.gate} opens {post!r} with share {share} of the threshold: "
            f"choose 0, 1/2, 1 or a share that is a multiple of {MARGIN_GRID} weight units"
        )
    rest = threshold - limit
    most = lift + (threshold // 2 if share <= 1 / 2 else 0)
    return tuple(weight for weight in (lift + rest - most, most) if weight)
