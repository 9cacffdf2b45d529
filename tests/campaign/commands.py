"""Command lines with slips of the user's: one line that begins with "reproduce: ", and nothing runs."""

import contextlib
import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from snnbp.paper import Failure, commands, settings

WORDS = [
    *(["--quik"], ["qick"], ["-only"], ["--forse"], ["quick", "slow"], ["All"], ["ALL"], ["quick", "all"]),
    *(["--only"], ["--only", ""], ["--only", "0"], ["--only", "1x"], ["--only", "99"], ["--only", "4"]),
    *(["--only", "04", "--only", "x"], ["--only=", "quick"], ["--only", "04_mnist.ipynb"], ["--only", " 04"]),
    *(["-p"], ["-p", "epochs"], ["-p", "=5"], ["-p", "="], ["-p", ""], ["-p", "epochs==5"], ["-pepochs"]),
    *(["-p", "epochs =5"], ["-p", "EPOCHS=5"], ["--p", "epochs=5"], ["-P", "epochs=5"], ["-p epochs=5"]),
    *(["--check", "now"], ["--force", "yes"], ["--check=1"], ["--force=1"], ["-f"], ["-c"], ["-v"]),
    *(
        ["", ""],
        [""],
        [" "],
        ["quick", ""],
        ["\n"],
        ["\x00"],
        ["é"],
        ["--été"],
        ["-"],
        ["---"],
        ["-p", "\n=1"],
    ),
    *(["--onl", "04"], ["--chec"], ["--forc"], ["--versio"], ["--verbose"], ["--no-force"], ["quick", "-q"]),
    *(["--only", "04", "04"], ["04"], ["04_mnist"], ["run"], ["all", "all"], ["install"], ["setup"], ["lab"]),
]
"""Words that mean nothing whatever the notebooks are."""

VALUES = (
    '"',
    "x",
    "null",
    "{}",
    "[]",
    "[[1]]",
    '["x"]',
    "true",
    "NaN",
    "-Infinity",
    "1.5",
    "50%",
    "1,2",
    "[1",
)
"""For a parameter, those of another type than its own."""


def command_lines(n: int, chance: random.Random, folder: Path) -> Iterator[str]:
    """Run wrong command lines; all that are listed, then parameters with values of another type."""
    lines = [*WORDS, *_parameters()]
    fixed = lines[: len(WORDS)]
    rest = chance.sample(lines[len(WORDS) :], max(0, min(n - len(fixed), len(lines) - len(fixed))))
    for words in (*fixed, *rest):
        yield _complaint(words, folder)


def _parameters() -> Iterator[list[str]]:
    for name, notebook in settings.notebooks().items():
        for key, example in notebook.parameters.items():
            for text in VALUES:
                try:
                    value = json.loads(text)
                except json.JSONDecodeError:
                    value = text
                if not _alike(value, example):
                    yield ["--only", name, "-p", f"{key}={text}"]
        yield ["--only", name, "-p", "unknown=1"]


def _alike(value: object, example: object) -> bool:
    if isinstance(example, list):
        return isinstance(value, list) and value != [] and all(_alike(item, example[0]) for item in value)
    if isinstance(example, float):
        return type(value) in (int, float)
    return type(value) is type(example)


def _complaint(words: list[str], folder: Path) -> str:
    ran, output, errors = [], io.StringIO(), io.StringIO()

    def execute(*arguments: object) -> None:
        ran.append(arguments)
        raise Failure("it ran")

    try:
        with (
            mock.patch("snnbp.paper.pipeline.BUILD", folder),
            mock.patch("snnbp.paper.execute.execute", execute),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            code = commands.main(words)
    except BaseException as error:
        return f"{words}: {type(error).__name__}: {error}"
    lines = errors.getvalue().splitlines()
    if ran or not code or output.getvalue():
        return f"{words}: it was accepted"
    if len(lines) != 1 or not lines[0].startswith("reproduce: "):
        return f"{words}: {len(lines)} lines: {errors.getvalue()!r}"
    return ""
