"""Do NIR files of this package give the same spikes in other simulators? Fills the table of docs/nir.md.

    python benchmarks/nir_conformance.py [--simulators NAME ...]

Each simulator gets an environment of its own in build/nir, with pinned packages. All read with nir 1.0.8. All
environments together take 12 GB. MNIST must be at hand. A run of only some writes no page.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nir
import numpy as np
from environment import python_with
from in_nir import SIMULATORS
from numpy.typing import NDArray
from table import Part, markdown

import snnbp
from snnbp.files import atomic_open
from snnbp.interop import to_nir
from snnbp.paper import ROOT

PAGE = ROOT / "docs" / "nir.md"
FOLDER = ROOT / "build" / "nir"


def spikes_in(name: str, file: Path, x: NDArray[Any]) -> tuple[str, NDArray[Any] | str]:
    """A simulator's versions, and the spikes that it gives; or the last line of its error.

    It has not begun if it told no versions: then the fault is ours, and the program ends.
    """
    inputs, out = FOLDER / "inputs.npy", FOLDER / "spikes.npy"
    np.save(inputs, x)
    python = python_with(f"nir/{name}", SIMULATORS[name].packages)
    command = [python, ROOT / "benchmarks" / "in_nir.py", name, file, inputs, out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    versions = done.stdout.partition("\n")[0]
    if done.returncode:
        error = (done.stderr.strip().splitlines() or ["no message"])[-1]
        if not versions:
            raise SystemExit(f"{name}: {error}")
        return versions, error
    return versions, np.load(out)


def fill(part: Part, mark: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; with the default options, also put it between its marks in docs/nir.md."""
    table = markdown(head, rows)
    print(table)
    if part.at_defaults:
        place = rf"(?s)(<!-- {mark} -->\n).*?(?=<!-- end)"
        page = PAGE.read_text(encoding="utf-8")
        page, found = re.subn(place, lambda match: f"{match[1]}{table}\n", page)
        if found != 1:
            raise SystemExit(f"{PAGE} has no place for the table, <!-- {mark} -->")
        with atomic_open(PAGE, "w") as file:
            file.write(page)


def compare(name: str, case: str, weights: snnbp.Weights, samples: snnbp.Samples) -> tuple[str, ...]:
    """One row of the table."""
    simulator = SIMULATORS[name]
    file = FOLDER / f"{case}-{simulator.dialect}.nir"
    nir.write(file, to_nir(weights, simulator.dialect))
    x = np.zeros((1 + simulator.late * len(weights.matrices), *samples.inputs.shape), bool)
    x[0] = samples.inputs
    _, spikes = spikes_in(name, file, x)
    if isinstance(spikes, str):
        result = f"failed: {spikes}"
    else:
        expected = snnbp.predict(weights, samples.inputs)[0]
        result = f"{int((spikes[-1] != expected).sum()):,} of {expected.size:,}"
    version, *others = simulator.packages
    row = (version.replace("==", " "), ", ".join(others).replace("==", " "), simulator.dialect, case, result)
    print("  ".join(row), flush=True)
    return row


def main() -> None:
    part, data = Part(__file__, __doc__, simulators=list(SIMULATORS)), snnbp.load_dataset("mnist")
    FOLDER.mkdir(parents=True, exist_ok=True)
    deep = snnbp.Config(hidden=(400, 400), epochs=2, inhibition=-32512)
    networks = {
        "one hidden layer": snnbp.Weights.load(ROOT / "figures" / "data" / "weights_seed1.npz"),
        "two hidden layers": snnbp.train(data, deep, progress=False).weights,
    }
    rows = [
        compare(name, case, weights, data.test)
        for case, weights in networks.items()
        for name in part.options.simulators
    ]
    fill(part, "table", ("simulator", "with", "dialect", "network", "spikes that differ"), rows)
    found = [(f"{row[0]}, {row[3]}", row[-1], "spikes that differ") for row in rows]
    part.write(data, {}, found, {})


if __name__ == "__main__":
    main()
