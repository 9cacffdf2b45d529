"""Whether figures/ is what this code computes: files by their digests, results by repeating them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from random import Random
from typing import Any

from snnbp.paper import BENCHMARKS, FIGURES, NOTEBOOKS, ROOT, claims, lock, probes, repeat, settings
from snnbp.paper.records import FOLDER, complaints, field, file_digest, files_of
from snnbp.paper.results import DATA, LEDGER, VERDICT
from snnbp.paper.verdict import markdown
from snnbp.training.data import Dataset, load_dataset
from snnbp.training.run import Run
from snnbp.training.shift import digest_of
from snnbp.training.sources import DataUnavailable
from snnbp.training.sweep import cores
from snnbp.training.table import RUNS, read_runs

UNOWNED = {FIGURES / "README.md", probes.PATH}
"""Files that no record owns: the one is written by hand, the other by all notebooks together."""
WHOLE = 12
"""How many stored runs are repeated as a whole, with `full`."""
SHORT = 20_000_000
"""The whole run of a short check is drawn from those with less work than this: synapses times epochs."""
Say = Callable[[str], Any]


def check(full: bool, say: Say) -> tuple[list[str], str]:
    """Check files, repeat probes and stored runs; return complaints, and what was repeated in one line.

    It repeats an epoch of one run of each kind, and one whole; with `full` an epoch of every stored run, and
    twelve whole. `say` gets the progress as text.
    """
    found = files()
    number, different = probes.changed(lambda name: say(f"probe: {name}"))
    runs, damaged = stored_runs()
    again, counts = _repeat(runs, full, say)
    return [*found, *different, *damaged, *again], f"{number} probes, {counts}"


def files() -> list[str]:
    """List which files in figures/ and benchmarks/results/ are not what their records say."""
    found, declared = list(_same_claims()), settings.notebooks()
    owners = dict[Path, str].fromkeys(UNOWNED, "")
    paths = {path for folder in (FIGURES, BENCHMARKS) for path in (folder / FOLDER).glob("*.json")}
    paths |= {FIGURES / FOLDER / f"{name}.json" for name in declared}
    made = {Path(file).name: digest for path in paths for file, digest in files_of(path).items()}
    for record in sorted(paths - {FIGURES / VERDICT, probes.PATH}):
        name = record.stem
        of_notebook = (declared[name].parameters, NOTEBOOKS / f"{name}.ipynb") if name in declared else ()
        found += [f"{name}: {text}" for text in (*complaints(record, *of_notebook), *_inputs(record, made))]
        owners[record] = name
        for file in files_of(record):
            if (owner := owners.setdefault(record.parent.parent / file, name)) != name:
                found.append(f"{file} belongs to {owner} and to {name}")
    there = {path for folder in (FIGURES, BENCHMARKS) for path in folder.rglob("[!.]*") if path.is_file()}
    left = sorted(there - owners.keys())
    return found + [f"{path.relative_to(ROOT)} has no record of what made it" for path in left]


def _inputs(record: Path, made: Mapping[str, str]) -> Iterator[str]:
    """What was read besides has changed: files of other records, verdicts, modules of the benchmarks."""
    for name, digest in (field(record, "reads") or {}).items():
        if name.startswith(LEDGER):
            now = claims.digest(record.parent.parent, name.removeprefix(LEDGER))
        else:
            now = file_digest(ROOT / name) if (ROOT / name).exists() else made.get(name, "")
        if now != digest:
            yield f"{name}, which it reads, has changed"


def _same_claims() -> Iterator[str]:
    """The ledger that the records give is the one that is stored."""
    verdicts = claims.ledger(FIGURES)
    for name, text in ((VERDICT, claims.as_json(verdicts)), ("verdict.md", markdown(verdicts))):
        if not (FIGURES / name).exists() or (FIGURES / name).read_text(encoding="utf-8") != text:
            yield f"{name} is not what the records give: run 10_verdict"


def stored_runs() -> tuple[list[tuple[str, Run]], list[str]]:
    """All stored runs, each with its notebook, and complaints about tables that cannot be read."""
    found, damaged = [], []
    for path in sorted((FIGURES / DATA).glob(f"*_{RUNS}")):
        try:
            found += [(path.name.removesuffix(f"_{RUNS}"), run) for run in read_runs(path)]
        except (ValueError, OSError) as error:
            damaged.append(str(error))
    return found, damaged


def datasets() -> tuple[dict[str, Dataset], bool]:
    """The data of the notebooks' runs by digest, also as runs with `shift` see it; is all of it here?"""
    calls: list[dict[str, Any]] = [{"name": name} for name in ("mnist", "fashion-mnist")]
    calls += [call for notebook in settings.notebooks().values() for call in notebook.loads]
    found: dict[str, Dataset] = {}
    missing = set()
    for call in calls:
        try:
            if call["name"] not in missing:
                data = load_dataset(**call)
                found |= {digest_of(data, shift): data for shift in (0, 1)}
        except DataUnavailable:
            missing.add(call["name"])
    return found, not missing


def _repeat(stored: list[tuple[str, Run]], full: bool, say: Say) -> tuple[list[str], str]:
    """Repeat stored runs by lot: the digest of the package draws, so nobody chooses."""
    notebook_of = {id(run): notebook for notebook, run in stored}
    data, complete = datasets()
    here = [run for _, run in stored if run.data in data]
    unknown = [(notebook, run) for notebook, run in stored if complete and run.data not in data][:3]
    found = [f"{notebook}: no data set has the digest {run.data} of a run" for notebook, run in unknown]
    lot = Random(lock.package_digest())
    if full:
        widest = sorted(here, key=repeat.cost)[-1:]
        begun, whole = here, widest + lot.sample(here, min(WHOLE, len(here)))
    else:
        begun = repeat.one_of_each_kind(here, lock.package_digest())
        short = [run for run in here if repeat.cost(run) * run.config.epochs < SHORT]
        whole = lot.sample(short, min(1, len(short)))
    jobs = [(run, 1) for run in begun] + [(run, run.config.epochs) for run in whole]
    jobs.sort(key=lambda job: -repeat.cost(job[0]) * job[1])
    stop = threading.Event()
    with ThreadPoolExecutor(cores()) as pool:
        futures = {pool.submit(repeat.difference, run, data[run.data], n, stop): run for run, n in jobs}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                say(f"stored runs: {done} of {len(jobs)}")
                if text := future.result():
                    notebook = notebook_of[id(futures[future])]
                    found.append(f"{notebook}: a stored run does not come out again: {text}")
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    counts = f"the first epoch of {len(begun)} of {len(stored)} stored runs, {len(whole)} whole"
    untried = len(stored) - len(here)
    return found, counts + (f"; {untried} cannot be tried: their data is not here" if untried else "")
