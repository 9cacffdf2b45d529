"""The circuit explorer: one sample, phase by phase, every population's spikes in the drawing of Fig. 2."""

from html import escape

import ipywidgets as widgets
import numpy as np

from snnbp.circuit.backprop import training_circuit
from snnbp.circuit.weights import Weights
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.train import predict, train
from snnbp.widgets.panel import Panel, button, cards, image_shape, labelled, row
from snnbp.widgets.sample import CircuitPicture, SampleTrace

SECONDS_A_PHASE = 1.5

HIDDEN = 100
"""Neurons of each layer of the networks trained here."""

SAMPLES = 60_000
"""Number of samples from which they learn, in some seconds."""


class CircuitExplorer(Panel):
    """Widgets that show a test image in the training circuit, phase by phase. The weights are not changed.

    Parameters
    ----------
    data : Dataset
        One bit a pixel: loaded without levels.
    weights : Weights
        A trained network. Networks with another number of hidden layers are trained on request.
    """

    def __init__(self, data: Dataset, weights: Weights) -> None:
        super().__init__("circuit", 900)
        self.data, self.test = data, data.test
        self._networks = {len(weights.sizes) - 2: weights}
        self._image_shape = image_shape(data)
        self.depth = labelled(
            widgets.Dropdown, "hidden layers", "250px", options=[1, 2], value=len(weights.sizes) - 2
        )
        self.sample = labelled(widgets.BoundedIntText, "test image", "230px", min=0, max=len(self.test) - 1)
        self.phase = labelled(widgets.IntSlider, "phase", "420px")
        self.cards = widgets.HTML()
        for name in ("depth", "sample", "phase", "cards"):
            getattr(self, name).add_class(f"circuit-{name}")
        self.next_button = button("Next mistake", "circuit-next", self.next_mistake, icon="forward")
        self.play_button = button("Play", "circuit-play", self.play, icon="play")
        self.playing = self._waiting = False
        self._use(weights)
        self.depth.observe(lambda _: self._change_depth(), "value")
        self.sample.observe(lambda _: self._change(), "value")
        self.phase.observe(lambda _: self._change(), "value")
        self.show(
            row(self.sample, self.next_button, self.depth),
            row(self.phase, self.play_button),
            self.status,
            row(self.picture, self.cards),
        )

    def next_mistake(self) -> None:
        """Go to the next test image with wrong output spikes; after the last, to the first."""
        later = self.mistakes[self.mistakes > self.sample.value]
        self.sample.value = int(later[0] if later.size else self.mistakes[0])

    def play(self) -> None:
        """Play the phases one after the other, or stop."""
        self.playing = not self.playing
        self.play_button.description = "Stop" if self.playing else "Play"
        self.play_button.icon = "stop" if self.playing else "play"
        if self.playing and not self._waiting:
            self._next_phase()

    def _next_phase(self) -> None:
        self._waiting = self.playing
        if self.playing:
            self.phase.value = (self.phase.value + 1) % (self.phase.max + 1)
            self.later(SECONDS_A_PHASE, self._next_phase)

    def _change_depth(self) -> None:
        depth = self.depth.value
        if depth not in self._networks:
            self.say(f"training a network with {depth} hidden layers of {HIDDEN} neurons ...")
            epochs = -(-SAMPLES // len(self.data.train))
            run = train(self.data, Config(hidden=(HIDDEN,) * depth, epochs=epochs), progress=False)
            assert run.weights is not None
            self._networks[depth] = run.weights
        self._use(self._networks[depth])
        self._change()

    def _use(self, weights: Weights) -> None:
        """Select a network, a test image from which it learns, and the first phase with reward."""
        self.weights = weights
        self.circuit = training_circuit(weights.sizes, threshold=weights.threshold)
        self.drawing = CircuitPicture(self.circuit)
        outputs, potentials = predict(weights, self.test.inputs)
        targets = self.test.labels[:, None] == np.arange(outputs.shape[1])
        self.mistakes = np.flatnonzero((outputs != targets).any(axis=1))
        self.next_button.disabled = not self.mistakes.size
        learns = np.flatnonzero((targets & ~outputs & (potentials > 0)).any(axis=1))
        self._switching = True
        self.phase.max = len(self.circuit.phases) - 1
        self.phase.value = self.circuit.reward[0]
        self.sample.value = int(learns[0]) if learns.size else 0
        self._switching = False

    def _change(self) -> None:
        if not self._switching:
            self.update()

    def _draw(self) -> tuple[bytes, str]:
        n, phase, classes = self.sample.value, self.phase.value, self.data.classes
        trace = SampleTrace(self.weights, self.test[n : n + 1], self.circuit)
        lines = trace.story(phase, classes)
        self.status.value = (
            f"<div role='status' style='line-height: 1.4'>{'<br>'.join(map(escape, lines))}</div>"
        )
        self.cards.value = cards(*trace.cards(phase, self._image_shape, classes))
        return self.drawing.at(trace, phase), f"Fig. 2 with one phase highlighted. {' '.join(lines)}"
