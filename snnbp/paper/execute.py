"""Run one notebook with papermill, in a kernel that depends on this checkout only."""

import logging
import os
import re
import signal
import threading
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
from traitlets import default

from snnbp.files import atomic_open
from snnbp.paper import NOTEBOOKS, ROOT, Failure

PARTIAL = ROOT / "build" / "partial"
FOREIGN = ("GIT_", "IPYTHON", "JUPYTER", "MPL", "PYTHON")
"""Prefixes of the user's environment variables that could change results; kernels do not inherit them."""
CLIENT = {
    "resources": {"metadata": {"path": str(NOTEBOOKS)}},
    "extra_arguments": [
        "--IPKernelApp.log_level=ERROR",
        "--IPKernelApp.exec_lines=__import__('snnbp.paper.progress')",
        "--HistoryManager.enabled=False",
    ],
    "record_timing": False,
    "store_widget_state": False,
}


def execute(
    name: str,
    parameters: Mapping[str, Any],
    output: Path,
    target: Path,
    report: Callable[[str], None] = lambda text: None,
    fresh: bool = False,
) -> None:
    """Run a notebook; its executed copy, `target`, appears only when every cell has run.

    `parameters` are those that differ from the notebook's own. Results go to the folder `output`. `report`
    gets the progress as text every second. `fresh` trains all runs instead of reading stored ones. `Failure`
    names a cell that fails, and its error; the partial result is in build/partial/.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # `Failure` says it
    PARTIAL.mkdir(parents=True, exist_ok=True)
    partial, log, progress = (PARTIAL / f"{name}{suffix}" for suffix in (".ipynb", ".log", ".progress"))
    environment = kernel_environment() | {"SNNBP_OUTPUT": str(output), "SNNBP_PROGRESS": str(progress)}
    environment["SNNBP_FRESH"] = "1" if fresh else ""
    shown = partial.relative_to(ROOT) if partial.is_relative_to(ROOT) else partial
    ending, at, group = threading.Event(), 0, 0

    class Manager(AsyncKernelManager):
        """Starts the running Python as kernel; other installed kernels of that name are ignored."""

        @default("kernel_spec_manager")
        def _own_kernel(self) -> KernelSpecManager:
            return KernelSpecManager(kernel_dirs=[])

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            launch: dict[str, Any] = {"env": environment, "stdout": stream, "stderr": stream}
            return await super()._async_pre_start_kernel(**options, **launch)

        async def _async_post_start_kernel(self, **options: Any) -> None:
            nonlocal group
            group = getattr(self.provisioner, "pgid", 0)
            await super()._async_post_start_kernel(**options)

    def begin(cell: Any, cell_index: int) -> None:
        nonlocal at
        if ending.is_set():
            raise KeyboardInterrupt
        at = cell_index
        progress.unlink(missing_ok=True)

    def end() -> None:
        with suppress(ProcessLookupError):
            if group:
                os.killpg(group, signal.SIGKILL)  # the kernel and its children

    def work() -> Any:
        options = {"kernel_name": "python3", "kernel_manager_class": Manager, "on_cell_start": begin}
        try:
            return papermill.execute_notebook(
                NOTEBOOKS / f"{name}.ipynb",
                partial,
                dict(parameters),
                progress_bar=False,
                **options,
                **CLIENT,
            )
        finally:
            end()
            ensure_event_loop().close()  # of this thread; nothing else closes it

    # In a thread, so that this module handles signals, not the client.
    with open(log, "wb") as stream, ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            while not wait([future], timeout=1).done:
                bar = progress.read_text(encoding="utf-8") if progress.exists() else ""
                report(f"cell {at + 1} {bar}".rstrip())
            notebook = future.result()
        except papermill.PapermillExecutionError as error:
            message = f"{error.ename}: {error.evalue}".splitlines()[0]
            raise Failure(f"{name}, cell {at}: {message} (see {shown})") from None
        except (DeadKernelError, RuntimeError):
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            reason = f": {last[0]}" if last else ""
            raise Failure(f"{name}, cell {at}: the kernel died{reason} (see {shown})") from None
        finally:
            ending.set()
            end()
            progress.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(target, "w") as file:
        nbformat.write(normalised(notebook), file)
    partial.unlink()
    log.unlink()


def kernel_environment() -> dict[str, str]:
    """The environment of a kernel: this checkout first on its path, without the user's settings."""
    home = ROOT / "build" / "kernel"
    home.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    data = Path(kept.get("SNNBP_DATA") or ROOT.parent / "data")
    if data.is_dir():  # kernels run in another folder, where ../data is another one
        kept["SNNBP_DATA"] = str(data.absolute())
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
