"""What every part has: options and a record with rows; and the one table of them, results/benchmarks.md."""

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from environment import describe

from snnbp.files import atomic_open
from snnbp.paper import ROOT
from snnbp.paper.records import FOLDER, Damaged, file_digest, read_record, write_record
from snnbp.paper.results import BENCHMARKS

if TYPE_CHECKING:
    from snnbp import Dataset

HERE = Path(__file__).parent
NAME = "benchmarks.md"
Row = tuple[str, str, str]
"""What was measured, its value, its unit or a remark."""


class Part:
    """One benchmark: the options that it is called with, and the machine before it begins.

    Each of `defaults` is an option: a number, a text, or a list of which some can be chosen.
    """

    def __init__(self, script: str, about: str | None, **defaults: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        parser = argparse.ArgumentParser(description=about, formatter_class=layout)
        for name, value in defaults.items():
            kind = {"type": type(value)}
            if isinstance(value, list):
                kind = {"nargs": "+", "choices": value, "metavar": "NAME"}
            parser.add_argument(f"--{name}", default=value, help="default: %(default)s", **kind)
        self.options = parser.parse_args()
        self.at_defaults = vars(self.options) == defaults
        self.environment = describe()
        self._name = Path(script).stem

    def write(
        self,
        data: "Dataset | None",
        files: Mapping[str, str | bytes],
        rows: Sequence[Row],
        results: dict[str, Any],
        **parameters: Any,
    ) -> None:
        """Write files and record into results/, but only with the default options. If not, say so."""
        if not self.at_defaults:
            print("benchmarks/results/ stays as it was: these options are not the defaults")
            return
        for file, content in files.items():
            with atomic_open(BENCHMARKS / file, "w" if isinstance(content, str) else "wb") as opened:
                opened.write(content)
        about = {"environment": self.environment, "table": [list(row) for row in rows]}
        write_record(
            BENCHMARKS / FOLDER / f"{self._name}.json",
            f"benchmarks/{self._name}.py",
            data,
            list(files),
            profile="paper",
            parameters=vars(self.options) | parameters,
            reads=modules(HERE / f"{self._name}.py"),
            results=results | about,
        )


def modules(script: Path) -> dict[str, str]:
    """Digests of the modules in this folder that a script imports or runs, and of those that these use."""
    found: dict[str, str] = {}
    left = [script]
    while left:
        text = left.pop().read_text(encoding="utf-8")
        for path in sorted(HERE.glob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name not in found and re.search(
                rf'^(from|import) {path.stem}\b|"{path.name}"', text, re.MULTILINE
            ):
                found[name] = file_digest(path)
                left.append(path)
    return dict(sorted(found.items()))


def goal(what: str, met: bool, reason: str = "") -> str:
    """What to add to a row's remark; the reason is that of a goal that is not met, where it is known."""
    return f"; goal {what}" + ("" if met else ", not met" + (f": {reason}" if reason else ""))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table for a page."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def write(parts: Iterable[str]) -> str:
    """Write the table of the parts that have a record with rows, and its own record; return the table."""
    found = {}
    for part in parts:
        try:
            results = read_record(BENCHMARKS / FOLDER / f"{part}.json")["results"]
        except FileNotFoundError:
            continue
        except Damaged as error:
            print(f"not in the table: {error}")
            continue
        if "table" in results:
            found[part] = results
    table = _text(found)
    with atomic_open(BENCHMARKS / NAME, "w") as file:
        file.write(table)
    environments = {part: results["environment"] for part, results in found.items()}
    reads = {f"benchmarks/results/{FOLDER}/{part}.json" for part in found}
    about = {
        "profile": "paper",
        "parameters": {},
        "reads": {name: file_digest(ROOT / name) for name in sorted(reads)},
        "results": {"environments": environments},
    }
    write_record(BENCHMARKS / FOLDER / "benchmarks.json", "benchmarks/table.py", None, [NAME], **about)
    return table


def _text(parts: dict[str, Any]) -> str:
    """Rows, the state of the machine before each part, and one line for each machine with its packages."""
    rows = [(part, *row) for part, results in parts.items() for row in results["table"]]
    moving = ("idle", "busy before", "load average at start")
    states, machines = [], {}
    for part, results in parts.items():
        here = dict(results["environment"])
        states.append((part, *(str(here.pop(name)) for name in moving)))
        machines.setdefault(json.dumps(here), []).append(part)
    lines = ["# Benchmarks", "", markdown(("part", "measured", "value", "unit"), rows)]
    lines += ["", markdown(("part", *moving), states)]
    for machine, names in machines.items():
        about = json.loads(machine)
        about |= about.pop("packages")
        lines += ["", f"{', '.join(names)}: {', '.join(f'{name} {value}' for name, value in about.items())}."]
    return "\n".join(lines) + "\n"
