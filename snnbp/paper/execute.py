"""Run one notebook with papermill, in a kernel that depends on this checkout only."""

import os
import re
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from traitlets import default

from snnbp.files import atomic_open
from snnbp.paper import NOTEBOOKS, ROOT, Failure

PARTIAL = ROOT / "build" / "partial"
FOREIGN = ("IPYTHON", "JUPYTER", "MPL", "PYTHON")
"""Prefixes of the user's environment variables that could change results; kernels do not inherit them."""


def execute(
    name: str,
    parameters: Mapping[str, Any],
    output: Path,
    target: Path,
    report: Callable[[str], None] = lambda text: None,
    fresh: bool = False,
) -> None:
    """Run a notebook; its executed copy appears only when every cell has run.

    Parameters
    ----------
    name : str
    parameters : mapping
        Those that differ from the notebook's own.
    output, target : Path
        Folder of its results (SNNBP_OUTPUT), and where the executed notebook goes.
    report : callable
        Called every second with the progress as text.
    fresh : bool
        Whether to train all runs instead of reading stored ones.

    Raises
    ------
    Failure
        If a cell fails; the message names it and its error. The partial result is in build/partial/.
    """
    PARTIAL.mkdir(parents=True, exist_ok=True)
    partial, log, progress = (PARTIAL / f"{name}{suffix}" for suffix in (".ipynb", ".log", ".progress"))
    kernel = _Kernel(progress)
    environment = kernel_environment() | {"SNNBP_OUTPUT": str(output), "SNNBP_PROGRESS": str(progress)}
    environment["SNNBP_FRESH"] = "1" if fresh else ""
    shown = partial.relative_to(ROOT) if partial.is_relative_to(ROOT) else partial
    # In a thread, so that this module handles signals, not the client.
    with open(log, "wb") as stream, ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            papermill.execute_notebook,
            NOTEBOOKS / f"{name}.ipynb",
            partial,
            dict(parameters),
            engine_name=_Engine.name,
            kernel_name="python3",
            progress_bar=False,
            kernel=kernel,
            env=environment,
            stdout=stream,
            stderr=stream,
        )
        try:
            while not wait([future], timeout=1).done:
                report(kernel.where())
            notebook = future.result()
        except papermill.PapermillExecutionError as error:
            message = f"{error.ename}: {error.evalue}".splitlines()[0]
            raise Failure(f"{name}, cell {kernel.at}: {message} (see {shown})") from None
        except (DeadKernelError, RuntimeError):
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            reason = f": {last[0]}" if last else ""
            raise Failure(f"{name}, cell {kernel.at}: the kernel died{reason} (see {shown})") from None
        finally:
            kernel.end()
            progress.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(target, "w") as file:
        nbformat.write(normalised(notebook), file)
    partial.unlink()
    log.unlink()


class _Manager(AsyncKernelManager):
    """Starts the running Python as kernel and ignores other installed kernels of that name."""

    @default("kernel_spec_manager")
    def _own_kernel(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class _Kernel:
    """The kernel of one notebook: reports the current cell, and kills all its processes at the end."""

    def __init__(self, progress: Path) -> None:
        self.at, self.cells = 0, 0
        self._progress, self._group, self._ending = progress, 0, False

    def run(self, managed: Any, **options: Any) -> None:
        """Execute the cells of a notebook that papermill manages."""
        client = PapermillNotebookClient(
            managed,
            kernel_name="python3",
            kernel_manager_class=_Manager,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
            extra_arguments=[
                "--IPKernelApp.log_level=ERROR",
                "--IPKernelApp.exec_lines=__import__('snnbp.paper.progress')",
                "--HistoryManager.enabled=False",
            ],
            record_timing=False,
            store_widget_state=False,
        )
        self.cells = len(client.nb.cells)
        client.on_cell_start = lambda cell, cell_index: self._start(client, cell_index)
        try:
            client.execute(**options)
        finally:
            ensure_event_loop().close()  # of this thread; nothing else closes it

    def _start(self, client: Any, index: int) -> None:
        self._group = int(getattr(client.km and client.km.provisioner, "pgid", 0))
        if self._ending:
            raise KeyboardInterrupt
        self.at = index
        self._progress.unlink(missing_ok=True)

    def where(self) -> str:
        """The current cell, and the state of its progress bar."""
        bar = self._progress.read_text(encoding="utf-8") if self._progress.exists() else ""
        return f"cell {self.at + 1}/{self.cells} {bar}".rstrip()

    def end(self) -> None:
        """Kill what is left of the kernel and its children."""
        self._ending = True
        with suppress(ProcessLookupError):
            if self._group:
                os.killpg(self._group, signal.SIGKILL)


class _Engine(Engine):  # type: ignore[misc]
    """The papermill engine that runs cells in a kernel of this checkout."""

    name = "checkout"

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, kernel: _Kernel, env: Any, stdout: Any, stderr: Any, **_: Any
    ) -> None:
        kernel.run(nb_man, env=env, stdout=stdout, stderr=stderr)


papermill_engines.register(_Engine.name, _Engine)


def kernel_environment() -> dict[str, str]:
    """The environment of a kernel: this checkout first on its path, without the user's settings."""
    home = ROOT / "build" / "kernel"
    home.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return kept | {
        "IPYTHONDIR": str(home),
        "MATPLOTLIBRC": os.devnull,
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": str(ROOT),
    }


def normalised(notebook: Any) -> Any:
    """Remove from a notebook what differs between equal runs: versions, times, splitting of text output."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    kept = ("tags", "jupyter", "slideshow")
    for cell in notebook.cells:
        about = {key: value for key, value in cell.metadata.items() if key in kept and value}
        cell.metadata = nbformat.from_dict(about)
        outputs: list[Any] = []
        for output in cell.get("outputs", ()):
            if outputs and output.get("name") and output.get("name") == outputs[-1].get("name"):
                outputs[-1].text += output.text
            else:
                outputs.append(output)
            if output.get("name") == "stderr":  # a warning names the kernel's process
                outputs[-1].text = re.sub(r"\S*ipykernel_\d+/\d+\.py", "cell", outputs[-1].text)
        if cell.cell_type == "code":
            cell.outputs = outputs
    return notebook
