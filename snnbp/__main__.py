"""`python -m snnbp`: the commands of ./reproduce.sh."""

import sys


def main(words: list[str]) -> int:
    """Carry out one command; returns the exit code."""
    import snnbp

    if words == ["--version"]:
        print(snnbp.__version__)
        return 0
    try:
        from snnbp.paper import commands
    except ImportError as error:
        print(f"snnbp {snnbp.__version__}: {error}", file=sys.stderr)
        return 1
    return commands.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
