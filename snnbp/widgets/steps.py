"""The circuit explorer: one sample, twelve steps, every population's spikes in the drawing of Fig. 2."""

from html import escape

import ipywidgets as widgets
import numpy as np

import snnbp
from snnbp.widgets.panel import Panel, button
from snnbp.widgets.pictures import Pixels
from snnbp.widgets.start import Start
from snnbp.widgets.walk import Walk, WalkPicture

FIRST_STEP = 5
"""The step it opens with: d2+ meets the hidden spikes, and synapses move."""


class CircuitExplorer(Panel):
    """Widgets that walk a test image through the learning circuit. The network itself stays as it is."""

    def __init__(self, start: Start) -> None:
        super().__init__("circuit")
        self.test, self.weights = start.data.test, start.run.weights
        outputs, potentials = snnbp.predict(self.weights, self.test.inputs)
        targets = self.test.labels[:, None] == np.arange(outputs.shape[1])
        self.mistakes = np.flatnonzero((outputs != targets).any(axis=1))
        self._picture = WalkPicture(self.weights, start.data.image_shape)
        corrected = np.flatnonzero((targets & ~outputs & (potentials > 0)).any(axis=1))
        first = int(corrected[0]) if corrected.size else 0
        style = {"description_width": "110px"}
        self.sample = widgets.BoundedIntText(
            first, 0, len(self.test) - 1, description="test image", style=style, layout={"width": "220px"}
        )
        self.step = widgets.IntSlider(
            FIRST_STEP, 0, 11, description="step (phase)", style=style, layout={"width": "460px"}
        )
        self.play = widgets.Play(min=0, max=11, value=FIRST_STEP, interval=1000, show_repeat=True)
        widgets.jslink((self.play, "value"), (self.step, "value"))
        self.sample.add_class("circuit-sample")
        self.step.add_class("circuit-step")
        self.play.add_class("circuit-play")
        self.walk = self._walk()
        self.sample.observe(lambda _: self._present(), "value")
        self.step.observe(lambda _: self.refresh(), "value")
        next_button = button("Next mistake", "circuit-next", self.next_mistake, icon="forward")
        next_button.disabled = not self.mistakes.size
        self.show(
            widgets.HBox([self.sample, next_button]),
            widgets.HBox([self.step, self.play]),
            self.status,
            self.picture,
        )

    def next_mistake(self) -> None:
        """Go to the next test image with a wrong output spike, the first one after the last."""
        later = self.mistakes[self.mistakes > self.sample.value]
        self.sample.value = int(later[0] if later.size else self.mistakes[0])

    def _walk(self) -> Walk:
        return Walk(self.weights, self.test[self.sample.value : self.sample.value + 1])

    def _present(self) -> None:
        self.walk = self._walk()
        self.refresh()

    def _draw(self) -> tuple[Pixels, bool]:
        walk, step = self.walk, self.step.value
        story = "<br>".join(escape(line) for line in walk.story(step))
        self.status.value = f"<div style='line-height: 1.4'>{story}</div>"
        return self._picture.at(walk, step), False
