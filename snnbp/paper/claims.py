"""The two ledgers, the paper's and our own: what is claimed, what we measured, the verdicts that follow."""

import functools
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from snnbp.paper import BENCHMARKS, FIGURES
from snnbp.paper.records import FOLDER, field
from snnbp.paper.settings import read_toml
from snnbp.training.config import one_line

if TYPE_CHECKING:
    import pandas as pd

REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED = "reproduced", "not reproduced", "not evaluated"
ESTIMATED, REPORTED = "estimated", "reported only"
HIGHER, LOWER, NO_DIFFERENCE = "higher", "lower", "no difference shown"
TEST_IMAGES = 10_000
MARGIN = 0.003
"""Margin of the equivalence test: 0.3 percentage points of accuracy."""
SEEDS_OF_A_TEST = 10
"""Smallest number of seeds for an equivalence test."""
HERE = Path(__file__).parent
PAPER, OWN = HERE / "claims.toml", HERE / "claims_beyond.toml"


class Claim(BaseModel):
    """One row of a ledger, and the rule by which it is judged; claims.toml explains the fields.

    `value` is a fraction where `unit` is "%" or "points". The rules: "accuracy": reproduced iff
    |ours - value| <= 2 sqrt(s^2 + b^2), with ours the mean over seeds, s their standard deviation and b the
    binomial standard error of the value at 10,000 images; collapsed runs are left out and counted. "equal":
    every value of ours, rounded to `digits`, equals the claimed one. "above": the 95 % confidence interval of
    the mean of our values (Student's t) lies above the value. "difference": higher or lower if that interval
    lies on one side of 0. "model": a result that is never called reproduced. "reported": no result.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: str
    repeats: str = ""
    section: str
    statement: str
    column: str = ""
    headline: str = ""
    unit: Literal["", "%", "points", "mJ", "ms"] = ""
    source: str = Field(min_length=1)
    unverified: bool = False
    value: float | None = None
    of: int | None = None
    digits: int = 1
    rule: Literal["accuracy", "equal", "above", "difference", "model", "reported"]
    since: str = ""
    result: str = Field("", pattern="^$|^[^:]+:[^:]+$")
    runs: bool = False
    computed: str = ""
    figure: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> "Claim":
        if {bool(self.result), bool(self.computed)} != {self.rule != "reported"}:
            raise ValueError(f"{self.id}: {self.rule!r} does not go with its result")
        if self.rule in ("accuracy", "equal", "above") and self.value is None:
            raise ValueError(f"{self.id}: a rule needs a value")
        return self

    @property
    def source_of_result(self) -> str:
        """The notebook or script whose results answer the claim."""
        return self.result.split(":")[0]

    @property
    def evidence(self) -> str:
        """The file that shows our value, relative to figures/: a figure or a record; "" for none."""
        return self.figure or (f"{FOLDER}/{self.source_of_result}.json" if self.result else "")


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t-tests of |ours - claimed| < MARGIN, and how often three runs reach the claimed value.

    `low` to `high` is the 90 % confidence interval of ours - claimed, within the margin iff both tests are
    significant at 5 %. Of all `triples` of seeds, `reaching` have a mean of at least the claimed value.
    """

    low: float
    high: float
    equivalent: bool
    reaching: int
    triples: int


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim: our mean over `n` values, with what its rule looks at, and a note."""

    claim: Claim
    verdict: str
    ours: float | None = None
    spread: float | None = None
    tolerance: float | None = None
    interval: tuple[float, float] | None = None
    equivalence: Equivalence | None = None
    n: int = 0
    note: str = ""


@functools.cache
def claims(path: Path = PAPER) -> list[Claim]:
    """Read the claims of the paper, or of another file, in the ledger's order; ValueError if one is bad."""
    rows: dict[str, dict[str, object]] = {}
    try:
        for section in read_toml(path)["section"]:
            common = {key: value for key, value in section.items() if key not in ("claim", "title")}
            for row in section["claim"]:
                name = row["id"] if "id" in row else f"{row['repeats']}-seeds"
                if name in rows:
                    raise ValueError(f"{path.name}: two claims have the id {name!r}")
                repeated = rows[row["repeats"]] if "repeats" in row else {}
                rows[name] = repeated | common | row | {"id": name, "section": section["title"]}
        return [Claim.model_validate(row) for row in rows.values()]
    except ValidationError as error:
        raise ValueError(f"{path.name}: {one_line(error)}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name}: a table is incomplete ({error})") from None


def own_claims() -> list[Claim]:
    """Read the claims of this package."""
    return claims(OWN)


def value(id_: str) -> float:
    """What the paper claims: a fraction for accuracies, else in the claim's unit; KeyError if unknown."""
    found = {claim.id: claim.value for claim in claims()}.get(id_)
    if found is None:
        raise KeyError(f"the ledger has no value for {id_!r}")
    return found


def judge(claim: Claim, values: Sequence[float], collapsed: Sequence[bool] = ()) -> Verdict:
    """Judge a claim by one value per seed and by which seeds collapsed."""
    kept = [value for value, gone in zip(values, collapsed or [False] * len(values), strict=True) if not gone]
    note = f"{len(values) - len(kept)} of {len(values)} seeds collapsed, left out" if any(collapsed) else ""
    if len(kept) < (2 if claim.rule in ("accuracy", "above", "difference") else 1):
        return Verdict(claim, NOT_EVALUATED, note="too few values")
    about = functools.partial(Verdict, claim, ours=fmean(kept), n=len(kept), note=note)
    claimed = claim.value or 0.0
    if claim.rule == "model":
        return about(ESTIMATED)
    if claim.rule == "equal":
        equal = all(round(value, claim.digits) == claim.value for value in kept)
        return about(REPRODUCED if equal else NOT_REPRODUCED)
    if claim.rule in ("above", "difference"):
        low, high = mean_interval(kept)
        above, below = (REPRODUCED, NOT_REPRODUCED) if claim.rule == "above" else (HIGHER, LOWER)
        within = NOT_REPRODUCED if claim.rule == "above" else NO_DIFFERENCE
        return about(above if low > claimed else below if high < claimed else within, interval=(low, high))
    spread = stdev(kept)
    tolerance = 2 * math.hypot(spread, math.sqrt(claimed * (1 - claimed) / TEST_IMAGES))
    verdict = REPRODUCED if abs(fmean(kept) - claimed) <= tolerance else NOT_REPRODUCED
    equivalence = equivalence_test(kept, claimed) if len(kept) >= SEEDS_OF_A_TEST else None
    return about(verdict, spread=spread, tolerance=tolerance, equivalence=equivalence)


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Compute the confidence interval of a mean (Student's t)."""
    from scipy.stats import ttest_1samp

    low, high = ttest_1samp(values, 0.0).confidence_interval(level)
    return float(low), float(high)


def equivalence_test(values: Sequence[float], claimed: float) -> Equivalence:
    """Test whether the mean of `values`, one a seed, is within `MARGIN` of the claimed value."""
    low, high = (end - claimed for end in mean_interval(values, 0.9))
    reaching = [fmean(three) >= claimed - 1e-9 for three in combinations(values, 3)]
    return Equivalence(low, high, low > -MARGIN and high < MARGIN, sum(reaching), len(reaching))


def ledger(folder: Path, sources: Sequence[str] | None = None) -> list[Verdict]:
    """Judge the claims of the paper, then our own, by the results in `folder`.

    Only results at the paper's settings on verified data count; a claim without one is not evaluated. With
    `sources`, only the claims that these notebooks and scripts answer are judged.
    """
    return [
        _judged(claim, folder)
        for claim in [*claims(), *own_claims()]
        if sources is None or claim.source_of_result in sources
    ]


def sources() -> set[str]:
    """The notebooks and scripts that answer claims."""
    return {claim.source_of_result for claim in (*claims(), *own_claims()) if claim.result}


def digest(folder: Path, source: str) -> str:
    """SHA-256 of the verdicts on the claims that a notebook or script answers."""
    return hashlib.sha256(as_json(ledger(folder, [source])).encode()).hexdigest()


def record_of(folder: Path, source: str) -> Path:
    """The record of a notebook in `folder`; beside figures/ also that of a benchmark."""
    own = folder / FOLDER / f"{source}.json"
    measured = BENCHMARKS / FOLDER / own.name
    return measured if folder == FIGURES and measured.exists() else own


def _judged(claim: Claim, folder: Path) -> Verdict:
    if claim.rule == "reported":
        return Verdict(claim, REPORTED)
    source, name = claim.result.split(":")
    record = record_of(folder, source)
    found = (field(record, "results") or {}).get(name)
    if found is None or field(record, "profile") != "paper":
        return Verdict(claim, NOT_EVALUATED, note=f"no such result of {source} at the paper's settings")
    return judge(claim, found["values"], found.get("collapsed", ()))


def lost(verdicts: Sequence[Verdict], before: str) -> list[str]:
    """Ids of claims whose outcome in `before`, text of an earlier verdict.json, is not that of today."""
    now = {v.claim.id: v.verdict for v in verdicts}
    outcomes = (REPRODUCED, HIGHER, LOWER, NO_DIFFERENCE)
    was = {entry["id"]: entry["verdict"] for entry in json.loads(before) if entry["verdict"] in outcomes}
    return sorted(name for name, verdict in was.items() if now.get(name) != verdict)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Format the ledger as verdict.json: claims with their verdicts, in order."""
    # Eight decimals: the last bits of a mean do not matter.
    entries = [v.claim.model_dump() | {k: x for k, x in asdict(v).items() if k != "claim"} for v in verdicts]
    plain = json.loads(json.dumps(entries), parse_float=lambda text: round(float(text), 8))
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def frame(verdicts: Sequence[Verdict]) -> "pd.DataFrame":
    """Tabulate claim, claimed value, our value and verdict, as text."""
    import pandas as pd

    rows = [
        (title(v.claim), claimed(v.claim), ours(v), f"{v.verdict} ({v.note})" if v.note else v.verdict)
        for v in verdicts
    ]
    return pd.DataFrame(rows, columns=["claim", "claimed", "ours", "verdict"])


def title(claim: Claim) -> str:
    """The statement, with its column in a table of several."""
    return f"{claim.statement}: {claim.column}" if claim.column else claim.statement


def claimed(claim: Claim) -> str:
    """Format the claimed value with its unit."""
    if claim.value is None:
        return "-" if claim.rule == "difference" else "value not available"
    text = number(claim.value, claim) + (" (unverified input)" if claim.unverified else "")
    return f"> {text}" if claim.rule == "above" else text


def ours(v: Verdict) -> str:
    """Format our value with what its rule looks at: standard deviation and tolerance, or the interval."""
    if v.ours is None:
        return "-"
    if v.spread is not None and v.tolerance is not None:
        return f"{100 * v.ours:.2f} ± {100 * v.spread:.2f} % (allowed: ± {100 * v.tolerance:.2f})"
    text = number(v.ours, v.claim)
    if v.interval:
        ends = [number(end, v.claim).removesuffix(f" {v.claim.unit}") for end in v.interval]
        return f"{text} (95 %: {' to '.join(ends)}, n = {v.n})"
    return f"{text} of {v.claim.of:,}" if v.claim.of else text


def number(value: float, claim: Claim) -> str:
    """Format a value in the unit and with the digits of a claim."""
    scale = 100 if claim.unit in ("%", "points") else 1
    return f"{scale * value:,.{claim.digits}f} {claim.unit}".strip()
