"""One style for all figures, independent of the user's matplotlibrc; the same figure gives the same bytes."""

import functools
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

SINGLE, DOUBLE = 3.5, 7.2
"""Width of a figure in one column (89 mm) and in two (183 mm), in inches."""

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
"""Colours of Okabe and Ito, distinguishable for colour-blind people."""

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)


def coloured(groups: Collection[T]) -> Iterator[tuple[T, str]]:
    """Pair each group with a colour of its own; a ValueError for more groups than colours."""
    if len(groups) > len(COLOURS):
        raise ValueError(f"at most {len(COLOURS)} groups can be told apart by colour, got {len(groups)}")
    return zip(groups, COLOURS, strict=False)


with as_file(files("snnbp.plots").joinpath("figure.mplstyle")) as path:  # the package may be a zip
    _FILE = mpl.rc_params_from_file(path, use_default_template=False)
STYLE: dict[str, Any] = {str(name): value for name, value in _FILE.items()}


class StyledFigure(Figure):
    """A matplotlib Figure in the package's style, with alternative text.

    It displays itself in Jupyter as a PNG image, and `savefig` keeps the style.

    Attributes
    ----------
    alt : str
        The alternative text: what the figure shows, in one or two sentences. It is the label of the figure,
        so `set_label` changes it.
    """

    def __init__(self, size: tuple[float, float], alt: str) -> None:
        super().__init__(figsize=size, layout="constrained")
        self.set_label(alt)

    @property
    def alt(self) -> str:
        return str(self.get_label())

    def settle(self) -> None:
        """Compute the layout and fix it, so that the positions of all parts are final."""
        self.draw_without_rendering()
        self.set_layout_engine("none")

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save as `matplotlib.figure.Figure.savefig` does, in the package's style."""
        with style():
            super().savefig(*args, **kwargs)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": to_png(self), "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


@contextmanager
def style() -> Iterator[None]:
    """Context in which matplotlib has the package's settings and none of the user's."""
    with mpl.style.context(["default", STYLE]):
        yield


def styled(draw: Callable[P, StyledFigure]) -> Callable[P, StyledFigure]:
    """Decorate a function that draws a figure: draw in the package's style and fix the layout."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> StyledFigure:
        with style():
            figure = draw(*args, **kwargs)
            figure.settle()
        return figure

    return drawn


def to_png(figure: StyledFigure) -> bytes:
    """Render a figure as PNG, 150 pixels an inch; the same figure gives the same bytes.

    Parameters
    ----------
    figure : StyledFigure

    Returns
    -------
    bytes
    """
    return _rendered(figure, "png", "", {"Software": None, "Description": figure.alt})


def to_svg(figure: StyledFigure, salt: str) -> bytes:
    """Render a figure as SVG with text as text; the same figure and salt give the same bytes.

    Parameters
    ----------
    figure : StyledFigure
    salt : str
        Makes the identifiers in the file unique, for instance the figure's name.

    Returns
    -------
    bytes
    """
    about = {"Date": None, "Creator": None, "Description": figure.alt}
    text = _rendered(figure, "svg", salt, about).decode()
    # matplotlib's identifiers depend on the last bits of positions, and these on the processor
    found = dict.fromkeys(re.findall(r'id="([a-z][0-9a-f]{10})"', text))
    numbers = {old: f"{salt}-{number}" for number, old in enumerate(found)}
    return re.sub(r"\b[a-z][0-9a-f]{10}\b", lambda old: numbers.get(old[0], old[0]), text).encode()


def _rendered(figure: StyledFigure, suffix: str, salt: str, metadata: dict[str, str | None]) -> bytes:
    file = io.BytesIO()
    with style(), mpl.rc_context({"svg.hashsalt": salt}):
        Figure.savefig(figure, file, format=suffix, metadata=metadata)
    return file.getvalue()


def plain(text: str) -> str:
    """Write a user's text for matplotlib, which takes what stands between two dollars for a formula."""
    return str(text).replace("$", r"\$")


def minus(text: str) -> str:
    """Replace the hyphen at the end of a symbol, as in d2- and oT-, by a minus sign."""
    return re.sub(r"(?<=\w)-(?!\w)", "−", text)


def symbol(text: str) -> str:
    """Typeset a population's or matrix's symbol for matplotlib.

    Parameters
    ----------
    text : str
        As in `Population.symbol` and `Projection.symbol`: "h<", "d2-", "W2T+".

    Returns
    -------
    str
        "$h^{<}$", "$d_{2}^{-}$", "$W_{2}^{T+}$"; a word such as "input" stays as it is.
    """
    if window := re.fullmatch(r"f'\(v(\d+)\)", text):
        return f"$f′(v_{{{window[1]}}})$"  # SVG viewers lack the font of matplotlib's ASCII prime
    parts = re.fullmatch(r"(m?)([A-Za-z])(\d*)(T?)([<>+-]?)", text)
    if not parts:
        return minus(plain(text))
    memory, letter, number, transposed, sign = parts.groups("")
    raised = ("\\mathrm{T}" if transposed else "") + sign
    base = letter + (f"_{{{number}}}" if number else "")
    if memory:
        base = f"m_{{{base}}}"
    return f"${base}" + (f"^{{{raised}}}" if raised else "") + "$"


def panel_letters(axes: Iterable[Axes]) -> None:
    """Write a, b, ... in bold at the upper left of the panels, if there are several."""
    found = list(axes)
    for letter, axis in zip("abcdefghijklmnopqrstuvwxyz", found if len(found) > 1 else (), strict=False):
        axis.set_title(letter, loc="left", fontweight="bold", fontsize=8)
