"""Widgets to learn by playing: training live, the circuit step by step, a digit of one's own.

Imported only on request (notebook 08_explore): it needs ipywidgets and ipycanvas.
"""

from snnbp.explorer.digit import DigitExplorer
from snnbp.explorer.learning import LearningExplorer
from snnbp.explorer.start import Start, start
from snnbp.explorer.steps import CircuitExplorer

__all__ = ["CircuitExplorer", "DigitExplorer", "LearningExplorer", "Start", "start"]
