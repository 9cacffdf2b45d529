"""Run the notebooks in order, skip what is up to date, print the verdicts."""

import functools
import importlib.util
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from snnbp.files import atomic_open, remove_partials
from snnbp.paper import BENCHMARKS, NOTEBOOKS, ROOT, Failure, claims, lock, probes, records, settings
from snnbp.paper.claims import ledger, no_longer_reproduced
from snnbp.paper.results import VERDICT, trainings
from snnbp.paper.terminal import Display, clock
from snnbp.training.data import load_dataset
from snnbp.training.sources import DataUnavailable

BUILD = ROOT / "build"
NEEDS = {"lava": "lava-nc==0.10.0"}


def run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], fresh: bool = False) -> None:
    """Run notebooks under a profile, then print the verdicts that follow from their results.

    Parameters
    ----------
    profile : {"paper", "quick"}
    names : sequence of str
        In order: each after those that it reads.
    overrides : mapping
        Parameters to change; results go to build/custom/.
    fresh : bool
        Also run what is up to date, and train all runs instead of reading stored ones.

    Raises
    ------
    Failure
        If another run is in progress in this checkout, a notebook fails, or a claim that was reproduced at
        the paper's settings no longer is.
    """
    BUILD.mkdir(exist_ok=True)
    try:
        with FileLock(BUILD / "lock", timeout=0):
            _run(profile, names, overrides, fresh)
    except Timeout:
        raise Failure("another ./reproduce.sh is running in this checkout: wait for it, or stop it") from None


def _run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], fresh: bool) -> None:
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
    folder = settings.published("custom" if overrides else profile)
    before = committed_verdict()
    remove_leftovers(folder)
    done = Done(folder.name)
    display.seconds = done.seconds()
    ran = []
    for name in here:
        wanted = declared[name].settings(profile)
        wanted |= {key: value for key, value in overrides.items() if key in wanted}
        record, target = folder / records.FOLDER / f"{name}.json", executed_copy(name, folder)
        depends = depends_on(name, wanted, folder)
        reason = done.why_not(name, depends, records.complaints(record, wanted, target))
        if not (fresh or reason):
            display.say(f"{name} is up to date")
            continue
        if reason and name in done.entries:
            display.say(f"{name} runs again: {reason}")
        display.begin(name)
        changed = {key: value for key, value in wanted.items() if value != declared[name].parameters[key]}
        trainings(name).unlink(missing_ok=True)
        try:
            execute(name, changed, folder, target, display.update, fresh)
        finally:
            display.clear()
        records.add_executed(record, target)
        done.note(name, depends, display.elapsed)
        display.end()
        ran.append(name)
    if folder == ROOT / "figures" and set(here) == {name for name in declared if not why_unavailable(name)}:
        _renew_probes(done, folder, display)
    if fresh:
        shutil.rmtree(BUILD / "fresh", ignore_errors=True)
    report(folder)
    done_in = clock(time.perf_counter() - start)
    print(f"{len(ran)} notebook{'s' * (len(ran) != 1)} in {done_in}, results in {shown(folder)}/")
    print(_trainings(ran), end="")
    if missing:
        print(notice)
    if folder == ROOT / "figures" and (lost := no_longer_reproduced(ledger(folder), before)):
        raise Failure(f"no longer reproduced: {', '.join(lost)}")


def _renew_probes(done: "Done", folder: Path, display: Display) -> None:
    """Make the probes again where all notebooks are those of this package, and one has changed since."""
    records_now = {path.name: _seal(path) for path in sorted((folder / records.FOLDER).glob("*.json"))}
    depends = {
        "the package": lock.package_digest(),
        "a result": json.dumps(
            {name: seal for name, seal in records_now.items() if name != probes.PATH.name}
        ),
    }
    if done.why_not(probes.PATH.stem, depends, []):
        start = time.perf_counter()
        display.say("making the probes")
        probes.write()
        done.note(probes.PATH.stem, depends, time.perf_counter() - start)


def _seal(path: Path) -> str:
    """The seal of a record; "" if there is no intact one."""
    try:
        return str(records.read_record(path)["seal"])
    except (OSError, records.Damaged):
        return ""


def _trainings(names: Sequence[str]) -> str:
    """What the notebooks trained, and what they read instead."""
    counts: Counter[str] = Counter()
    lines = []
    for name in names:
        if (path := trainings(name)).exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            counts += Counter(found["counts"])
            lines += [
                f"{name}: a stored run comes out differently, so its kind was trained again: {text}"
                for text in found["different"]
            ]
    if not counts:
        return ""
    text = f"{counts['trained']} trainings in full, {counts['read']} read"
    if counts["read"]:
        text += f", {counts['repeated']} repeated over an epoch"
        text += "" if lines else ": equal (--fresh trains all)"
    return "\n".join([*lines, text]) + "\n"


def depends_on(name: str, parameters: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Digests of all that a notebook's results could depend on, by what a person calls it."""
    declared = settings.notebooks()
    reads = declared[name].reads
    sources = settings.before(name, declared) | (claims.sources() if reads == "all" else set(reads))
    data = {data: _data_digest(data) for data in needed_data(parameters)}
    return {
        "the notebook": records.source_digest(NOTEBOOKS / f"{name}.ipynb"),
        "a parameter": json.dumps(parameters, sort_keys=True),
        "the data": json.dumps(data, sort_keys=True),
        "what it reads": json.dumps(
            {
                source: [_seal(place / records.FOLDER / f"{source}.json") for place in (folder, BENCHMARKS)]
                for source in sorted(sources)
            }
        ),
        "requirements.lock": records.file_digest(ROOT / "requirements.lock"),
        "the package": lock.package_digest(),
    }


@functools.cache
def _data_digest(name: str) -> str:
    try:
        return load_dataset(name).digest
    except DataUnavailable as error:
        return str(error)


def report(folder: Path) -> None:
    """Print the summary of the ledger, and where all of it is."""
    from snnbp.paper.verdict import counts, headline, text

    verdicts = ledger(folder)
    print(f"\n{text(headline(verdicts))}\n\n{counts(verdicts)}")
    if (folder / "verdict.md").exists():
        print(f"all claims, and how they are judged: {shown(folder)}/verdict.md")


class Done:
    """The notebooks that were completed on this machine, from what, and how long they took.

    It lies in build/ and is never committed: a fresh clone has done nothing yet and runs everything.
    """

    def __init__(self, profile: str) -> None:
        self.path = BUILD / "done" / f"{profile}.json"
        try:
            self.entries = dict(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.entries = {}

    def why_not(self, name: str, depends: Mapping[str, str], complaints: Sequence[str]) -> str:
        """Why a notebook must run: a changed input, or a complaint about its files; "" if it need not."""
        before = self._entry(name).get("depends")
        if not isinstance(before, dict):
            return "it has not run here"
        changed = [f"{what} has changed" for what, digest in depends.items() if before.get(what) != digest]
        return [*changed, *complaints, ""][0]

    def note(self, name: str, depends: Mapping[str, str], seconds: float) -> None:
        """Note that a notebook was completed."""
        self.entries[name] = {"depends": depends, "seconds": round(seconds, 1)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_open(self.path, "w") as file:
            json.dump(self.entries, file, indent=1)

    def seconds(self) -> dict[str, float]:
        """Duration of each notebook (seconds)."""
        return {name: self._entry(name)["seconds"] for name in self.entries if self._entry(name)}

    def _entry(self, name: str) -> dict[str, Any]:
        entry = self.entries.get(name)
        return entry if isinstance(entry, dict) and entry.keys() == {"depends", "seconds"} else {}


def executed_copy(name: str, folder: Path) -> Path:
    """Where the executed notebook goes: in place only if its results go to figures/."""
    return (NOTEBOOKS if folder == ROOT / "figures" else folder) / f"{name}.ipynb"


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left, and nothing that a living one writes; stored runs of another package."""
    for place in (folder, NOTEBOOKS, BUILD):
        for parent in {leftover.parent for leftover in place.rglob(".snnbp-*.partial")}:
            remove_partials(parent)
    for stored in (*BUILD.glob("runs/*"), *BUILD.glob("fresh/*")):
        if stored.name != lock.package_digest()[:12]:
            shutil.rmtree(stored)


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
    path = ROOT / "figures" / VERDICT
    try:
        command = ["git", "show", f"HEAD:./{path.relative_to(ROOT).as_posix()}"]
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        return shown.stdout.decode("utf-8")
    except (OSError, subprocess.CalledProcessError):
        return path.read_text(encoding="utf-8") if path.exists() else "[]"


def shown(path: Path) -> str:
    """A path relative to the checkout, if it is inside."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
