"""Run the notebooks in order, skip what is up to date, print the verdicts."""

import functools
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from snnbp.files import atomic_open
from snnbp.paper import (
    BENCHMARKS,
    FIGURES,
    NOTEBOOKS,
    ROOT,
    Failure,
    claims,
    lock,
    probes,
    records,
    settings,
    verdict,
)
from snnbp.paper.results import VERDICT, trained, trainings
from snnbp.training.data import load_dataset
from snnbp.training.sources import DataUnavailable

BUILD = ROOT / "build"
NEEDS = {"lava": "lava-nc==0.10.0"}
WHY_NOT_JUDGED = "No claim is judged: that takes the paper's settings and its data (./reproduce.sh)."


def run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], fresh: bool = False) -> None:
    """Run notebooks under a profile ("paper" or "quick"), then print what follows from their results.

    `names` are in order, each after those that it reads. Runs with `overrides` of parameters go to
    build/custom/. `fresh` also runs what is up to date, and trains all runs instead of reading stored ones.
    `Failure` if another run is in progress in this checkout, a notebook fails, or the verdict on a claim at
    the paper's settings is not the committed one any more.
    """
    BUILD.mkdir(exist_ok=True)
    try:
        with FileLock(BUILD / "lock", timeout=0):
            _run(profile, names, overrides, fresh)
    except Timeout:
        raise Failure("another ./reproduce.sh is running in this checkout: wait for it, or stop it") from None


def _run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], fresh: bool) -> None:
    start = time.perf_counter()
    declared = settings.notebooks()
    here = [name for name in names if not why_unavailable(name)]
    for name in sorted(set(names) - set(here)):
        say(f"skipping {name}: {why_unavailable(name)}")
    missing = missing_data(
        data for name in here for data in needed_data(declared[name].settings(profile) | dict(overrides))
    )
    notice = f"{' and '.join(missing)} not found; using 8x8 digits: no claim of the paper is evaluated"
    if missing:
        profile = "digits"
        say(f"{notice} ({missing[min(missing)]})")
    folder = settings.published("custom" if overrides else profile)
    before = committed_verdict()
    remove_old_runs()
    done = Done(BUILD / "done" / f"{folder.name}.json")
    ran = []
    with tqdm(bar_format="{desc}  {elapsed}", disable=not sys.stderr.isatty(), leave=False) as bar:
        for place, name in enumerate(here, 1):
            wanted = declared[name].settings(profile)
            wanted |= {key: value for key, value in overrides.items() if key in wanted}
            if _one(f"[{place}/{len(here)}] {name}", name, wanted, folder, done, bar, fresh):
                ran.append(name)
    if folder == FIGURES and set(here) == {name for name in declared if not why_unavailable(name)}:
        _renew_probes(done)
    if fresh:
        shutil.rmtree(BUILD / "fresh", ignore_errors=True)
    verdicts = claims.ledger(folder)
    if folder.name in ("figures", "paper"):
        print(f"\n{verdict.screen(verdicts, functools.partial(how, here))}\n")
        print(f"all claims, and how they are judged: {shown(folder)}/verdict.md")
    else:
        print(f"\n{verdict.computed(folder)}{WHY_NOT_JUDGED}\n")
    taken = tqdm.format_interval(time.perf_counter() - start)
    print(f"{len(ran)} notebook{'s' * (len(ran) != 1)} in {taken}, results in {shown(folder)}/")
    print(_trainings(ran), end="")
    if missing:
        print(notice)
    if folder == FIGURES and (lost := claims.lost(verdicts, before)):
        raise Failure(f"another verdict than the committed one: {', '.join(lost)}")


def _one(
    title: str, name: str, wanted: dict[str, Any], folder: Path, done: "Done", bar: Any, fresh: bool
) -> bool:
    """Run one notebook, if it must run."""
    from snnbp.paper.execute import execute

    record, target = folder / records.FOLDER / f"{name}.json", executed_copy(name, folder)
    depends = depends_on(name, wanted, folder)
    reason = done.why_not(name, depends, records.complaints(record, wanted, target))
    if not (fresh or reason):
        say(f"{name} is up to date")
        return False
    if reason and name in done:
        say(f"{name} runs again: {reason}")
    if bar.disable:
        say(f"{title} ...")
    start = time.perf_counter()
    own = settings.notebooks()[name].parameters
    changed = {key: value for key, value in wanted.items() if value != own[key]}
    trainings(name).unlink(missing_ok=True)
    execute(name, changed, folder, target, lambda at: bar.set_description_str(f"{title}  {at}"), fresh)
    records.add_executed(record, target)
    done.note(name, depends)
    say(f"{title}  {tqdm.format_interval(time.perf_counter() - start)}")
    return True


def say(text: str) -> None:
    """Print a line on stderr, above the progress."""
    tqdm.write(text, file=sys.stderr)


def _renew_probes(done: "Done") -> None:
    """Make the probes again where all notebooks are those of this package, and one has changed since."""
    paths = sorted((FIGURES / records.FOLDER).glob("*.json"))
    seals = {path.name: records.field(path, "seal") for path in paths if path != probes.PATH}
    depends = {"the package": lock.package_digest(), "a result": json.dumps(seals)}
    if done.why_not(probes.PATH.stem, depends, []):
        say("making the probes")
        probes.write()
        done.note(probes.PATH.stem, depends)


def _trainings(names: Sequence[str]) -> str:
    """What the notebooks trained, and what they read instead."""
    counts: Counter[str] = Counter()
    lines = []
    for name in names:
        found, different = trained(name)
        counts += found
        again = "a stored run comes out differently, so its kind was trained again"
        lines += [f"{name}: {again}: {text}" for text in different]
    if counts:
        text = f"{counts['trained']} trainings in full, {counts['read']} read"
        if counts["read"]:
            text += f", {counts['repeated']} repeated over an epoch"
            text += "" if lines else ": equal (--fresh trains all)"
        lines.append(text)
    return "".join(f"{line}\n" for line in lines)


def how(here: Sequence[str], claim: claims.Claim) -> str:
    """How this run came to a result: a notebook that is up to date was computed here before."""
    if claim.result and claim.source_of_result not in here:
        return verdict.READ
    if claim.runs and not trained(claim.source_of_result)[0]["read"]:
        return verdict.COMPUTED
    return verdict.how(claim)


def depends_on(name: str, parameters: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Digests of all that a notebook's results could depend on, by what a person calls it."""
    declared = settings.notebooks()
    reads = declared[name].reads
    sources = settings.before(name, declared) | (claims.sources() if reads == "all" else set(reads))
    places = [
        (source, place / records.FOLDER) for source in sorted(sources) for place in (folder, BENCHMARKS)
    ]
    seals = [(source, records.field(place / f"{source}.json", "seal")) for source, place in places]
    return {
        "the notebook": records.source_digest(NOTEBOOKS / f"{name}.ipynb"),
        "a parameter": json.dumps(parameters, sort_keys=True),
        "the data": json.dumps([_data_digest(data) for data in needed_data(parameters)]),
        "what it reads": json.dumps(seals),
        "requirements.lock": records.file_digest(ROOT / "requirements.lock"),
        "the package": lock.package_digest(),
    }


@functools.cache
def _data_digest(name: str) -> str:
    try:
        return load_dataset(name).digest
    except DataUnavailable as error:
        return str(error)


class Done(dict[str, Any]):
    """The notebooks that were completed on this machine, and from what: digests by name.

    The file lies in build/ and is never committed: a fresh clone has done nothing yet and runs everything.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with suppress(OSError, ValueError, TypeError):
            self.update(json.loads(path.read_text(encoding="utf-8")))

    def why_not(self, name: str, depends: Mapping[str, str], complaints: Iterable[str]) -> str:
        """Why a notebook must run: a changed input, or a complaint about its files; "" if it need not."""
        before = self.get(name)
        if not isinstance(before, dict):
            return "it has not run here"
        changed = [f"{what} has changed" for what, digest in depends.items() if before.get(what) != digest]
        return [*changed, *complaints, ""][0]

    def note(self, name: str, depends: Mapping[str, str]) -> None:
        """Note that a notebook was completed."""
        self[name] = depends
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_open(self.path, "w") as file:
            json.dump(self, file, indent=1)


def executed_copy(name: str, folder: Path) -> Path:
    """Where the executed notebook goes: in place only if its results go to figures/."""
    return (NOTEBOOKS if folder == FIGURES else folder) / f"{name}.ipynb"


def remove_old_runs() -> None:
    """Remove stored runs of another package; what killed runs left goes when its folder is written again."""
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
    path = FIGURES / VERDICT
    try:
        command = ["git", "show", f"HEAD:./{path.relative_to(ROOT).as_posix()}"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8")
    except (OSError, subprocess.CalledProcessError):
        return path.read_text(encoding="utf-8") if path.exists() else "[]"


def shown(path: Path) -> str:
    """A path relative to the checkout, if it is inside."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
