"""Progress of a run on stderr: one line a notebook, redrawn in a terminal."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence


class Line:
    """A line on stderr that is redrawn in a terminal; elsewhere only whole lines are printed."""

    def __init__(self) -> None:
        self.redraws = sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Redraw it; nothing where it cannot be redrawn."""
        if self.redraws:
            self.say(text, end="")

    def clear(self) -> None:
        """Erase it."""
        self.show("")

    def say(self, text: str, end: str = "\n") -> None:
        """Print a line that stays."""
        if self.redraws:
            text = f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}"
        print(text, end=end, file=sys.stderr, flush=True)


class Display(Line):
    """Progress on stderr: `[6/11] 05_fashion_mnist  1:02  cell 12/30  (about 3:40 left)`.

    Parameters
    ----------
    names : sequence of str
        All notebooks of the run, in order.
    seconds : mapping
        Duration of each notebook in its last run, if known.
    """

    def __init__(self, names: Sequence[str], seconds: Mapping[str, float]) -> None:
        super().__init__()
        self.names, self.seconds = names, dict(seconds)
        self.start = 0.0

    def begin(self, name: str) -> None:
        """Show that a notebook starts."""
        self.name, self.start = name, time.perf_counter()
        if not self.redraws:
            self.say(f"{self._place()} ...")

    def update(self, where: str) -> None:
        """Show its progress."""
        self.show(f"{self._place()}  {clock(self.elapsed)}  {where}  {self._left()}")

    def end(self) -> None:
        """Show that it is completed."""
        self.say(f"{self._place()}  {clock(self.elapsed)}")

    @property
    def elapsed(self) -> float:
        """Seconds since the notebook started."""
        return time.perf_counter() - self.start

    def _place(self) -> str:
        return f"[{self.names.index(self.name) + 1}/{len(self.names)}] {self.name}"

    def _left(self) -> str:
        """The estimated remaining time; "" unless all remaining notebooks have run before."""
        now, *later = self.names[self.names.index(self.name) :]
        if any(name not in self.seconds for name in (now, *later)):
            return ""
        left = max(self.seconds[now] - self.elapsed, 0) + sum(self.seconds[name] for name in later)
        return f"(about {clock(left)} left)"


def clock(seconds: float) -> str:
    """Format seconds as 1:02 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
