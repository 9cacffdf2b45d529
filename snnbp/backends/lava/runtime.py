"""Starts Lava's operating system processes, runs them in step, and leaves none behind, whatever happens."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess

_starting = False
_one_at_a_time = threading.Lock()


def _after_fork() -> None:
    """Tie a new Lava process to its parent: it leaves Ctrl-C to the parent and dies when the parent does."""
    if _starting:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def started(process: AbstractProcess) -> Iterator[Callable[[int], None]]:
    """Compile `process` and all that is connected to it, start it, and yield a function that runs n steps.

    On the way out, by whatever exception, everything is stopped. Successive calls of the function continue
    one another. Other threads wait for their turn. Raises RuntimeError if a Process fails; Lava prints the
    Process's own error.
    """
    global _starting
    with _one_at_a_time:
        before = multiprocessing.active_children()
        try:
            _starting = True
            with _interrupts_deferred():
                process.create_runtime(run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            _starting = False
            yield lambda steps: process.run(condition=RunSteps(num_steps=steps))
            process.stop()
        finally:
            _starting = False
            _kill_all_but(before, process)


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until all processes are forked: Python loses an exception that a fork interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if interrupts:
        raise KeyboardInterrupt


def _kill_all_but(before: Sequence[object], process: AbstractProcess) -> None:
    """End the processes that Lava left behind, which are none after an ordinary stop."""
    left = [child for child in multiprocessing.active_children() if child not in before]
    for child in left:
        if isinstance(child, SystemProcess):
            child.kill()
    try:
        if left and process.runtime is not None:
            # Nobody answers any more: the polite way to stop would wait for ever. This frees shared memory.
            process.runtime._is_started = False
            process.stop()
    finally:
        for child in left:
            if child in multiprocessing.active_children():
                child.kill()
                child.join()
