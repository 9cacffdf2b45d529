"""Verdicts follow from results, and from nothing else."""

import json
import math

import pytest

from snnbp.paper.claims import (
    ESTIMATED,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    REPORTED,
    REPRODUCED,
    Claim,
    as_json,
    claims,
    judge,
    ledger,
    markdown,
    no_longer_reproduced,
    table,
)


def claim(id, unit="", fidelity="measured", **others):
    how = {"computed": "somehow"} if "result" in others else {}
    return Claim(id, "section", f"claim {id}", unit, "paper", False, fidelity, **how, **others)


ACCURACY = claim("a", "%", paper=0.962, rule="accuracy", result="04_mnist:best.spikes", figure="curves.svg")
COUNT = claim("c", paper=0.6389, rule="equal", result="05_fashion_mnist:x", digits=4)
ENERGY = claim("e", "mJ", "estimated", paper=0.59, result="07_energy:mj", digits=2)
ON_CHIP = claim("f", "%", "reported")


def write(folder, notebook, results, profile="paper"):
    record = {"profile": profile, "parameters": {"dataset": "mnist"}, "results": results}
    (folder / f"{notebook}.json").write_text(json.dumps(record))


def test_the_ledger_is_in_order_with_the_surprising_rows_first():
    everything = claims()
    assert len({claim.id for claim in everything}) == len(everything)
    assert all(claim.source and claim.statement for claim in everything)
    assert everything[0].id == "fashion-replay-0.5-training"
    assert everything[-1].paper is None


GOOD = """
sections = ["two", "one"]
[[claim]]
id = "x"
section = "one"
statement = "x"
unit = ""
source = "paper"
recalled = false
fidelity = "reported"
"""


def test_claims_come_in_the_order_of_their_sections(tmp_path):
    path = tmp_path / "claims.toml"
    other = GOOD.split("]\n", 1)[1].replace('"one"', '"two"').replace('"x"', '"y"')
    path.write_text(GOOD + other)
    assert [claim.id for claim in claims(path)] == ["y", "x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + GOOD.split("]\n", 1)[1], "two claims have the same id"),
        (GOOD.replace('section = "one"', 'section = "three"'), "undeclared sections .'three'."),
        (GOOD.replace('unit = ""', 'units = ""'), "unexpected keyword argument 'units'"),
        (GOOD.replace('unit = ""\n', ""), "missing 1 required positional argument: 'unit'"),
        (GOOD.replace("reported", "guessed"), "claim x: 'guessed' does not go with its rule and result"),
        (GOOD.replace("reported", "measured"), "claim x: 'measured' does not go with"),
        (GOOD.replace("reported", "estimated"), "claim x: 'estimated' does not go with"),
        (GOOD + 'rule = "equal"\n', "claim x: 'reported' does not go with"),
        (GOOD + 'result = "04_mnist:y"\ncomputed = "so"\n', "claim x: 'reported' does not go with"),
        (
            GOOD.replace("reported", "measured") + 'rule = "equal"\nresult = "04:y"\ncomputed = "so"\n',
            "claim x: without the paper's value",
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


def test_models_and_words_are_never_reproduced():
    assert judge(ENERGY, [0.59]).verdict == ESTIMATED
    assert judge(ENERGY, []).verdict == NOT_EVALUATED


def measured(folder):
    return {verdict.verdict for verdict in ledger(folder) if verdict.claim.fidelity == "measured"}


def test_a_claim_without_a_result_is_not_evaluated(tmp_path):
    assert measured(tmp_path) == {NOT_EVALUATED}
    write(tmp_path, "04_mnist", {})
    assert measured(tmp_path) == {NOT_EVALUATED}
    assert {v.verdict for v in ledger(tmp_path) if v.claim.fidelity == "reported"} == {REPORTED}


def test_only_results_at_the_papers_settings_count(tmp_path):
    good = {"best.spikes": {"values": [0.962, 0.961], "collapsed": [False, False]}}
    write(tmp_path, "04_mnist", good, profile="quick")
    assert measured(tmp_path) == {NOT_EVALUATED}
    assert "quick settings on mnist" in table(ledger(tmp_path))
    write(tmp_path, "04_mnist", good)
    assert sum(verdict.verdict == REPRODUCED for verdict in ledger(tmp_path)) == 2


VERDICTS = [judge(ACCURACY, [0.962, 0.963]), judge(COUNT, [0.6389]), judge(ENERGY, [0.1]), judge(ON_CHIP, [])]


def test_the_table_shows_both_values_and_the_verdict():
    text = table(VERDICTS)
    assert "96.2 %" in text
    assert "96.25 ± 0.07 %" in text
    assert "0.6389" in text
    assert "0.59 mJ" in text
    assert "0.10 mJ" in text
    assert "value not available to us" in text
    assert text.count(REPRODUCED) == 2


def test_claims_link_to_what_shows_them():
    text = markdown(VERDICTS, "figures/")
    assert "[claim a](figures/curves.svg)" in text
    assert "[claim c](figures/05_fashion_mnist.json)" in text
    assert "| claim f " in text


def test_a_claim_that_is_not_reproduced_any_more_is_named():
    before = as_json(VERDICTS)
    assert json.loads(before)[0]["ours"] == 0.9625
    assert no_longer_reproduced(VERDICTS, before) == []
    assert no_longer_reproduced([judge(ACCURACY, [0.9, 0.9]), judge(COUNT, [])], before) == ["a", "c"]
    assert no_longer_reproduced([], "[]") == []
