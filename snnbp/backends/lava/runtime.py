"""Start Lava's operating-system processes, run them step by step, and always stop them."""

import ctypes
import errno
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess
from lava.proc.io.extractor import Extractor, PyLoihiExtractorModel

TMPDIR_MAX = 103 - len("/pymp-12345678/listener-12345678")
"""Longest TMPDIR for Unix sockets of 103 characters, which every system accepts (macOS; Linux: 107)."""

NO_SHARED_MEMORY = "Lava's shared memory is full: give /dev/shm more room (docker run --shm-size=1g)"

_starting = False
_one_at_a_time = threading.Lock()


def _after_fork() -> None:
    """Tie a new Lava process to its parent: it ignores Ctrl-C and, on Linux, ends when the parent ends."""
    if _starting:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def started(processes: Sequence[AbstractProcess]) -> Iterator[Callable[[int], None]]:
    """Compile and start connected Processes; yield a function that runs n further steps.

    Everything is stopped on exit, after any exception and on SIGTERM. One network runs at a time;
    other threads wait. Raises RuntimeError if Lava cannot start here, or if a Process fails.
    """
    global _starting
    if len(tempfile.gettempdir()) > TMPDIR_MAX:
        raise RuntimeError(
            f"Lava's sockets need a path shorter than {tempfile.gettempdir()}: set TMPDIR to /tmp"
        )
    first = processes[0]
    models = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map={Extractor: PyLoihiExtractorModel})
    with _one_at_a_time, _exit_on_sigterm():
        before = multiprocessing.active_children()
        try:
            with _signals_deferred():
                _starting = True
                try:
                    first.create_runtime(run_cfg=models)
                finally:
                    _starting = False
            yield lambda steps: _run(first, steps)
            first.stop()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise RuntimeError(NO_SHARED_MEMORY) from None
            raise
        finally:
            with _signals_deferred():
                _kill_all_but(before, first)
                _forget(processes)


def _run(process: AbstractProcess, steps: int) -> None:
    """Run and watch for failed Processes: Lava itself would wait for the others without end."""
    actors = process.runtime._messaging_infrastructure.actors
    sentinels = [actor.sentinel for actor in actors]
    process.run(condition=RunSteps(num_steps=steps, blocking=False))
    while not all(port.probe() for port in process.runtime.service_to_runtime):
        for sentinel in multiprocessing.connection.wait(sentinels, timeout=0.005):
            actor = actors[sentinels.index(sentinel)]
            error, _ = actor.exception or (None, "")
            killed = "a Lava process was killed"
            multiprocessing.Process.join(actor, timeout=1)  # Lava's own join also closes it
            if actor.exitcode == -getattr(signal, "SIGBUS", 0):
                killed = NO_SHARED_MEMORY
            raise RuntimeError(f"a Lava Process failed: {error!r}" if error else killed) from error
    process.wait()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Make SIGTERM raise SystemExit, unless it has a handler already."""
    if not _in_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM: Python loses an exception that is raised during a fork."""
    if not _in_main_thread():
        yield
        return
    received: list[int] = []
    before = {
        which: signal.signal(which, lambda number, frame: received.append(number))
        for which in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(which))
    }
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
    for number in received:
        signal.raise_signal(number)


def _kill_all_but(before: Sequence[object], process: AbstractProcess) -> None:
    """Kill the processes that are left (none after a normal stop) and free their memory."""
    left = [child for child in multiprocessing.active_children() if child not in before]
    for child in left:
        if isinstance(child, SystemProcess):
            child.kill()
    try:
        if left and process.runtime is not None:
            process.runtime._is_started = False  # the workers are dead: stop() must not wait for them
            process.stop()
    finally:
        for child in left:
            if child in multiprocessing.active_children():
                child.kill()
                child.join()


def _forget(processes: Sequence[AbstractProcess]) -> None:
    """Remove stopped Processes from Lava's registries, which would keep their weights in memory."""
    known, variables = ProcessServer(), VarServer()
    known.processes = [process for process in known.processes if process not in processes]
    variables.vars = [variable for variable in variables.vars if variable.process not in processes]
