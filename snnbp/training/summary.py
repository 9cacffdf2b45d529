"""Many runs in a few numbers: means over seeds, differences of pairs, weights that differ."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnbp.circuit.weights import Weights
from snnbp.training.run import Run

if TYPE_CHECKING:
    import pandas as pd

ACCURACIES = ("exact", "spikes", "potential")


def by_seed(runs: Sequence[Run], which: str, column: str) -> dict[str, list[Any]]:
    """`run.statistic(which, column)` of each run as `values`, and which of them `collapsed`."""
    return {
        "values": [run.statistic(which, column) for run in runs],
        "collapsed": [run.collapsed for run in runs],
    }


def paired(runs: Sequence[Run], others: Sequence[Run], which: str, column: str) -> dict[str, list[Any]]:
    """Differences run - other of a statistic as `values`, and in which pairs a run `collapsed`."""
    pairs = list(zip(runs, others, strict=True))
    return {
        "values": [run.statistic(which, column) - other.statistic(which, column) for run, other in pairs],
        "collapsed": [run.collapsed or other.collapsed for run, other in pairs],
    }


def summary(
    groups: Mapping[Any, Sequence[Run]],
    which: str = "final",
    columns: Sequence[str] = ACCURACIES,
    collapsed: bool = False,
) -> "pd.DataFrame":
    """Summarize groups of runs.

    Parameters
    ----------
    groups : mapping of sequence of Run
        By name; a tuple becomes several levels of the index.
    which, columns : str, sequence of str
        See `Run.statistic`. Columns are fractions.
    collapsed : bool, default False
        Whether the means are also over runs that collapsed.

    Returns
    -------
    pandas.DataFrame
        One row a group: `runs`, `collapsed`, `overdriven_samples`, and for each column its mean and standard
        deviation (n - 1) in percent, as <column>_mean and <column>_sd.
    """
    import pandas as pd

    rows = {}
    for name, runs in groups.items():
        row: dict[str, Any] = {"runs": len(runs), "collapsed": sum(run.collapsed for run in runs)}
        row["overdriven_samples"] = sum(run.n_overdriven for run in runs)
        for column in columns:
            values = pd.Series(
                [100 * run.statistic(which, column) for run in runs if collapsed or not run.collapsed],
                dtype=float,
            )
            row |= {f"{column}_mean": values.mean(), f"{column}_sd": values.std()}
        rows[name] = row
    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows)))


def told(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of `summary` to be read: <column>_mean and <column>_sd become one text, "95.69 ± 0.47"."""
    shown = table.copy()
    for name in [str(name).removesuffix("_mean") for name in table if str(name).endswith("_mean")]:
        spread = table[f"{name}_sd"].map(" ± {:.2f}".format, na_action="ignore").fillna("")
        shown[f"{name}_mean"] = table[f"{name}_mean"].map("{:.2f}".format) + spread
        shown = shown.drop(columns=f"{name}_sd").rename(columns={f"{name}_mean": f"{name} (%)"})
    return shown


def differing(one: Weights, other: Weights) -> int:
    """In how many weights two networks of the same sizes differ."""
    pairs = zip(one.matrices, other.matrices, strict=True)
    return sum(int(np.count_nonzero(a != b)) for a, b in pairs)
