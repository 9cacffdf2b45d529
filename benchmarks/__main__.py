"""All benchmarks: list them, run them one after the other, and write one table.

    python benchmarks                  lists them
    python benchmarks all              runs all of them
    python benchmarks speed scaling    runs these two
    python benchmarks table            only writes the table again

Each runs alone in a process of its own, writes its files and its record in figures/, and says there how busy
the machine was before it began. figures/benchmarks.md is the table of all records that are there.
"""

import ast
import subprocess
import sys
from pathlib import Path

import table

PARTS = (
    "speed",
    "against",
    "package",
    "scaling",
    "simulators",
    "depth_epoch",
    "lava_variants",
    "full_run",
    "nir_conformance",
)


def main(names: list[str]) -> int:
    """Run the named parts; return the exit status."""
    folder = Path(__file__).parent
    if not names:
        for part in PARTS:
            text = ast.get_docstring(ast.parse((folder / f"{part}.py").read_text(encoding="utf-8")))
            print(f"{part:16}  {text.splitlines()[0]}")
        print("\npython benchmarks all | NAME ... | table")
        return 0
    chosen = list(PARTS) if names == ["all"] else [name for name in names if name != "table"]
    for name in chosen:
        if name not in PARTS:
            print(f"no benchmark {name!r}: choose from {', '.join(PARTS)}")
            return 2
    failed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, folder / f"{name}.py"], check=False).returncode:
            failed.append(name)
    print(table.write(PARTS))
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
