"""The learning explorer: turn a knob, start, and watch the curves grow beside those of earlier runs."""

import base64
import threading
from typing import Any

import ipywidgets as widgets

from snnbp.training.data import DATASETS
from snnbp.widgets.panel import Panel, button
from snnbp.widgets.pictures import Curve, Pixels, RunsPicture
from snnbp.widgets.settings import KeptRun, Settings, as_csv, as_parameters, names
from snnbp.widgets.start import Start
from snnbp.widgets.trainer import Trainer
from snnbp.training.train import Config

RUNS_MAX = 8
"""Runs drawn at once: as many as there are ways to draw a line that eyes can tell apart."""


class LearningExplorer(Panel):
    """Widgets that train networks. `runs` are the finished ones, the first is what it opened with."""

    def __init__(self, start: Start) -> None:
        super().__init__("learning")
        self.runs: list[KeptRun] = [start.run]
        self.trainer: Trainer | None = None
        self._settling = threading.Lock()
        self._picture = RunsPicture()
        settings = start.run.settings
        self.knobs = _knobs(settings)
        self.start_button = button("Start", "learning-start", self.start, button_style="primary", icon="play")
        self.pause_button = button("Pause", "learning-pause", self.pause, icon="pause", disabled=True)
        self.stop_button = button("Stop", "learning-stop", self.stop, icon="stop", disabled=True)
        self.chosen = widgets.Dropdown(description="run", layout={"width": "420px"})
        self.chosen.observe(lambda _: self._link(), "value")
        self.forget_button = button("Forget it", "learning-forget", self.forget, icon="trash")
        self.links = widgets.HTML()
        self.links.add_class("learning-links")
        self._list_runs()
        self.say("Start trains with these settings. Any of them may be changed, also while a run goes on.")
        grid = widgets.GridBox(
            list(self.knobs.values()), layout={"grid_template_columns": "repeat(3, 320px)", "grid_gap": "2px"}
        )
        self.show(
            grid,
            widgets.HBox([self.start_button, self.pause_button, self.stop_button]),
            self.status,
            self.picture,
            widgets.HBox([self.chosen, self.forget_button, self.links]),
        )

    def settings(self) -> Settings:
        """What the knobs say. Raises ValueError, one sentence, if it makes no sense."""
        values = {name: knob.value for name, knob in self.knobs.items()}
        threshold = round(values.pop("pixel_threshold"), 2)  # a slider's 0.30000000000000004
        return Settings(values.pop("dataset"), threshold, Config(**values))

    def start(self) -> None:
        """Train in a thread, unless the settings are refused or everything is kept already."""
        try:
            settings = self.settings()
        except ValueError as error:
            self.say(str(error), refused=True)
            return
        if len(self.runs) == RUNS_MAX:
            self.say(f"{RUNS_MAX} runs are drawn already; forget one first", refused=True)
            return
        self.trainer = Trainer(settings, self.refresh)
        self._enable(running=True)
        self.say("loading the data ...")
        self.trainer.start()

    def pause(self) -> None:
        """Pause, or resume."""
        trainer = self.trainer
        if trainer is None:
            return
        if trainer.paused:
            trainer.resume()
        else:
            trainer.pause()
        self.pause_button.description = "Resume" if trainer.paused else "Pause"
        self.refresh()

    def stop(self) -> None:
        """Stop now; what the thread still does until its next checkpoint is thrown away."""
        if self.trainer is not None:
            self.trainer.end()
            self._settle(self.trainer)
            self.refresh()

    def forget(self) -> None:
        """Drop the chosen run."""
        if self.chosen.value is None:
            return
        del self.runs[self.chosen.value]
        self._list_runs()
        self.refresh()

    def _settle(self, trainer: Trainer) -> None:
        """Keep what a trainer did and make room for the next."""
        with self._settling:
            if self.trainer is not trainer:
                return
            self.trainer = None
            kept = trainer.kept()
            if trainer.refusal:
                self.say(trainer.refusal, refused=True)
            elif kept is None:
                self.say("stopped within the first epoch: nothing is kept")
            else:
                self.runs = [run for run in self.runs if run.settings != kept.settings] + [kept]
                self._list_runs()
                self.say(_report(trainer) + f"; kept after {kept.settings.config.epochs} whole epochs")
            self._enable(running=False)

    def _enable(self, running: bool) -> None:
        self.start_button.disabled = running
        self.pause_button.disabled = self.stop_button.disabled = not running
        self.pause_button.description = "Pause"

    def _list_runs(self) -> None:
        options = [(name, n) for n, name in enumerate(names([run.settings for run in self.runs]))]
        self.chosen.options = options
        self.chosen.value = len(options) - 1 if options else None
        self.forget_button.disabled = not options
        self._link()

    def _link(self) -> None:
        if self.chosen.value is None:
            self.links.value = ""
            return
        parameters = as_parameters(self.runs[self.chosen.value])
        self.links.value = " &nbsp; ".join(
            (_download("parameters of this run (YAML)", "parameters.yaml", parameters),
             _download("curves of all runs (CSV)", "curves.csv", as_csv(self.runs)))
        )  # fmt: skip

    def _draw(self) -> tuple[Pixels, bool]:
        trainer = self.trainer
        if trainer is not None and trainer.done:
            self._settle(trainer)
            trainer = None
        if trainer is not None and trainer.history:
            self.say(("paused: " if trainer.paused else "") + _report(trainer))
        return self._pixels(trainer), trainer is not None and not trainer.paused

    def _pixels(self, trainer: Trainer | None) -> Pixels:
        runs = list(self.runs)
        settings = [run.settings for run in runs]
        curves = [Curve(run.history, run.weights, run.settings.config.epochs) for run in runs]
        if trainer is not None and trainer.state is not None:
            settings.append(trainer.settings)
            history = tuple(trainer.history)
            curves.append(Curve(history, trainer.state.weights, trainer.settings.config.epochs))
        return self._picture.at(names(settings), curves, {each.dataset for each in settings} <= {"mnist"})


def _knobs(settings: Settings) -> dict[str, Any]:
    """A widget for each parameter, by its name."""
    flat = settings.flat()
    rules = ["circuit", "published-simulation"]
    style = {"description_width": "120px"}
    kinds = {
        "dataset": lambda **o: widgets.Dropdown(options=list(DATASETS), **o),
        "rule": lambda **o: widgets.Dropdown(options=rules, **o),
        "pixel_threshold": lambda **o: widgets.FloatSlider(min=0, max=0.95, step=0.05, **o),
        "init_scale": lambda **o: widgets.FloatText(step=0.1, **o),
    }
    texts = {
        "dataset": "data set",
        "hidden": "hidden units",
        "rule": "rule",
        "threshold": "threshold (w.u.)",
        "step": "step (w.u.)",
        "init_scale": "initial scale",
        "pixel_threshold": "input threshold",
        "epochs": "epochs",
        "seed": "seed",
    }
    knobs = {}
    for name, text in texts.items():
        make = kinds.get(name, widgets.IntText)
        knobs[name] = make(description=text, value=flat[name], style=style, layout={"width": "310px"})
        knobs[name].add_class(f"learning-{name}")
    return knobs


def _report(trainer: Trainer) -> str:
    row, state = trainer.history[-1], trainer.state
    mute = f"; {row.mute} outputs never fire (collapsed)" if row.mute else ""
    beyond = f"; {state.overdriven} samples beyond the circuit's bound" if state and state.overdriven else ""
    return (
        f"epoch {row.epoch:g} of {trainer.settings.config.epochs}: spikes {100 * row.spikes:.2f} %, "
        f"potential {100 * row.potential:.2f} %; {row.seconds:.1f} s, {trainer.speed:,.0f} samples/s"
        f"{mute}{beyond}"
    )


def _download(text: str, file: str, content: str) -> str:
    data = base64.b64encode(content.encode()).decode()
    return f"<a download='{file}' href='data:text/plain;base64,{data}'>{text}</a>"
