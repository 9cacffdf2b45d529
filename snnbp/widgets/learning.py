"""The learning explorer: choose settings, train, and compare the curves with those of earlier runs."""

import base64
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from snnbp.backends.rule import RULES
from snnbp.circuit.weights import Weights
from snnbp.plots import to_png
from snnbp.training.config import Config
from snnbp.training.data import Dataset
from snnbp.training.run import Run
from snnbp.training.sources import NAMES
from snnbp.widgets.curves import LINES, Curve, ProgressFigure
from snnbp.widgets.panel import Panel, button, image_shape, labelled, row
from snnbp.widgets.training import LABELS, Settings, Trained, TrainingThread, as_code, as_csv, names

SECONDS_BETWEEN_PICTURES = 0.25


class LearningExplorer(Panel):
    """Widgets that train networks.

    Parameters
    ----------
    data : Dataset
        Loaded with the usual pixel threshold, 0.5, without levels.
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
        super().__init__("learning", 1100)
        image_shape(data)  # refuses several levels
        first = Settings(data.source, 0.5, run.config)
        self.runs = [Trained(first, run)]
        self.thread: TrainingThread | None = None
        self._data, self._references = data, references or {}
        self._figure, self._update_planned = ProgressFigure(), False
        self.fields = _fields(first)
        self.start_button = button("Start", "learning-start", self.start, button_style="primary", icon="play")
        self.pause_button = button("Pause", "learning-pause", self.pause, icon="pause", disabled=True)
        self.stop_button = button("Stop", "learning-stop", self.stop, icon="stop", disabled=True)
        self.selected = labelled(widgets.Dropdown, "run", "460px")
        self.selected.observe(lambda _: self._show_export(), "value")
        self.remove_button = button("Remove this run", "learning-remove", self.remove, icon="trash")
        self.export = widgets.HTML()
        self.export.add_class("learning-export")
        self._list_runs()
        self.say("Start trains with these settings. Changes apply to the next run.")
        self.show(
            row(*self.fields.values()),
            row(self.start_button, self.pause_button, self.stop_button),
            self.status,
            self.picture,
            row(self.selected, self.remove_button),
            self.export,
        )

    def settings(self) -> Settings:
        """Read the input fields. Raises ValueError, in one sentence, for invalid settings."""
        values = {name: field.value for name, field in self.fields.items()}
        try:
            values["hidden"] = [
                int(size) for size in values["hidden"].replace("-", " ").replace(",", " ").split()
            ]
        except ValueError:
            raise ValueError(
                f"hidden: write sizes such as 400 or 100-100, got {values['hidden']!r}"
            ) from None
        threshold = round(values.pop("pixel_threshold"), 2)  # sliders give values such as 0.30000000000000004
        return Settings(values.pop("dataset"), threshold, Config(**values))

    def start(self) -> None:
        """Train in a thread, unless the settings are invalid or there are too many runs."""
        try:
            settings = self.settings()
        except ValueError as error:
            self.say(str(error), error=True)
            return
        if len(self.runs) == len(LINES):
            self.say(f"{len(LINES)} runs are shown, the most that fit: remove one first", error=True)
            return
        ours = (settings.dataset, settings.pixel_threshold) == (self._data.source, 0.5)
        self.thread = TrainingThread(
            settings, (lambda: self._data) if ours else settings.load, self._plan_update
        )
        self._enable(running=True)
        self.say(self.thread.state)
        self.thread.start()

    def pause(self) -> None:
        """Pause, or resume."""
        if self.thread is None:
            return
        if self.thread.pause_requested:
            self.thread.resume()
        else:
            self.thread.pause()
        self.pause_button.description = "Resume" if self.thread.pause_requested else "Pause"
        self.update()

    def stop(self) -> None:
        """Stop now; the thread ends at its next checkpoint, which is discarded."""
        if self.thread is not None:
            self.thread.stop()
            self._keep(self.thread)
            self.update()

    def remove(self) -> None:
        """Remove the selected run."""
        if self.selected.value is not None:
            del self.runs[self.selected.value]
            self._list_runs()
            self.update()

    def _keep(self, thread: TrainingThread) -> None:
        """Keep the run of a thread, and get ready for the next."""
        self.thread = None
        trained = thread.trained()
        if thread.error:
            self.say(thread.error, error=True)
        elif trained is None:
            self.say("stopped within the first epoch: no run was stored")
        else:
            self.runs = [each for each in self.runs if each.settings != trained.settings] + [trained]
            self._list_runs()
            epochs = trained.settings.config.epochs
            self.say(f"{_report(thread)}; kept: {epochs} whole epoch{'s' * (epochs > 1)}")
        self._enable(running=False)

    def _enable(self, running: bool) -> None:
        self.start_button.disabled = running
        self.pause_button.disabled = self.stop_button.disabled = not running
        self.pause_button.description = "Pause"

    def _list_runs(self) -> None:
        options = [(name, n) for n, name in enumerate(names([each.settings for each in self.runs]))]
        self.selected.options = options
        self.selected.value = len(options) - 1 if options else None
        self.remove_button.disabled = not options
        self._show_export()

    def _show_export(self) -> None:
        if self.selected.value is None:
            self.export.value = ""
            return
        trained = self.runs[self.selected.value]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.npz"
            trained.run.save(path)
            run_file = path.read_bytes()
        self.export.value = (
            f"Download {_download('this run (snnbp.Run.load reads it)', 'run.npz', run_file)} or "
            f"{_download('the curves of all runs (CSV)', 'curves.csv', as_csv(self.runs).encode())}. "
            f"This code repeats the run, bit for bit:"
            f"<pre style='white-space: pre-wrap; line-height: 1.3'>{escape(as_code(trained))}</pre>"
        )

    def _plan_update(self) -> None:
        """Draw soon; called in the training thread."""
        if not self._update_planned:
            self._update_planned = True
            self.later(SECONDS_BETWEEN_PICTURES, self.update)

    def _draw(self) -> tuple[bytes, str]:
        self._update_planned = False
        thread = self.thread
        if thread is not None and thread.done:
            self._keep(thread)
            thread = None
        settings = [each.settings for each in self.runs]
        curves: list[tuple[Any, Weights | None]] = [
            (each.run.history.to_dict("list"), each.run.weights) for each in self.runs
        ]
        if thread is not None:
            self.say(thread.state + (f"; {_report(thread)}" if thread.progress else ""))
        if thread is not None and thread.progress is not None:
            settings.append(thread.settings)
            rows = list(thread.rows)
            curves.append(({name: [row[name] for row in rows] for name in rows[0]}, thread.progress.weights))
        comparable = {each.dataset for each in settings} <= {self._data.source}
        lines = [Curve(name, *curve) for name, curve in zip(names(settings), curves, strict=True)]
        figure = self._figure.at(lines, self._references if comparable else {})
        return to_png(figure), figure.alt


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
        fields[name] = labelled(kind, LABELS[name], value=value, **options)
        fields[name].add_class(f"learning-{name}")
    return fields


def _report(thread: TrainingThread) -> str:
    assert thread.progress is not None
    row, _, n_overdriven = thread.progress
    speed = row["epoch"] * thread.samples / max(thread.seconds, 1e-9)
    dead = f"; {row['dead']} dead outputs (collapsed)" if row["dead"] else ""
    beyond = f"; {n_overdriven} samples beyond the circuit's validity bound" if n_overdriven else ""
    return (
        f"epoch {row['epoch']:g} of {thread.settings.config.epochs}: spikes {100 * row['spikes']:.2f} %, "
        f"potential {100 * row['potential']:.2f} %; {thread.seconds:.1f} s, {speed:,.0f} samples/s"
        f"{dead}{beyond}"
    )


def _download(text: str, file: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    look = "color: #0072B2; text-decoration: underline"
    target = f"data:application/octet-stream;base64,{data}"
    return f"<a style='{look}' download='{file}' href='{target}'>{escape(text)}</a>"
