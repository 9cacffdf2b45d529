"""The ledger as text: a summary of five rows for the terminal, and the whole in Markdown."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from snnbp.paper import claims
from snnbp.paper.claims import (
    ESTIMATED,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    REPORTED,
    REPRODUCED,
    Claim,
    Headline,
    Verdict,
)

RULE = f"""\
**The rule** was fixed before looking at results. An accuracy is *reproduced* if |ours - claimed| <=
2 sqrt(s² + b²): ours is the mean over seeds of the same statistic, s the standard deviation over
seeds (not the standard error of their mean) and b the binomial standard error at
{claims.TEST_IMAGES:,} test images. So it asks whether the claimed value could be one more run of
ours. It cannot tell 96.2 % from 96.3 %, and a larger spread over seeds allows more. Collapsed runs,
in which some output never spikes any more, are counted and left out. Counts, and the numbers of the
official simulation, must be equal. Energy and latency come from a model: they are *estimated*,
never reproduced.
"""
EQUIVALENCE = f"""\
A stricter question, asked afterwards: is the mean over the thirty seeds within {
    100 * claims.MARGIN:.1f} points of the claimed value? Two one-sided t-tests; equivalent if the larger p
value is below 0.05, which is to say that the 90 % confidence interval of the difference lies within
the margin.
"""

BEYOND = """\
What this package claims itself, judged by the same code. A gain or an accuracy is *reproduced* if the 95 %
confidence interval of its mean over seeds (Student's t) lies above the claimed value.
"""


def headline(verdicts: Sequence[Verdict], summary: Sequence[Headline] | None = None) -> pd.DataFrame:
    """The rows of `summary`, by default the five of the paper: claim, claimed, ours, verdict."""
    found = {v.claim.id: v for v in verdicts}
    rows = []
    for row in claims.headlines() if summary is None else summary:
        some = [found[id_] for id_ in row.claims]
        outcomes = {v.verdict for v in some}
        outcome = next((v for v in (NOT_REPRODUCED, NOT_EVALUATED) if v in outcomes), some[0].verdict)
        if len(some) == 1:
            interval = f" ({some[0].note})" if some[0].claim.rule == "above" and some[0].note else ""
            ours = claims.ours(some[0]).partition(" (allowed")[0] + interval
            rows.append((row.statement, claims.claimed(some[0].claim), ours, outcome))
        else:
            equal = sum(v.verdict == REPRODUCED for v in some)
            ours = "-" if outcome == NOT_EVALUATED else f"{equal} equal"
            rows.append((row.statement, f"{len(some)} values", ours, outcome))
    return pd.DataFrame(rows, columns=["claim", "claimed", "ours", "verdict"])


def counts(verdicts: Sequence[Verdict]) -> str:
    """Count each verdict, in one line."""
    found = Counter(v.verdict for v in verdicts)
    order = (REPRODUCED, NOT_REPRODUCED, ESTIMATED, REPORTED, NOT_EVALUATED)
    return ", ".join(f"{found[name]} {name}" for name in order if found[name] or name in order[:3])


def text(frame: pd.DataFrame) -> str:
    """Format a table as aligned text."""
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def markdown_table(frame: pd.DataFrame) -> str:
    """Format a table of text in Markdown."""
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def markdown(verdicts: Sequence[Verdict], folder: str = "") -> str:
    """The whole ledger in Markdown; each claim links to the file in `folder` that shows our value."""
    own = {claim.id for claim in claims.own_claims()}
    paper = [v for v in verdicts if v.claim.id not in own]
    parts = [
        "# Verdicts\n",
        markdown_table(headline(verdicts)),
        f"All claims: {counts(verdicts)}.\n",
        RULE,
        "## The paper\n",
        *_sections(paper, folder),
        "### Equivalence test on thirty seeds\n",
        EQUIVALENCE,
        markdown_table(equivalence(paper)),
        "## Beyond the paper\n",
        BEYOND,
        markdown_table(headline(verdicts, claims.own_headlines())),
        *_sections([v for v in verdicts if v.claim.id in own], folder),
    ]
    return "\n".join(parts)


def equivalence(verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """The equivalence tests: claim, claimed, 90 % interval of the difference in points, p, outcome."""
    rows = [
        (
            v.claim.statement,
            claims.claimed(v.claim),
            f"{100 * v.equivalence.low:+.2f} to {100 * v.equivalence.high:+.2f}",
            f"{v.equivalence.p:.2g}",
            "equivalent" if v.equivalence.equivalent else "not shown to be equivalent",
        )
        for v in verdicts
        if v.equivalence
    ]
    columns = [
        "claim",
        "claimed",
        "ours - claimed (points, 90 %)",
        "p",
        f"within {100 * claims.MARGIN:.1f} points",
    ]
    return pd.DataFrame(rows, columns=columns)


def _sections(verdicts: Sequence[Verdict], folder: str) -> list[str]:
    parts = []
    for title in dict.fromkeys(v.claim.section for v in verdicts):
        some = [v for v in verdicts if v.claim.section == title]
        frame = claims.frame(some).assign(
            claim=[_linked(v.claim, folder) for v in some], source=[v.claim.source for v in some]
        )
        if some[0].claim.folded:
            summary = f"{title}: {counts(some)}"
            parts += [f"<details><summary>{summary}</summary>\n", markdown_table(frame), "</details>\n"]
        else:
            parts += [f"### {title}\n", markdown_table(frame)]
    return parts


def _linked(claim: Claim, folder: str) -> str:
    return f"[{claim.statement}]({folder}{claim.evidence})" if claim.evidence else claim.statement
