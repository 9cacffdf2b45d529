"""Projections that open and inhibit populations, derived from the phases."""

from collections.abc import Iterable, Iterator

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
    """
    neurons, seen = {p.name: p.neuron for p in populations}, set()
    for number, phase in enumerate(phases):
        for post, share in phase.opens.items():
            for weight in _gate_weights(neurons[post], share):
                yield Projection(phase.gate, post, "one-to-all", weight)
        for post in phase.inhibits:
            yield Projection(phase.gate, post, "one-to-all", inhibition)
        for post, opener in phase.opened_by.items():
            delay = next(d for d in range(len(phases)) if opener in phases[number - 1 - d].open)
            if (opener, post, delay) not in seen:
                (weight,) = _gate_weights(neurons[post], 1 / 2)
                yield Projection(opener, post, "one-to-one", weight, delay)
            seen.add((opener, post, delay))


def _gate_weights(neuron: NeuronType, share: float) -> tuple[int, ...]:
    """Weights, one or two, after which the input must still exceed a share of the threshold for a spike."""
    half = neuron.threshold // 2
    most = -neuron.bias + (half if share <= 1 / 2 else 0)
    rest = half if share == 1 / 2 else neuron.threshold - round(share * neuron.threshold)
    return tuple(weight for weight in (rest - neuron.bias - most, most) if weight)
