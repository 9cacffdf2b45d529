"""What is mended in lava-nc 0.10.0, everything else runs as it is published; reports: docs/lava_reports.md.

- Its compiler does not load on Python 3.11 and later, which refuse `ByteEncoder()` as a default value of a
  dataclass, because it has no hash.
- Two races between threads can make a network wait without end. A channel tells the selector of an item only
  if it held none before; if the Process takes the older item in that moment, nobody is told. And a channel
  may call its observer just when the selector has set it to None, which ends the channel's thread.
"""

import dataclasses
import functools
import importlib
import threading
from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

with mock.patch.object(dataclasses, "dataclass", functools.partial(dataclasses.dataclass, unsafe_hash=True)):
    importlib.import_module("lava.magma.compiler.var_model")

from lava.magma.compiler.channels import pypychannel

LOOK_AGAIN = 1.0
"""Longest time (s) that a Process waits before it looks at its channels again."""


class _Condition(threading.Condition):
    def wait(self, timeout: float | None = LOOK_AGAIN) -> bool:
        return super().wait(timeout)


def _observe(actions: Iterable[tuple[Any, object]], observer: Callable[[], object] | None) -> None:
    for channel, _ in actions:
        channel.observer = observer or (lambda: None)


pypychannel.Condition = _Condition
pypychannel.CspSelector._set_observer = staticmethod(_observe)
