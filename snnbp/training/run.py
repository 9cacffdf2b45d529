"""A finished or interrupted training, and the one file format that holds it."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnbp.circuit.weights import Weights
from snnbp.files import atomic_open
from snnbp.training.config import Config
from snnbp.training.metrics import Scores

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("epoch", *Scores._fields[:-1], "validation")
"""Columns of a history; `validation` only if some images are held out."""

CHECKPOINTS_AN_EPOCH = 2
STATISTICS = ("final", "best", "mean_last_10", "selected")


@dataclass(frozen=True, eq=False)
class Run:
    """A training: what it depended on and what came out.

    Attributes
    ----------
    config : Config
    backend : str
    data : str
        Digest of the data set.
    history : pandas.DataFrame
        One row a checkpoint: `epoch`, the columns of `Scores` on the test set (fractions and counts), and
        `validation`, the accuracy (spikes) on the held-out images, if there are any.
    digest : str
        SHA-256 of the final weights, see `Weights.digest`.
    n_overdriven : int
        Presented samples beyond the circuit's validity bound.
    weights : Weights or None
        None if the file was saved without them.
    seconds : float
        How long it took; not stored, NaN when loaded.
    """

    config: Config
    backend: str
    data: str
    history: "pd.DataFrame"
    digest: str
    n_overdriven: int
    weights: Weights | None = None
    seconds: float = float("nan")

    @property
    def finished(self) -> bool:
        """True if all epochs of the configuration are done."""
        return len(self.history) == CHECKPOINTS_AN_EPOCH * self.config.epochs

    @property
    def collapsed(self) -> bool:
        """True if some output never spikes on the test set any more."""
        return int(self.history["dead"].iloc[-1]) > 0

    def statistic(self, which: str, column: str) -> float:
        """One number from a column of the history.

        Parameters
        ----------
        which : {"final", "best", "mean_last_10", "selected"}
            The last checkpoint, the best one, the mean of the last ten epochs, or the first checkpoint with
            the best held-out accuracy: unlike "best", that does not look at the test set.
        column : str

        Raises
        ------
        ValueError
            For another name, or "selected" without held-out images.
        """
        curve = self.history[column]
        if which == "final":
            return float(curve.iloc[-1])
        if which == "best":
            return float(curve.max())
        if which == "mean_last_10":
            return float(curve.iloc[-10 * CHECKPOINTS_AN_EPOCH :].mean())
        if which == "selected" and self.config.n_validation:
            return float(curve.iloc[int(self.history["validation"].argmax())])
        raise ValueError(
            f"no statistic {which!r} of this run: choose one of {', '.join(STATISTICS)}; "
            "selected needs n_validation > 0"
        )

    def save(self, path: str | Path, weights: bool = True) -> None:
        """Write the run as .npz, whole or not at all.

        Parameters
        ----------
        path : path-like
        weights : bool, default True
            Whether to store the weights; their digest is stored in any case.

        Notes
        -----
        The file holds w1, w2, ... and threshold as `Weights.save` does, one array for each column of the
        history, and `about`, JSON text with all else. The same run gives the same bytes.
        """
        about = {
            "config": self.config.model_dump(),
            "backend": self.backend,
            "data": self.data,
            "digest": self.digest,
            "n_overdriven": self.n_overdriven,
        }
        arrays: dict[str, Any] = {name: self.history[name].to_numpy() for name in self.history.columns}
        if weights and self.weights is not None:
            arrays |= self.weights.arrays()
        content = io.BytesIO()
        np.savez_compressed(content, about=np.array(json.dumps(about)), **arrays)
        with atomic_open(path) as file:
            file.write(content.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> "Run":
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            For any other file, a damaged one, or one whose parts contradict one another.
        """
        import pandas as pd

        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                about = json.loads(str(arrays["about"]))
                about["config"] = Config(**about["config"])
                columns = [name for name in COLUMNS if name in arrays]
                history = pd.DataFrame({name: arrays[name] for name in columns})
                weights = Weights.from_arrays(arrays) if "w1" in arrays else None
            run = cls(history=history, weights=weights, **about)
            run._check()
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} is not a stored run, or is damaged: {error}") from error
        return run

    def without_weights(self) -> "Run":
        """The same run with `weights` None."""
        return replace(self, weights=None)

    def _check(self) -> None:
        """Raise ValueError for parts that do not belong together."""
        expected = COLUMNS if self.config.n_validation else COLUMNS[:-1]
        if tuple(self.history.columns) != expected:
            raise ValueError(f"its history has the columns {', '.join(self.history.columns)}")
        epochs = (np.arange(len(self.history)) + 1) / CHECKPOINTS_AN_EPOCH
        if not 0 < len(epochs) <= CHECKPOINTS_AN_EPOCH * self.config.epochs or (
            self.history["epoch"].to_numpy() != epochs
        ).any():
            raise ValueError("its history is not one row each half epoch")
        if self.weights is None:
            return
        if self.weights.digest != self.digest:
            raise ValueError("its weights are not those of its digest")
        if self.weights.sizes[1:-1] != self.config.hidden or self.weights.threshold != self.config.threshold:
            raise ValueError("its weights do not fit its configuration")
