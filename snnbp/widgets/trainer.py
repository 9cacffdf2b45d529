"""A training in a thread of its own: started, paused, resumed, stopped from outside. No widgets here."""

import threading
import time
from collections.abc import Callable

from snnbp.widgets.settings import KeptRun, Settings
from snnbp.training.train import Checkpoint, State, states


class Trainer(threading.Thread):
    """Trains by `settings` and calls `report`, in its thread, at every checkpoint and at the end.

    `history` grows with every checkpoint and `state` is the latest. `refusal` is the reason why the settings
    cannot be run. The kernels give up the GIL, so everything else goes on meanwhile.
    """

    def __init__(self, settings: Settings, report: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.settings = settings
        self.history: list[Checkpoint] = []
        self.state: State | None = None
        self.refusal = ""
        self.samples = 0
        self.done = False
        self._whole: State | None = None
        self._report = report
        self._going, self._ending = threading.Event(), threading.Event()
        self._going.set()

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def pause(self) -> None:
        """Wait at the next checkpoint until `resume`."""
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def end(self) -> None:
        """End at the next checkpoint, half an epoch away at most."""
        self._ending.set()
        self._going.set()

    def run(self) -> None:
        try:
            self._train()
        except (ValueError, OSError, MemoryError) as error:
            self.refusal = str(error) or "not enough memory"
        finally:
            self.done = True
            self._report()

    def _train(self) -> None:
        data = self.settings.load()
        self.samples = len(data.train)
        waited = 0.0
        for state in states(data, self.settings.config):
            row = state.row._replace(seconds=state.row.seconds - waited)
            self.history.append(row)
            self.state = state
            if row.epoch == int(row.epoch):
                self._whole = state
            self._report()
            start = time.perf_counter()
            self._going.wait()
            waited += time.perf_counter() - start
            if self._ending.is_set():
                return

    @property
    def speed(self) -> float:
        """Training samples a second so far, tests included."""
        row = self.history[-1]
        return row.epoch * self.samples / max(row.seconds, 1e-9)

    def kept(self) -> KeptRun | None:
        """What was done, up to the last whole epoch: that is what the settings, so shortened, reproduce."""
        whole = self._whole
        if whole is None:
            return None
        rows = tuple(self.history[: 2 * int(whole.row.epoch)])
        return KeptRun(self.settings.shortened(int(whole.row.epoch)), rows, whole.weights)
