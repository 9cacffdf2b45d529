"""Table 1 and the charts: what is shown is what was handed in."""

import numpy as np
import pytest

from snnbp.plots.charts import accuracy_curves, accuracy_energy, confusion_matrices, stacked_bars
from snnbp.paper.claims import claims
from snnbp.paper.table1 import HEADER, PAPER, TABLE_1, Row, cells, markdown

OURS = Row("inference only", "ours", "nBP", "4-4-10", 0.001, 0.1, 96.0, "estimated", 0.1)


def test_table_1_says_of_the_paper_what_the_ledger_says():
    ledger = {claim.id: claim.paper for claim in claims()}
    training, inference = (row for row in TABLE_1 if row.study == PAPER)
    assert training.energy_mj == ledger["training-energy"]
    assert training.latency_ms == pytest.approx(ledger["training-latency"], abs=0.05)
    assert inference.energy_mj == ledger["inference-energy"]
    assert inference.latency_ms == pytest.approx(ledger["inference-latency"], abs=0.005)
    assert training.accuracy == inference.accuracy == 100 * ledger["mnist-best-spikes-journal"]


def test_rows_come_by_mode_and_accuracy_and_missing_numbers_as_a_dash():
    rows = cells([*TABLE_1, OURS])
    assert len(rows) == len(TABLE_1) + 1
    assert all(len(row) == len(HEADER) for row in rows)
    accuracies = [float(row[6]) for row in rows if row[0] == "inference only"]
    assert accuracies == sorted(accuracies, reverse=True)
    assert [row[5] for row in rows if "ODIN" in row[1]] == ["-"]
    assert markdown([OURS]).splitlines()[2].split("|")[5].strip() == "0.001"


def test_the_scatter_shows_each_row_that_has_both_numbers():
    without = OURS._replace(accuracy=None, mode="trained on chip")
    figure = accuracy_energy([*TABLE_1, OURS, without])
    points = [line.get_xydata().tolist() for axis in figure.axes for line in axis.lines]
    assert [[0.001, 96.0]] in points
    assert [[0.001, 96.0], [0.1, 96.0]] in points
    assert len(points) == len(TABLE_1) + 2
    assert [axis.get_xscale() for axis in figure.axes] == ["log", "log"]


def test_charts_hold_their_numbers():
    curves = accuracy_curves(np.array([0.5, 1.0]), {"a": np.array([[0.5, 0.7], [0.7, 0.9]])})
    np.testing.assert_allclose(curves.axes[0].lines[-1].get_ydata(), [60, 80])
    bars = stacked_bars({"step": ([0, 1], np.array([[1.0, 2.0], [3.0, 4.0]]))}, ["x", "y"], "µJ")
    tops = [bar.get_y() + bar.get_height() for bar in bars.axes[0].patches]
    assert tops == [1, 3, 3, 7]
    matrix = confusion_matrices({"a": np.array([[3, 0, 1], [0, 2, 0]])}, ["p", "q"])
    assert [text.get_text() for text in matrix.axes[0].texts] == ["3", "1", "2"]
