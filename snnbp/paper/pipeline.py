"""Run the notebooks in order, headless, and print the verdicts. Called by ./reproduce.sh."""

import argparse
import importlib.util
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from snnbp.paper import records
from snnbp.paper import stamps
from snnbp.paper.claims import as_json, ledger, markdown, no_longer_reproduced, table
from snnbp.training.data import DataUnavailable, load_dataset
from snnbp.files import atomic_open
from snnbp.paper.results import PROFILES, ROOT, profile_folder

NOTEBOOKS = ROOT / "notebooks"
PARTIAL = ROOT / "build" / "partial"
STAMPS = ROOT / "build" / "stamps"
README = ROOT / "README.md"
VERDICT_MARKS = ("<!-- verdict -->", "<!-- end of verdict -->")


LAVA_NOTEBOOKS = ("06_lava",)


class Failure(Exception):
    """A message for the user, in one line."""


def main(arguments: Sequence[str]) -> int:
    """Carry out one command of ./reproduce.sh; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments[:1] == ["test"]:
            return test(arguments[1:])
        options = parse(arguments)
        if options.check:
            return check()
        names = options.only or notebooks()
        return run(options.command or "paper", names, dict(options.parameters), options.force)
    except (Failure, ValueError, OSError) as failure:
        print(f"reproduce: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nreproduce: interrupted; what was finished before is kept", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Options of a run; unknown words end the program with the usage and exit code 2."""
    parser = argparse.ArgumentParser(prog="./reproduce.sh", allow_abbrev=False)
    parser.add_argument("command", nargs="?", choices=["quick"], help="small settings (default: the paper's)")
    parser.add_argument("--only", action="append", metavar="NAME", choices=notebooks())
    parser.add_argument(
        "-p", action="append", default=[], metavar="NAME=VALUE", dest="parameters", type=_pair
    )
    parser.add_argument("--force", action="store_true", help="run what is finished and unchanged, too")
    parser.add_argument("--check", action="store_true", help="only check what figures/ says of itself")
    return parser.parse_args(arguments)


def notebooks() -> list[str]:
    """Names of all notebooks, in order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def run(profile: str, names: Sequence[str], overrides: Mapping[str, Any], force: bool = False) -> int:
    """Run notebooks under a profile, then print the ledger of what they gave.

    What is finished and unchanged is skipped, unless `force`. Returns 1 if a claim that was reproduced at
    the paper's settings is not any more.
    """
    start = time.perf_counter()
    check_overrides(names, overrides)
    for name in names:
        if reason := not_here(name):
            print(f"{name} is left out: {reason}")
    names = [name for name in names if not not_here(name)]
    missing = missing_data(
        data for name in names for data in needed_data({**PROFILES[profile][name], **overrides})
    )
    if missing:
        profile = "digits"
        notice = (
            f"{' and '.join(missing)} cannot be had: everything runs on scikit-learn's 8x8 digits instead"
        )
        print(f"{notice}; no claim of the paper is evaluated ({missing[min(missing)]})")
    folder = profile_folder("custom" if overrides else profile)
    before = committed_verdict()
    for leftover in folder.glob(".*.partial"):  # of a run that was killed while it wrote
        leftover.unlink()
    if force:
        shutil.rmtree(ROOT / "build" / "runs", ignore_errors=True)
    for name in names:
        parameters = changed_parameters(name, profile, overrides)
        key, stamp = stamp_of(name, parameters, folder)
        if not force and stamps.is_current(stamp, key):
            print(f"{name} is finished and unchanged: skipped", flush=True)
            continue
        print(f"{name} ...", flush=True)
        seconds = execute(name, parameters, folder)
        stamps.write(stamp, key, executed_copy(name, parameters, folder), folder / f"{name}.json")
        print(f"{name} finished after {seconds:.0f} s", flush=True)

    verdicts = ledger(folder)
    print(f"\n{table(verdicts)}\n")
    print(f"{len(names)} notebooks in {time.perf_counter() - start:.0f} s, results in {_shown(folder)}")
    if missing:
        print(notice)
    if folder == profile_folder("paper"):
        with atomic_open(README, "w") as file:
            file.write(with_verdicts(README.read_text(), markdown(verdicts, "figures/")))
        if lost := no_longer_reproduced(verdicts, before):
            raise Failure(f"reproduced before and not any more: {', '.join(lost)}")
    return 0


def needed_data(parameters: Mapping[str, Any]) -> list[str]:
    """The data sets that a notebook with these parameters loads: `dataset` and `datasets`."""
    return [parameters["dataset"], *parameters.get("datasets", ())] if "dataset" in parameters else []


def stamp_of(name: str, parameters: Mapping[str, Any], folder: Path) -> tuple[str, Path]:
    """What a run of this notebook depends on, as a digest, and where its end is noted."""
    earlier = [folder / f"{other}.json" for other in notebooks() if other < name]
    key = stamps.key(NOTEBOOKS / f"{name}.ipynb", parameters, earlier)
    return key, STAMPS / folder.name / f"{name}.json"


def committed_verdict() -> str:
    """verdict.json as committed; without git, as it is; "[]" if there is none."""
    path = profile_folder("paper") / "verdict.json"
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{path.relative_to(ROOT)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode == 0:
        return shown.stdout
    return path.read_text() if path.exists() else "[]"


def with_verdicts(readme: str, verdicts: str) -> str:
    """README's text with this table of verdicts between its two marks."""
    begin, end = VERDICT_MARKS
    head, _, rest = readme.partition(begin)
    return f"{head}{begin}\n\n{verdicts}\n\n{end}{rest.partition(end)[2]}"


def check() -> int:
    """Name what is stale or edited by hand in figures/ and in README's table; returns 1 if anything is."""
    folder = profile_folder("paper")
    complaints = records.check(folder, PROFILES["paper"])
    verdicts, readme = ledger(folder), README.read_text()
    for name, content in (("verdict.json", as_json(verdicts)), ("verdict.md", markdown(verdicts) + "\n")):
        if (folder / name).exists() and (folder / name).read_text() != content:
            complaints.append(f"{name} is not what the results give")
    if with_verdicts(readme, markdown(verdicts, "figures/")) != readme:
        complaints.append("README.md: its verdicts are not what the results give")
    for complaint in complaints:
        print(complaint)
    if not complaints:
        print(f"everything in {_shown(folder)} is as its records say")
    return 1 if complaints else 0


def not_here(name: str) -> str:
    """Why a notebook cannot run in this environment, or nothing."""
    if name in LAVA_NOTEBOOKS and importlib.util.find_spec("lava") is None:
        return "it needs Lava: pip install lava-nc==0.10.0, in Python 3.10"
    return ""


def missing_data(wanted: Iterable[str]) -> dict[str, str]:
    """Which of the data sets can't be had here, and why. Downloads what is not here yet."""
    missing = {}
    for name in sorted(set(wanted)):
        try:
            load_dataset(name)
        except DataUnavailable as error:
            missing[name] = str(error)
    return missing


def check_overrides(names: Sequence[str], overrides: Mapping[str, Any]) -> None:
    """Refuse a parameter that none of the notebooks takes: papermill would only warn."""
    known = sorted({parameter for name in names for parameter in PROFILES["paper"][name]})
    for parameter in overrides:
        if parameter not in known:
            raise Failure(f"unknown parameter {parameter!r}: {'/'.join(names)} takes {', '.join(known)}")


def changed_parameters(name: str, profile: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What a notebook must be told: where the profile or the user differs from its own parameter cell."""
    paper = PROFILES["paper"][name]
    wanted = {**PROFILES[profile][name], **{key: value for key, value in overrides.items() if key in paper}}
    if overrides and "profile" in paper:  # what reads other notebooks' results reads those of this run
        wanted["profile"] = "custom"
    return {key: value for key, value in wanted.items() if value != paper[key]}


def execute(name: str, parameters: Mapping[str, Any], folder: Path) -> float:
    """Run a notebook headless; its executed copy appears only when every cell has run. Returns seconds.

    The copy goes to `folder`. Without changed parameters it replaces the notebook itself, normalised, so
    that `git diff` shows what came out differently. Raises Failure naming the cell and its error.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError

    source = NOTEBOOKS / f"{name}.ipynb"
    partial = PARTIAL / source.name
    partial.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    try:
        papermill.execute_notebook(
            source,
            partial,
            dict(parameters),
            kernel_name="python3",
            cwd=NOTEBOOKS,
            stderr_file=sys.stderr,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
    except papermill.PapermillExecutionError as error:
        last = f"{error.ename}: {error.evalue}".splitlines()[0]
        raise Failure(f"{name}, cell {error.cell_index}: {last} (see {_shown(partial)})") from error
    except (CellTimeoutError, RuntimeError) as error:  # the kernel died, or did not start
        raise Failure(f"{name}: {error} (see {_shown(partial)})") from error
    target = executed_copy(name, parameters, folder)
    notebook = normalised(nbformat.read(partial, as_version=4))
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_open(target, "w") as file:
        nbformat.write(notebook, file)
    partial.unlink()
    return time.perf_counter() - start


def executed_copy(name: str, parameters: Mapping[str, Any], folder: Path) -> Path:
    """Where the executed notebook goes: in place at its own parameters."""
    return (folder if parameters else NOTEBOOKS) / f"{name}.ipynb"


def normalised(notebook: Any) -> Any:
    """A notebook less what differs between equal runs: times, versions, progress bars, cuts in text."""
    from nbstripout import strip_output

    keys = ["metadata.papermill", "metadata.language_info.version", "metadata.widgets"]
    keys += ["cell.metadata.papermill", "cell.metadata.execution"]
    notebook = strip_output(notebook, keep_output=True, keep_count=True, keep_id=True, extra_keys=keys)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs: list[Any] = []
            for output in cell.outputs:
                if output.get("name") == "stdout" and outputs and outputs[-1].get("name") == "stdout":
                    outputs[-1].text += output.text  # how a text is cut into messages is chance
                elif output.get("name") != "stderr":
                    outputs.append(output)
            cell.outputs = outputs
    return notebook


def test(pytest_options: Sequence[str]) -> int:
    """Style, types, then all tests; the exit code is the first that is not 0."""
    missing = missing_data(["mnist", "fashion-mnist"])
    notice = f"{' and '.join(missing)} cannot be had: the tests that need them are skipped"
    if missing:
        print(f"{notice} ({missing[min(missing)]})", flush=True)
    code = 0
    for command in (
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--check", "--quiet"],
        ["mypy"],
        ["pytest", *pytest_options],
    ):
        code = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode or code
    if missing:
        print(notice)
    return code


def _pair(text: str) -> tuple[str, Any]:
    """NAME=VALUE with the value read as JSON where it is JSON: 5, 0.5, [1, 2], else as text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
