"""The ledger: what is claimed, what we measured, and the verdicts that follow."""

import functools
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from snnbp.paper import BENCHMARKS, ROOT
from snnbp.paper.records import FOLDER
from snnbp.paper.toml import one_line, read_toml

if TYPE_CHECKING:
    import pandas as pd

REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED = "reproduced", "not reproduced", "not evaluated"
ESTIMATED, REPORTED = "estimated", "reported only"
TEST_IMAGES = 10_000
MARGIN = 0.003
"""Margin of the equivalence test: 0.3 percentage points of accuracy."""
SEEDS_OF_A_TEST = 10
"""Smallest number of seeds for an equivalence test."""


class Claim(BaseModel):
    """One claim and the rule by which it is judged.

    `value` is a fraction where `unit` is "%" or "points", None where it is not available to us. `recalled`
    marks values quoted from memory. `folded` sections are collapsed in verdict.md. Kind "measured" is judged
    by a rule. "accuracy": reproduced iff |ours - value| <= 2 sqrt(s^2 + b^2), with
    ours the mean over seeds, s their standard deviation and b the binomial standard error of the value at
    10,000 images; collapsed runs are left out and counted. "equal": every value of ours, rounded to
    `digits`, equals the claimed one. "above": the 95 % confidence interval of the mean of our values
    (Student's t) lies above the value. Kind "estimated" has a result and no rule, "reported" neither:
    they are never reproduced.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: str
    section: str
    folded: bool = False
    statement: str
    unit: Literal["", "%", "points", "mJ", "ms"] = ""
    source: str = Field(min_length=1)
    recalled: bool = False
    kind: Literal["measured", "estimated", "reported"] = "measured"
    value: float | None = None
    digits: int = 1
    rule: Literal["accuracy", "equal", "above"] | None = None
    result: str = Field("", pattern="^$|^[^:]+:[^:]+$")
    computed: str = ""
    figure: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> "Claim":
        wanted = {"measured": (True, True), "estimated": (False, True), "reported": (False, False)}
        if wanted[self.kind] != (bool(self.rule), bool(self.result)) or bool(self.result) != bool(
            self.computed
        ):
            raise ValueError(f"{self.id}: {self.kind!r} does not go with its rule and result")
        if self.rule and self.value is None:
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


class Headline(BaseModel):
    """A row of the ledger's summary: one claim, or several that must all be reproduced."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    statement: str
    claims: list[str]


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t-tests of |ours - claimed| < MARGIN.

    `p` is the larger of the two p values; `low` to `high` is the 90 % confidence interval of ours - claimed.
    """

    p: float
    low: float
    high: float

    @property
    def equivalent(self) -> bool:
        """True if the mean is within the margin at the 5 % level."""
        return self.p < 0.05


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with our value (mean over seeds), the tolerance, and an explanatory note."""

    claim: Claim
    verdict: str
    ours: float | None = None
    spread: float | None = None
    tolerance: float | None = None
    equivalence: Equivalence | None = None
    note: str = ""


HERE = Path(__file__).parent


@functools.cache
def _declared(path: Path) -> tuple[list[Claim], list[Headline]]:
    table = read_toml(path)
    try:
        headlines = [Headline(**row) for row in table["headline"]]
        found = [
            Claim(**{key: value for key, value in section.items() if key not in ("claim", "title")} | claim,
                  section=section["title"])
            for section in table["section"]
            for claim in section["claim"]
        ]  # fmt: skip
    except ValidationError as error:
        raise ValueError(f"{path.name}: {one_line(error)}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name}: a table is incomplete ({error})") from None
    ids = [claim.id for claim in found]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{path.name}: two claims have the same id")
    if unknown := {id_ for row in headlines for id_ in row.claims} - set(ids):
        raise ValueError(f"{path.name}: the headline names unknown claims {sorted(unknown)}")
    return found, headlines


def claims(path: Path = HERE / "claims.toml") -> list[Claim]:
    """Read all claims of the paper, in the order of the ledger.

    Raises
    ------
    ValueError
        If the ledger is inconsistent.
    """
    return _declared(path)[0]


def own_claims() -> list[Claim]:
    """Read the claims of this package beyond the paper."""
    return _declared(HERE / "claims_beyond.toml")[0]


def headlines(path: Path = HERE / "claims.toml") -> list[Headline]:
    """Read the rows of the summary that a run prints at its end."""
    return _declared(path)[1]


def own_headlines() -> list[Headline]:
    """Read the rows of the summary of `own_claims`."""
    return _declared(HERE / "claims_beyond.toml")[1]


def value(id_: str) -> float:
    """Look up what the paper claims: a fraction for accuracies, else in the claim's unit.

    Raises
    ------
    KeyError
        For an unknown claim, or one whose value is not available to us.
    """
    found = {claim.id: claim.value for claim in claims()}.get(id_)
    if found is None:
        raise KeyError(f"the ledger has no value for {id_!r}")
    return found


def judge(claim: Claim, values: Sequence[float], collapsed: Sequence[bool] = ()) -> Verdict:
    """Judge a claim by one value per seed and by which seeds collapsed."""
    kept = [value for value, gone in zip(values, collapsed or [False] * len(values), strict=True) if not gone]
    note = f"{len(values) - len(kept)} of {len(values)} seeds collapsed, left out" if any(collapsed) else ""
    if not kept or (claim.rule in ("accuracy", "above") and len(kept) < 2):
        return Verdict(claim, NOT_EVALUATED, note="too few values")
    ours = fmean(kept)
    if claim.rule is None or claim.value is None:
        return Verdict(claim, ESTIMATED, ours, note=note)
    if claim.rule == "equal":
        equal = all(round(value, claim.digits) == claim.value for value in kept)
        return Verdict(claim, REPRODUCED if equal else NOT_REPRODUCED, ours, tolerance=0.0, note=note)
    spread = stdev(kept)
    if claim.rule == "above":
        low, high = mean_interval(kept)
        verdict = REPRODUCED if low > claim.value else NOT_REPRODUCED
        ends = number(low, claim).removesuffix(f" {claim.unit}"), number(high, claim)
        interval = f"95 % interval {' to '.join(ends)}, n = {len(kept)}"
        return Verdict(claim, verdict, ours, note="; ".join(filter(None, (interval, note))))
    binomial = math.sqrt(claim.value * (1 - claim.value) / TEST_IMAGES)
    tolerance = 2 * math.hypot(spread, binomial)
    verdict = REPRODUCED if abs(ours - claim.value) <= tolerance else NOT_REPRODUCED
    equivalence = equivalence_test(kept, claim.value) if len(kept) >= SEEDS_OF_A_TEST else None
    return Verdict(claim, verdict, ours, spread, tolerance, equivalence, note)


def mean_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Compute the confidence interval of a mean (Student's t)."""
    from scipy.stats import ttest_1samp

    low, high = ttest_1samp(values, 0.0).confidence_interval(level)
    return float(low), float(high)


def equivalence_test(values: Sequence[float], claimed: float, margin: float = MARGIN) -> Equivalence:
    """Test by two one-sided t-tests whether the mean of `values` is within `margin` of the claimed value."""
    from scipy.stats import ttest_1samp

    above = ttest_1samp(values, claimed - margin, alternative="greater").pvalue
    below = ttest_1samp(values, claimed + margin, alternative="less").pvalue
    low, high = ttest_1samp(values, claimed).confidence_interval(0.9)
    return Equivalence(float(max(above, below)), float(low) - claimed, float(high) - claimed)


def ledger(folder: Path, sources: Sequence[str] | None = None) -> list[Verdict]:
    """Judge the claims of the paper, then our own, by the results in `folder`.

    Parameters
    ----------
    folder : Path
    sources : sequence of str, optional
        Notebooks and scripts whose claims to judge; default: all claims, also those without a result.

    Returns
    -------
    list of Verdict
        Only results at the paper's settings on verified data count; a claim without one is not evaluated.
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


def _record(folder: Path, source: str) -> Path:
    """The record of a notebook in `folder`; beside figures/ also that of a benchmark."""
    own = folder / FOLDER / f"{source}.json"
    measured = BENCHMARKS / FOLDER / own.name
    return measured if folder == ROOT / "figures" and measured.exists() else own


def _judged(claim: Claim, folder: Path) -> Verdict:
    if claim.kind == "reported":
        return Verdict(claim, REPORTED)
    source, name = claim.result.split(":")
    try:
        record: dict[str, Any] = json.loads(_record(folder, source).read_text(encoding="utf-8"))
        if record["profile"] != "paper":
            data = record["parameters"].get("dataset", "no data")
            return Verdict(claim, NOT_EVALUATED, note=f"{record['profile']} settings on {data}")
        result = record["results"].get(name)
    except FileNotFoundError:
        return Verdict(claim, NOT_EVALUATED, note=f"{source} was not run")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Verdict(claim, NOT_EVALUATED, note=f"{source}.json is damaged")
    if result is None:
        return Verdict(claim, NOT_EVALUATED, note=f"{source} has no such result")
    return judge(claim, result["values"], result.get("collapsed", ()))


def no_longer_reproduced(verdicts: Sequence[Verdict], before: str) -> list[str]:
    """Ids of claims that are reproduced in `before`, text of an earlier verdict.json, and not any more."""
    reproduced = {entry["id"] for entry in json.loads(before) if entry["verdict"] == REPRODUCED}
    return sorted(reproduced - {v.claim.id for v in verdicts if v.verdict == REPRODUCED})


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Format the ledger as verdict.json: claims with their verdicts, in order."""
    # Eight decimals: the last bits of a mean do not matter.
    entries = [v.claim.model_dump() | {k: x for k, x in asdict(v).items() if k != "claim"} for v in verdicts]
    plain = json.loads(json.dumps(entries), parse_float=lambda text: round(float(text), 8))
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def frame(verdicts: Sequence[Verdict]) -> "pd.DataFrame":
    """Tabulate claim, claimed value, our value and verdict, as text."""
    import pandas as pd

    rows = [(v.claim.statement, claimed(v.claim), ours(v), explained(v)) for v in verdicts]
    return pd.DataFrame(rows, columns=["claim", "claimed", "ours", "verdict"])


def explained(v: Verdict) -> str:
    """Format the verdict with its note."""
    return f"{v.verdict} ({v.note})" if v.note else v.verdict


def claimed(claim: Claim) -> str:
    """Format the claimed value with its unit."""
    if claim.value is None:
        return "value not available"
    if claim.rule == "above":
        return f"> {number(claim.value, claim)}"
    return number(claim.value, claim) + (" (recalled)" if claim.recalled else "")


def ours(v: Verdict) -> str:
    """Format our value, with standard deviation and tolerance if there are any."""
    if v.ours is None:
        return "-"
    if v.spread is None or v.tolerance is None:
        return number(v.ours, v.claim)
    return f"{100 * v.ours:.2f} ± {100 * v.spread:.2f} % (allowed: ± {100 * v.tolerance:.2f})"


def number(value: float, claim: Claim) -> str:
    """Format a value in the unit and with the digits of a claim."""
    scale = 100 if claim.unit in ("%", "points") else 1
    return f"{scale * value:,.{claim.digits}f} {claim.unit}".strip()
