"""What the explorers share: a box of widgets around one picture that a thread keeps up to date."""

import base64
import io
import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np
from IPython.core.getipython import get_ipython
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave

from snnbp.widgets.pictures import Pixels

AGAIN_SECONDS = 0.3
"""Between pictures while something runs: more than two a second, drawing included."""

_one_at_a_time = threading.Lock()


class Panel:
    """A notebook cell that ends in a Panel shows its widgets; where there is no kernel, their first picture.

    The picture is drawn in a thread of its own, soon after `refresh`; requests meanwhile become one.
    """

    def __init__(self, name: str) -> None:
        self.picture = widgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self.picture.add_class(f"{name}-picture")
        self.status = widgets.HTML()
        self.status.add_class(f"{name}-status")
        self.name = name
        self.box: Any = None
        self._wanted = threading.Event()

    def show(self, *children: Any) -> None:
        """Fill the box, draw the first picture and keep drawing."""
        self.box = widgets.VBox(children)
        self.box.add_class(f"{self.name}-box")
        self._update()
        threading.Thread(target=self._keep_drawing, daemon=True).start()

    def refresh(self) -> None:
        self._wanted.set()

    def say(self, text: str, refused: bool = False) -> None:
        """One line under the controls. A refusal is told apart by its first word, not only by its colour."""
        said = f"<b style='color: #A04000'>Refused:</b> {escape(text)}" if refused else escape(text)
        self.status.value = f"<span role='status'>{said}</span>"

    def _draw(self) -> tuple[Pixels, bool]:
        """The picture, (rows, columns, 4) in 0-255, and whether to draw again soon without being asked."""
        raise NotImplementedError

    def _keep_drawing(self) -> None:
        again = False
        while True:
            self._wanted.wait(AGAIN_SECONDS if again else None)
            self._wanted.clear()
            again = self._update()
            time.sleep(0.05)  # leaves the interpreter to the widgets' messages

    def _update(self) -> bool:
        with _one_at_a_time:
            pixels, again = self._draw()
            file = io.BytesIO()
            imsave(file, pixels, format="png", pil_kwargs={"compress_level": 1})
        self.picture.value = file.getvalue()
        return again

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        still = base64.b64encode(self.picture.value).decode()
        bundle = self.box._repr_mimebundle_(**options) if _attended() else {}
        return {**bundle, "text/plain": f"<{self.name} explorer>", "image/png": still}


def _attended() -> bool:
    """Whether somebody sits there: JupyterLab says so with every cell, papermill and nbconvert deny it."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is None or bool(kernel.get_parent("shell")["content"].get("allow_stdin", True))


def pixels(figure: Figure) -> Pixels:
    """What a figure looks like, (rows, columns, 4)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def button(text: str, marker: str, action: Callable[[], None], **options: Any) -> Any:
    """A button whose CSS class is `marker`."""
    made = widgets.Button(description=text, **options)
    made.add_class(marker)
    made.on_click(lambda _: action())
    return made
