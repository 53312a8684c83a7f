"""Headers of a log -> which column is what: the roles of columns, their usual names, and the kind of log they make.

Knows text only, no files and no rows. Standard library only, so that light commands can use the same names.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from fsmlearn.errors import LogError

LogKind = Literal["visible", "hidden", "sequence"]
Clock = Literal["", "number", "date"]  # steps are whole numbers, or seconds with decimals, or dates and times

# Headers by role, without case, "_", "-" and spaces. The first is the canonical one, the others of the first group
# say what they are as well; those of the second are customary elsewhere, and guesses here. Earlier groups win.
_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "trace": (("trace", "traceid", "case:concept:name"), ("case", "caseid", "run", "runid", "session", "sessionid")),
    "step": (("step", "stepid"), ("index",)),
    "state": (("currentstate", "state", "fromstate"), ("from", "source", "src")),
    "trigger": (("trigger",), ("input", "action")),
    "next_state": (("nextstate", "tostate"), ("to", "target", "dst")),
    "output": (("output",), ("response",)),
    "event": (("event", "concept:name"), ("activity",)),
}
_TIMES = ("time", "timestamp", "time:timestamp")  # the step where there is no other, and where they can be read
SYNONYMS = {role: sum(groups, ()) for role, groups in _NAMES.items()}
HEADERS = {role: role for role in SYNONYMS} | {"state": "current_state"}  # as we write and name them
NEEDED: Mapping[LogKind, tuple[str, ...]] = {
    "visible": ("state", "trigger", "next_state"),
    "hidden": ("trigger", "output"),
    "sequence": ("event",),
}
VARIABLE = "="  # a column of a variable has the role "=" and its header
DELIMITERS = ",\t;|"


@dataclass(frozen=True, slots=True)
class Variables:
    """Columns that say how things stand, in place of names of states."""

    state: tuple[str, ...] = ()  # whose values together are the visible state
    inputs: tuple[str, ...] = ()  # whose changes are triggers where no column names one
    levels: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))  # where to cut them

    def __bool__(self) -> bool:
        return bool(self.state)

    @property
    def all(self) -> tuple[str, ...]:
        """The variables, each once."""
        return tuple(dict.fromkeys((*self.state, *self.inputs)))


NONE = Variables()


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one file are."""

    kind: LogKind
    headers: tuple[str, ...]
    position: Mapping[str, int]  # role -> index into headers
    line: int  # of the header
    guessed: tuple[str, ...] = ()  # the roles whose headers do not say so themselves
    chosen: tuple[str, ...] = ()  # the roles whose headers somebody named
    timed: bool = False  # the step may be a time
    clock: Clock = ""
    unread: str | None = None  # the header of times that nobody can read

    @property
    def columns(self) -> dict[str, str]:
        """Role -> header."""
        return {role: self.headers[i] for role, i in self.position.items()}

    @property
    def variables(self) -> tuple[str, ...]:
        """The roles that are variables."""
        return tuple(role for role in self.position if role.startswith(VARIABLE))

    def check_start(self, name: str) -> None:
        """Raise LogError where a start state could not cut the traces of this log."""
        if self.kind != "visible":
            raise LogError(f"{name}:{self.line}: a start state cuts traces, but this log shows no states; leave it out")

    def without_step(self) -> Layout:
        """The same where the times cannot be read, so that nothing says the order of rows but the file."""
        position = {role: i for role, i in self.position.items() if role != "step"}
        guessed = tuple(role for role in self.guessed if role != "step")
        return replace(self, position=position, guessed=guessed, timed=False, unread=self.columns["step"])


def read_layout(
    headers: Sequence[str],
    line: int,
    name: str,
    chosen: Mapping[str, str],
    variables: Variables = NONE,
    known: LogKind | None = None,
) -> Layout:
    """The layout that the headers of a file tell; `chosen` maps roles to headers where the headers do not tell, and
    `known` is the kind of log where that is no question.

    Raises LogError where a role or a variable has no column, or several.
    """
    place, headers = f"{name}:{line}", tuple(headers)
    position = {role: _named(wanted, headers, place, _part(role)) for role, wanted in chosen.items()}
    for each in variables.all:
        position[VARIABLE + each] = _named(each, headers, place, "variable")
    guessed = []
    for role, groups in _NAMES.items():
        for group in groups:
            if role in position:
                break
            found = [i for i, each in enumerate(headers) if bare(each) in group and i not in position.values()]
            found = [i for i in found if bare(headers[i]) == groups[0][0]] or found
            if len(found) > 1:
                raise LogError(
                    f"{place}: the columns {quoted(headers[i] for i in found)} could all be the {HEADERS[role]}; "
                    f"rename the one that is meant to {HEADERS[role]}, or the others"
                )
            if found:
                position[role] = found[0]
                guessed += [role] * (group is not groups[0])
    timed = "step" in chosen
    if "step" not in position:
        times = [i for i, each in enumerate(headers) if bare(each) in _TIMES and i not in position.values()]
        if times:
            position["step"], timed = times[0], True
            guessed.append("step")
    kind: LogKind
    needed: tuple[str, ...]
    if variables:
        kind, needed = "visible", ("trigger",) if "trigger" in chosen or "event" in chosen else ()
    else:
        kind = known or _kind(position, chosen, guessed)
        needed = NEEDED[kind]
    other, own = ("trigger", "event") if kind == "sequence" else ("event", "trigger")
    if other in position and own not in position:
        position[own] = position[other]
        guessed.append(own)
    missing = [role for role in needed if role not in position]
    if missing:
        free = [each for i, each in enumerate(headers) if i not in position.values()]
        raise LogError(
            f"{place}: no column for the {' and '.join(HEADERS[role] for role in missing)} in {quoted(headers)}; "
            "a log has [trace,] step, current_state, trigger, next_state [, output], or [step,] trigger, output, "
            f"or [step,] event; {', '.join(_hint(role, free) for role in missing)}"
        )
    also = [VARIABLE + each for each in variables.all] + ["trigger"] if variables else ["output"] * (kind == "visible")
    roles = dict.fromkeys([*needed, "trace", "step", *also])
    kept = {role: position[role] for role in roles if role in position}
    told = tuple(role for role in guessed if role in kept)
    return Layout(kind, headers, kept, line, told, tuple(role for role in chosen if role in kept), timed)


def perhaps_variables(headers: Sequence[str]) -> list[int]:
    """The columns that might be variables in a log that shows neither states nor outputs; none in another."""
    plain = [bare(each) for each in headers]
    if {each for role in ("state", "next_state", "output") for each in SYNONYMS[role]} & set(plain):
        return []
    taken = {each for role in ("trace", "step", "trigger", "event") for each in SYNONYMS[role]} | set(_TIMES)
    return [at for at, each in enumerate(plain) if each not in taken]


def quoted(headers: Iterable[str]) -> str:
    """Headers as messages name them."""
    return ", ".join(repr(header) for header in headers)


def _part(role: str) -> str:
    if role not in SYNONYMS:
        raise LogError(f"{role!r} is no role of a column; the roles are {', '.join(SYNONYMS)}")
    return HEADERS[role]


def bare(header: str) -> str:
    """A header without what makes no difference: case, white space, "_" and "-"."""
    return re.sub(r"[\s_-]", "", header.casefold())


def _named(header: str, headers: tuple[str, ...], place: str, what: str) -> int:
    """The column that somebody names."""
    found = [i for i, each in enumerate(headers) if each == header] or [
        i for i, each in enumerate(headers) if bare(each) == bare(header)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LogError(f"{place}: {len(found)} columns are called {header!r}; rename all but one")
    near = difflib.get_close_matches(header, headers, 1)
    raise LogError(
        f"{place}: no column {header!r} for the {what}; the columns are {quoted(headers)}"
        + (f"; did you mean {near[0]!r}?" if near else "; choose one of them")
    )


def _kind(position: Mapping[str, int], chosen: Mapping[str, str], guessed: Sequence[str]) -> LogKind:
    """The kind of log that these roles make, or nearly make: what has a state is meant to have a next state too, but
    what is only guessed to be one (a column `source`) says nothing alone."""
    states = {"state", "next_state"} & position.keys()
    if "event" in chosen:
        return "sequence"
    if len(states) == 2 or (states.difference(guessed) and "output" not in chosen):
        return "visible"
    if "event" in position and "output" not in position:
        return "sequence"
    return "hidden" if {"trigger", "output"} & position.keys() else "visible"


def _hint(role: str, free: list[str]) -> str:
    """What to do about a role without a column; `free` are the headers that have no role."""
    for near in difflib.get_close_matches(SYNONYMS[role][0], [bare(header) for header in free], 1):
        return f"rename {next(header for header in free if bare(header) == near)!r} to {HEADERS[role]}"
    return f"add or name a column {HEADERS[role]}"
