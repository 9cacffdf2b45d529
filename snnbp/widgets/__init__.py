"""Interactive explorers: train live, and a playground in the browser with a network of one's own.

Imported only on request: they need ipywidgets and anywidget (`pip install snnbp[notebooks]`).
"""

from snnbp.widgets.learning import LearningExplorer
from snnbp.widgets.playground import Playground

__all__ = ["LearningExplorer", "Playground"]
