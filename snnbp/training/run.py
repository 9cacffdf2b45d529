"""A finished or interrupted training, and the one file format that holds it."""

import hashlib
import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snnbp import __version__
from snnbp.cards import Card
from snnbp.circuit.weights import Weights
from snnbp.files import atomic_open, read_arrays
from snnbp.training.config import Config, one_line
from snnbp.training.metrics import Scores

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("epoch", *Scores._fields[:-1], "validation", "overdriven", "weights")
"""Columns of a history; `validation` only if some images are held out."""
DIGITS = 12
"""Digits of the weights' digest in a row of a history."""

CHECKPOINTS_AN_EPOCH = 2
STATISTICS = ("final", "best", "mean_last_10", "selected")

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _About(BaseModel):
    """The part of a stored run that is not an array; `history` is the digest of its columns."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: str
    config: Config
    backend: str
    data: Digest
    digest: Digest
    n_overdriven: Annotated[int, Field(ge=0)]
    history: Digest
    circuit: Digest | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Run(Card):
    """A training: what it depended on and what came out.

    Parameters
    ----------
    config : Config
    backend : str
    data : str
        Digest of the data set; with `config.shift` also of the pixels around the images.
    history : pandas.DataFrame
        One row a checkpoint: `epoch`, the columns of `Scores` on the test set (fractions and counts),
        `validation`, the accuracy (spikes) on the held-out images, if there are any, `overdriven`, the
        `n_overdriven` so far, and `weights`, the first 12 digits of the weights' digest.
    digest : str
        SHA-256 of the final weights, see `Weights.digest`.
    n_overdriven : int
        Number of presented samples beyond the circuit's validity bound.
    weights : Weights or None
        None if the file was saved without them.
    seconds : float
        Duration; not stored, NaN when loaded.
    version : str
        Version of the package that trained.
    circuit : str or None
        Digest of a circuit of one's own, see `Circuit.digest`; None for the one that `config` declares.
    """

    config: Config
    backend: str
    data: str
    history: "pd.DataFrame" = field(repr=False)
    digest: str
    n_overdriven: int
    weights: Weights | None = field(default=None, repr=False)
    seconds: float = float("nan")
    version: str = __version__
    circuit: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "_history", _digest(self.history))

    def _card(self) -> dict[str, Any]:
        last = {} if self.history.empty else dict(self.history.iloc[-1])
        return {
            "hidden": self.config.hidden,
            "rule": self.config.rule,
            "seed": self.config.seed,
            "backend": self.backend,
            "epochs": f"{last.get('epoch', 0):g} of {self.config.epochs}",
            "accuracy": f"{last.get('spikes', float('nan')):.2%}",
            "digest": self.digest[:DIGITS],
            **({} if self.circuit is None else {"circuit": self.circuit[:DIGITS]}),
        }

    def check_history(self) -> None:
        """Raise ValueError if the history was changed since the run was made."""
        if _digest(self.history) != self.__dict__["_history"]:
            raise ValueError("the history of the run was changed: change a copy, run.history.copy()")

    @property
    def finished(self) -> bool:
        """True if all epochs of the configuration are done."""
        return len(self.history) == CHECKPOINTS_AN_EPOCH * self.config.epochs

    @property
    def collapsed(self) -> bool:
        """True if, at the last checkpoint, some output never spikes on the test set."""
        return int(self.history["dead"].iloc[-1]) > 0

    def statistic(self, which: str, column: str) -> float:
        """Reduce a column of the history to one number.

        Parameters
        ----------
        which : {"final", "best", "mean_last_10", "selected"}
            The last checkpoint, the best one, the mean of the last ten epochs, or the first checkpoint with
            the best accuracy on held-out images. Unlike "best", that does not use the test set.
        column : str

        Raises
        ------
        ValueError
            For another name or column, or "selected" without held-out images.
        """
        if column not in list(self.history):
            raise ValueError(f"no column {column!r}: choose one of {', '.join(map(str, self.history))}")
        curve = self.history[column]
        if which == "final":
            return float(curve.iloc[-1])
        if which == "best":
            return float(curve.max())
        if which == "mean_last_10":
            return fmean(curve.iloc[-10 * CHECKPOINTS_AN_EPOCH :])
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

        Raises
        ------
        ValueError
            If the history was changed since the run was made.

        Notes
        -----
        The file holds w1, w2, ... and threshold as `Weights.save` does, one array for each column of the
        history, and `about`, JSON text with the rest. The same run gives the same bytes.
        """
        self.check_history()
        about = _About(
            version=self.version,
            config=self.config,
            backend=self.backend,
            data=self.data,
            digest=self.digest,
            n_overdriven=self.n_overdriven,
            history=_digest(self.history),
            circuit=self.circuit,
        )
        arrays: dict[str, Any] = _columns(self.history)
        if weights and self.weights is not None:
            arrays |= self.weights.arrays()
        content = io.BytesIO()
        np.savez_compressed(content, about=np.array(about.model_dump_json(exclude_none=True)), **arrays)
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
            For any other file, a damaged one, or one whose parts are inconsistent.
        """
        import pandas as pd

        try:
            arrays = read_arrays(path)
            about = _About.model_validate_json(str(arrays.get("about", "")))
            history = pd.DataFrame({name: arrays[name] for name in COLUMNS if name in arrays})
            if _digest(history) != about.history:
                raise ValueError("its history does not match its digest")
            run = cls(
                config=about.config,
                backend=about.backend,
                data=about.data,
                history=history,
                digest=about.digest,
                n_overdriven=about.n_overdriven,
                weights=Weights.from_arrays(arrays) if "w1" in arrays else None,
                version=about.version,
                circuit=about.circuit,
            )
            run.check()
        except ValueError as error:
            reason = one_line(error) if isinstance(error, ValidationError) else error
            raise ValueError(f"{path} is not a stored run, or is damaged: {reason}") from error
        return run

    def to_frame(self) -> "pd.DataFrame":
        """Return the history with the run's settings, for CSV or Parquet.

        Returns
        -------
        pandas.DataFrame
            One row a checkpoint: `seed`, `rule` and `hidden` (text, such as "400-400"), the columns of the
            history, the other settings, `backend`, `data`, `digest` and `n_overdriven`; also `circuit` if it
            is one's own.
        """
        settings: dict[str, Any] = {"seed": self.config.seed, "rule": self.config.rule}
        settings["hidden"] = "-".join(map(str, self.config.hidden))
        rest = {name: value for name, value in self.config.model_dump().items() if name not in settings}
        frame = self.history.assign(**rest, backend=self.backend, data=self.data, digest=self.digest)
        frame = frame.assign(n_overdriven=self.n_overdriven)
        if self.circuit is not None:
            frame["circuit"] = self.circuit
        for place, (name, value) in enumerate(settings.items()):
            frame.insert(place, name, value)
        return frame

    def without_weights(self) -> "Run":
        """The same run with `weights` None."""
        return replace(self, weights=None)

    def check(self) -> None:
        """Raise ValueError if parts are inconsistent."""
        expected = [name for name in COLUMNS if name != "validation" or self.config.n_validation]
        if list(self.history.columns) != expected:
            raise ValueError(f"its history has the columns {', '.join(self.history.columns)}")
        last = self.history.iloc[-1]
        if (last["overdriven"], last["weights"]) != (self.n_overdriven, self.digest[:DIGITS]):
            raise ValueError("its history ends with other weights")
        epochs = (np.arange(len(self.history)) + 1) / CHECKPOINTS_AN_EPOCH
        if (
            not 0 < len(epochs) <= CHECKPOINTS_AN_EPOCH * self.config.epochs
            or (self.history["epoch"].to_numpy() != epochs).any()
        ):
            raise ValueError("its history is not one row each half epoch")
        if self.weights is None:
            return
        if self.weights.digest != self.digest:
            raise ValueError("its weights do not match its digest")
        if self.weights.sizes[1:-1] != self.config.hidden or self.weights.threshold != self.config.threshold:
            raise ValueError("its weights do not fit its configuration")


def _columns(history: "pd.DataFrame") -> dict[str, NDArray[Any]]:
    """The columns by name, texts as fixed-width arrays."""
    return {
        name: history[name].to_numpy(f"U{DIGITS}" if name == "weights" else None) for name in history.columns
    }


def _digest(history: "pd.DataFrame") -> str:
    """SHA-256 of names and values, little-endian."""
    digest = hashlib.sha256()
    for name, values in _columns(history).items():
        kind = values.dtype.kind
        digest.update(f"{name} {kind} {values.shape}".encode())
        digest.update(values.astype({"f": "<f8", "U": f"<U{DIGITS}"}.get(kind, "<i8")).tobytes())
    return digest.hexdigest()
