"""Two races in Lava's channels, mended: each can make a network wait without end on a busy machine."""

import threading
from collections.abc import Callable, Iterable

from lava.magma.compiler.channels import pypychannel

LOOK_AGAIN = 1.0
"""Longest time (s) that a Process waits before it looks at its channels again."""


class _Condition(threading.Condition):
    def wait(self, timeout: float | None = LOOK_AGAIN) -> bool:
        return super().wait(timeout)


def _observe(actions: Iterable[tuple[object, object]], observer: Callable[[], object] | None) -> None:
    for channel, _ in actions:
        channel.observer = observer or (lambda: None)  # type: ignore[attr-defined]


def mend_channels() -> None:
    """Replace the parts of Lava's selector that two threads of a Process use at once.

    A channel tells the selector only if it was empty before an item came. If the selector takes the item
    before in the same moment, nobody is told: it now looks again each second. And a channel may call its
    observer just when the selector has removed it: it is now replaced by one that does nothing.
    """
    pypychannel.Condition = _Condition
    pypychannel.CspSelector._set_observer = staticmethod(_observe)
