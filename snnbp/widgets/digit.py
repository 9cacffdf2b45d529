"""The digit explorer: the circuit classifies a drawing, and learns it with a label that the user gives."""

from dataclasses import dataclass
from functools import partial
from html import escape

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from snnbp.backends import spiking
from snnbp.circuit.weights import Weights
from snnbp.plots import to_png
from snnbp.plots.style import BLUE, GREY, ORANGE, StyledFigure, minus, styled
from snnbp.training.data import Dataset, Samples
from snnbp.training.train import learn, predict
from snnbp.widgets.panel import Panel, button, cards, grid_shape, image_card, image_shape, row
from snnbp.widgets.sheet import SIDE, Sheet, as_input, enlarged


@dataclass(frozen=True, eq=False)
class Lesson:
    """The effect of learning one sample: output potentials before, (outputs,), weights, and a reason."""

    label: int
    before: NDArray[np.int32]
    old: Weights
    new: Weights
    explanation: str

    def change(self, layer: int) -> NDArray[np.int64]:
        """Change of a matrix (weight units)."""
        return self.new.matrices[layer].astype(np.int64) - self.old.matrices[layer]


def classify(weights: Weights, image: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Compute output spikes and potentials (weight units), (outputs,) each, of the circuit for one image."""
    (spikes,), (potentials,) = predict(weights, image[None], backend="spiking")
    return spikes, potentials


def teach(weights: Weights, image: NDArray[np.bool_], label: int, classes: tuple[str, ...]) -> Lesson:
    """Let the training circuit learn one sample."""
    sample = Samples(image[None], np.array([label]))
    outputs, before = classify(weights, image)
    new, _ = learn(weights, sample, backend="spiking")
    trace = spiking.trace(weights, sample, ("d+", "d-"))
    errors = [
        f"{minus(trace.circuit[name].symbol)} of {classes[neuron]}"
        for name in ("d+", "d-")
        for neuron in np.flatnonzero(trace.spikes[name][0].any(axis=0))
    ]
    if errors:
        pairs = zip(new.matrices, weights.matrices, strict=True)
        moved = " and ".join(f"{np.count_nonzero(a != b):,} of W{n}" for n, (a, b) in enumerate(pairs, 1))
        change = f"from {before[label]} to {classify(new, image)[1][label]}"
        text = (
            f"{' and '.join(errors)} spiked. Weights that changed: {moved}. "
            f"The potential of {classes[label]} went {change}."
        )
    elif list(np.flatnonzero(outputs)) == [label]:
        text = "The outputs are right: no error, so nothing changed."
    else:
        text = (
            "There is an error, but the potentials of its outputs lie outside the surrogate-derivative "
            "window (0 or below, or above the threshold). There the gradient is zero: nothing changed."
        )
    if trace.n_overdriven:
        text += " This image is beyond the circuit's validity bound."
    return Lesson(label, before, weights, new, text)


class DigitExplorer(Panel):
    """A canvas to draw on, the outputs of the circuit, and a button for each class to learn the drawing.

    Parameters
    ----------
    data : Dataset
        One bit a pixel: loaded without levels.
    weights : Weights
        The initial network.

    Attributes
    ----------
    weights : Weights
        The network after all that it learned.
    """

    def __init__(self, data: Dataset, weights: Weights) -> None:
        super().__init__("digit", 640)
        self.weights = self._first_weights = weights
        self._test, self._classes = data.test, data.classes
        self._shape = image_shape(data)
        self._example = 0
        self.lesson: Lesson | None = None
        self.sheet = Sheet()
        self.sheet.add_class("digit-sheet")
        self.answer, self.changes = widgets.HTML(), widgets.HTML()
        self.answer.add_class("digit-answer")
        self._show_example()
        self.sheet.observe(lambda _: self._look(), "ink")
        self.say("Draw with mouse, finger or keys. The first image is one of the test set.")
        sheet_buttons = (
            button("Clear", "digit-clear", self.clear),
            button("Next test image", "digit-example", self.example),
            button("Reset the network", "digit-forget", self.forget),
        )
        teach_buttons = (
            button(name, f"digit-teach-{label}", partial(self.teach, label), tooltip=f"Learn it as {name}")
            for label, name in enumerate(data.classes)
        )
        self.show(
            row(widgets.VBox([self.sheet, row(*sheet_buttons)]), self.picture),
            row(widgets.HTML("Learn it as"), *teach_buttons),
            self.status,
            self.changes,
            self.answer,
        )

    def clear(self) -> None:
        """Clear the canvas."""
        self.sheet.ink = bytes(SIDE * SIDE)

    def example(self) -> None:
        """Show the next test image on the canvas."""
        self._example = (self._example + 1) % len(self._test)
        self._show_example()
        self.say(f"test image {self._example}")

    def teach(self, label: int) -> None:
        """Learn the image on the canvas once."""
        if not self.image.any():
            self.say("draw something first", error=True)
            return
        self.lesson = teach(self.weights, self.image, label, self._classes)
        self.weights = self.lesson.new
        self.say(self.lesson.explanation)
        self.update()

    def forget(self) -> None:
        """Return to the initial network."""
        self.weights, self.lesson = self._first_weights, None
        self.say("initial network restored")
        self.update()

    def _show_example(self) -> None:
        self.image = self._test.inputs[self._example]
        self.sheet.ink = enlarged(self.image.reshape(self._shape))

    def _look(self) -> None:
        """Read the canvas: a test image is taken unchanged, a drawing is scaled and centred."""
        example = self._test.inputs[self._example]
        shown = self.sheet.ink == enlarged(example.reshape(self._shape))
        self.image = example if shown else as_input(self.sheet.drawing(), self._shape).ravel()
        self.lesson = None
        self.update()

    def _draw(self) -> tuple[bytes, str]:
        spikes, potentials = classify(self.weights, self.image)
        answer = ", ".join(self._classes[n] for n in np.flatnonzero(spikes)) or "none"
        values = ", ".join(f"{name}: {value}" for name, value in zip(self._classes, potentials, strict=True))
        text = f"Outputs that spike: {answer}. Potentials (weight units): {values}."
        self.answer.value = escape(text)
        self.changes.value = cards(*self._changes())
        figure = answer_figure(
            self.image.reshape(self._shape),
            spikes,
            potentials,
            self.lesson.before if self.lesson else None,
            self._classes,
            self.weights.threshold // 2,
        )
        return to_png(figure), f"What the network sees, and the potential of each output. {text}"

    def _changes(self) -> list[str]:
        if self.lesson is None:
            return []
        label, hidden = self.lesson.label, self.lesson.change(-1)[:, self.lesson.label]
        last, name = len(self.weights.matrices), self._classes[label]
        images = (
            (self.lesson.change(0).sum(axis=1).reshape(self._shape), "change of W1, by input"),
            (hidden.reshape(grid_shape(hidden.size)), f"change of W{last} into {name}, by hidden neuron"),
        )
        colours = "purple up, orange down"
        return [
            image_card(image, f"{escape(text)}<br>{colours}", text) for image, text in images if image.any()
        ]


@styled
def answer_figure(
    image: NDArray[np.bool_],
    spikes: NDArray[np.bool_],
    potentials: NDArray[np.int32],
    before: NDArray[np.int32] | None,
    classes: tuple[str, ...],
    spike_above: int,
) -> StyledFigure:
    """Draw the network's input, and output potentials as bars; dashed outlines are those `before`."""
    figure = StyledFigure((4.6, 1.9), "What the network sees, and the potential of each output.")
    left, bars = figure.subplots(1, 2, width_ratios=(1, 1.9))
    left.imshow(image, cmap="Greys", vmin=0, vmax=1)
    left.set(xticks=[], yticks=[], title=f"network input ({image.shape[0]}×{image.shape[1]})")
    left.spines[["top", "right"]].set_visible(True)
    places = np.arange(potentials.size)
    bars.bar(places, potentials, color=[ORANGE if spike else BLUE for spike in spikes], width=0.7)
    if before is not None:
        bars.bar(places, before, 0.9, fill=False, linestyle="--", edgecolor="black", linewidth=0.7)
    for n in np.flatnonzero(spikes):
        bars.text(n, potentials[n], "spikes", ha="center", va="bottom")
    bars.axhline(spike_above, color=GREY, linewidth=0.8, linestyle="--")
    bars.axhline(0, color="black", linewidth=0.6)
    bars.margins(y=0.15)
    names = ", ".join(classes[n] for n in np.flatnonzero(spikes))
    title = f"answer: {names}" if names else f"silent; highest: {classes[potentials.argmax()]}"
    bars.set(xlabel="output", ylabel="potential (weight units)", title=title)
    bars.set_xticks(places, classes, rotation=0 if max(map(len, classes)) < 3 else 45)
    return figure
