"""A training in a file: what it needs to go on from the end of an epoch. Whole or not at all, no pickle."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snnbp.files import atomic_open
from snnbp.circuit.weights import Weights


def save(
    path: str | Path,
    run_of: Mapping[str, Any],
    weights: Weights,
    history: Sequence[Sequence[float]],
    overdriven: int,
) -> None:
    """Write the state; `run_of` (JSON values) says which run it belongs to."""
    about = json.dumps({"run_of": run_of, "history": history, "overdriven": overdriven})
    content = io.BytesIO()
    np.savez(content, w1=weights.matrices[0], w2=weights.matrices[1], about=np.array(about))
    with atomic_open(path) as file:
        file.write(content.getvalue())


def load(path: str | Path, run_of: Mapping[str, Any]) -> tuple[Weights, list[list[Any]], int]:
    """Weights, rows of the history and count of overdriven samples, as saved.

    Raises ValueError for a file that is damaged or belongs to another run, FileNotFoundError for none.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            weights, about = Weights(arrays["w1"], arrays["w2"]), json.loads(str(arrays["about"]))
        found, history, overdriven = about["run_of"], about["history"], about["overdriven"]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a checkpoint, or is damaged: delete it to start anew") from error
    if found != run_of:
        raise ValueError(f"{path} is the checkpoint of another run: {found}")
    return weights, history, overdriven
