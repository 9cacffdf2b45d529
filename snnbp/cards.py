"""Objects shown in one line, and in a notebook as a small table."""

import reprlib
from collections.abc import Mapping
from html import escape
from typing import Any


class Card:
    """Base of a class that is shown by what its `_card` says, by name."""

    def _card(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        parts = (f"{name}={reprlib.repr(value)}" for name, value in self._card().items())
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{escape(name)}</th><td>{escape(reprlib.repr(value))}</td></tr>"
            for name, value in self._card().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"
