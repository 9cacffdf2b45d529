"""The one table of all benchmarks, figures/benchmarks.md, from what the parts wrote into their records."""

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any

from snnbp.files import atomic_open
from snnbp.paper import ROOT
from snnbp.paper.records import Damaged, read_record, write_record

FIGURES = ROOT / "figures"
NAME = "benchmarks.md"
Row = tuple[str, str, str]
"""What was measured, its value, its unit or a remark."""


def measured(environment: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """What a part adds to the results in its record."""
    return {"environment": environment, "table": [list(row) for row in rows]}


def goal(what: str, met: bool, reason: str = "") -> str:
    """What to add to a row's remark; the reason is that of a goal that is not met, where it is known."""
    return f"; goal {what}" + ("" if met else ", not met" + (f": {reason}" if reason else ""))


def at_defaults(parser: argparse.ArgumentParser, options: argparse.Namespace) -> bool:
    """Whether figures/ may be written: only with the default options. If not, say so."""
    same = all(value == parser.get_default(name) for name, value in vars(options).items())
    if not same:
        print("figures/ stays as it was: these options are not the defaults")
    return same


def write(parts: Iterable[str]) -> str:
    """Write the table of the parts that have a record with rows, and its own record; return the table."""
    found = {}
    for part in parts:
        try:
            results = read_record(FIGURES / f"{part}.json")["results"]
        except FileNotFoundError:
            continue
        except Damaged as error:
            print(f"not in the table: {error}")
            continue
        if "table" in results:
            found[part] = results
    table = _text(found)
    with atomic_open(FIGURES / NAME, "w") as file:
        file.write(table)
    environments = {part: results["environment"] for part, results in found.items()}
    about = {"profile": "paper", "parameters": {}, "results": {"environments": environments}}
    write_record(FIGURES / "benchmarks.json", "benchmarks/table.py", None, [NAME], **about)
    return table


def _text(parts: dict[str, Any]) -> str:
    """Rows, the state of the machine before each part, and one line for each machine with its packages."""
    lines = ["# Benchmarks", "", *_head("part", "measured", "value", "unit")]
    lines += [_row(part, *row) for part, results in parts.items() for row in results["table"]]
    moving = ("idle", "busy before", "load average at start")
    lines += ["", *_head("part", *moving)]
    machines: dict[str, list[str]] = {}
    for part, results in parts.items():
        here = dict(results["environment"])
        lines.append(_row(part, *(str(here.pop(name)) for name in moving)))
        machines.setdefault(json.dumps(here), []).append(part)
    for machine, names in machines.items():
        about = json.loads(machine)
        about |= about.pop("packages")
        lines += ["", f"{', '.join(names)}: {', '.join(f'{name} {value}' for name, value in about.items())}."]
    return "\n".join(lines) + "\n"


def _head(*titles: str) -> list[str]:
    return [_row(*titles), _row(*("---" for _ in titles))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
