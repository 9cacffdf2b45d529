"""A bundle as an oracle for other hardware: digests, vectors of the learning rule, and the first mismatch."""

import csv
import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnbp.backends.spiking import simulate
from snnbp.circuit.loihi import WEIGHT_GRID, WEIGHT_MAX, WEIGHT_MIN
from snnbp.circuit.parts import Phase, Population, Projection
from snnbp.circuit.spec import Circuit
from snnbp.files import as_path

OBSERVED = ("spike", "potential")
"""Columns of a trace that are compared with spikes.npy and potentials.npy."""
PLACE = ("sample", "phase", "population", "neuron")


class Mismatch(NamedTuple):
    """The first place where a trace differs from a bundle."""

    sample: int
    phase: int
    population: str
    neuron: int
    of: str
    expected: int
    got: int

    def __str__(self) -> str:
        place = (
            f"sample {self.sample}, phase {self.phase}, population {self.population}, neuron {self.neuron}"
        )
        return f"{place}: {self.of} expected {self.expected}, got {self.got}"


def digest_rows(folder: Path) -> Iterator[tuple[Any, ...]]:
    """Digests of a part of a bundle: of each phase of each sample, and of each matrix after each sample."""
    for name in ("spikes.npy", "potentials.npy"):
        for (sample, phase), values in _rows(np.load(folder / name, mmap_mode="r"), 2):
            yield sample, phase, name, _digest(values)
    for path in sorted(folder.glob("*_to_*.npy")):
        for (place,), values in _rows(np.load(path, mmap_mode="r"), 1):
            yield place - 1, "", path.name, _digest(values)


def _rows(array: NDArray[Any], axes: int) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    for place in np.ndindex(array.shape[:axes]):
        yield place, array[place]


def _digest(values: NDArray[Any]) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def rule_rows(circuit: Circuit) -> Iterator[tuple[int, ...]]:
    """Let the simulator learn one step of one synapse: every weight, pre, post, with and without reward."""
    weights = np.arange(WEIGHT_MIN, WEIGHT_MAX + 1, WEIGHT_GRID)
    spikes = np.array([[False, True]])
    before = np.tile(weights, (2, 2))
    populations = Population("pre", 2), Population("post", 2 * weights.size)
    for reward in (True, False):
        synapses = Circuit(
            populations,
            (Projection("pre", "post", "all-to-all"),),
            (Phase(reward=reward),),
            circuit.plasticity,
        )
        inputs = {"pre": spikes, "post": spikes.repeat(weights.size, axis=1)}
        after = simulate(synapses, {("pre", "post"): before}, inputs, 1).plastic["pre", "post"]
        for pre, post, n in product((0, 1), (0, 1), range(weights.size)):
            yield int(weights[n]), pre, post, int(reward), int(after[pre, post * weights.size + n])


def first_mismatch(folder: str | Path, trace: str | Path, part: str = "training") -> Mismatch | None:
    """Compare a trace with the activity that a bundle expects.

    Parameters
    ----------
    folder : path-like
        A bundle.
    trace : path-like
        CSV with the columns sample, phase, population, neuron, and spike (0 or 1) or potential (weight units)
        or both; a row each observation, in any order. What has no row is not compared.
    part : {"training", "inference"}

    Returns
    -------
    Mismatch or None
        The first one in time, then in the order of populations.csv; None if there is none.

    Raises
    ------
    FileNotFoundError
        If there is no such bundle or trace.
    ValueError
        For a file that is no trace, or a row outside the bundle, with its line.
    """
    import pandas as pd

    folder, path = as_path(folder) / part, as_path(trace)
    with (folder / "populations.csv").open(encoding="utf-8", newline="") as file:
        sizes = {row["name"]: int(row["size"]) for row in csv.DictReader(file)}
    try:
        rows = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV file: {error}".partition("\n")[0]) from None
    observed = [name for name in OBSERVED if name in rows]
    if not set(PLACE) <= set(rows) or not observed or rows.empty:
        raise ValueError(f"{path} needs rows with the columns {', '.join(PLACE)}, and spike or potential")
    for name in (*PLACE[:2], PLACE[3], *observed):
        if rows[name].dtype.kind != "i":
            raise ValueError(f"{path}: the column {name} must hold integers only")
    expected = {name: np.load(folder / f"{name}s.npy", mmap_mode="r") for name in observed}
    samples, phases, _ = expected[observed[0]].shape
    size = rows["population"].map(sizes).fillna(0)
    for name, stop in (("sample", samples), ("phase", phases), ("population", None), ("neuron", size)):
        wrong = size == 0 if stop is None else (rows[name] < 0) | (rows[name] >= stop)
        if wrong.any():
            line = int(wrong.to_numpy().argmax())
            raise ValueError(f"{path}, line {line + 2}: the bundle has no {name} {rows[name].iloc[line]}")
    starts = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    rows["column"] = rows["population"].map(starts) + rows["neuron"]
    rows = rows.sort_values(["sample", "phase", "column"], kind="stable")
    place = tuple(rows[name].to_numpy() for name in ("sample", "phase", "column"))
    wanted = np.stack([expected[name][place] for name in observed], axis=1).astype(np.int64)
    different = np.argwhere(wanted != rows[observed].to_numpy())
    if not different.size:
        return None
    row, of = different[0]
    at = rows.iloc[row]
    got = int(at[observed[of]])
    where = int(at["sample"]), int(at["phase"]), str(at["population"]), int(at["neuron"])
    return Mismatch(*where, observed[of], int(wanted[row, of]), got)
