"""Whether figures/ is what this code computes: files by their digests, results by repeating them."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from snnbp.paper import NOTEBOOKS, ROOT, claims, lock, probes, repeat, settings
from snnbp.paper.records import FOLDER, Damaged, complaints, file_digest, files_of, read_record
from snnbp.paper.results import BENCHMARKS, DATA, LEDGER, VERDICT
from snnbp.training.data import Dataset, load_dataset
from snnbp.training.run import Run
from snnbp.training.shift import digest_of
from snnbp.training.sources import DataUnavailable
from snnbp.training.table import RUNS, read_runs

FIGURES = ROOT / "figures"
OUR_OWN = {"README.md", f"{FOLDER}/probes.json"}
"""Files that no record owns: the one is written by hand, the other by all notebooks together."""
SAMPLE, WHOLE = 40, 12
"""How many stored runs are repeated over one epoch, and with `full` as a whole."""
AT_ONCE = 20_000_000
"""The whole run of a short check is drawn from those with less work than this: synapses times epochs."""

Say = Callable[[str], None]


def check(full: bool, say: Say) -> tuple[list[str], str]:
    """Check files, repeat probes and stored runs.

    Parameters
    ----------
    full : bool
        Repeat an epoch of every stored run and twelve whole runs; else of a sample, and one.
    say : callable
        Gets the progress as text.

    Returns
    -------
    complaints : list of str
        One line each, naming the file or run.
    repeated : str
        What was repeated, in one line.
    """
    found = files()
    say("probes")
    number, different = probes.changed(lambda name: say(f"probe: {name}"))
    runs, damaged = stored_runs()
    again, counts = _repeat(runs, full, say)
    return [*found, *different, *damaged, *again], f"{number} probes, {counts}"


def files() -> list[str]:
    """List which files in figures/ and benchmarks/results/ are not what their records say."""
    found, owners = list(_same_claims()), dict[Path, str]()
    declared = settings.notebooks()
    for folder in (FIGURES, BENCHMARKS):
        names = {path.stem for path in (folder / FOLDER).glob("*.json")} - {"verdict", "probes"}
        for name in sorted(names | (declared.keys() if folder == FIGURES else set())):
            record = folder / FOLDER / f"{name}.json"
            of_notebook = (declared[name].parameters, NOTEBOOKS / f"{name}.ipynb") if name in declared else ()
            found += [f"{name}: {reason}" for reason in complaints(record, *of_notebook)]
            found += [f"{name}: {reason}" for reason in _other_inputs(folder, record)]
            for file in files_of(record):
                if (owner := owners.setdefault(folder / file, name)) != name:
                    found.append(f"{file} belongs to {owner} and to {name}")
            owners[record] = name
        there = {path for path in folder.rglob("*") if path.is_file()}
        left = there - owners.keys() - {folder / name for name in OUR_OWN}
        found += [f"{path.relative_to(ROOT)} has no record of what made it" for path in sorted(left)]
    return found


def _other_inputs(folder: Path, path: Path) -> Iterator[str]:
    """What was read besides has changed: files of other records, verdicts, modules of the benchmarks."""
    try:
        reads: dict[str, str] = read_record(path)["reads"]
    except (OSError, Damaged):
        return
    made = {
        Path(file).name: digest
        for place in (FIGURES, BENCHMARKS)
        for record in (place / FOLDER).glob("*.json")
        for file, digest in files_of(record).items()
    }
    for name, digest in reads.items():
        if name.startswith(LEDGER):
            now = claims.digest(folder, name.removeprefix(LEDGER))
        elif (ROOT / name).exists():
            now = file_digest(ROOT / name)
        else:
            now = made.get(name, "")
        if now != digest:
            yield f"{name}, which it reads, has changed"


def _same_claims() -> Iterator[str]:
    """The ledger that the records give is the one that is stored."""
    stored = FIGURES / VERDICT
    if not stored.exists() or claims.as_json(claims.ledger(FIGURES)) != stored.read_text(encoding="utf-8"):
        yield "the verdicts are not those of the records: run 10_verdict"


def stored_runs() -> tuple[dict[str, list[Run]], list[str]]:
    """All stored runs by notebook, and complaints about tables that cannot be read."""
    found: dict[str, list[Run]] = {}
    damaged = []
    for path in sorted((FIGURES / DATA).glob(f"*_{RUNS}")):
        try:
            found[path.name.removesuffix(f"_{RUNS}")] = read_runs(path)
        except (ValueError, OSError) as error:
            damaged.append(str(error))
    return found, damaged


def datasets() -> dict[str, Dataset]:
    """What the notebooks' runs were trained on, by digest, also as runs with `shift` see it."""
    calls: list[dict[str, Any]] = [{"name": name} for name in ("mnist", "fashion-mnist")]
    calls += [call for notebook in settings.notebooks().values() for call in notebook.loads]
    found: dict[str, Dataset] = {}
    for call in calls:
        try:
            data = load_dataset(**call)
        except DataUnavailable:
            continue
        found |= {digest_of(data, shift): data for shift in (0, 1)}
    return found


def _repeat(runs: dict[str, list[Run]], full: bool, say: Say) -> tuple[list[str], str]:
    """Repeat stored runs by lot: the digest of the package draws, so nobody chooses."""
    every = [(notebook, run) for notebook, some in runs.items() for run in some]
    data = datasets()
    known = [(notebook, run) for notebook, run in every if run.data in data]
    by_lot = Random(lock.package_digest())
    widest = max((repeat.cost(run) for _, run in known), default=0)
    wide = [item for item in known if repeat.cost(item[1]) == widest]
    begun = known if full else _some(known, wide, SAMPLE, by_lot)
    short = [item for item in known if repeat.cost(item[1]) * item[1].config.epochs < AT_ONCE]
    whole = _some(known, wide, WHOLE, by_lot) if full else _some(short, [], 1, by_lot)
    jobs = [(*item, 1) for item in begun] + [(*item, item[1].config.epochs) for item in whole]
    complaints, done = [], 0

    def one(job: tuple[str, Run, int]) -> str:
        notebook, run, epochs = job
        text = repeat.difference(run, data[run.data], epochs)
        return text and f"{notebook}: a stored run does not come out again: {text}"

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        for text in pool.map(one, sorted(jobs, key=lambda job: -repeat.cost(job[1]) * job[2])):
            done += 1
            say(f"stored runs: {done} of {len(jobs)}")
            complaints += [text] if text else []
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    counts = f"the first epoch of {len(begun)} of {len(every)} stored runs, {len(whole)} whole"
    missing = len(every) - len(known)
    return complaints, counts + (f" ({missing} cannot be tried: their data is not here)" if missing else "")


def _some(items: list[Any], always: list[Any], count: int, by_lot: Random) -> list[Any]:
    """Draw `count` items, one of them from `always`."""
    first = [by_lot.choice(always)] if always else []
    others = [item for item in items if item not in first]
    return first + by_lot.sample(others, min(count - len(first), len(others)))
