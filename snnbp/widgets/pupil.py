"""A network that classifies one image at a time and learns from it, both by running the spiking circuit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import snnbp
from snnbp.circuit.backprop import inference_circuit
from snnbp.training.data import Samples
from snnbp.circuit.loihi import THRESHOLD
from snnbp.backends.spiking.samples import OUTPUT_PHASE, Presenter
from snnbp.circuit.weights import Weights


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one sample did: output potentials before and after (weight units), what moved, and why."""

    label: int
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    w1_change: NDArray[np.int64]
    w2_change: NDArray[np.int64]
    story: str


class Pupil:
    """`weights` change with every lesson."""

    def __init__(self, weights: Weights) -> None:
        self.set(weights)

    def set(self, weights: Weights) -> None:
        self.weights = weights
        circuit = inference_circuit(weights.sizes[0], weights.sizes[1], weights.sizes[-1])
        self._presenter = Presenter(circuit, weights)

    def classify(self, image: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Output spikes and potentials v2 (weight units), (outputs,) each, for an image (inputs,)."""
        spikes, potentials, _ = self._presenter.present(
            image[None], None, None, ("o",), (OUTPUT_PHASE,), True
        )
        return spikes[0, 0], potentials[0, 0] - THRESHOLD // 2  # an open output is lifted half-way

    def learn(self, image: NDArray[np.bool_], label: int) -> Lesson:
        """One sample through the learning circuit: twelve steps."""
        fired, before = self.classify(image)
        old = self.weights
        trace = snnbp.trace(old, Samples(image[None], np.array([label])), ("d+", "d-"), (4,))
        self.set(Weights(trace.after["x", "h1"], trace.after["h1", "o"]))
        w1_change = self.weights.matrices[0].astype(np.int64) - old.matrices[0]
        w2_change = self.weights.matrices[1].astype(np.int64) - old.matrices[1]
        after = self.classify(image)[1]
        errors = [
            f"{symbol} of {neuron}"
            for name, symbol in (("d+", "d2+"), ("d-", "d2−"))
            for neuron in np.flatnonzero(trace.spikes[name][0, 0])
        ]
        if errors:
            moved = np.count_nonzero(w1_change), np.count_nonzero(w2_change)
            story = (
                f"{' and '.join(errors)} fired: {moved[0]:,} synapses of W1 and {moved[1]} of W2 moved; "
                f"the potential of {label} went from {before[label]} to {after[label]}"
            )
        elif list(np.flatnonzero(fired)) == [label]:
            story = "the outputs are right: no error, so nothing moved"
        else:
            story = (
                "there is an error, but its outputs' potentials are outside the box "
                "(0 or below, or above the threshold), where the gradient is zero: nothing moved"
            )
        if trace.overdriven:
            story += "; this image drives the circuit beyond its bound"
        return Lesson(label, before, after, w1_change, w2_change, story)
