"""All benchmarks: list them, run them one after the other, and write one table.

    python benchmarks                  lists them
    python benchmarks all              runs all of them
    python benchmarks speed scaling    runs these two
    python benchmarks table            only writes the table again

Each runs alone in a process of its own, writes its files and its record in results/, and says there how busy
the machine was before it began. results/benchmarks.md is the table of all records that are there.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

import table

FOLDER = Path(__file__).parent
PARTS = (
    "speed",
    "against",
    "package",
    "scaling",
    "simulators",
    "depth_epoch",
    "full_run",
    "nir_conformance",
)


def about(part: str) -> str:
    """The first line of a part's docstring."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{part}.py").read_text(encoding="utf-8")))
    return text.splitlines()[0]


def main() -> int:
    """Run the named parts; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks",
        description=__doc__,
        epilog="\n".join(f"{part:16}  {about(part)}" for part in PARTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, table, or a part of the list below")
    names = parser.parse_args().names
    if not names:
        parser.print_help()
        return 0
    for name in names:
        if name not in (*PARTS, "all", "table"):
            print(f"no benchmark {name!r}: choose from all, table, {', '.join(PARTS)}", file=sys.stderr)
            return 2
    status, failed = 0, []
    try:
        for part in PARTS:
            if part in names or "all" in names:
                print(f"== {part}", flush=True)
                if subprocess.run([sys.executable, FOLDER / f"{part}.py"], check=False).returncode:
                    status = 1
                    failed.append(part)
    except KeyboardInterrupt:
        status = 130
    print(table.write(PARTS))
    if failed:
        print(f"failed: {', '.join(failed)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
