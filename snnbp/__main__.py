"""`python -m snnbp`: the commands of ./reproduce.sh, and `bundle`, which needs no checkout."""

import sys
from pathlib import Path


def main(words: list[str]) -> int:
    """Run one command; return the exit code."""
    import snnbp

    if words == ["--version"]:
        print(snnbp.__version__)
        return 0
    if words[:1] == ["bundle"]:
        from snnbp.interop import command

        return command.main(words[1:])
    try:
        from snnbp.paper import commands
    except ImportError as error:
        if words == ["--help"]:
            print(Path(__file__).with_name("paper").joinpath("help.txt").read_text(encoding="utf-8"), end="")
            print(f"\nHere: {error}")
            return 0
        print(f"snnbp {snnbp.__version__}: {error}", file=sys.stderr)
        return 1
    return commands.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
