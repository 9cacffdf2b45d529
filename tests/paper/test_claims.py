"""Verdicts follow from results, and from nothing else."""

import json
import math
import re

import pytest

from snnbp.paper import ROOT, table1, verdict
from snnbp.paper.claims import (
    ESTIMATED,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    REPORTED,
    REPRODUCED,
    Claim,
    as_json,
    claims,
    equivalence_test,
    headlines,
    judge,
    ledger,
    no_longer_reproduced,
    own_claims,
    own_headlines,
    value,
)


def claim(id, unit="", kind="measured", **others):
    how = {"computed": "somehow"} if "result" in others else {}
    fields = {"id": id, "section": "section", "statement": f"claim {id}", "unit": unit, "source": "paper"}
    return Claim(**fields, kind=kind, **how, **others)


ACCURACY = claim("a", "%", value=0.962, rule="accuracy", result="04_mnist:best.spikes", figure="curves.svg")
COUNT = claim("c", value=0.6389, rule="equal", result="05_fashion_mnist:x", digits=4)
ENERGY = claim("e", "mJ", "estimated", value=0.59, result="07_energy:mj", digits=2)
ON_CHIP = claim("f", "%", "reported")


def write(folder, notebook, results, profile="paper"):
    record = {"profile": profile, "parameters": {"dataset": "mnist"}, "results": results}
    (folder / "records").mkdir(exist_ok=True)
    (folder / "records" / f"{notebook}.json").write_text(json.dumps(record))


def test_the_ledger_begins_with_the_headline_and_ends_with_the_replays():
    everything = claims()
    assert everything[0].id == "mnist-best-spikes-journal"
    assert everything[-1].id == "fashion-replay-0.6-potential"
    assert all(claim.folded == claim.id.startswith("fashion-replay") for claim in everything)
    assert len(headlines()) == 5
    assert not {claim.id for claim in everything} & {claim.id for claim in own_claims()}


def test_of_the_accuracies_only_one_is_recalled():
    assert {claim.value for claim in claims() if claim.recalled and claim.unit == "%"} == {0.957}
    source = next(claim.source for claim in claims() if claim.id == "mnist-best-spikes")
    assert "Papers with Code" in source
    assert "Binarized MLP with on-chip spiking backpropagation (on Loihi)" in source


def test_values_of_the_paper_are_looked_up_in_the_ledger():
    assert value("mnist-best-spikes") == 0.962
    assert value("training-latency") == 1.48
    with pytest.raises(KeyError, match="fashion-on-chip"):
        value("fashion-on-chip")
    with pytest.raises(KeyError, match="the ledger has no value for 'unknown'"):
        value("unknown")


SECTIONS = """
[[headline]]
statement = "x"
claims = ["x"]
[[section]]
title = "one"
source = "paper"
kind = "reported"
[[section.claim]]
id = "x"
statement = "x"
"""
ONE_MORE = '[[section.claim]]\nid = "y"\nstatement = "y"\n'


def test_claims_take_what_they_do_not_say_from_their_section(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(SECTIONS + ONE_MORE + 'source = "other"\n')
    assert [(claim.id, claim.source, claim.section) for claim in claims(path)] == [
        ("x", "paper", "one"),
        ("y", "other", "one"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECTIONS + ONE_MORE.replace('"y"', '"x"'), "two claims have the same id"),
        (SECTIONS + 'units = ""', "units: Extra inputs are not permitted"),
        (SECTIONS.replace('source = "paper"\n', ""), "source: Field required"),
        (SECTIONS + 'unit = "m"', "unit: Input should be"),
        (SECTIONS + 'value = "5"', "value: Input should be a valid number"),
        (SECTIONS.replace('["x"]', '["z"]'), "the headline names unknown claims .'z'."),
        (SECTIONS.replace("reported", "guessed"), "kind: Input should be"),
        (SECTIONS.replace("reported", "measured"), "x: 'measured' does not go with its rule and result"),
        (SECTIONS.replace("reported", "estimated"), "x: 'estimated' does not go with"),
        (SECTIONS + 'rule = "equal"\n', "x: 'reported' does not go with"),
        (SECTIONS + 'result = "04_mnist:y"\ncomputed = "so"\n', "x: 'reported' does not go with"),
        (SECTIONS + 'result = "04_mnist"\ncomputed = "so"\n', "result: String should match"),
        (
            SECTIONS.replace("reported", "measured") + 'rule = "equal"\nresult = "04:y"\ncomputed = "so"\n',
            "x: a rule needs a value",
        ),
    ],
)
def test_a_broken_claim_is_refused(tmp_path, text, message):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        claims(path)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.962, 0.963], REPRODUCED),
        ([0.9650, 0.9652], REPRODUCED),
        ([0.9670, 0.9672], NOT_REPRODUCED),
        ([0.95, 0.97], REPRODUCED),
        ([0.962], NOT_EVALUATED),
        ([], NOT_EVALUATED),
    ],
)
def test_accuracy_is_judged_by_both_spreads(values, verdict):
    assert judge(ACCURACY, values).verdict == verdict


def test_tolerance_is_twice_the_combined_standard_error():
    judged = judge(ACCURACY, [0.960, 0.961, 0.962])
    assert judged.ours == pytest.approx(0.961)  # floats: a mean of three
    assert judged.tolerance == pytest.approx(2 * math.sqrt(0.001**2 + 0.962 * 0.038 / 10_000))


def test_collapsed_seeds_are_counted_and_left_out():
    judged = judge(ACCURACY, [0.962, 0.86, 0.961], [False, True, False])
    assert judged.verdict == REPRODUCED
    assert judged.note == "1 of 3 seeds collapsed, left out"
    assert judge(ACCURACY, [0.962, 0.86], [False, True]).verdict == NOT_EVALUATED


@pytest.mark.parametrize(
    ("values", "verdict"), [([0.63891], REPRODUCED), ([0.6390], NOT_REPRODUCED), ([], NOT_EVALUATED)]
)
def test_counts_are_judged_by_equality(values, verdict):
    assert judge(COUNT, values).verdict == verdict


GAIN = claim("g", "points", value=0.0, digits=2, rule="above", result="11_depth:gain")


@pytest.mark.parametrize(
    ("values", "collapsed", "verdict", "note"),
    [
        ([0.010, 0.012], [], NOT_REPRODUCED, "95 % interval -0.17 to 2.37 points, n = 2"),
        ([0.010, 0.011, 0.012], [], REPRODUCED, "95 % interval 0.85 to 1.35 points, n = 3"),
        (
            [0.010, -0.1, 0.011, 0.012],
            [False, True, False, False],
            REPRODUCED,
            "95 % interval 0.85 to 1.35 points, n = 3; 1 of 4 seeds collapsed, left out",
        ),
        ([-0.010, -0.011, -0.012], [], NOT_REPRODUCED, "95 % interval -1.35 to -0.85 points, n = 3"),
        ([0.010], [], NOT_EVALUATED, "too few values"),
    ],
)
def test_a_gain_is_judged_by_its_interval(values, collapsed, verdict, note):
    """By the t distribution's quantiles for one and two degrees of freedom, 12.706 and 4.303."""
    judged = judge(GAIN, values, collapsed)
    assert (judged.verdict, judged.note) == (verdict, note)


def test_models_and_words_are_never_reproduced():
    assert judge(ENERGY, [0.59]).verdict == ESTIMATED
    assert judge(ENERGY, []).verdict == NOT_EVALUATED


SEEDS = [0.9620 + 0.0001 * n for n in (-9, -7, -5, -3, -1, 1, 3, 5, 7, 9)]


def test_equivalence_is_two_one_sided_t_tests():
    """Against the textbook formula, with the t distribution's quantile for 9 degrees of freedom."""
    found = equivalence_test(SEEDS, 0.9625)
    mean, error = 0.9620, math.sqrt(sum((x - 0.962) ** 2 for x in SEEDS) / 9 / 10)
    assert found.low == pytest.approx(mean - 0.9625 - 1.8331129 * error, abs=1e-9)
    assert found.high == pytest.approx(mean - 0.9625 + 1.8331129 * error, abs=1e-9)
    assert found.equivalent


@pytest.mark.parametrize(
    ("claimed", "equivalent"),
    [(0.962, True), (0.9645, True), (0.96495, False), (0.9653, False), (0.9587, False)],
)
def test_equivalent_means_that_the_interval_lies_within_the_margin(claimed, equivalent):
    found = equivalence_test(SEEDS, claimed)
    assert found.equivalent == equivalent == (found.low > -0.003 and found.high < 0.003)


def test_many_seeds_get_an_equivalence_test_and_few_do_not():
    assert judge(ACCURACY, SEEDS).equivalence == equivalence_test(SEEDS, 0.962)
    assert judge(ACCURACY, SEEDS[:9]).equivalence is None
    assert judge(ACCURACY, [*SEEDS, 0.5], [False] * 10 + [True]).equivalence == equivalence_test(SEEDS, 0.962)


def measured(folder):
    return {found.verdict for found in ledger(folder) if found.claim.kind == "measured"}


def test_a_claim_without_a_result_is_not_evaluated(tmp_path):
    assert measured(tmp_path) == {NOT_EVALUATED}
    write(tmp_path, "04_mnist", {})
    assert measured(tmp_path) == {NOT_EVALUATED}
    assert {v.verdict for v in ledger(tmp_path) if v.claim.kind == "reported"} == {REPORTED}
    write(tmp_path, "04_mnist", {})
    (tmp_path / "records" / "04_mnist.json").write_text("{")
    assert {v.note for v in ledger(tmp_path, ["04_mnist"])} == {"04_mnist.json is damaged"}


def test_only_results_at_the_papers_settings_count(tmp_path):
    good = {"best.spikes": {"values": [0.962, 0.961], "collapsed": [False, False]}}
    write(tmp_path, "04_mnist", good, profile="quick")
    assert measured(tmp_path) == {NOT_EVALUATED}
    assert "quick settings on mnist" in {v.note for v in ledger(tmp_path)}
    write(tmp_path, "04_mnist", good)
    assert sum(found.verdict == REPRODUCED for found in ledger(tmp_path)) == 2
    assert {found.claim.source_of_result for found in ledger(tmp_path, ["04_mnist"])} == {"04_mnist"}


VERDICTS = [judge(ACCURACY, SEEDS), judge(COUNT, [0.6389]), judge(ENERGY, [0.1]), judge(ON_CHIP, [])]


def test_the_ledger_in_markdown_has_values_rule_and_equivalence(tmp_path, monkeypatch):
    for summary in ("headlines", "own_headlines"):
        monkeypatch.setattr(f"snnbp.paper.verdict.claims.{summary}", list)
    text = verdict.markdown(VERDICTS, "figures/")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert ["| [claim a](figures/curves.svg)", "96.2 %", "96.20 ± 0.06 % (allowed: ± 0.40)"] in [
        r[:3] for r in rows
    ]
    assert [
        "| [claim c](figures/records/05_fashion_mnist.json)",
        "0.6389",
        "0.6389",
        "reproduced",
        "paper |",
    ] in rows
    assert [
        "| [claim e](figures/records/07_energy.json)",
        "0.59 mJ",
        "0.10 mJ",
        "estimated",
        "paper |",
    ] in rows
    assert ["| claim f", "value not available", "-", "not evaluated (too few values)"] in [
        r[:4] for r in rows
    ]
    assert "standard deviation" in text
    assert "cannot tell 96.2 % from 96.3 %" in re.sub(r"\s+", " ", text)
    assert ["96.2 %", "-0.04 to +0.04", "3.9e-08", "equivalent |"] in [r[1:] for r in rows]
    assert "2 reproduced, 0 not reproduced, 1 estimated, 1 not evaluated" in text


def test_the_headline_counts_what_it_folds(tmp_path):
    replays = [claim for claim in claims() if claim.folded]
    numbers = {claim.result.split(":")[1]: {"values": [claim.value]} for claim in replays}
    write(tmp_path, "05_fashion_mnist", numbers)
    row = verdict.headline(ledger(tmp_path)).iloc[3]
    assert list(row[1:]) == ["12 values", "12 equal", REPRODUCED]
    numbers["0.4.exact"] = {"values": [0.5]}
    write(tmp_path, "05_fashion_mnist", numbers)
    row = verdict.headline(ledger(tmp_path)).iloc[3]
    assert list(row[1:]) == ["12 values", "11 equal", NOT_REPRODUCED]
    del numbers["0.4.exact"]
    write(tmp_path, "05_fashion_mnist", numbers)
    row = verdict.headline(ledger(tmp_path)).iloc[3]
    assert list(row[1:]) == ["12 values", "-", NOT_EVALUATED]


def test_a_claim_that_is_not_reproduced_any_more_is_named():
    before = as_json(VERDICTS)
    assert json.loads(before)[0]["ours"] == 0.962
    assert json.loads(before)[0]["equivalence"]["high"] == 0.00035101
    assert no_longer_reproduced(VERDICTS, before) == []
    assert no_longer_reproduced([judge(ACCURACY, [0.9, 0.9]), judge(COUNT, [])], before) == ["a", "c"]
    assert no_longer_reproduced([], "[]") == []


def test_readme_shows_both_summaries_of_the_committed_ledger():
    """From verdict.json alone, so that a new claim does not ask for a new README."""
    committed = json.loads((ROOT / "figures" / "records" / "verdict.json").read_text(encoding="utf-8"))
    verdicts = ledger(ROOT / "figures")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for summary in (headlines(), own_headlines()):
        found = verdict.markdown_table(verdict.headline(verdicts, summary))
        missing = [row for row in found.splitlines() if row not in readme]
        assert not missing
    assert {entry["id"]: entry["verdict"] for entry in committed} == {v.claim.id: v.verdict for v in verdicts}


def test_table_1_takes_the_papers_own_numbers_from_the_ledger():
    table = table1.published()
    paper = table[table.study == table1.PAPER].set_index("mode")
    assert list(paper.energy_mj) == [value("training-energy"), value("inference-energy")]
    assert list(paper.accuracy) == [96.3, 96.3]
    assert len(table) == 17
    ours = table1.row("trained on chip", table1.OURS, "400-400-10", 0.01, 0.4, 96.12345)
    import pandas as pd

    shown = table1.formatted(pd.concat([table, pd.DataFrame([ours])]))
    assert list(shown.columns)[4:7] == ["energy (mJ)", "latency (ms)", "accuracy (%)"]
    assert shown[shown.study == table1.OURS].iloc[0, 4:7].tolist() == ["0.01", "0.4", "96.1"]
    assert shown[shown.study == "Lin 2018 (Loihi)"]["latency (ms)"].tolist() == ["-", "-"]
    assert shown["accuracy (%)"].iloc[:2].tolist() == ["98.1", "96.4"]
