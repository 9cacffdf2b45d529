"""Draw a digit: the circuit classifies it while it is drawn, and learns it when told what it is."""

from functools import partial

import ipycanvas
import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnbp.widgets.ink import PEN, SHEET, draw, normalised
from snnbp.widgets.panel import Panel, button, pixels
from snnbp.widgets.pictures import Pixels, folded
from snnbp.widgets.pupil import Lesson, Pupil
from snnbp.widgets.start import Start
from snnbp.plots.results import BLUE, GREY, ORANGE
from snnbp.circuit.loihi import THRESHOLD


class DigitExplorer(Panel):
    """A canvas, the circuit's answer, and ten buttons to teach it. `pupil` is the network."""

    def __init__(self, start: Start) -> None:
        super().__init__("digit")
        self.pupil = Pupil(start.run.weights)
        self._start, self._test = start.run.weights, start.data.test
        self._shape = start.data.image_shape or folded(start.run.weights.sizes[0])
        self._example = 0
        self._sheet = np.zeros((SHEET, SHEET), np.bool_)
        self._pen: tuple[float, float] | None = None
        self._drawn = False
        self.lesson: Lesson | None = None
        self.image = self._test.inputs[0]
        self.canvas = ipycanvas.Canvas(width=SHEET, height=SHEET, layout={"border": "2px solid #666666"})
        self.canvas.add_class("digit-canvas")
        self.canvas.on_mouse_down(self._press)
        self.canvas.on_mouse_move(self._move)
        self.canvas.on_mouse_up(self._lift)
        self.canvas.on_mouse_out(self._lift)
        self.canvas.on_touch_start(lambda points: self._press(*points[0]))
        self.canvas.on_touch_move(lambda points: self._move(*points[0]))
        self.canvas.on_touch_end(lambda points: self._lift(0, 0))
        self.answer = widgets.HTML()
        self.answer.add_class("digit-answer")
        self._show_example()
        self.say("Draw with the mouse. The first image is one of the test set.")
        sheet = {"Clear": self.clear, "Test image": self.example, "Forget": self.forget}
        buttons = [
            button(text, f"digit-{action.__name__}", action, layout={"width": "91px"})
            for text, action in sheet.items()
        ]
        answers = [
            button(str(label), f"digit-teach-{label}", partial(self.teach, label), layout={"width": "44px"})
            for label in range(start.run.weights.sizes[-1])
        ]
        left = widgets.VBox([self.canvas, widgets.HBox(buttons)])
        self.show(
            widgets.HBox([left, self.picture]),
            widgets.HBox([widgets.HTML("Learn this as a&nbsp;"), *answers]),
            self.answer,
            self.status,
        )

    def clear(self) -> None:
        """An empty sheet."""
        self._sheet[:] = False
        self._drawn = True
        self.lesson = None
        self.canvas.clear()
        self._look()

    def example(self) -> None:
        """Put the next test image on the sheet, for those who do not draw."""
        self._example += 1
        self.lesson = None
        self._show_example()
        self.say(f"test image {self._example % len(self._test)}")
        self.refresh()

    def teach(self, label: int) -> None:
        """Learn what is on the sheet, once."""
        if not self.image.any():
            self.say("there is nothing on the sheet to learn", refused=True)
            return
        self.lesson = self.pupil.learn(self.image, label)
        self.say(self.lesson.story)
        self.refresh()

    def forget(self) -> None:
        """Back to the network it opened with."""
        self.pupil.set(self._start)
        self.lesson = None
        self.say("all that was taught here is forgotten")
        self.refresh()

    def _show_example(self) -> None:
        self._drawn = False
        self.image = self._test.inputs[self._example % len(self._test)]
        self.canvas.clear()
        self.canvas.fill_style = "black"
        height, width = SHEET / self._shape[0], SHEET / self._shape[1]
        on = np.argwhere(self.image.reshape(self._shape))
        self.canvas.fill_rects(on[:, 1] * width, on[:, 0] * height, width, height)

    def _press(self, x: float, y: float) -> None:
        if not self._drawn:
            self.clear()
        self._pen = (x, y)
        self._move(x, y)

    def _move(self, x: float, y: float) -> None:
        if self._pen is None:
            return
        draw(self._sheet, self._pen, (x, y))
        self.canvas.line_width, self.canvas.line_cap, self.canvas.stroke_style = 2 * PEN, "round", "black"
        self.canvas.stroke_line(*self._pen, x, y + 0.01)  # a line of no length would leave no dot
        self._pen = (x, y)
        self.lesson = None
        self._look()

    def _lift(self, x: float, y: float) -> None:
        self._pen = None

    def _look(self) -> None:
        self.image = normalised(self._sheet, self._shape).ravel()
        self.refresh()

    def _draw(self) -> tuple[Pixels, bool]:
        image, lesson = self.image, self.lesson
        fired, potentials = self.pupil.classify(image)
        answer = ", ".join(map(str, np.flatnonzero(fired))) or "none"
        values = ", ".join(f"{label}: {value}" for label, value in enumerate(potentials))
        self.answer.value = f"outputs that fire: {answer}; potentials in weight units: {values}"
        return pixels(answer_figure(image.reshape(self._shape), fired, potentials, lesson)), False


def answer_figure(
    image: NDArray[np.bool_], fired: NDArray[np.bool_], potentials: NDArray[np.int32], lesson: Lesson | None
) -> Figure:
    """What the circuit sees, its outputs' potentials as bars, and after a lesson what that changed."""
    figure = Figure(figsize=(10.4, 3.9), dpi=72)
    left = figure.add_axes((0.01, 0.1, 0.25, 0.75))
    left.imshow(image, cmap="Greys", vmin=0, vmax=1)
    left.set(xticks=[], yticks=[], title=f"what the circuit sees ({image.shape[0]}×{image.shape[1]})")
    bars = figure.add_axes((0.345, 0.13, 0.4, 0.72))
    classes = np.arange(potentials.size)
    bars.bar(classes, potentials, color=[ORANGE if spike else BLUE for spike in fired], width=0.7)
    if lesson is not None:
        bars.bar(classes, lesson.before, width=0.9, fill=False, linestyle="--", edgecolor="black")
    for digit in np.flatnonzero(fired):
        bars.text(digit, potentials[digit], "fires", ha="center", va="bottom")
    bars.axhline(THRESHOLD // 2, color=GREY, linewidth=1, linestyle="--")
    bars.axhline(0, color="black", linewidth=0.8)
    answer = (
        ", ".join(map(str, np.flatnonzero(fired))) or f"silent (highest potential: {potentials.argmax()})"
    )
    bars.set(xticks=classes, xlabel="output", ylabel="potential v2 (weight units)", title=f"answer: {answer}")
    bars.margins(y=0.15)
    if lesson is not None:
        _change(
            figure,
            (0.765, 0.55, 0.19, 0.33),
            lesson.w1_change.sum(axis=1).reshape(image.shape),
            "W1, by input",
        )
        hidden = lesson.w2_change[:, lesson.label]
        title = f"W2 into output {lesson.label}, by hidden"
        _change(figure, (0.765, 0.08, 0.19, 0.33), hidden.reshape(folded(hidden.size)), title)
    return figure


def _change(
    figure: Figure, place: tuple[float, float, float, float], change: NDArray[np.int64], title: str
) -> None:
    """A change of weights: orange up, purple down, white not at all."""
    axes = figure.add_axes(place)
    most = max(1, int(np.abs(change).max()))
    shown = axes.imshow(change, cmap="PuOr_r", vmin=-most, vmax=most)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
    bar = figure.colorbar(shown, ax=axes, ticks=[-most, 0, most])
    bar.set_label("change (w.u.)", fontsize=8)
