"""The ledger: what the paper claims, what we measured, and the verdict, which nobody types in."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from tabulate import tabulate

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED = "reproduced", "not reproduced", "not evaluated"
TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Claim:
    """One number of the paper. `paper` is a fraction where `unit` is "%".

    rule "accuracy": reproduced iff |ours - paper| <= 2 sqrt(s^2 + b^2), with ours the mean over seeds, s
    their standard deviation and b the binomial standard error of the paper's value at 10,000 images;
    collapsed runs are left out and counted. rule "equal": ours, rounded to `digits`, equals the paper's.
    """

    id: str
    statement: str
    paper: float
    unit: str
    source: str
    recalled: bool
    result: str
    rule: Literal["accuracy", "equal"]
    digits: int = 1


@dataclass(frozen=True)
class Verdict:
    """A claim with our value (mean over seeds), the distance allowed, and why it says what it says."""

    claim: Claim
    verdict: str
    ours: float | None = None
    spread: float | None = None
    tolerance: float | None = None
    note: str = ""


def claims() -> list[Claim]:
    """All claims of claims.toml."""
    declared = tomllib.loads((Path(__file__).parent / "claims.toml").read_text())
    return [Claim(**entry) for entry in declared["claim"]]


def judge(claim: Claim, values: Sequence[float], collapsed: Sequence[bool] = ()) -> Verdict:
    """The verdict on a claim, given one value per seed and which seeds collapsed."""
    kept = [value for value, gone in zip(values, collapsed or [False] * len(values), strict=True) if not gone]
    note = f"{len(values) - len(kept)} of {len(values)} seeds collapsed, left out" if any(collapsed) else ""
    if claim.rule == "equal":
        equal = all(round(value, claim.digits) == claim.paper for value in kept)
        verdict = REPRODUCED if kept and equal else NOT_REPRODUCED
        return Verdict(claim, verdict, fmean(values) if values else None, tolerance=0.0, note=note)
    if len(kept) < 2:
        return Verdict(claim, NOT_EVALUATED, note="fewer than two seeds to judge by")
    ours, spread = fmean(kept), stdev(kept)
    binomial = math.sqrt(claim.paper * (1 - claim.paper) / TEST_IMAGES)
    tolerance = 2 * math.hypot(spread, binomial)
    verdict = REPRODUCED if abs(ours - claim.paper) <= tolerance else NOT_REPRODUCED
    return Verdict(claim, verdict, ours, spread, tolerance, note)


def ledger(folder: Path) -> list[Verdict]:
    """Judge every claim by the results in `folder`.

    Only results at the paper's settings on verified data count; a claim without one is not evaluated.
    """
    verdicts = []
    for claim in claims():
        notebook, name = claim.result.split(":")
        try:
            record: dict[str, Any] = json.loads((folder / f"{notebook}.json").read_text())
        except FileNotFoundError:
            verdicts.append(Verdict(claim, NOT_EVALUATED, note=f"{notebook} was not run"))
            continue
        result = record["results"].get(name)
        if record["profile"] != "paper":
            where = f"{record['profile']} settings on {record['parameters'].get('dataset', 'no data')}"
            verdicts.append(Verdict(claim, NOT_EVALUATED, note=where))
        elif result is None:
            verdicts.append(Verdict(claim, NOT_EVALUATED, note=f"{notebook} gave no such result"))
        else:
            verdicts.append(judge(claim, result["values"], result.get("collapsed", ())))
    return verdicts


def table(verdicts: Sequence[Verdict], style: str = "simple") -> str:
    """Claim, paper, ours, verdict: as text, or in another of tabulate's styles ("github", "html")."""
    header = ["claim", "paper", "ours", "verdict"]
    rows = [[v.claim.statement, _paper(v.claim), _ours(v), _verdict(v)] for v in verdicts]
    return tabulate(rows, header, tablefmt=style, disable_numparse=True)


def _verdict(v: Verdict) -> str:
    return f"{v.verdict} ({v.note})" if v.note else v.verdict


def _paper(claim: Claim) -> str:
    return _number(claim.paper, claim) + (" (recalled)" if claim.recalled else "")


def _ours(v: Verdict) -> str:
    if v.ours is None:
        return "-"
    if v.spread is None or v.tolerance is None:
        return _number(v.ours, v.claim)
    return f"{100 * v.ours:.2f} ± {100 * v.spread:.2f} % (allowed: ± {100 * v.tolerance:.2f})"


def _number(value: float, claim: Claim) -> str:
    return f"{100 * value:.{claim.digits}f} %" if claim.unit == "%" else f"{value:.{claim.digits}f}"
