"""Run the notebooks in order, skip what is up to date, print the verdicts."""

import importlib.util
import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from snnbp.files import atomic_open
from snnbp.paper import NOTEBOOKS, ROOT, Failure, records, settings
from snnbp.paper.claims import ledger, no_longer_reproduced
from snnbp.paper.terminal import Display, clock
from snnbp.training.data import load_dataset
from snnbp.training.sources import DataUnavailable

BUILD = ROOT / "build"
NEEDS = {"lava": "lava-nc==0.10.0 (Python 3.10)"}


def run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], force: bool = False) -> None:
    """Run notebooks under a profile, then print the verdicts that follow from their results.

    Parameters
    ----------
    profile : {"paper", "quick"}
    names : sequence of str
        In order: each after those that it reads.
    overrides : mapping
        Parameters to change; results go to build/custom/.
    force : bool
        Also run what is up to date, and discard its stored runs.

    Raises
    ------
    Failure
        If another run is in progress in this checkout, a notebook fails, or a claim that was reproduced at
        the paper's settings no longer is.
    """
    BUILD.mkdir(exist_ok=True)
    try:
        with FileLock(BUILD / "lock", timeout=0):
            _run(profile, names, overrides, force)
    except Timeout:
        raise Failure("another ./reproduce.sh is running in this checkout: wait for it, or stop it") from None


def _run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], force: bool) -> None:
    from snnbp.paper.execute import execute

    start = time.perf_counter()
    declared = settings.notebooks()
    here = [name for name in names if not why_unavailable(name)]
    display = Display(here, seconds={})
    for name in sorted(set(names) - set(here)):
        display.say(f"skipping {name}: {why_unavailable(name)}")
    missing = missing_data(
        data for name in here for data in needed_data(declared[name].settings(profile) | dict(overrides))
    )
    notice = f"{' and '.join(missing)} not found; using 8x8 digits: no claim of the paper is evaluated"
    if missing:
        profile = "digits"
        display.say(f"{notice} ({missing[min(missing)]})")
    folder = settings.folder("custom" if overrides else profile)
    before = committed_verdict()
    remove_leftovers(folder)
    done = Done(folder.name)
    display.seconds = done.seconds()
    for name in here:
        wanted = declared[name].settings(profile)
        wanted |= {key: value for key, value in overrides.items() if key in wanted}
        record, target = folder / f"{name}.json", executed_copy(name, folder)
        reasons = records.stale(record, wanted, target)
        if force:
            shutil.rmtree(BUILD / "runs" / name, ignore_errors=True)
        elif not reasons and done.made(record):
            display.say(f"{name} is up to date")
            continue
        elif reasons and record.exists():
            display.say(f"{name} runs again: {reasons[0]}")
        display.begin(name)
        changed = {key: value for key, value in wanted.items() if value != declared[name].parameters[key]}
        try:
            execute(name, changed, folder, target, display.update)
        finally:
            display.clear()
        done.note(name, records.add_executed(record, target), display.elapsed)
        display.end()
    report(folder)
    done_in = clock(time.perf_counter() - start)
    print(f"{len(here)} notebook{'s' * (len(here) != 1)} in {done_in}, results in {shown(folder)}/")
    if missing:
        print(notice)
    if folder == ROOT / "figures" and (lost := no_longer_reproduced(ledger(folder), before)):
        raise Failure(f"no longer reproduced: {', '.join(lost)}")


def report(folder: Path) -> None:
    """Print the summary of the ledger, and where all of it is."""
    from snnbp.paper.verdict import counts, headline, text

    verdicts = ledger(folder)
    print(f"\n{text(headline(verdicts))}\n\n{counts(verdicts)}")
    if (folder / "verdict.md").exists():
        print(f"all claims, and how they are judged: {shown(folder)}/verdict.md")


class Done:
    """The notebooks that were completed on this machine, and how long they took.

    A record that came with the checkout says that results are up to date, not that they were reproduced here.
    A notebook is skipped only if its record is current and was made here.
    """

    def __init__(self, profile: str) -> None:
        self.path = BUILD / "done" / f"{profile}.json"
        try:
            self.entries = dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.entries = {}

    def made(self, record: Path) -> bool:
        """True if this record was made on this machine."""
        return bool(self._entry(record.stem).get("seal") == records.read_record(record)["seal"])

    def note(self, name: str, seal: str, seconds: float) -> None:
        """Note that a notebook was completed."""
        self.entries[name] = {"seal": seal, "seconds": round(seconds, 1)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_open(self.path, "w") as file:
            json.dump(self.entries, file, indent=1)

    def seconds(self) -> dict[str, float]:
        """Duration of each notebook (seconds)."""
        return {name: self._entry(name)["seconds"] for name in self.entries if self._entry(name)}

    def _entry(self, name: str) -> dict[str, Any]:
        entry = self.entries.get(name)
        return entry if isinstance(entry, dict) and entry.keys() == {"seal", "seconds"} else {}


def executed_copy(name: str, folder: Path) -> Path:
    """Where the executed notebook goes: in place only if its results go to figures/."""
    return (NOTEBOOKS if folder == ROOT / "figures" else folder) / f"{name}.ipynb"


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and folders of killed runs."""
    for place in (folder, NOTEBOOKS, BUILD):
        for leftover in [*place.rglob(".*.partial")]:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)


def needed_data(parameters: Mapping[str, Any]) -> list[str]:
    """The data sets that a notebook with these parameters loads, from `dataset` and `datasets`."""
    return [parameters["dataset"], *parameters.get("datasets", ())] if "dataset" in parameters else []


def why_unavailable(name: str) -> str:
    """Why a notebook cannot run in this environment; "" if it can."""
    lacking = [need for need in settings.notebooks()[name].needs if importlib.util.find_spec(need) is None]
    return f"needs {', '.join(NEEDS[need] for need in lacking)}" if lacking else ""


def missing_data(wanted: Iterable[str]) -> dict[str, str]:
    """The data sets that are unavailable, and why. Missing ones are downloaded if possible."""
    missing = {}
    for name in sorted(set(wanted)):
        try:
            load_dataset(name)
        except DataUnavailable as error:
            missing[name] = str(error)
    return missing


def committed_verdict() -> str:
    """Text of the committed verdict.json; without git, of the file; "[]" if there is none."""
    path = ROOT / "figures" / "verdict.json"
    try:
        command = ["git", "show", f"HEAD:./{path.relative_to(ROOT).as_posix()}"]
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        return shown.stdout.decode("utf-8")
    except (OSError, subprocess.CalledProcessError):
        return path.read_text(encoding="utf-8") if path.exists() else "[]"


def check() -> list[str]:
    """List what in figures/ is stale, was edited by hand, or has no record."""
    folder = ROOT / "figures"
    complaints, known = [], set()
    declared = settings.notebooks()
    for path in sorted({*folder.glob("*.json"), *(folder / f"{name}.json" for name in declared)}):
        if path.name == "verdict.json":
            continue
        parameters = declared[path.stem].parameters if path.stem in declared else None
        executed = NOTEBOOKS / f"{path.stem}.ipynb" if path.stem in declared else None
        complaints += [f"{path.stem}: {reason}" for reason in records.stale(path, parameters, executed)]
        known.add(path.name)
        with suppress(OSError, records.Damaged):
            known |= records.read_record(path)["files"].keys()
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return complaints + [f"{name} has no record of what made it" for name in sorted(files - known)]


def shown(path: Path) -> str:
    """A path relative to the checkout, if it is inside."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
