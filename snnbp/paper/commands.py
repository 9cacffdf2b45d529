"""The commands of ./reproduce.sh that need its Python environment."""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

import snnbp
from snnbp.paper import ROOT, Failure, settings
from snnbp.paper.options import Refused, parse
from snnbp.paper.pipeline import run

HELP = Path(__file__).parent / "help.txt"
CHECKS = (
    ["-m", "ruff", "check", "--quiet"],
    ["-m", "ruff", "format", "--check", "--quiet"],
    ["-m", "mypy"],
    ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
)


def main(words: Sequence[str]) -> int:
    """Run one command; return the exit code."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(ROOT / "build" / "kernel")
    before, sys.unraisablehook = sys.unraisablehook, _interrupt_again
    try:
        return _command(list(words))
    except Refused as refused:
        print(f"reproduce: {refused} (see ./reproduce.sh --help)", file=sys.stderr)
        return 2
    except (Failure, ValueError, OSError) as failure:
        print(f"reproduce: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nreproduce: interrupted; what is finished is kept", file=sys.stderr)
        return 130
    finally:
        sys.unraisablehook = before


def _interrupt_again(dropped: Any) -> None:
    """Repeat a Ctrl-C that came while Python ran a callback of a freed object, where it drops exceptions."""
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    else:
        sys.__unraisablehook__(dropped)


def _command(words: list[str]) -> int:
    if {"-h", "--help", "help"} & set(words[:1]) or (words[:1] != ["test"] and "--help" in words):
        print(HELP.read_text(encoding="utf-8"), end="")
        return 0
    if words == ["--version"]:
        print(snnbp.__version__)
        return 0
    if words[:1] == ["test"]:
        return test(words[1:])
    if words[:1] == ["docs"]:
        if words[1:]:
            raise Refused("docs takes no options")
        site = runpy.run_path(str(ROOT / "docs" / "site" / "build.py"))
        site["build"]()
        print(f"the site is in {site['SITE'].relative_to(ROOT)}: open index.html there")
        return 0
    options = parse(words)
    if options.check:
        return check(options.full)
    declared = settings.notebooks()
    chosen = {settings.resolve(beginning) for beginning in options.only} or {
        name for name in declared if options.command == "all" or declared[name].group == "paper"
    }
    names = [name for name in declared if name in chosen]
    overrides = dict(options.parameters)
    settings.check_overrides(names, overrides)
    run("quick" if options.command == "quick" else "paper", names, overrides, options.fresh)
    return 0


def check(full: bool) -> int:
    """Repeat stored results; return 1 if one differs."""
    from snnbp.paper.check import check as repeat

    start = time.perf_counter()
    with tqdm(bar_format="{desc}  {elapsed}", disable=not sys.stderr.isatty(), leave=False) as bar:
        complaints, repeated = repeat(full, bar.set_description_str)
    print("\n".join(complaints) or "no difference found")
    print(f"repeated in {tqdm.format_interval(time.perf_counter() - start)}: {repeated}")
    return 1 if complaints else 0


def test(pytest_options: Sequence[str]) -> int:
    """Check style, types and layers, then run all tests; return the last exit code that is not 0."""
    code = 0
    for command in (*CHECKS, ["-m", "pytest", *pytest_options]):
        code = subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode or code
    return code
