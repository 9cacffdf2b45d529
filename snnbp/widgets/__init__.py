"""Interactive explorers: train live, follow one sample through the circuit, draw a digit.

Imported only on request: they need ipywidgets and anywidget (`pip install snnbp[notebooks]`).
"""

from snnbp.widgets.circuit import CircuitExplorer
from snnbp.widgets.digit import DigitExplorer
from snnbp.widgets.learning import LearningExplorer

__all__ = ["CircuitExplorer", "DigitExplorer", "LearningExplorer"]
