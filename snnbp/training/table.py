"""Many runs in two tables that anyone can open: a row a run, and a row a checkpoint."""

import gzip
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnbp import checks
from snnbp.files import as_path, atomic_open
from snnbp.training.config import Config
from snnbp.training.run import COLUMNS, STATISTICS, Run
from snnbp.training.summary import ACCURACIES

if TYPE_CHECKING:
    import pandas as pd

RUNS, HISTORIES = "runs.csv", "histories.csv.gz"
"""What the names of the two files end with."""


def write_runs(path: str | Path, runs: Sequence[Run]) -> None:
    """Write runs without their weights.

    Parameters
    ----------
    path : path-like
        Ends with runs.csv and gets a row a run: its settings, digests and statistics. The file beside it that
        ends with histories.csv.gz gets a row a checkpoint, `run` being the number of the row in the other.
    runs : sequence of Run
    """
    import pandas as pd

    for run in checks.each("runs", runs, Run):
        run.check_history()
        if run.circuit is not None:
            raise ValueError("a table holds no runs of a circuit of one's own: keep them with Run.save")
    table, beside = as_path(path), histories_of(path)
    histories = pd.concat([run.history.assign(run=place) for place, run in enumerate(runs)])
    histories = histories[["run", *(name for name in COLUMNS if name in histories)]]
    write_csv(table, pd.DataFrame([_row(run) for run in runs]).rename_axis("run"))
    write_csv(beside, histories.set_index("run"))


def histories_of(path: str | Path) -> Path:
    """The file of histories beside a table of runs."""
    path = as_path(path)
    if not path.name.endswith(RUNS):
        raise ValueError(f"the name of a table of runs ends with {RUNS}, got {path}")
    return path.with_name(path.name.removesuffix(RUNS) + HISTORIES)


def _row(run: Run) -> dict[str, Any]:
    settings = run.config.model_dump() | {"hidden": "-".join(map(str, run.config.hidden))}
    end = {
        "version": run.version,
        "backend": run.backend,
        "data": run.data,
        "digest": run.digest,
        "n_overdriven": run.n_overdriven,
        "collapsed": run.collapsed,
    }
    return {
        **settings,
        **end,
        **{
            f"{which}.{name}": run.statistic(which, name)
            for which in STATISTICS
            for name in ACCURACIES
            if which != "selected" or run.config.n_validation
        },
    }


def read_runs(path: str | Path) -> list[Run]:
    """Read what `write_runs` wrote.

    Parameters
    ----------
    path : path-like
        The table of runs.

    Returns
    -------
    list of Run
        Their `weights` are None.

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If they are damaged, or do not fit together.
    """
    import pandas as pd

    paths = [as_path(path), histories_of(path)]
    texts: Any = dict.fromkeys(("hidden", "version", "weights"), str)
    try:
        table, histories = (pd.read_csv(path, index_col="run", dtype=texts) for path in paths)
        if set(table.index) != set(histories.index):
            raise ValueError("there are not the same runs in both")
        found = histories.groupby(level="run")
        rows = zip(table.index, table.to_dict("records"), strict=True)
        return [_run(row, found.get_group(place)) for place, row in rows]
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{paths[0]}, {paths[1].name}: no intact table of runs: {error}") from error


def _run(row: dict[Any, Any], history: "pd.DataFrame") -> Run:
    settings = {name: row[name] for name in Config.model_fields}
    config = Config(**settings | {"hidden": tuple(map(int, row["hidden"].split("-")))})
    columns = [name for name in COLUMNS if name != "validation" or config.n_validation]
    run = Run(
        config,
        row["backend"],
        row["data"],
        history[columns].reset_index(drop=True),
        row["digest"],
        row["n_overdriven"],
        version=row["version"],
    )
    run.check()
    for name, value in _row(run).items():
        if value != row[name]:
            raise ValueError(f"{name} of a run is {row[name]}, its history gives {value}")
    return run


def write_csv(path: str | Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV, also .csv.gz; a file that already has this content keeps its bytes.

    Other releases of zlib compress the same content to other bytes.
    """
    import pandas as pd

    index = frame.index.names != [None] or not isinstance(frame.index, pd.RangeIndex)
    content = frame.to_csv(index=index, lineterminator="\n").encode()
    path = as_path(path)
    if path.suffix == ".gz":
        with suppress(OSError, ValueError):  # none there, or damaged
            if unpacked(path) == content:
                return
        content = gzip.compress(content, mtime=0)
    with atomic_open(path) as file:
        file.write(content)


def unpacked(path: Path) -> bytes:
    """The content of a file, of a .gz file that of the packed one; ValueError if that is damaged."""
    content = path.read_bytes()
    try:
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
