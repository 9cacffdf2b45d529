"""Tables in TOML files, read with errors of one line."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; ValueError that names it if it cannot be parsed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None


def one_line(error: ValidationError) -> str:
    """Format the first of the validation errors as one line."""
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}".lstrip(": ")
