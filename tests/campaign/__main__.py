"""`python -m tests.campaign --full`: all trials; their table goes to docs/robustness.md."""

import argparse
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
    rows, failed = [], False
    for group in GROUPS:
        if options.only and not group.name.startswith(options.only):
            continue
        start = time.monotonic()
        outcomes = group.run(group.full if options.full else group.small, options.seed)
        complaints = [outcome for outcome in outcomes if outcome]
        failed |= bool(complaints)
        print(*complaints, sep="\n", end="\n" * bool(complaints))
        rows.append(f"| {group.name} | {len(outcomes)} | {len(outcomes) - len(complaints)} |")
        print(f"{rows[-1]} {time.monotonic() - start:.0f} s", flush=True)
    table = "\n".join(("| trials | number | survived |", "|---|---|---|", *rows))
    if not options.only:
        with atomic_open(ROOT / "docs" / "robustness.md", "w") as file:
            file.write(TEXT.format(table=table, seed=options.seed, size="Full" if options.full else "Test"))
    return int(failed)


TEXT = """# Robustness

`python -m tests.campaign --full` stops, damages and misuses the package at random, with a fixed seed. A trial
is survived if no number is wrong, no file is lost, no process is left running, and a user's mistake gets one
line. The tests run the same trials at a smaller size.

{table}

{size} size, seed {seed}.
"""

if __name__ == "__main__":
    sys.exit(main())
