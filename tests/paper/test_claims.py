"""Verdicts follow from results, and from nothing else."""

import json
import math
import re
import subprocess

import pandas as pd
import pytest

from snnbp.paper import FIGURES, ROOT, records, settings, table1, verdict
from snnbp.paper import claims as ledgers
from snnbp.paper.claims import (
    ESTIMATED,
    HIGHER,
    LOWER,
    NO_DIFFERENCE,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    REPORTED,
    REPRODUCED,
    Claim,
    as_json,
    claims,
    equivalence_test,
    judge,
    ledger,
    lost,
    own_claims,
    value,
)


def claim(id, rule, unit="", **others):
    how = {"computed": "somehow"} if "result" in others else {}
    fields = {"id": id, "section": "section", "statement": f"claim {id}", "unit": unit, "source": "paper"}
    return Claim(**fields, rule=rule, **how, **others)


ACCURACY = claim("a", "accuracy", "%", value=0.962, result="04_mnist:best.spikes", figure="curves.svg")
COUNT = claim("c", "equal", value=0.6389, result="05_fashion_mnist:x", digits=4)
ENERGY = claim("e", "model", "mJ", value=0.59, result="07_energy:mj", digits=2)
ON_CHIP = claim("f", "reported", "%")
GAIN = claim("g", "difference", "points", digits=2, result="11_depth:gain")
BAR = claim("h", "above", "%", value=0.9, digits=2, result="12_beyond:spikes")


def write(folder, notebook, results, profile="paper"):
    path = folder / "records" / f"{notebook}.json"
    path.parent.mkdir(exist_ok=True)
    record = {"profile": profile, "parameters": {"dataset": "mnist"}, "results": results}
    records._write(path, record)
    return path


def test_values_of_the_paper_are_looked_up_in_the_ledger():
    assert (value("mnist-best-spikes"), value("mnist-best-spikes-2021")) == (0.963, 0.962)
    assert {claim.value for claim in claims() if claim.unverified} == {0.957, 81}
    assert value("training-latency") == 1.48
    with pytest.raises(KeyError, match="fashion-on-chip"):
        value("fashion-on-chip")
    with pytest.raises(KeyError, match="the ledger has no value for 'unknown'"):
        value("unknown")


def test_ids_are_unique_and_thirty_seeds_repeat_the_claims_of_three_runs():
    ids = [claim.id for claim in (*claims(), *own_claims())]
    assert len(ids) == len(set(ids))
    accuracies = {claim.id: claim for claim in claims() if claim.rule == "accuracy"}
    repeats = {claim.repeats for claim in accuracies.values() if claim.repeats}
    assert repeats == {name for name, claim in accuracies.items() if not claim.repeats}
    assert all(claim.value == accuracies[claim.repeats].value for claim in claims() if claim.repeats)


def test_counts_of_weights_are_of_all_weights():
    every = [claim for claim in (*claims(), *own_claims()) if claim.of]
    sizes = {claim.id: claim.of for claim in every if "weights" in claim.statement}
    assert sizes.pop("mnist-circuit-full-run") == 400 * 400 + 400 * 10
    assert set(sizes.values()) == {784 * 400 + 400 * 10}
    presented = {claim.of // 60_000 for claim in every if "samples" in claim.statement}
    assert presented == {60 * 10, 60 * 10 * 3}  # epochs, seeds, networks


def test_statistics_of_stored_runs_say_so():
    """A notebook that only reads stored runs has no other claims; one without runs has no claim on runs."""
    for claim in (*claims(), *own_claims()):
        runs = FIGURES / "data" / f"{claim.source_of_result}_runs.csv"
        assert runs.exists() or not claim.runs, claim.id
        assert claim.runs or claim.source_of_result != "09_seeds", claim.id
        assert claim.runs or claim.rule not in ("difference", "above"), claim.id


def test_every_comparison_of_a_notebook_has_a_row():
    answered = {claim.result for claim in own_claims()}
    for name in ("09_seeds", "11_depth", "13_feedback"):
        results = records.read_record(FIGURES / "records" / f"{name}.json")["results"]
        compared = {f"{name}:{key}" for key in results if key.startswith(("gain", "order", "selection"))}
        assert compared
        assert compared <= answered


def test_a_rule_stood_in_the_commit_that_its_claim_names(tmp_path):
    """And that commit is an ancestor of this one, whose record has no result for it."""

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("no git history here")
    for path in (ledgers.PAPER, ledgers.OWN):
        for claim in claims(path):
            if not claim.since:
                continue
            assert git("merge-base", "--is-ancestor", claim.since, "HEAD").returncode == 0, claim.id
            copy = tmp_path / path.name
            copy.write_text(git("show", f"{claim.since}:{path.relative_to(ROOT)}").stdout, encoding="utf-8")
            claims.cache_clear()
            then = {old.id: old for old in claims(copy)}[claim.id]
            fixed = ("rule", "value", "digits", "unit", "result")
            assert [getattr(then, name) for name in fixed] == [getattr(claim, name) for name in fixed]
            source, name = claim.result.split(":")
            record = git("show", f"{claim.since}:figures/records/{source}.json").stdout or '{"results": {}}'
            assert name not in json.loads(record)["results"], f"{claim.id}: its result was there before"


SECTIONS = """
[[section]]
title = "one"
source = "paper"
rule = "reported"
[[section.claim]]
id = "x"
statement = "x"
"""
MEASURED = SECTIONS.replace('"reported"', '"equal"\nresult = "04:y"\ncomputed = "so"\nvalue = 1')
ONE_MORE = '[[section.claim]]\nid = "y"\nstatement = "y"\n'


def test_claims_take_what_they_do_not_say_from_their_section(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(
        MEASURED + ONE_MORE + 'source = "other"\n[[section.claim]]\nrepeats = "x"\nresult = "09:y"\n'
    )
    found = [(claim.id, claim.source, claim.section, claim.statement, claim.result) for claim in claims(path)]
    assert found == [
        ("x", "paper", "one", "x", "04:y"),
        ("y", "other", "one", "y", "04:y"),
        ("x-seeds", "paper", "one", "x", "09:y"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECTIONS + ONE_MORE.replace('"y"', '"x"'), "two claims have the id 'x'"),
        (SECTIONS + 'units = ""', "units: "),
        (SECTIONS.replace('source = "paper"\n', ""), "source: Field required"),
        (SECTIONS + 'unit = "m"', "unit: Input should be"),
        (SECTIONS + 'value = "5"', "value: Input should be a valid number"),
        (SECTIONS.replace("reported", "guessed"), "rule: Input should be"),
        (SECTIONS.replace("reported", "equal"), "x: 'equal' does not go with its result"),
        (SECTIONS + 'result = "04_mnist:y"\ncomputed = "so"\n', "x: 'reported' does not go with"),
        (SECTIONS + 'result = "04_mnist"\ncomputed = "so"\n', "result: String should match"),
        (MEASURED.replace("value = 1", ""), "x: a rule needs a value"),
        (SECTIONS + '[[section.claim]]\nrepeats = "z"\n', "a table is incomplete .'z'."),
        ("[[section]]\n", "a table is incomplete .'claim'."),
    ],
)
def test_a_broken_claim_is_refused(tmp_path, text, message):
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"^claims.toml: .*{message}"):
        claims(path)


@pytest.mark.parametrize(
    ("claim", "values", "outcome"),
    [
        (ACCURACY, [0.962, 0.963], REPRODUCED),
        (ACCURACY, [0.9650, 0.9652], REPRODUCED),
        (ACCURACY, [0.9670, 0.9672], NOT_REPRODUCED),
        (ACCURACY, [0.95, 0.97], REPRODUCED),
        (ACCURACY, [0.962], NOT_EVALUATED),
        (ACCURACY, [], NOT_EVALUATED),
        (COUNT, [0.63891], REPRODUCED),
        (COUNT, [0.6390], NOT_REPRODUCED),
        (COUNT, [0.6389, 0.6390], NOT_REPRODUCED),
        (COUNT, [], NOT_EVALUATED),
        (ENERGY, [0.59], ESTIMATED),
        (ENERGY, [], NOT_EVALUATED),
        (GAIN, [0.010], NOT_EVALUATED),
    ],
)
def test_a_verdict_follows_from_the_rule(claim, values, outcome):
    assert judge(claim, values).verdict == outcome


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
    ("values", "outcome", "text"),
    [
        ([0.010, 0.012], NO_DIFFERENCE, "1.10 points (95 %: -0.17 to 2.37, n = 2)"),
        ([0.010, 0.011, 0.012], HIGHER, "1.10 points (95 %: 0.85 to 1.35, n = 3)"),
        ([-0.010, -0.011, -0.012], LOWER, "-1.10 points (95 %: -1.35 to -0.85, n = 3)"),
    ],
)
def test_differences_and_goals_are_judged_by_the_interval(values, outcome, text):
    """By the t distribution's quantiles for one and two degrees of freedom, 12.706 and 4.303."""
    judged = judge(GAIN, values)
    assert (judged.verdict, ledgers.ours(judged)) == (outcome, text)
    above = judge(BAR, [0.9 + value for value in values])
    assert above.verdict == (REPRODUCED if outcome == HIGHER else NOT_REPRODUCED)
    collapsed = judge(GAIN, [*values, -0.1], [False] * len(values) + [True])
    assert collapsed.interval == judged.interval


SEEDS = [0.9620 + 0.0001 * n for n in (-9, -7, -5, -3, -1, 1, 3, 5, 7, 9)]


def test_equivalence_is_two_one_sided_t_tests():
    """Against the textbook formula, with the t distribution's quantile for 9 degrees of freedom."""
    found = equivalence_test(SEEDS, 0.9625)
    mean, error = 0.9620, math.sqrt(sum((x - 0.962) ** 2 for x in SEEDS) / 9 / 10)
    assert found.low == pytest.approx(mean - 0.9625 - 1.8331129 * error, abs=1e-9)
    assert found.high == pytest.approx(mean - 0.9625 + 1.8331129 * error, abs=1e-9)
    assert found.equivalent
    assert (found.reaching, found.triples) == (7, 120)  # at least 15: 9+7+5, 9+7+3, ...


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


def outcomes(folder):
    return {found.verdict for found in ledger(folder) if found.claim.rule != "reported"}


def test_only_intact_results_at_the_papers_settings_count(tmp_path):
    assert outcomes(tmp_path) == {NOT_EVALUATED}
    assert {v.verdict for v in ledger(tmp_path) if v.claim.rule == "reported"} == {REPORTED}
    good = {"best.spikes": {"values": [0.962, 0.961], "collapsed": [False, False]}}
    for results, profile, changed in (({}, "paper", ""), (good, "quick", ""), (good, "paper", "0.991")):
        path = write(tmp_path, "04_mnist", results, profile)
        path.write_text(path.read_text().replace("0.961", changed or "0.961"))
        assert outcomes(tmp_path) == {NOT_EVALUATED}
    assert "no such result of 04_mnist at the paper's settings" in {v.note for v in ledger(tmp_path)}
    write(tmp_path, "04_mnist", good)
    assert sum(found.verdict == REPRODUCED for found in ledger(tmp_path)) == 2
    assert {found.claim.source_of_result for found in ledger(tmp_path, ["04_mnist"])} == {"04_mnist"}


def test_small_runs_show_what_they_computed(tmp_path):
    write(tmp_path, "04_mnist", {"best.spikes": {"values": [0.9, 0.91]}, "other": {"values": [1]}}, "quick")
    write(tmp_path, "full_run", {"differing.weights": {"values": [3]}}, "quick")
    assert [line.split(maxsplit=2) for line in verdict.computed(tmp_path).splitlines()] == [
        ["04_mnist", "best.spikes", "90.5 % (mean of 2)"],
        ["full_run", "differing.weights", "3"],
    ]


VERDICTS = [judge(ACCURACY, SEEDS), judge(COUNT, [0.6389]), judge(ENERGY, [0.1]), judge(ON_CHIP, [])]


def test_a_table_of_verdicts_has_values_and_links():
    rows = verdict._rows(VERDICTS[1:], "../figures/").to_numpy().tolist()
    assert rows == [
        [
            "[claim c](../figures/records/05_fashion_mnist.json)",
            "0.6389",
            "0.6389",
            REPRODUCED,
            "computed",
            "paper",
        ],
        [
            "[claim e](../figures/records/07_energy.json)",
            "0.59 mJ",
            "0.10 mJ",
            ESTIMATED,
            "computed",
            "paper",
        ],
        ["claim f", "value not available", "-", "not evaluated (too few values)", "", "paper"],
    ]
    again = judge(ACCURACY.model_copy(update={"id": "a-seeds", "repeats": "a"}), SEEDS)
    (row,) = verdict.accuracies([judge(ACCURACY, SEEDS[:3]), again], "").to_numpy().tolist()
    assert row == [
        "[claim a](curves.svg)",
        "96.2 %",
        "96.13 ± 0.02 % (allowed: ± 0.38)",
        "96.20 ± 0.06 % (allowed: ± 0.40)",
        REPRODUCED,
        "-0.035 to +0.035",
        "yes",
        "60 of 120",
        "paper",
    ]
    column = GAIN.model_copy(update={"column": "from spikes"})
    table = verdict.grid([judge(column, [-0.010, -0.011, -0.012])])
    assert table.to_numpy().tolist() == [["claim g", "-1.35 to -0.85: lower"]]


def test_both_ledgers_are_counted_apart_in_few_columns():
    verdicts = ledger(FIGURES)
    paper, own = verdict.ledgers(verdicts).values()
    assert [v.claim for v in paper] == claims()
    assert [v.claim for v in own] == own_claims()
    screen = verdict.screen(verdicts)
    assert max(map(len, screen.splitlines())) <= 80
    text = verdict.markdown(verdicts)
    for some in (paper, own):
        assert f"{verdict.counts(some)}. Of these" in text
        numbers = re.findall(r"(?:^|, )(\d+) ", verdict.counts(some))
        assert sum(map(int, numbers)) == len([v for v in some if not v.claim.repeats])
    assert "of 4,060, 1.7 % of triples of 30 seeds reach it; 90 % interval" in " ".join(screen.split())
    assert len(text.splitlines()) < len(verdicts)
    assert {claim.source_of_result for claim in claims() if verdict.how(claim) == verdict.READ} == {
        "full_run"
    }
    assert set(settings.notebooks()) >= {v.claim.source_of_result for v in own if v.claim.runs}


def test_the_headline_counts_what_it_folds(tmp_path):
    replays = [claim for claim in claims() if claim.column]
    numbers = {claim.result.split(":")[1]: {"values": [claim.value]} for claim in replays}
    for changes, ours, outcome in (
        ({}, "12 equal", REPRODUCED),
        ({"0.4.exact": {"values": [0.5]}}, "11 equal", NOT_REPRODUCED),
        ({"0.4.exact": {"values": []}}, "11 equal", NOT_EVALUATED),
    ):
        write(tmp_path, "05_fashion_mnist", numbers | changes)
        row = verdict.headline(ledger(tmp_path)).set_index("claim").loc[replays[0].headline]
        assert list(row) == ["12 values", ours, outcome, "computed"]


def test_a_claim_whose_verdict_changes_is_named():
    verdicts = [*VERDICTS, judge(GAIN, [-0.010, -0.011, -0.012])]
    before = as_json(verdicts)
    assert json.loads(before)[0]["ours"] == 0.962
    assert json.loads(before)[0]["equivalence"]["high"] == 0.00035101
    assert lost(verdicts, before) == []
    worse = [judge(ACCURACY, [0.9, 0.9]), judge(COUNT, []), judge(GAIN, [0.010, 0.011, 0.012])]
    assert lost(worse, before) == ["a", "c", "g"]
    assert lost([], "[]") == []


def test_readme_shows_both_summaries_of_the_committed_ledger():
    """From verdict.json alone, so that a new claim does not ask for a new README."""
    committed = json.loads((FIGURES / "records" / "verdict.json").read_text(encoding="utf-8"))
    verdicts = ledger(FIGURES)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = verdict.table(verdict.headline(verdicts, "figures/"))
    assert [row for row in found.splitlines() if row not in readme] == []
    assert {entry["id"]: entry["verdict"] for entry in committed} == {v.claim.id: v.verdict for v in verdicts}
    for some in verdict.ledgers(verdicts).values():
        assert verdict.counts(some) in readme


def test_table_1_takes_the_papers_own_numbers_from_the_ledger():
    table = table1.published()
    paper = table[table.study == table1.PAPER].set_index("mode")
    assert list(paper.energy_mj) == [value("training-energy"), value("inference-energy")]
    assert list(paper.accuracy) == [96.3, 96.3]
    assert len(table) == 17
    ours = table1.row("trained on chip", table1.OURS, "400-400-10", 0.01, 0.4, 96.12345)
    shown = table1.formatted(pd.concat([table, pd.DataFrame([ours])]))
    assert list(shown.columns)[4:7] == ["energy (mJ)", "latency (ms)", "accuracy (%)"]
    assert shown[shown.study == table1.OURS].iloc[0, 4:7].tolist() == ["0.01", "0.4", "96.1"]
    assert shown[shown.study == "Lin 2018 (Loihi)"]["latency (ms)"].tolist() == ["-", "-"]
    assert shown["accuracy (%)"].iloc[:2].tolist() == ["98.1", "96.4"]
