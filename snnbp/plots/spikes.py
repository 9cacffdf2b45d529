"""Spikes of consecutive samples, phase by phase."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from snnbp.plots.legend import needs, needs_whole
from snnbp.plots.style import BLUE, DOUBLE, GREEN, GREY, ORANGE, PURPLE, StyledFigure, styled, symbol

if TYPE_CHECKING:
    from snnbp.backends.spiking import Trace

Spikes = NDArray[np.bool_]

_ERROR = "error: $o ≠ t$"
_OUTPUTS = {"o": BLUE, "t": GREEN, "d+": ORANGE, "d-": PURPLE}


@styled
def raster(trace: "Trace") -> StyledFigure:
    """Draw the spikes of consecutive samples, annotated with what they mean.

    Parameters
    ----------
    trace : Trace
        All populations in all phases, of any number of samples (six in the paper).

    Returns
    -------
    StyledFigure
        From the top: events, then one dash a spike for the outputs, the hidden layers from the last to the
        first, the inputs and the gates. Time runs in phases, a sample after the other.

    Raises
    ------
    ValueError
        For a trace of some populations or phases only, or of a circuit that does not learn.
    """
    needs_whole(trace)
    needs(trace.circuit, ("x", *_OUTPUTS))
    circuit, period, n = trace.circuit, len(trace.phases), len(trace.spikes["x"])
    hidden = _hidden(trace)
    groups = {
        "output": tuple(_OUTPUTS),
        **{f"hidden {symbol(circuit[name].symbol)}": (name,) for name in reversed(hidden)},
        "input $x$": ("x",),
    }
    if gates := tuple(phase.gate for phase in circuit.phases if phase.gate):
        groups["gates"] = gates
    events = _events(trace)
    wrong = [str(step // period + 1) for step in events[_ERROR]]
    alt = f"Spikes of outputs, hidden layers, inputs and gates, {n} samples of {period} phases each. "
    alt += f"Samples with an error: {', '.join(wrong) or 'none'}."
    figure = StyledFigure((DOUBLE, 4.4 + 0.9 * (len(hidden) - 1)), alt)
    heights = [1.8, 2.0, *[2.0] * len(hidden), 2.0, 1.3][: len(groups) + 1]
    panels = figure.subplots(len(groups) + 1, 1, sharex=True, height_ratios=heights)
    _draw_events(panels[0], events)
    for axis, (label, names) in zip(panels[1:], groups.items(), strict=True):
        size = sum(circuit[name].size for name in names)
        tall = max(0.5, min(size / 27, 4))  # half the height of a dash, in neurons
        base, ticks = 0, {}
        for name in names:
            spikes = trace.spikes[name].reshape(-1, trace.spikes[name].shape[-1])
            _dashes(axis, spikes, base, _OUTPUTS.get(name, "black"), tall)
            if name in _OUTPUTS:
                ticks[base + spikes.shape[1] / 2 - 0.5] = symbol(circuit[name].symbol)
                axis.axhline(base - 0.5, color=GREY, linewidth=0.4)
            base += spikes.shape[1]
        axis.set(ylim=(base - 0.5, -0.5), ylabel=label)
        axis.set_yticks(list(ticks), list(ticks.values()))
        axis.tick_params("y", length=0)
        axis.spines[["top", "right"]].set_visible(True)
    for axis in panels:
        for sample in range(1, n):
            axis.axvline(period * sample - 0.5, color=GREY, linewidth=0.6)
    figure.align_ylabels(panels)
    panels[-1].set(xlabel=f"phase ({period} a sample)", xlim=(-0.5, n * period - 0.5))
    panels[-1].set_xticks(range(0, n * period, period))
    top = panels[0].secondary_xaxis("top")
    top.set_xticks([period * (k + 0.5) - 0.5 for k in range(n)], [f"sample {k + 1}" for k in range(n)])
    top.tick_params(length=0)
    top.spines["top"].set_visible(False)
    figure.settle()
    for letter, axis in zip("abcdefghijkl", panels, strict=False):  # at the edge, beside the panels
        figure.text(0.004, axis.get_position().y1, letter, va="center", fontweight="bold", fontsize=8)
    return figure


def _events(trace: "Trace") -> dict[str, list[int]]:
    """The phases, counted over all samples, of each kind of event."""
    circuit, spikes = trace.circuit, trace.spikes
    deltas = f"output deltas {symbol(circuit['d+'].symbol)}, {symbol(circuit['d-'].symbol)}"
    hidden, learning = {*_hidden(trace)}, min(circuit.reward, default=len(circuit.phases))
    found: dict[str, list[int]] = {
        name: [] for name in ("input $x$", _ERROR, deltas, "input replayed", "hidden deltas")
    }
    for step in range(len(spikes["x"]) * len(circuit.phases)):
        sample, number = divmod(step, len(circuit.phases))
        phase = circuit.phases[number]
        fires = {name for name, record in spikes.items() if record[sample, number].any()}
        o, t = (spikes[name][sample, number] for name in "ot")
        happens = (
            "x" in fires and number < learning,
            "t" in phase.open and (o != t).any(),
            fires & {"d+", "d-"},
            "x" in fires and number >= learning,
            fires & phase.opened_by.keys() & hidden,
        )
        for steps, now in zip(found.values(), happens, strict=True):
            steps += [step] if now else []
    return found


def _hidden(trace: "Trace") -> list[str]:
    """The populations h1, h2, ... of the hidden layers."""
    return [name for n in range(len(trace.circuit.sizes)) if (name := f"h{n + 1}") in trace.circuit]


def _draw_events(axis: Axes, events: dict[str, list[int]]) -> None:
    for row, steps in enumerate(events.values()):
        axis.plot(steps, [row] * len(steps), "v", color="black", markersize=3)
    axis.set_yticks(range(len(events)), list(events))
    axis.set(ylim=(len(events) - 0.5, -0.5), ylabel="events")
    axis.spines[["top", "right"]].set_visible(True)
    axis.tick_params("y", length=0)


def _dashes(axis: Axes, spikes: Spikes, base: int, colour: str, tall: float) -> None:
    """Draw one vertical dash a spike, as a single path to keep the file small."""
    when, who = np.nonzero(spikes)
    gap = np.full(when.size, np.nan)
    x = np.column_stack([when, when, gap]).ravel()
    y = base + np.column_stack([who - tall, who + tall, gap]).ravel()
    axis.plot(x, y, color=colour, linewidth=1, solid_capstyle="butt")
