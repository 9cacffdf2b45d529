"""The commands and options of ./reproduce.sh; any Python without packages can refuse slips before set-up."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

COMMANDS = ("all", "quick", "test", "docs", "lab", "explore", "setup")


class Refused(Exception):
    """Invalid command-line arguments. The message is one line."""


def check(words: Sequence[str]) -> None:
    """Raise `Refused` if ./reproduce.sh has no such command or option. `test` and `lab` pass theirs on."""
    first = words[0] if words else ""
    if first in ("docs", "setup") and len(words) > 1:
        raise Refused(f"{first} takes no options")
    if first not in COMMANDS[2:] and "--help" not in words and words != ["--version"]:
        parse(words)


def _near(word: str, known: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(word, known, n=1, cutoff=0.7)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the options of a run.

    Raises
    ------
    Refused
        For unknown arguments. The message suggests the nearest known one.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("command", nargs="?")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("-p", action="append", default=[], dest="parameters", type=_pair)
    for switch in ("--fresh", "--check", "--full"):
        parser.add_argument(switch, action="store_true")
    options, unknown = parser.parse_known_args(words)
    if options.command not in (None, "all", "quick"):
        unknown.append(options.command)
    if unknown:
        word = min(unknown, key=words.index).partition("=")[0]
        known = [*COMMANDS, "--only", "-p", "--fresh", "--check", "--full", "--help", "--version"]
        near = [*_near(word, known), *_near(f"--{word.lstrip('-')}", known)]
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        raise Refused(f"unknown {'option' if word.startswith('-') else 'command'} {word!r}: {hint}")
    if options.check and (options.only or options.parameters or options.fresh or options.command):
        raise Refused("--check takes no other option than --full")
    if options.full and not options.check:
        raise Refused("--full goes with --check, and with test")
    return options


def _pair(text: str) -> tuple[str, Any]:
    """Parse NAME=VALUE; the value is JSON (5, 0.5, [1, 2]) or, if that fails, text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise Refused(f"-p takes NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


if __name__ == "__main__":
    try:
        check(sys.argv[1:])
    except Refused as refused:
        print(f"reproduce: {refused} (see ./reproduce.sh --help)", file=sys.stderr)
        sys.exit(2)
