"""The ledger: what the paper claims, what we measured, and the verdict, which nobody types in."""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from tabulate import tabulate

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED = "reproduced", "not reproduced", "not evaluated"
ESTIMATED, REPORTED = "estimated", "reported only"
TEST_IMAGES = 10_000


@dataclass(frozen=True)
class Claim:
    """One claim of the paper. `paper` is a fraction where `unit` is "%", None where not available to us.

    fidelity "measured" is judged by a rule. "accuracy": reproduced iff |ours - paper| <= 2 sqrt(s^2 + b^2),
    with ours the mean over seeds, s their standard deviation and b the binomial standard error of the
    paper's value at 10,000 images; collapsed runs are left out and counted. "equal": every value of ours,
    rounded to `digits`, equals the paper's. Fidelity "estimated" has a result and no rule, "reported"
    neither: they are never reproduced. Raises ValueError for anything else.
    """

    id: str
    section: str
    statement: str
    unit: str
    source: str
    recalled: bool
    fidelity: Literal["measured", "estimated", "reported"]
    paper: float | None = None
    digits: int = 1
    rule: Literal["accuracy", "equal"] | None = None
    result: str = ""
    computed: str = ""
    figure: str = ""

    def __post_init__(self) -> None:
        wanted = {"measured": (True, True), "estimated": (False, True), "reported": (False, False)}
        has = (self.rule in ("accuracy", "equal"), self.result.count(":") == 1)
        if wanted.get(self.fidelity) != has or bool(self.result) != bool(self.computed):
            raise ValueError(f"claim {self.id}: {self.fidelity!r} does not go with its rule and result")
        if self.rule and self.paper is None:
            raise ValueError(f"claim {self.id}: without the paper's value there is nothing to judge by")

    @property
    def evidence(self) -> str:
        """The file that shows our value: a figure or a notebook's record; "" for none."""
        return self.figure or (f"{self.result.split(':')[0]}.json" if self.result else "")


@dataclass(frozen=True)
class Verdict:
    """A claim with our value (mean over seeds), the distance allowed, and why it says what it says."""

    claim: Claim
    verdict: str
    ours: float | None = None
    spread: float | None = None
    tolerance: float | None = None
    note: str = ""


def claims(path: Path = Path(__file__).parent / "claims.toml") -> list[Claim]:
    """All claims, in the order of their sections. Raises ValueError for a ledger that is not in order."""
    declared = tomllib.loads(path.read_text())
    try:
        found = [Claim(**entry) for entry in declared["claim"]]
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
    if unknown := {claim.section for claim in found} - set(declared["sections"]):
        raise ValueError(f"{path}: undeclared sections {sorted(unknown)}")
    if len({claim.id for claim in found}) < len(found):
        raise ValueError(f"{path}: two claims have the same id")
    return sorted(found, key=lambda claim: declared["sections"].index(claim.section))


def judge(claim: Claim, values: Sequence[float], collapsed: Sequence[bool] = ()) -> Verdict:
    """The verdict on a claim, given one value per seed and which seeds collapsed."""
    kept = [value for value, gone in zip(values, collapsed or [False] * len(values), strict=True) if not gone]
    note = f"{len(values) - len(kept)} of {len(values)} seeds collapsed, left out" if any(collapsed) else ""
    if not kept or (claim.rule == "accuracy" and len(kept) < 2):
        return Verdict(claim, NOT_EVALUATED, note="too few values to judge by")
    ours = fmean(kept)
    if claim.rule is None or claim.paper is None:
        return Verdict(claim, ESTIMATED, ours, note=note)
    if claim.rule == "equal":
        equal = all(round(value, claim.digits) == claim.paper for value in kept)
        return Verdict(claim, REPRODUCED if equal else NOT_REPRODUCED, ours, tolerance=0.0, note=note)
    spread = stdev(kept)
    binomial = math.sqrt(claim.paper * (1 - claim.paper) / TEST_IMAGES)
    tolerance = 2 * math.hypot(spread, binomial)
    verdict = REPRODUCED if abs(ours - claim.paper) <= tolerance else NOT_REPRODUCED
    return Verdict(claim, verdict, ours, spread, tolerance, note)


def ledger(folder: Path) -> list[Verdict]:
    """Judge every claim by the results in `folder`.

    Only results at the paper's settings on verified data count; a claim without one is not evaluated.
    """
    return [_judged(claim, folder) for claim in claims()]


def _judged(claim: Claim, folder: Path) -> Verdict:
    if claim.fidelity == "reported":
        return Verdict(claim, REPORTED)
    notebook, name = claim.result.split(":")
    try:
        record: dict[str, Any] = json.loads((folder / f"{notebook}.json").read_text())
    except FileNotFoundError:
        return Verdict(claim, NOT_EVALUATED, note=f"{notebook} was not run")
    if record["profile"] != "paper":
        source = record["parameters"].get("dataset", "no data")
        return Verdict(claim, NOT_EVALUATED, note=f"{record['profile']} settings on {source}")
    if (result := record["results"].get(name)) is None:
        return Verdict(claim, NOT_EVALUATED, note=f"{notebook} gave no such result")
    return judge(claim, result["values"], result.get("collapsed", ()))


def no_longer_reproduced(verdicts: Sequence[Verdict], before: str) -> list[str]:
    """Ids of claims that `before`, the text of an earlier verdict.json, calls reproduced and we do not."""
    reproduced = {entry["id"] for entry in json.loads(before) if entry["verdict"] == REPRODUCED}
    return sorted(reproduced - {v.claim.id for v in verdicts if v.verdict == REPRODUCED})


def as_json(verdicts: Sequence[Verdict]) -> str:
    """The ledger as verdict.json: claims with their verdicts, in order."""
    entries = []
    for v in verdicts:
        entry = asdict(v)
        # Eight digits after the point: the last bits of a mean are of no interest.
        ours = {k: round(x, 8) if isinstance(x, float) else x for k, x in entry.items() if k != "claim"}
        entries.append(entry["claim"] | ours)
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"


def table(verdicts: Sequence[Verdict]) -> str:
    """Claim, paper, ours, verdict, as text."""
    return _table(verdicts, "simple", lambda claim: claim.statement)


def markdown(verdicts: Sequence[Verdict], folder: str = "") -> str:
    """The same for Markdown, each claim with a link to what shows our value, in `folder` ("figures/")."""

    def linked(claim: Claim) -> str:
        return f"[{claim.statement}]({folder}{claim.evidence})" if claim.evidence else claim.statement

    return _table(verdicts, "github", linked)


def _table(verdicts: Sequence[Verdict], style: str, name: Callable[[Claim], str]) -> str:
    header = ["claim", "paper", "ours", "verdict"]
    rows = [[name(v.claim), _paper(v.claim), _ours(v), _verdict(v)] for v in verdicts]
    return tabulate(rows, header, tablefmt=style, disable_numparse=True)


def _verdict(v: Verdict) -> str:
    return f"{v.verdict} ({v.note})" if v.note else v.verdict


def _paper(claim: Claim) -> str:
    if claim.paper is None:
        return "value not available to us"
    return _number(claim.paper, claim) + (" (recalled)" if claim.recalled else "")


def _ours(v: Verdict) -> str:
    if v.ours is None:
        return "-"
    if v.spread is None or v.tolerance is None:
        return _number(v.ours, v.claim)
    return f"{100 * v.ours:.2f} ± {100 * v.spread:.2f} % (allowed: ± {100 * v.tolerance:.2f})"


def _number(value: float, claim: Claim) -> str:
    scale = 100 if claim.unit == "%" else 1
    return f"{scale * value:.{claim.digits}f} {claim.unit}".strip()
