"""`python -m tests.campaign --full`: all trials; their table goes to docs/robustness.md."""

import argparse
import signal
import sys
import time

from snnbp.files import atomic_open
from tests.campaign.groups import GROUPS
from tests.campaign.killed import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--full", action="store_true", help="full size; the default is that of the tests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="GROUP", help="groups whose name begins like this")
    options = parser.parse_args()
    # A shell that starts this in the background makes it, and all that it starts, ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    size = "full" if options.full else "test"
    rows, failed = _earlier_rows() if options.only else {}, False
    for group in GROUPS:
        if options.only and not group.name.startswith(options.only):
            continue
        start = time.monotonic()
        outcomes = group.run(group.full if options.full else group.small, options.seed)
        complaints = [outcome for outcome in outcomes if outcome]
        failed |= bool(complaints)
        print(*complaints, sep="\n", end="\n" * bool(complaints))
        survived = len(outcomes) - len(complaints)
        rows[group.name] = f"| {group.name} | {len(outcomes)} | {survived} | {size} | {options.seed} |"
        print(f"{rows[group.name]} {time.monotonic() - start:.0f} s", flush=True)
    with atomic_open(TABLE, "w") as file:
        file.write(TEXT + "".join(f"{rows[group.name]}\n" for group in GROUPS if group.name in rows))
    return int(failed)


def _earlier_rows() -> dict[str, str]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}


TABLE = ROOT / "docs" / "robustness.md"
TEXT = """# Robustness

`python -m tests.campaign --full` stops, damages and misuses the package at random, with a fixed seed. A trial
is survived if no number is wrong, no file is lost, no process is left running, and a user's mistake gets one
line. The tests run the same trials at a smaller size; `--only GROUP` replaces the rows of some groups.

| trials | number | survived | size | seed |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    sys.exit(main())
