"""The settings of a run: all that it depends on besides the data and the backend."""

import reprlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from snnbp.backends.rule import Rule
from snnbp.circuit.loihi import INHIBITION, THRESHOLD, WEIGHT_GRID, mantissa_exponent
from snnbp.circuit.weights import SCALE_MAX


def _plain(value: Any) -> Any:
    """Convert NumPy's numbers to Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _layers(value: Any) -> Any:
    """Convert a number (one hidden layer), list or array to a tuple."""
    value = value.tolist() if isinstance(value, np.ndarray) else _plain(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else (value,)


Whole = Annotated[int, BeforeValidator(_plain)]
Size = Annotated[int, Field(ge=1, le=131_072)]
Count = Annotated[Whole, Field(ge=0, le=1_000_000_000)]


class Config(BaseModel):
    """The settings of one training; the defaults are the paper's.

    Parameters
    ----------
    hidden : int or sequence of int, default 400
        Neurons of each hidden layer, up to the 131,072 of a chip; stored as a tuple.
    epochs : int, default 60
        At most 10^9, as `n_validation`.
    seed : int, default 1
        Seed of the initial weights and of the order of samples, below 2^64.
    rule : str, default "circuit"
        Learning rule, one of `snnbp.backends.rule.RULES`.
    threshold : int, default 1024
        Firing threshold (weight units): even, within [2, 131070].
    step : int, default 2
        Learning step (weight units): even, within [2, 254].
    init_scale : float, default 1.0
        Factor on the standard deviation of the initial weights, up to 10^6.
    n_validation : int, default 0
        Number of training images (the last ones) that are held out and scored at every checkpoint.
    inhibition : int, default -8128
        Weight (weight units, negative) that inhibits a population.
    open_target : bool, default False
    margin : int, default 0
        Variants of the output error, see `snnbp.backends.rule.Rule`.
    shift : {0, 1}, default 0
        With 1, each presentation moves the image by a random -1, 0 or +1 pixel in each direction.
    feedback : {"exact", "random", "sign", "cut"}, default "exact"
        What carries the error back, see `snnbp.training.feedback`.

    Raises
    ------
    ValueError
        For an unknown name or a value of another type or out of range, in one line.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    hidden: Annotated[tuple[Size, ...], BeforeValidator(_layers), Field(min_length=1)] = (400,)
    epochs: Annotated[Count, Field(ge=1)] = 60
    seed: Annotated[Whole, Field(ge=0, lt=2**64)] = 1
    rule: str = "circuit"
    threshold: Whole = THRESHOLD
    step: Whole = WEIGHT_GRID
    init_scale: Annotated[float, BeforeValidator(_plain), Field(gt=0, le=SCALE_MAX, allow_inf_nan=False)] = (
        1.0
    )
    n_validation: Count = 0
    inhibition: Annotated[Whole, Field(lt=0)] = INHIBITION  # at least -255 * 2^7
    open_target: bool = False
    margin: Whole = 0
    shift: Annotated[Whole, Field(ge=0, le=1)] = 0
    feedback: Literal["exact", "random", "sign", "cut"] = "exact"

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError(one_line(error)) from None

    @model_validator(mode="after")
    def _fits(self) -> "Config":
        self.learning_rule  # noqa: B018 - raises for a bad rule, threshold or step
        try:
            mantissa_exponent(self.inhibition)
        except ValueError as error:
            raise ValueError(f"inhibition: {error}") from error
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Config":
        """A copy with some fields changed, checked like a new one."""
        return Config(**(self.model_dump() | dict(update or {})))

    @property
    def learning_rule(self) -> Rule:
        """The learning rule with this threshold, step and output error."""
        return Rule(self.rule, self.threshold, self.step, self.open_target, self.margin)


def one_line(error: ValidationError) -> str:
    """Format a validation error as one line that names each wrong value."""
    complaints = []
    for found in error.errors(include_url=False):
        name = ".".join(map(str, found["loc"]))
        text = found["msg"].removeprefix("Value error, ").partition("\n")[0]
        if found["type"] == "extra_forbidden" and error.title == Config.__name__:
            text = f"unknown field, choose from {', '.join(Config.model_fields)}"
        complaints.append(f"{name}: {text}, got {reprlib.repr(found['input'])}" if name else text)
    return "; ".join(complaints)
