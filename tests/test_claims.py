"""Verdicts follow from results, and from nothing else."""

import json
import math

import pytest

from snnbp.claims import NOT_EVALUATED, NOT_REPRODUCED, REPRODUCED, Claim, claims, judge, ledger, table

ACCURACY = Claim("a", "accuracy", 0.962, "%", "paper", False, "04_mnist:best.spikes", "accuracy")
COUNT = Claim("c", "count", 0.6389, "", "code", False, "05_fashion_mnist:x", "equal", digits=4)


def write(folder, notebook, results, profile="paper"):
    record = {"profile": profile, "parameters": {"dataset": "mnist"}, "results": results}
    (folder / f"{notebook}.json").write_text(json.dumps(record))


def test_claims_have_ids_of_their_own_and_name_a_result():
    everything = claims()
    assert len({claim.id for claim in everything}) == len(everything) == 16
    assert all(claim.result.count(":") == 1 for claim in everything)


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
    ("values", "verdict"), [([0.63891], REPRODUCED), ([0.6390], NOT_REPRODUCED), ([], NOT_REPRODUCED)]
)
def test_counts_are_judged_by_equality(values, verdict):
    assert judge(COUNT, values).verdict == verdict


def test_a_claim_without_a_result_is_not_evaluated(tmp_path):
    assert {verdict.verdict for verdict in ledger(tmp_path)} == {NOT_EVALUATED}
    write(tmp_path, "04_mnist", {})
    assert {verdict.verdict for verdict in ledger(tmp_path)} == {NOT_EVALUATED}


def test_only_results_at_the_papers_settings_count(tmp_path):
    good = {"best.spikes": {"values": [0.962, 0.961], "collapsed": [False, False]}}
    write(tmp_path, "04_mnist", good, profile="quick")
    assert {verdict.verdict for verdict in ledger(tmp_path)} == {NOT_EVALUATED}
    assert "quick settings on mnist" in table(ledger(tmp_path))
    write(tmp_path, "04_mnist", good)
    assert sum(verdict.verdict == REPRODUCED for verdict in ledger(tmp_path)) == 2


def test_the_table_shows_both_values_and_the_verdict():
    text = table([judge(ACCURACY, [0.962, 0.963]), judge(COUNT, [0.6389])])
    assert "96.2 %" in text
    assert "96.25 ± 0.07 %" in text
    assert "0.6389" in text
    assert text.count(REPRODUCED) == 2
