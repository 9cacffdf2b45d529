"""Widgets to learn by playing: training live, the circuit step by step, a digit of one's own.

Imported only on request (notebook 08_explore): it needs ipywidgets and ipycanvas.
"""

from snnbp.widgets.digit import DigitExplorer
from snnbp.widgets.learning import LearningExplorer
from snnbp.widgets.start import Start, start
from snnbp.widgets.steps import CircuitExplorer

__all__ = ["CircuitExplorer", "DigitExplorer", "LearningExplorer", "Start", "start"]
