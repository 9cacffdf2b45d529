"""The ledgers as text: the summary that a run ends with, and both as a whole in Markdown."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from posixpath import normpath
from statistics import fmean
from textwrap import fill

import pandas as pd

from snnbp.paper import claims, settings
from snnbp.paper.claims import (
    HIGHER,
    MARGIN,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    REPRODUCED,
    TEST_IMAGES,
    Claim,
    Verdict,
)
from snnbp.paper.records import field

COMPUTED, REPEATED, READ = "computed", "a sample repeated", "read"
"""How a run comes to a result."""
KINDS = {"accuracy": "accuracies", "above": "accuracies above others'", "model": "estimates"}
"""What claims of a rule are called."""
METHOD = (
    Path(__file__)
    .with_name("method.md")
    .read_text(encoding="utf-8")
    .format(images=TEST_IMAGES, margin=100 * MARGIN)
)


def ledgers(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    """The verdicts of the paper's ledger and of our own, by title."""
    own = {claim.id for claim in claims.own_claims()}
    return {
        "The paper's claims": [v for v in verdicts if v.claim.id not in own],
        "This package's own claims": [v for v in verdicts if v.claim.id in own],
    }


def how(claim: Claim) -> str:
    """How `./reproduce.sh` comes to a result; "" where there is none."""
    if not claim.result:
        return ""
    if claim.source_of_result not in settings.notebooks():
        return READ
    return REPEATED if claim.runs else COMPUTED


def counts(verdicts: Sequence[Verdict]) -> str:
    """Count the verdicts and, where they are on several kinds of claims, these; each claim once."""
    found: dict[str, Counter[str]] = {}
    for v in verdicts:
        if not v.claim.repeats:
            found.setdefault(v.verdict, Counter())[_kind(v.claim)] += 1
    return ", ".join(f"{sum(kinds.values())} {verdict}{_listed(kinds)}" for verdict, kinds in found.items())


def _listed(kinds: Counter[str]) -> str:
    text = ", ".join(f"{kind}: {number}" for kind, number in kinds.items())
    return f" ({text})" if len(kinds) > 1 else ""


def _kind(claim: Claim) -> str:
    if claim.rule == "equal":
        return "replayed numbers" if claim.digits else "counts"
    return KINDS.get(claim.rule, claim.rule)


def ways(verdicts: Sequence[Verdict], how: Callable[[Claim], str] = how) -> str:
    """Count how a run comes to the results of claims, each claim once."""
    found = Counter(how(v.claim) for v in verdicts if v.claim.result and not v.claim.repeats)
    return ", ".join(f"{number} {way}" for way, number in found.items())


def headline(verdicts: Sequence[Verdict], folder: str | None = None) -> pd.DataFrame:
    """The rows of the summary, each with a link to its evidence in `folder`."""
    rows = [
        (_linked(some[0].claim, folder, text), *cells, how(some[0].claim))
        for text, some, cells in _headlines(verdicts)
    ]
    return pd.DataFrame(rows, columns=["claim", "claimed", "ours", "verdict", "by"])


def _headlines(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, list[Verdict], tuple[str, str, str]]]:
    for text in dict.fromkeys(v.claim.headline for v in verdicts if v.claim.headline):
        some = [v for v in verdicts if v.claim.headline == text]
        if len(some) == 1:
            claimed, ours = claims.claimed(some[0].claim), claims.ours(some[0]).partition(" (allowed")[0]
        else:
            claimed = f"{len(some)} values"
            ours = f"{sum(v.verdict == REPRODUCED for v in some)} equal"
        outcomes = [v.verdict for v in some]
        outcome = next((bad for bad in (NOT_REPRODUCED, NOT_EVALUATED) if bad in outcomes), outcomes[0])
        if remark := beside(some[0], verdicts):
            outcome += f" ({remark})"
        yield text, some, (claimed, ours, outcome)


def beside(v: Verdict, verdicts: Sequence[Verdict]) -> str:
    """What thirty seeds say about a value that three runs reproduced; "" if nothing."""
    for again in verdicts:
        if again.claim.repeats == v.claim.id and (test := again.equivalence):
            share = f"{test.reaching:,} of {test.triples:,}, {100 * test.reaching / test.triples:.1f} %"
            reached = f"{share} of triples of {again.n} seeds reach it"
            return f"{reached}; 90 % interval of ours - claimed: {_interval(test)} points"
    return ""


def _interval(test: claims.Equivalence) -> str:
    return f"{100 * test.low:+.3f} to {100 * test.high:+.3f}"


def screen(verdicts: Sequence[Verdict], how: Callable[[Claim], str] = how) -> str:
    """The summary of a run, in lines of 80 characters: both ledgers counted, and their headlines."""
    lines = []
    for title, some in ledgers(verdicts).items():
        lines += ["", fill(f"{title}: {counts(some)}", 80)]
        lines += [fill(f"How this run came to them: {ways(some, how)}", 80)]
        for text, rows, (claimed, ours, outcome) in _headlines(some):
            row = f"claimed {claimed}, ours {ours}: {outcome}; {how(rows[0].claim)}"
            lines += [fill(f"- {text}", 80, subsequent_indent="  ")]
            lines += [fill(row, 80, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines[1:])


def computed(folder: Path) -> str:
    """What a run at other settings computed: a line for each result that answers a claim."""
    lines = []
    for claim in {claim.result: claim for claim in (*claims.claims(), *claims.own_claims())}.values():
        source, _, name = claim.result.partition(":")
        found = field(claims.record_of(folder, source), "results") or {}
        if name in found and not claim.column:
            values = found[name]["values"]
            mean = f" (mean of {len(values)})" * (len(values) > 1)
            lines.append(f"{source:18}{name:24}{claims.number(fmean(values), claim)}{mean}\n")
    return "".join(lines)


def accuracies(verdicts: Sequence[Verdict], folder: str | None = None) -> pd.DataFrame:
    """The claims that are judged twice: claimed value, three runs, thirty seeds, and the stricter test."""
    rows = []
    for v in verdicts:
        for again in (again for again in verdicts if again.claim.repeats == v.claim.id):
            test, stricter = again.equivalence, ("-", "-", "-")
            if test:
                triples = f"{test.reaching:,} of {test.triples:,}"
                stricter = (_interval(test), "yes" if test.equivalent else "not shown", triples)
            outcome = " / ".join(dict.fromkeys((v.verdict, again.verdict)))
            ours = (claims.ours(v), claims.ours(again), outcome)
            rows.append((_linked(v.claim, folder), claims.claimed(v.claim), *ours, *stricter, v.claim.source))
    columns = ["accuracy", "claimed", "three runs, computed", "thirty seeds, a sample repeated", "verdict"]
    columns += ["ours - claimed (90 %)", f"within {100 * MARGIN:.1f}", "triples that reach it", "source"]
    return pd.DataFrame(rows, columns=columns)


def grid(verdicts: Sequence[Verdict], folder: str | None = None) -> pd.DataFrame:
    """A section with columns: a row a statement, in each column our value or the interval of a difference."""
    cells: dict[str, dict[str, str]] = {}
    for v in verdicts:
        text = claims.ours(v) if v.verdict == REPRODUCED else f"{claims.ours(v)}: {v.verdict}"
        if v.interval:
            ends = " to ".join(f"{100 * end:+.{v.claim.digits}f}" for end in v.interval)
            text = ends if v.verdict == HIGHER else f"{ends}: {v.verdict}"
        cells.setdefault(v.claim.statement, {})[v.claim.column] = text
    claim = verdicts[0].claim
    title = f"{_linked(claim, folder, claim.section)} ({how(claim)})"
    return pd.DataFrame.from_dict(cells, "index").fillna("").rename_axis(title).reset_index()


def markdown(verdicts: Sequence[Verdict], folder: str = "") -> str:
    """Both ledgers in Markdown; each claim links to the file in `folder` that shows our value."""
    parts = ["# Verdicts\n"]
    for title, some in ledgers(verdicts).items():
        parts += [f"## {title}\n", f"{counts(some)}. Of these {ways(some)}.\n"]
        frames = [accuracies(some, folder)]
        frames += [_rows([v for v in some if v.claim.rule != "accuracy" and not v.claim.column], folder)]
        for section in dict.fromkeys(v.claim.section for v in some if v.claim.column):
            frames.append(grid([v for v in some if v.claim.section == section], folder))
        parts += [table(frame) for frame in frames if len(frame)]
    return "\n".join([*parts, "## How rows are judged\n", METHOD])


def _rows(verdicts: Sequence[Verdict], folder: str) -> pd.DataFrame:
    commits = [f" (rule: {v.claim.since})" if v.claim.since else "" for v in verdicts]
    frame = claims.frame(verdicts).assign(
        claim=[_linked(v.claim, folder) for v in verdicts], by=[how(v.claim) for v in verdicts]
    )
    frame["verdict"] += commits
    sources = [v.claim.source for v in verdicts]
    return frame if set(sources) == {"this package"} else frame.assign(source=sources)


def table(frame: pd.DataFrame) -> str:
    """Format a table of text in Markdown."""
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _linked(claim: Claim, folder: str | None, text: str = "") -> str:
    """The claim's text, with a link to its evidence if there is a folder."""
    text = text or claim.statement
    return text if folder is None or not claim.evidence else f"[{text}]({normpath(folder + claim.evidence)})"
