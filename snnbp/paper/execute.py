"""Run one notebook headless, in a kernel that only this checkout decides about."""

import os
import re
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets import default

from snnbp.files import atomic_open
from snnbp.paper import NOTEBOOKS, ROOT, Failure

PARTIAL = ROOT / "build" / "partial"
FOREIGN = ("IPYTHON", "JUPYTER", "MPL", "PYTHON")
"""Environment variables of the user's that begin like this would change what a kernel does."""


def execute(
    name: str,
    parameters: Mapping[str, Any],
    output: Path,
    target: Path,
    report: Callable[[str], None] = lambda text: None,
) -> None:
    """Run a notebook; its executed copy appears only when every cell has run.

    Parameters
    ----------
    name : str
    parameters : mapping
        Those that differ from the notebook's own.
    output : Path
        Folder of its results (SNNBP_OUTPUT).
    target : Path
        Where the executed notebook goes, normalised.
    report : callable
        Gets, every second, how far it is.

    Raises
    ------
    Failure
        Naming the cell and its error; what was executed is in build/partial/.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    inject(notebook, parameters)
    PARTIAL.mkdir(parents=True, exist_ok=True)
    partial, log, progress = (PARTIAL / f"{name}{suffix}" for suffix in (".ipynb", ".log", ".progress"))
    client = _Client(notebook, progress)
    environment = kernel_environment() | {"SNNBP_OUTPUT": str(output), "SNNBP_PROGRESS": str(progress)}
    shown = partial.relative_to(ROOT)
    # In a thread, so that signals are ours and not the client's.
    with open(log, "wb") as stream, ThreadPoolExecutor(1) as pool:
        future = pool.submit(client.execute, env=environment, stdout=stream, stderr=stream)
        try:
            while not wait([future], timeout=1).done:
                report(client.where())
            future.result()
        except CellExecutionError as error:
            message = f"{error.ename}: {error.evalue}".splitlines()[0]
            raise Failure(f"{name}, cell {client.at}: {message} (see {shown})") from None
        except (DeadKernelError, RuntimeError):
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            reason = f": {last[0]}" if last else ""
            raise Failure(f"{name}, cell {client.at}: the kernel died{reason} (see {shown})") from None
        finally:
            client.end()
            progress.unlink(missing_ok=True)
            write(notebook, partial)
    write(normalised(notebook), target)
    partial.unlink()
    log.unlink()


class _Manager(AsyncKernelManager):
    """Starts the running Python as kernel, whatever other kernels of that name are installed."""

    @default("kernel_spec_manager")
    def _own_kernel(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class _Client(NotebookClient):
    """Knows at which cell it is, and ends with all processes that its kernel started."""

    def __init__(self, notebook: Any, progress: Path) -> None:
        arguments = [
            "--IPKernelApp.log_level=ERROR",
            "--IPKernelApp.exec_lines=__import__('snnbp.paper.progress')",
            "--HistoryManager.enabled=False",
        ]
        super().__init__(
            notebook,
            kernel_name="python3",
            kernel_manager_class=_Manager,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
            extra_arguments=arguments,
            record_timing=False,
            store_widget_state=False,
        )
        self.at, self._progress, self._group, self._ending = 0, progress, 0, False
        self.on_notebook_start = self._started
        self.on_cell_start = self._at_cell

    def _started(self, notebook: Any) -> None:
        self._group = int(getattr(self.km and self.km.provisioner, "pgid", 0))

    def _at_cell(self, cell: Any, cell_index: int) -> None:
        if self._ending:
            raise KeyboardInterrupt
        self.at = cell_index
        self._progress.unlink(missing_ok=True)

    def where(self) -> str:
        """The cell, and what a progress bar in it says."""
        bar = self._progress.read_text(encoding="utf-8") if self._progress.exists() else ""
        return f"cell {self.at + 1}/{len(self.nb.cells)}  {bar}".rstrip()

    def end(self) -> None:
        """Kill what is left of the kernel and its children."""
        self._ending = True
        with suppress(ProcessLookupError):
            if self._group:
                os.killpg(self._group, signal.SIGKILL)


def kernel_environment() -> dict[str, str]:
    """The environment of a kernel: this checkout first on its path, the user's own settings left out."""
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


def write(notebook: Any, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(path, "w") as file:
        nbformat.write(notebook, file)


def inject(notebook: Any, parameters: Mapping[str, Any]) -> None:
    """Put a cell with these parameters after the one tagged "parameters"."""
    if not parameters:
        return
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = nbformat.v4.new_code_cell(
        source, id="injected-parameters", metadata={"tags": ["injected-parameters"]}
    )
    tagged = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
    notebook.cells.insert(tagged[0] + 1, cell)


def normalised(notebook: Any) -> Any:
    """A notebook less what differs between equal runs: versions, times, how text is cut into messages."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {key: value for key, value in cell.metadata.items() if key in ("tags", "jupyter", "slideshow")}
        )
        if cell.cell_type == "code":
            outputs: list[Any] = []
            for output in cell.outputs:
                if outputs and output.get("name") and output.get("name") == outputs[-1].get("name"):
                    outputs[-1].text += output.text
                else:
                    outputs.append(output)
                if output.get("name") == "stderr":  # a warning names the kernel's process
                    outputs[-1].text = re.sub(r"\S*ipykernel_\d+/\d+\.py", "cell", outputs[-1].text)
            cell.outputs = outputs
    return notebook
