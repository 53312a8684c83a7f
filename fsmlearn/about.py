"""What a training run read, dropped, trained and found, as plain data.

`report` shows it, `store` keeps it beside the machine. Standard library only, and no arrays: a report of a
stored model must start without NumPy and without the log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

Verdict = Literal["learned", "noise", "only learned", "only seen"]


class Stored:
    """A dataclass that a model file keeps as JSON."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it, numbers that are none (a loss without rows) being null; `from_dict` is the inverse."""
        data: dict[str, Any] = plain(self)
        return data

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what `to_dict` wrote; ValueError says what does not fit."""
        value: Self = shaped(cls, data, cls.__name__.lower())
        return value


@dataclass(frozen=True, slots=True)
class LogSummary:
    """What was read."""

    kind: str
    files: tuple[str, ...]
    columns: Mapping[str, str]  # role -> header
    rows: int
    traces: int
    states: int
    triggers: int
    outputs: int
    fingerprint: str  # SHA-256 over the coded rows
    oddities: tuple[tuple[str, int, str, str], ...]  # (what, count, where, what was done)


@dataclass(frozen=True, slots=True)
class VariableSummary:
    """One variable: its value is part of the visible state, or its changes are triggers."""

    name: str
    values: tuple[str, ...]  # words of the log, or names of levels
    levelled: bool  # whether it is a number that was cut into levels
    cuts: tuple[float, ...]  # between levels
    bands: tuple[tuple[float, float], ...]  # about the cuts, in which a value stays on the level that it came from
    given: bool  # whether somebody gave the cuts
    usual: int  # that it has most often, an index into values


@dataclass(frozen=True, slots=True)
class Moved:
    """What one trigger moves."""

    trigger: str
    rows: int
    moved: tuple[int, ...]  # of these, rows in which each variable took another value


@dataclass(frozen=True, slots=True)
class GridSummary:
    """What was made of rows that say how things stand; empty for other logs."""

    rows: int = 0  # of the log; its moves are fewer
    trigger: Literal["", "before", "after"] = ""  # when what a row names as its trigger happened, if rows name one
    variables: tuple[VariableSummary, ...] = ()  # of the states
    inputs: tuple[VariableSummary, ...] = ()  # whose changes are triggers, the first first
    moves: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseSummary:
    """What was not believed: every kind with its estimated rate, and how many rows were dropped and repaired."""

    rates: Mapping[str, float]  # kind -> share of rows
    counts: Mapping[str, int]  # kind -> rows found
    dropped: int
    repaired: int
    gaps: int  # places where rows seem to be lost
    examples: tuple[tuple[str, str, str, str], ...]  # (where, action, kind, reason), the first ten thousand


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One line of the training curve. Losses are nats per row."""

    index: int
    loss: float
    accuracy: float
    held_out_loss: float
    held_out_accuracy: float
    gradient_norm: float
    learning_rate: float


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """How training went."""

    cell: str
    activation: str
    hidden: int
    parameters: int
    rows: int  # clean rows trained on
    histories: int  # of them with different inputs since the start of their traces
    epochs: tuple[EpochSummary, ...]
    best: int  # index of the epoch whose weights were kept
    interrupted: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ExtractionSummary:
    """How the table was found."""

    vectors: int  # hidden vectors clustered
    clusters: int  # groups before merging
    states: int  # states of the machine
    misfits: int  # clean rows that the machine gives no place
    seconds: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well one predictor knew the events of traces that it was not learned from."""

    predictor: str
    loss: float  # mean nats an event, the end of a trace being one
    accuracy: float  # share of events that it held for the likeliest

    @property
    def perplexity(self) -> float:
        """Among how many equally likely events a choice would be as hard."""
        return math.exp(self.loss)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What traces of events that were held out say of a machine learned without them; empty for other logs."""

    traces: int = 0
    events: int = 0  # that were predicted, ends included
    states: int = 0  # of the machine that was learned without them, beside the end
    scores: tuple[Score, ...] = ()
    pieces: int = 0  # of the traces, which are not whole


@dataclass(frozen=True, slots=True)
class Comparison:
    """One transition: how often it was observed and what the machine made of it.

    States are the visible ones; where the log hides them, those of the machine.
    """

    state: str
    trigger: str
    next_state: str
    output: str | None
    observed: int  # rows of the log as read
    noise: int  # of these, rows that were not believed
    learned: float  # probability of this transition in the machine, over the rows of (state, trigger)
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Support:
    """How well the log bears out one thing that the machine says: that there is a state, or where a transition leads.

    `nats` is what the log would lose if the next best were true: the rows in the state had been in `rival` instead, or
    the transition led there. Three nats are odds of 20 to 1. It is 0 where no row after a transition tells where it
    led, and nan where the log allows nothing else.
    """

    state: str  # of the machine
    trigger: str | None  # None: it is the state that is meant
    next_state: str | None
    output: str | None
    rows: int  # in the state, or of the transition
    against: int  # other rows of the same state (and trigger) that the machine does not believe
    rival: str | None  # state that the log would do with at the least loss
    nats: float


@dataclass(frozen=True, slots=True)
class About(Stored):
    """Everything `report` needs beside the machine."""

    log: LogSummary
    noise: NoiseSummary
    training: TrainingSummary
    extraction: ExtractionSummary
    comparison: tuple[Comparison, ...]
    support: tuple[Support, ...]  # of the states, then of the transitions, in the order of the machine
    settings: Mapping[str, str | int | float | bool | None]
    versions: Mapping[str, str] = field(default_factory=dict)  # package -> version
    held_out: HeldOut = HeldOut()
    grid: GridSummary = GridSummary()

    @property
    def clean(self) -> int:
        """Rows of the log without those that were dropped; the network may have learned from an excerpt of them."""
        return self.log.rows - self.noise.dropped


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a machine comes from that was not learned; it stands where others have their `About`."""

    imported: str  # the file
    version: str  # of fsmlearn

    @staticmethod
    def fits(data: Any) -> bool:
        """Whether this is what JSON knows of an origin, and not of an `About`."""
        return isinstance(data, dict) and "imported" in data

    @classmethod
    def from_dict(cls, data: Any) -> Origin:
        """Read what JSON knows of it; ValueError says what does not fit."""
        origin: Origin = shaped(cls, data, "about")
        return origin


def plain(value: Any) -> Any:
    """Dataclasses and mappings as dicts, tuples as lists: what JSON knows."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        if set(map(type, value)) <= {str, int}:  # there may be many
            return list(value)
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shaped(kind: Any, value: Any, where: str) -> Any:
    """The inverse of `plain`: `value` as the annotation `kind` asks for, or ValueError naming the place."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        hints = get_type_hints(kind)
        if value.keys() == hints.keys():
            return kind(**{name: shaped(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})
    elif origin is tuple and isinstance(value, list):
        if inner == (int, Ellipsis) and set(map(type, value)) <= {int}:  # there may be many
            return tuple(value)
        if inner[-1] is Ellipsis:
            return tuple(shaped(inner[0], each, where) for each in value)
        if len(inner) == len(value):
            return tuple(shaped(hint, each, where) for hint, each in zip(inner, value, strict=True))
    elif origin is Mapping and isinstance(value, dict):
        return {key: shaped(inner[1], each, f"{where}.{key}") for key, each in value.items()}
    elif origin is Literal:
        if value in inner:
            return value
    elif origin is UnionType:
        if type(value) in inner:
            return value
    elif kind is float and (value is None or type(value) in (int, float)):
        return math.nan if value is None else float(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"{where} is not what it should be")
