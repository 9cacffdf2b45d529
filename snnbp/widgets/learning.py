"""The learning explorer: choose settings, train, and compare the curves with those of earlier runs."""

import asyncio
import base64
import re
import time
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
from IPython.core.getipython import get_ipython

from snnbp.backends.rule import RULES
from snnbp.circuit.weights import Weights
from snnbp.plots import to_png
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.run import Run
from snnbp.training.sources import NAMES
from snnbp.widgets.curves import LINES, progress_figure
from snnbp.widgets.training import LABELS, Live, Settings, Trained, as_code, names

SECONDS_BETWEEN_PICTURES = 0.25


class LearningExplorer:
    """Widgets that train networks. Without a front end for widgets their picture is displayed.

    Parameters
    ----------
    data : Dataset
        Loaded with the usual pixel threshold, 0.5, without contrast.
    run : Run
        A finished run on this data, drawn first.
    references : mapping of str to float, optional
        Accuracies (fractions) to compare with, by "exact", "spikes" or "potential"; shown while all runs are
        on this data set.

    Attributes
    ----------
    runs : list of Trained
        The finished runs.
    """

    def __init__(self, data: Dataset, run: Run, references: Mapping[str, float] | None = None) -> None:
        several = data.image_shape and data.train.inputs.shape[1] != data.image_shape[0] * data.image_shape[1]
        if several or data.code.contrast:
            raise ValueError("an explorer takes one bit a pixel: load the data without contrast")
        first = Settings(data.source, 0.5, run.config)
        self.runs = [Trained(first, run)]
        self.live: Live | None = None
        self._data, self._references, self._may_train = data, references or {}, asyncio.Event()
        self.fields = _fields(first)
        self.start_button = _button("Start", self.start, button_style="primary", icon="play")
        self.pause_button = _button("Pause", self.pause, icon="pause", disabled=True)
        self.stop_button = _button("Stop", self.stop, icon="stop", disabled=True)
        self.selected = _labelled(widgets.Dropdown, "run", "460px")
        self.selected.observe(lambda _: self._show_export(), "value")
        self.save_button = _button("Save as run.npz", self.save, icon="save")
        self.remove_button = _button("Remove this run", self.remove, icon="trash")
        self.status, self.picture, self.export = widgets.HTML(), widgets.HTML(), widgets.HTML()
        for name in ("status", "picture", "export"):
            getattr(self, name).add_class(f"learning-{name}")
        self._list_runs()
        self.say(
            "Start trains with these settings. Changes apply to the next run. "
            "After a restart of the kernel, run this cell again."
        )
        self.update()
        self.box = widgets.VBox(
            [
                _row(*self.fields.values()),
                _row(self.start_button, self.pause_button, self.stop_button),
                self.status,
                self.picture,
                _row(self.selected, self.save_button, self.remove_button),
                self.export,
            ]
        )
        self.box.add_class("learning-box")

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.box._repr_mimebundle_(**options) if _interactive() else {}
        bundle |= {"text/plain": self.alt, "image/png": base64.b64encode(self.png).decode()}
        return bundle, {"image/png": {"alt": self.alt}}

    def say(self, text: str, error: bool = False) -> None:
        """Show one line of text. An error is marked by a word, not only by colour."""
        mark = "<b style='color: #D55E00'>Error:</b> " if error else ""
        self.status.value = f"<span role='status'>{mark}{escape(text)}</span>"

    def settings(self) -> Settings:
        """Read the input fields. Raises ValueError, in one sentence, for invalid settings."""
        values = {name: field.value for name, field in self.fields.items()}
        sizes = re.findall(r"[^\s,-]+", values["hidden"])
        if not sizes or not all(size.isdecimal() for size in sizes):
            raise ValueError(f"hidden: write sizes such as 400 or 100-100, got {values['hidden']!r}")
        values["hidden"] = [int(size) for size in sizes]
        threshold = round(values.pop("pixel_threshold"), 2)  # sliders give values such as 0.30000000000000004
        return Settings(values.pop("dataset"), threshold, Config(**values))

    def start(self) -> None:
        """Train in the running event loop, unless the settings are invalid or there are too many runs."""
        try:
            settings = self.settings()
        except ValueError as error:
            self.say(str(error), error=True)
            return
        if len(self.runs) == len(LINES):
            self.say(f"{len(LINES)} runs are shown, the most that fit: remove one first", error=True)
            return
        self.start_button.disabled, self.stop_button.disabled = True, False
        self.task = asyncio.get_running_loop().create_task(self._run(settings))

    async def _run(self, settings: Settings) -> None:
        error = ""
        ours = (settings.dataset, settings.pixel_threshold) == (self._data.source, 0.5)
        try:
            self.say("loading the data ...")
            data = self._data if ours else await asyncio.to_thread(settings.load)
            self.live = Live(settings, data)
            await self._train(self.live)
        except asyncio.CancelledError:
            pass  # stopped: the half epoch that has begun is discarded
        except (ValueError, OSError, MemoryError) as raised:
            error = str(raised) or "not enough memory"
        self._keep(error)

    async def _train(self, live: Live) -> None:
        """Train in another thread, one half epoch after the other; widgets change in the kernel's alone."""
        self._may_train.set()
        self.pause_button.disabled, drawn = False, 0.0
        while True:
            step = asyncio.get_running_loop().run_in_executor(None, live.advance)
            if time.monotonic() - drawn > SECONDS_BETWEEN_PICTURES:
                self._tell("training")
                self.update()
                drawn = time.monotonic()
            if not await step:
                return
            if not self._may_train.is_set():
                self._tell("paused")
                self.update()
                await self._may_train.wait()

    def pause(self) -> None:
        """Pause at the next checkpoint, or resume."""
        if self._may_train.is_set():
            self._may_train.clear()
            self._tell("pausing, at the end of this half epoch")
        else:
            self._may_train.set()
            self._tell("training")
        self.pause_button.description = "Pause" if self._may_train.is_set() else "Resume"

    def stop(self) -> None:
        """Stop now; the half epoch that has begun is discarded."""
        self.task.cancel()

    def _tell(self, state: str) -> None:
        self.say("; ".join(filter(None, (state, self.live.report() if self.live else ""))))

    def save(self) -> None:
        """Save the selected run beside the notebook. A link could not hold a large network."""
        path = Path("run.npz")
        try:
            self.runs[self.selected.value].run.save(path)
        except OSError as error:
            self.say(str(error), error=True)
        else:
            self.say(f"saved: snnbp.Run.load('{path}') reads it, with its curves")

    def remove(self) -> None:
        """Remove the selected run."""
        if self.selected.value is not None:
            del self.runs[self.selected.value]
            self._list_runs()
            self.update()

    def _keep(self, error: str) -> None:
        """Keep the run that has ended, and get ready for the next."""
        live, self.live = self.live, None
        trained = live.trained() if live and not error else None
        if trained:
            self.runs = [each for each in self.runs if each.settings != trained.settings] + [trained]
            self._list_runs()
        self.start_button.disabled, self.stop_button.disabled = False, True
        self.pause_button.disabled, self.pause_button.description = True, "Pause"
        self.update()
        if live and trained:
            epochs = trained.settings.config.epochs
            self.say(f"{live.report()}; kept: {epochs} whole epoch{'s' * (epochs > 1)}")
        else:
            self.say(error or "stopped within the first epoch: no run was stored", error=bool(error))

    def _list_runs(self) -> None:
        options = [(name, n) for n, name in enumerate(names([each.settings for each in self.runs]))]
        self.selected.options = options
        self.selected.value = len(options) - 1 if options else None
        self.remove_button.disabled = self.save_button.disabled = not options
        self._show_export()

    def _show_export(self) -> None:
        if self.selected.value is None:
            self.export.value = ""
            return
        code = escape(as_code(self.runs[self.selected.value]))
        self.export.value = (
            "This code repeats the run, bit for bit:"
            f"<pre style='white-space: pre-wrap; line-height: 1.3'>{code}</pre>"
        )

    def update(self) -> None:
        """Draw the runs."""
        settings = [each.settings for each in self.runs]
        curves: list[tuple[Any, Weights | None]] = [
            (each.run.history, each.run.weights) for each in self.runs
        ]
        if self.live is not None and self.live.progress is not None:
            settings.append(self.live.settings)
            curves.append((pd.DataFrame(list(self.live.rows)), self.live.progress.weights))
        comparable = {each.dataset for each in settings} <= {self._data.source}
        lines = [(name, *curve) for name, curve in zip(names(settings), curves, strict=True)]
        figure = progress_figure(lines, self._references if comparable else {})
        self.png, self.alt = to_png(figure), figure.alt
        address = f"data:image/png;base64,{base64.b64encode(self.png).decode()}"
        width, height = figure.get_size_inches()
        look = f"display: block; width: 100%; max-width: 1100px; aspect-ratio: {width} / {height}"
        self.picture.value = (
            f"<img alt='{escape(self.alt, quote=True)}' style='{look}' decoding='sync' src='{address}'>"
        )


def _fields(settings: Settings) -> dict[str, Any]:
    """Make an input field for each setting, by name."""
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "dataset": (widgets.Dropdown, {"options": sorted({*NAMES, settings.dataset})}),
        "rule": (widgets.Dropdown, {"options": list(RULES)}),
        "pixel_threshold": (widgets.FloatSlider, {"min": 0, "max": 0.95, "step": 0.05}),
        "init_scale": (widgets.FloatText, {"step": 0.1}),
        "hidden": (widgets.Text, {}),
    }
    fields = {}
    for name, value in settings.values().items():
        kind, options = kinds.get(name, (widgets.IntText, {}))
        fields[name] = _labelled(kind, LABELS[name], value=value, **options)
        fields[name].add_class(f"learning-{name}")
    return fields


def _interactive() -> bool:
    """True in an interactive front end (allow_stdin), False under papermill and nbconvert."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is None or bool(kernel.get_parent("shell")["content"].get("allow_stdin", True))


def _button(text: str, action: Callable[[], None], **options: Any) -> Any:
    """A button as wide as its text."""
    button = widgets.Button(description=text, layout={"width": "auto", "min_width": "36px"}, **options)
    button.add_class(f"learning-{text.split()[0].lower()}")
    button.on_click(lambda _: action())
    return button


def _row(*children: Any) -> Any:
    """Widgets side by side; they wrap to the next line."""
    return widgets.Box(children, layout={"flex_flow": "row wrap", "overflow": "visible"})


def _labelled(kind: Any, text: str, width: str = "326px", **options: Any) -> Any:
    """An input field with a label that is never cut off."""
    style = {"description_width": "174px"}
    return kind(description=text, tooltip=text, style=style, layout={"width": width}, **options)
