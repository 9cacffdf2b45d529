"""Two races in the channels of lava-nc 0.10.0, mended: each can make a network wait without end."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from lava.magma.compiler.channels import pypychannel

LOOK_AGAIN = 1.0
"""Longest time (s) that a Process waits before it looks at its channels again."""


class _Condition(threading.Condition):
    def wait(self, timeout: float | None = LOOK_AGAIN) -> bool:
        return super().wait(timeout)


def _observe(actions: Iterable[tuple[Any, object]], observer: Callable[[], object] | None) -> None:
    for channel, _ in actions:
        channel.observer = observer or (lambda: None)


def mend_channels() -> None:
    """Replace the parts of Lava's selector that two threads of a Process use at once.

    A channel tells the selector of an item only if it held none before. If the Process takes the older item
    in that moment, nobody is told: the selector now looks again each second. And a channel may call its
    observer just when the selector has set it to None, which ends the channel's thread: an observer that does
    nothing now takes its place.
    """
    pypychannel.Condition = _Condition
    pypychannel.CspSelector._set_observer = staticmethod(_observe)
