"""Every figure, from data made up here: legible, complete, and the same whatever the user's settings are."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from snnbp import plots
from snnbp.circuit.backprop import inference_circuit, training_circuit
from snnbp.paper import ROOT

RNG = np.random.default_rng(0)
NAMES = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def history(seed, epochs=60):
    epoch = np.arange(1, 2 * epochs + 1) / 2
    rise = 0.1 * np.exp(-epoch / 3) + 0.004 * np.random.default_rng(seed).random(epoch.size)
    return pd.DataFrame({"epoch": epoch, "spikes": 0.962 - rise, "potential": 0.976 - rise, "mse": rise / 5})


def trace(sizes, n=6):
    circuit = training_circuit(sizes)
    phases = range(len(circuit.phases))
    spikes = {p.name: RNG.random((n, len(phases), p.size)) < 0.3 for p in circuit.populations}
    return SimpleNamespace(circuit=circuit, phases=tuple(phases), spikes=spikes)


def seeds(column):
    values = np.random.default_rng(1).normal(0.96 if column == "spikes" else 0.975, 0.002, (3, 30))
    gone = np.arange(30) < 3
    return {
        "circuit, last": (values[0], [False] * 30),
        "circuit, best": (values[1], [False] * 30),
        "published-simulation, last": (np.where(gone, 0.86, values[2]), gone),
    }


def confusion():
    counts = RNG.integers(0, 200, (10, 11))
    np.fill_diagonal(counts, RNG.integers(600, 1000, 10))
    return counts


def studies():
    rows = [
        ("trained on chip", "the paper (Loihi)", 0.59, 96.3),
        ("trained on chip", "Shrestha 2021 (Loihi)", 8.4, 94.7),
        ("trained on chip", "Frenkel 2020 (SPOON)", 0.000366, 95.3),
        ("trained on chip", "Park 2019", 0.000253, 98.1),
        ("trained on chip", "Lin 2018 (Loihi)", 0.553, 96.4),
        ("trained on chip", "no energy", np.nan, 96.4),
        ("inference only", "the paper (Loihi)", 0.0025, 96.3),
        ("inference only", "Shrestha 2021 (Loihi)", 2.47, 94.7),
        ("inference only", "Frenkel 2020 (SPOON)", 0.000313, 97.5),
        ("inference only", "Göltz 2019 (BrainScaleS-2)", 0.0084, 96.9),
        ("inference only", "Lin 2018 (Loihi)", 0.0128, 96.4),
        ("inference only", "Chen 2018", 0.0017, 97.9),
        ("inference only", "Esser 2015 (TrueNorth)", 0.00027, 92.7),
        ("inference only", "Stromatias 2015 (SpiNNaker)", 3.3, 95.0),
    ]
    frame = pd.DataFrame(rows, columns=["mode", "study", "energy_mj", "accuracy"]).assign(kind="reported")
    ours = [
        {"mode": "trained on chip", "energy_mj": 0.0114, "energy_mj_max": 0.55},
        {"mode": "inference only", "energy_mj": 0.0012},
    ]
    more = pd.DataFrame(ours).assign(study="this reproduction", accuracy=96.1, kind="estimated")
    return pd.concat([frame, more], ignore_index=True)


def layers(depth):
    return (5, *(4,) * depth, 3)


DEPTHS = {1: seeds("spikes")["circuit, best"][0], 2: seeds("spikes")["circuit, last"][0]}
GAINS = {1: [0.002, 0.004, -0.001], 2: [0.05, 0.09, 0.07], 3: [0.6, 0.8]}
LINES = {
    "phases": {"published": {1: 12}, "compact": {1: 11, 2: 16, 3: 21, 4: 26}},
    "projections": {"published": {1: 102}, "compact": {1: 113, 2: 175, 3: 237, 4: 299}},
}

WEIGHTS = [RNG.integers(-128, 128, (20, 10)) * 2, RNG.integers(-60, 60, (10, 10)) * 2]
TOY = [np.array([[240, -120], [60, 200], [0, 100]]), np.array([[120, 254], [-100, 200]])]
FIRING = [np.array([1, 0, 1]), np.array([1, 0]), np.array([0, 1])]
PAPER = {"spikes": {"95.7 (epoch 60)": 0.957, "96.2 (best)": 0.962, "96.3 (journal)": 0.963}}
CHANGES = {f"W{n} into\noutput 3": RNG.integers(-2, 3, (20, 20)) for n in (1, 2)}
ROWS = {"grey levels": RNG.random((10, 8, 8)), "threshold 0.5": RNG.random((10, 8, 8)) < 0.5}
BARS = {"phase": (range(12), np.ones((12, 2))), "epoch": ([0, 1, 60], np.ones((3, 2)))}


def of_depth(n):
    """Figures of circuits with n hidden layers."""
    return {
        f"conceptual_circuit {n}": lambda: plots.conceptual_circuit(training_circuit(layers(n))),
        f"functional_connectivity {n}": lambda: plots.functional_connectivity(training_circuit(layers(n))),
        f"inference_connectivity {n}": lambda: plots.functional_connectivity(inference_circuit(layers(n))),
        f"raster {n}": lambda: plots.raster(trace((40, *(30,) * n, 10))),
    }


FIGURES = {
    **of_depth(1),
    **of_depth(2),
    **of_depth(3),
    "symbolic_network": plots.symbolic_network,
    "toy_network": lambda: plots.toy_network(TOY, FIRING),
    "toy_network 0": lambda: plots.toy_network(TOY[:1]),
    "toy_network 2": lambda: plots.toy_network([*TOY, TOY[1]]),
    "toy_phases": lambda: plots.toy_phases(trace((3, 2, 2), 1)),
    "toy_phases 2": lambda: plots.toy_phases(trace((3, 2, 2, 2), 1)),
    "toy_phases some": lambda: plots.toy_phases(trace((3, 2, 2), 2), sample=1, phases=(2, 3)),
    "learning_curves": lambda: plots.learning_curves(
        [history(seed) for seed in (1, 2, 3)], {"spikes": 0.962, "potential": 0.975}
    ),
    "learning_curves 1": lambda: plots.learning_curves([history(1, 2)]),
    "accuracy_curves": lambda: plots.accuracy_curves({"a": [history(1), history(2)], "b": [history(3)]}),
    "against_depth": lambda: plots.against_depth(LINES, zero=True),
    "against_depth 3": lambda: plots.against_depth({key: {"circuit": DEPTHS} for key in "abc"}),
    "against_depth 2": lambda: plots.against_depth(
        dict.fromkeys(("MNIST", "Fashion"), dict.fromkeys(("random", "sign"), GAINS)), zero=True
    ),
    "accuracy_curves 2": lambda: plots.accuracy_curves(
        {f"L = {n}": [history(seed) for seed in range(n, n + 10)] for n in (1, 2, 3)},
        ("spikes", "potential"),
        lowest=90,
    ),
    "seed_distributions": lambda: plots.seed_distributions(
        {column: seeds(column) for column in ("spikes", "potential")}, PAPER
    ),
    "seed_distributions 1": lambda: plots.seed_distributions({"spikes": {"a": ([0.95, 0.96], [False] * 2)}}),
    "weight_distributions": lambda: plots.weight_distributions([WEIGHTS, WEIGHTS]),
    "weight_distributions 3": lambda: plots.weight_distributions([[*WEIGHTS, WEIGHTS[1]]]),
    "confusion_matrices": lambda: plots.confusion_matrices({"−8128": confusion(), "a": confusion()}, NAMES),
    "confusion_matrices 1": lambda: plots.confusion_matrices({"digits": confusion()}, [*"0123456789"]),
    "images": lambda: plots.images({f"phase {n}: oT-": RNG.random((20, 20)) < 0.3 for n in range(6)}),
    "images signed": lambda: plots.images(CHANGES, 4),
    "image_rows": lambda: plots.image_rows(ROWS, NAMES),
    "activation_functions": lambda: plots.activation_functions(*np.linspace(0, 1, 40).reshape(4, 10)),
    "stacked_bars": lambda: plots.stacked_bars(BARS, ["events", "updates"], "µJ"),
    "accuracy_energy": lambda: plots.accuracy_energy(studies(), "the paper (Loihi)"),
}
HOSTILE = {
    "font.size": 30,
    "font.family": "monospace",
    "axes.facecolor": "yellow",
    "figure.figsize": (2, 2),
    "figure.autolayout": True,
    "savefig.bbox": "tight",
    "savefig.dpi": 30,
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "axes.unicode_minus": False,
    "lines.linewidth": 9,
}

every_figure = pytest.mark.parametrize("name", FIGURES)


def written_texts(figure, monkeypatch):
    """(text, box) of everything that is written when the figure is drawn."""
    drawn = {}
    draw = Text.draw

    def recorded(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            drawn[self] = Text.get_window_extent(self, renderer)
        return draw(self, renderer, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", recorded)
    plots.to_png(figure)
    monkeypatch.undo()
    return [(text.get_text(), box) for text, box in drawn.items()]


@every_figure
def test_a_figure_is_legible_and_says_what_it_shows(name, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = FIGURES[name]()
        texts = written_texts(figure, monkeypatch)
    assert figure.get_figwidth() <= 7.21
    assert 20 < len(figure.alt) < 2500
    assert figure.alt.endswith(".")
    assert texts
    width, height = figure.bbox.size
    for number, (text, box) in enumerate(texts):
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text
        plain = re.sub(r"\$[^$]*\$", "", text)  # in formulas, matplotlib draws minus signs itself
        assert not re.search(r"(?<![A-Za-z])-\d|-(\s|$)", plain), f"a hyphen for a minus sign in {text!r}"
        for other, place in texts[:number]:
            across = min(box.x1, place.x1) - max(box.x0, place.x0)
            along = min(box.y1, place.y1) - max(box.y0, place.y0)
            assert across < 1 or along < 1, f"{text!r} overlaps {other!r}"


def test_a_figure_displays_itself():
    figure = plots.learning_curves([history(1)])
    data, metadata = figure._repr_mimebundle_()
    assert data == {"image/png": plots.to_png(figure), "text/plain": figure.alt}
    assert metadata == {"image/png": {"alt": figure.alt}}


@pytest.mark.parametrize("name", ["functional_connectivity 2", "learning_curves", "accuracy_energy"])
def test_the_user_s_settings_change_nothing(name):
    RNG.bit_generator.state = np.random.default_rng(5).bit_generator.state
    expected = FIGURES[name]()
    RNG.bit_generator.state = np.random.default_rng(5).bit_generator.state
    with mpl.rc_context(HOSTILE):
        figure = FIGURES[name]()
        assert plots.to_png(figure) == plots.to_png(expected)
        assert plots.to_svg(figure, "salt") == plots.to_svg(expected, "salt")
    assert plots.to_png(figure) == plots.to_png(expected)


def test_the_same_figure_gives_the_same_bytes_in_any_order():
    first, second = (plots.learning_curves([history(1)]) for _ in range(2))
    png, svg = plots.to_png(first), plots.to_svg(first, "a")
    assert plots.to_svg(second, "a") == svg
    assert plots.to_png(second) == png
    assert plots.to_png(first) == png
    assert plots.to_svg(first, "b") != svg


@pytest.mark.parametrize(
    "name", ["conceptual_circuit 2", "functional_connectivity 1", "raster 1", "learning_curves"]
)
def test_text_in_svg_is_text_in_one_font(name):
    svg = plots.to_svg(FIGURES[name](), "a").decode()
    assert set(re.findall(r"font-family: '([^']+)'", svg)) == {"DejaVu Sans"}
    assert "<dc:date>" not in svg
    assert "one-to-one" in svg or "accuracy from output spikes" in svg or "input replayed" in svg


DIGESTS = """
import hashlib, json
from snnbp import plots
from tests.plots.test_plots import FIGURES
made = {name: make() for name, make in FIGURES.items()}
rendered = {name: plots.to_svg(figure, "a") + plots.to_png(figure) for name, figure in made.items()}
print(json.dumps({name: hashlib.sha256(both).hexdigest() for name, both in rendered.items()}))"""


@pytest.mark.minutes
def test_a_figure_s_bytes_do_not_depend_on_the_processor():
    found = []
    for core in ("Haswell", "Nehalem"):
        environment = os.environ | {"OPENBLAS_CORETYPE": core, "OPENBLAS_VERBOSE": "2"}
        command = [sys.executable, "-c", DIGESTS]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        if f"Core: {core}" not in done.stderr:
            pytest.skip(f"NumPy's BLAS here cannot compute as a {core} does")
        found.append(json.loads(done.stdout))
    assert found[0].keys() == FIGURES.keys()
    assert [name for name in FIGURES if found[0][name] != found[1][name]] == []


def test_figures_are_drawn_by_a_zipped_package(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "package"), "zip", ROOT, "snnbp")
    code = "from snnbp import plots; plots.to_svg(plots.symbolic_network(), 'a'); print(plots.__file__)"
    command, environment = [sys.executable, "-c", code], os.environ | {"PYTHONPATH": archive}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(archive)


def test_savefig_keeps_the_style(tmp_path):
    figure = plots.learning_curves([history(1)])
    with mpl.rc_context(HOSTILE):
        figure.savefig(tmp_path / "figure.svg")
    assert "test accuracy (%)" in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def kinds(lines):
    styles = {(mpl.colors.to_hex(line.get_color()), line.get_linestyle()) for line in lines}
    return {(colour, style) for colour, style in styles if style != "None"}


@pytest.mark.parametrize("name", [name for name in FIGURES if "connectivity" in name])
def test_the_legend_names_every_kind_of_line(name):
    figure = FIGURES[name]()
    legend = kinds(figure.legends[0].get_lines())
    drawn = kinds(line for line in figure.axes[0].lines if line.get_color() != "0.8")
    assert drawn <= legend
    if "functional" in name:
        assert ":" in {style for _, style in legend}


def test_connectivity_draws_what_the_circuit_does():
    circuit = training_circuit(layers(2))
    axes = plots.functional_connectivity(circuit).axes[0]
    projections = sum(len(circuit.projections_into(number)) for number in range(len(circuit.phases)))
    lines = [line for line in axes.lines if line.get_marker() == "None" and line.get_color() != "0.8"]
    assert len(lines) == projections
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == sum(len(phase.inhibits) for phase in circuit.phases)


@pytest.mark.parametrize(("depth", "phases"), [(1, 12), (2, 16), (3, 21)])
def test_meanings_has_a_row_for_each_phase(depth, phases):
    table = plots.meanings(training_circuit(layers(depth)))
    assert list(table.columns) == ["event", "spikes", "inhibited"]
    assert list(table.index) == list(range(phases))
    assert table.loc[depth + 3, "spikes"] == f"d{depth + 1}+: output too low; d{depth + 1}−: output too high"


def test_symbols():
    expected = {
        "x": "$x$",
        "h<": "$h^{<}$",
        "h2>": "$h_{2}^{>}$",
        "mh1": "$m_{h_{1}}$",
        "d2-": "$d_{2}^{-}$",
        "oT-": "$o^{\\mathrm{T}-}$",
        "W2T+": "$W_{2}^{\\mathrm{T}+}$",
        "f'(v1)": "$f′(v_{1})$",
        "target": "target",
    }
    assert {text: plots.symbol(text) for text in expected} == expected


def test_learning_curves_compare_best_with_best():
    histories = [history(seed) for seed in (1, 2, 3)]
    best = plots.learning_curves(histories, {"spikes": 0.962}).axes[1]
    bars = [segment[0, 1] for bar in best.collections for segment in bar.get_segments()]
    assert bars[0] == pytest.approx(100 * np.mean([run["spikes"].max() for run in histories]))
    assert [line.get_ydata()[0] for line in best.lines if line.get_marker() == "D"] == [96.2]


def test_seed_distributions_keep_collapsed_runs_apart():
    values = [0.86, 0.95, 0.96, 0.97], [True, False, False, False]
    figure = plots.seed_distributions({"spikes": {"a": values}})
    crosses, dots = figure.axes
    assert [line.get_xdata().tolist() for line in crosses.lines if line.get_marker() == "x"] == [[86]]
    assert [line.get_xdata().tolist() for line in dots.lines] == [[95, 96, 97]]
    assert dots.collections[0].get_segments()[0][0, 0] == 96
    assert [text.get_text() for text in crosses.get_yticklabels()] == ["a (n = 4)"]


def test_against_depth_joins_the_means_of_the_seeds():
    figure = plots.against_depth(
        {"%": {"a": {1: [90, 94], 2: [96, 97, 98]}, "b": {1: [80, 80], 3: [70, 70]}}}
    )
    dots = [line.get_ydata().tolist() for line in figure.axes[0].lines if line.get_alpha()]
    assert dots == [[90, 94], [96, 97, 98], [80, 80], [70, 70]]
    bars = figure.axes[0].containers
    assert [bar.lines[0].get_ydata().tolist() for bar in bars] == [[92, 97], [80, 70]]
    assert bars[0].lines[2][0].get_segments()[1][:, 1].tolist() == [96, 98]
    assert (
        "%, a, L = 1: 92 ± 2.8; %, a, L = 2: 97 ± 1; %, b, L = 1: 80 ± 0; %, b, L = 3: 70 ± 0." in figure.alt
    )


def test_accuracy_curves_draw_each_run_and_the_mean():
    runs = [history(1), history(2).assign(potential=lambda run: run["potential"] - 0.02)]
    figure = plots.accuracy_curves({"a": runs, "b": [history(3)]}, ("spikes", "potential"), lowest=90)
    drawn = [100 * np.array([run["potential"] for run in group]) for group in (runs, [history(3)])]
    expected = [*drawn[0], drawn[0].mean(axis=0), *drawn[1]]
    assert np.array_equal([line.get_ydata() for line in figure.axes[1].lines], expected)
    assert f"potential, a: {drawn[0][:, -1].mean():.1f} %" in figure.alt
    assert "a (n = 2)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_more_curves_than_colours_are_refused():
    with pytest.raises(ValueError, match="at most 5 groups can be told apart by colour, got 6"):
        plots.accuracy_curves({name: [history(1)] for name in "abcdef"})


def test_accuracy_energy_shows_each_row_that_has_both_numbers():
    figure = plots.accuracy_energy(studies(), "the paper (Loihi)")
    points = [line.get_xydata().tolist() for axis in figure.axes for line in axis.lines]
    assert [[0.0114, 96.1], [0.55, 96.1]] in points
    assert sum(len(point) == 1 for point in points) == len(studies()) - 1
    assert [axis.get_xscale() for axis in figure.axes] == ["log", "log"]


def test_bars_stand_on_one_another():
    figure = plots.stacked_bars({"phase": ([0, 1], np.array([[1.0, 2, 3], [4, 5, 6]]))}, [*"xyz"], "µJ")
    assert [bar.get_y() + bar.get_height() for bar in figure.axes[0].patches] == [1, 4, 3, 9, 6, 15]


def test_raster_events_are_where_the_spikes_are():
    some = trace((6, 4, 3), 2)
    for record in some.spikes.values():
        record[:] = False
    some.spikes["x"][:, [1, 7]] = True
    some.spikes["o"][1, 3, 0] = some.spikes["d-"][1, 4, 0] = some.spikes["h1"][1, 11, 2] = True
    figure = plots.raster(some)
    events = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert events == [[1, 13], [15], [16], [7, 19], [23]]
    assert "Samples with an error: 2." in figure.alt


def test_large_networks_are_no_toys():
    with pytest.raises(ValueError, match="at most 8 a layer, got 9"):
        plots.toy_network([np.zeros((9, 2), int)])
    with pytest.raises(ValueError, match="at most 8 a layer, got 9"):
        plots.toy_phases(trace((9, 2, 2)))


TEXTS = ["$x^2$", "<b>bold</b>", "_a_", r"$\frac$"]
OF_TEXTS = {
    "confusion_matrices": lambda: plots.confusion_matrices({TEXTS[0]: confusion()}, [*TEXTS, *"456789"]),
    "image_rows": lambda: plots.image_rows({TEXTS[0]: ROWS["grey levels"][:4]}, TEXTS),
    "accuracy_curves": lambda: plots.accuracy_curves({text: [history(1)] for text in TEXTS}),
    "against_depth": lambda: plots.against_depth({"%": dict.fromkeys(TEXTS, GAINS)}),
    "seed_distributions": lambda: plots.seed_distributions(
        {"spikes": {text: ([0.9, 0.8], [False, False]) for text in TEXTS}}
    ),
    "stacked_bars": lambda: plots.stacked_bars({TEXTS[0]: (TEXTS, np.ones((4, 4)))}, TEXTS, "µJ"),
    "accuracy_energy": lambda: plots.accuracy_energy(studies().assign(study=(TEXTS * 4)[:16]), "-"),
}


@pytest.mark.parametrize("name", OF_TEXTS)
def test_a_user_s_text_is_text(name):
    svg = plots.to_svg(OF_TEXTS[name](), "salt").decode()
    shown = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    assert [text for text in TEXTS if html.escape(text, quote=False) not in shown] == []


def test_circuits_and_traces_of_one_s_own_are_drawn_or_refused_in_one_line():
    circuit = training_circuit((3, 2, 2))
    without = replace(circuit, phases=tuple(replace(phase, gate="") for phase in circuit.phases))
    labels = [text.get_text() for text in plots.functional_connectivity(without).axes[0].get_yticklabels()]
    assert labels[-1] == "$o^{\\mathrm{T}-}$"
    some = trace((3, 2, 2), 1)
    some.circuit = without
    for draw in (plots.raster, plots.toy_phases):
        assert draw(some).axes
    for key, value in (("spikes", {"x": some.spikes["x"]}), ("phases", (0, 1))):
        partial = SimpleNamespace(**vars(some) | {key: value})
        for draw in (plots.raster, plots.toy_phases):
            with pytest.raises(ValueError, match="needs a trace of all populations in all phases"):
                draw(partial)
    with pytest.raises(ValueError, match="it lacks h1T, t, d\\+, d-, oT-"):
        plots.conceptual_circuit(inference_circuit((3, 2, 2)))
