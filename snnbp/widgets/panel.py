"""Common parts of the explorers: a panel of widgets with one picture, and small images as cards."""

import asyncio
import base64
import io
import threading
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
import traitlets
from IPython.core.getipython import get_ipython
from matplotlib.image import imsave
from numpy.typing import NDArray

from snnbp.training.data import Dataset

FOLDER = Path(__file__).parent


class Picture(anywidget.AnyWidget):
    """A PNG image with alternative text."""

    _esm = FOLDER / "picture.js"
    _css = FOLDER / "style.css"
    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)


class Panel:
    """A panel of widgets. In a notebook it displays the widgets, or its picture if there is no front end.

    Parameters
    ----------
    name : str
        Prefix of the CSS class of each part.
    width : int
        Largest width of the picture (pixels).
    """

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.picture = Picture(layout={"width": "100%", "max_width": f"{width}px"})
        self.status = widgets.HTML()
        self.status.add_class(f"{name}-status")
        self.picture.add_class(f"{name}-picture")
        self.box: Any = None
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def show(self, *children: Any) -> None:
        """Set the widgets and draw the first picture."""
        self.box = widgets.VBox(children)
        self.box.add_class(f"{self.name}-box")
        self.update()

    def say(self, text: str, error: bool = False) -> None:
        """Show one line of text. An error is marked by a word, not only by colour."""
        mark = "<b style='color: #D55E00'>Error:</b> " if error else ""
        self.status.value = f"<span role='status'>{mark}{escape(text)}</span>"

    def update(self) -> None:
        """Draw the picture."""
        self.picture.png, self.picture.alt = self._draw()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Call `action` later in the kernel's main thread, where widgets are changed. For any thread."""
        if self._loop is None:
            threading.Timer(seconds, action).start()
        else:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, action)

    def _draw(self) -> tuple[bytes, str]:
        """Return the picture as PNG, and its alternative text."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = self.box._repr_mimebundle_(**options) if _interactive() else {}
        bundle |= {"text/plain": self.picture.alt, "image/png": base64.b64encode(self.picture.png).decode()}
        return bundle, {"image/png": {"alt": self.picture.alt}}


def _interactive() -> bool:
    """True in an interactive front end (allow_stdin), False under papermill and nbconvert."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is None or bool(kernel.get_parent("shell")["content"].get("allow_stdin", True))


def button(text: str, css_class: str, action: Callable[[], None], **options: Any) -> Any:
    """A button as wide as its text."""
    made = widgets.Button(description=text, layout={"width": "auto", "min_width": "36px"}, **options)
    made.add_class(css_class)
    made.on_click(lambda _: action())
    return made


def row(*children: Any) -> Any:
    """Widgets side by side; they wrap to the next line."""
    made = widgets.Box(children)
    made.add_class("snnbp-row")
    return made


def labelled(kind: Any, text: str, width: str = "326px", **options: Any) -> Any:
    """An input field with a label that is never cut off."""
    made = kind(description=text, tooltip=text, style={"description_width": "174px"}, **options)
    made.layout.width = width
    return made


def cards(*figures: str) -> str:
    """HTML of cards side by side."""
    return f"<div class='snnbp-cards'>{''.join(figures)}</div>"


def image_card(image: NDArray[Any], caption: str, alt: str) -> str:
    """HTML of a small image: spikes (bool) in black, signed changes in purple (up) and orange (down)."""
    extreme = 1.0 if image.dtype == np.bool_ else 1.4 * int(np.abs(image).max())
    colours, least = ("Greys", 0.0) if image.dtype == np.bool_ else ("PuOr", -extreme)
    with io.BytesIO() as file, mpl.rc_context():
        imsave(file, image, format="png", cmap=colours, vmin=least, vmax=extreme)
        png = base64.b64encode(file.getvalue()).decode()
    image_tag = f"<img alt='{escape(alt, quote=True)}' src='data:image/png;base64,{png}'>"
    return f"<figure>{image_tag}<figcaption>{caption}</figcaption></figure>"


def neurons_card(spikes: NDArray[np.bool_], names: Sequence[str], caption: str) -> str:
    """HTML of a few neurons by name; those that spike are filled."""
    chips = (
        f"<span class='snnbp-spike' aria-label='{escape(name, quote=True)} spikes'>{escape(name)}</span>"
        if spike
        else f"<span>{escape(name)}</span>"
        for name, spike in zip(names, spikes, strict=True)
    )
    return (
        f"<figure><div class='snnbp-chips'>{''.join(chips)}</div><figcaption>{caption}</figcaption></figure>"
    )


def image_shape(data: Dataset) -> tuple[int, int]:
    """Rows and columns of a sample of `data`; ValueError if it has several levels."""
    n_inputs = data.test.inputs.shape[1]
    rows, columns = data.image_shape or grid_shape(n_inputs)
    if rows * columns != n_inputs:
        raise ValueError("an explorer takes one bit a pixel: load the data without levels")
    return rows, columns


def grid_shape(size: int) -> tuple[int, int]:
    """Rows and columns of the most nearly square grid of `size` neurons."""
    rows = next(n for n in range(int(size**0.5), 0, -1) if size % n == 0)
    return rows, size // rows
