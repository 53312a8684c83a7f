"""Header of a log -> which column is what: the roles of columns, their usual names, and the kind of log they make.

Knows text only, no files and no rows. Standard library only, so that light commands can use the same names.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from fsmlearn.errors import LogError

LogKind = Literal["visible", "hidden", "sequence"]

DELIMITERS = ",\t;|"
# Headers by role, without case, "_", "-" and spaces; the first is the canonical one and wins over the others.
SYNONYMS = {
    "trace": ("trace", "traceid", "case", "caseid", "run", "runid"),
    "step": ("step", "stepid", "index"),
    "state": ("currentstate", "state", "fromstate", "from", "source"),
    "trigger": ("trigger", "input", "action"),
    "next_state": ("nextstate", "tostate", "to", "target"),
    "output": ("output", "response"),
    "event": ("event", "activity"),
}
HEADERS = {role: role for role in SYNONYMS} | {"state": "current_state"}  # as we write and name them
NEEDED: Mapping[LogKind, tuple[str, ...]] = {
    "visible": ("state", "trigger", "next_state"),
    "hidden": ("trigger", "output"),
    "sequence": ("event",),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of one file are."""

    kind: LogKind
    delimiter: str
    headers: tuple[str, ...]
    position: Mapping[str, int]  # role -> index into headers
    line: int  # of the header

    @property
    def columns(self) -> dict[str, str]:
        """Role -> header."""
        return {role: self.headers[i] for role, i in self.position.items()}


def read_header(header: str, line: int, name: str, chosen: Mapping[str, str], wanted: LogKind | None = None) -> Layout:
    """The layout that the header of a file tells; `chosen` maps roles to headers where the names do not tell, and
    `wanted` is the kind of log where that is known.

    The delimiter is the one that makes most fields. Raises LogError where a role has no column, or several.
    """
    place = f"{name}:{line}"
    delimiter, headers = max((_split(header, each, place) for each in DELIMITERS), key=lambda split: len(split[1]))
    position = {role: _chosen_column(role, wanted, headers, place) for role, wanted in chosen.items()}
    for role, synonyms in SYNONYMS.items():
        if role in position:
            continue
        found = [i for i, each in enumerate(headers) if _plain(each) in synonyms and i not in position.values()]
        found = [i for i in found if _plain(headers[i]) == synonyms[0]] or found
        if len(found) > 1:
            raise LogError(
                f"{place}: the columns {quoted(headers[i] for i in found)} could all be the {HEADERS[role]}; "
                f"rename the one that is meant to {HEADERS[role]}, or the others"
            )
        if found:
            position[role] = found[0]
    kind = wanted or _kind(position, chosen)
    other = ("event", "trigger") if kind == "sequence" else ("trigger", "event")
    if other[1] in position:
        position.setdefault(other[0], position[other[1]])
    missing = [role for role in NEEDED[kind] if role not in position]
    if missing:
        free = [each for i, each in enumerate(headers) if i not in position.values()]
        raise LogError(
            f"{place}: no column for the {' and '.join(HEADERS[role] for role in missing)} in {quoted(headers)}; "
            "a log has [trace,] step, current_state, trigger, next_state [, output], or [step,] trigger, output, "
            f"or [step,] event; {', '.join(_hint(role, free) for role in missing)}"
        )
    roles = (*NEEDED[kind], "trace", "step", *(["output"] if kind == "visible" else []))
    return Layout(kind, delimiter, headers, {role: position[role] for role in roles if role in position}, line)


def quoted(headers: Iterable[str]) -> str:
    """Headers as messages name them."""
    return ", ".join(repr(header) for header in headers)


def _split(header: str, delimiter: str, place: str) -> tuple[str, tuple[str, ...]]:
    rows = csv.reader(io.StringIO(header, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        cells = next(rows)
    except csv.Error as error:
        raise LogError(f"{place}: the header cannot be read ({error}); give a CSV or TSV log") from error
    return delimiter, tuple(cell.strip() for cell in cells)


def _plain(header: str) -> str:
    return re.sub(r"[\s_-]", "", header.casefold())


def _chosen_column(role: str, header: str, headers: tuple[str, ...], place: str) -> int:
    if role not in SYNONYMS:
        raise LogError(f"{role!r} is no role of a column; the roles are {', '.join(SYNONYMS)}")
    found = [i for i, each in enumerate(headers) if each == header] or [
        i for i, each in enumerate(headers) if _plain(each) == _plain(header)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LogError(f"{place}: {len(found)} columns are called {header!r}; rename all but one")
    near = difflib.get_close_matches(header, headers, 1)
    raise LogError(
        f"{place}: no column {header!r} for the {HEADERS[role]}; the columns are {quoted(headers)}"
        + (f"; did you mean {near[0]!r}?" if near else "; choose one of them")
    )


def _kind(position: Mapping[str, int], chosen: Mapping[str, str]) -> LogKind:
    """The kind of log that these roles make, or nearly make: what has a state is meant to have a next state too."""
    states = {"state", "next_state"} & position.keys()
    if "event" in chosen:
        return "sequence"
    if len(states) == 2 or (states and "output" not in chosen):
        return "visible"
    if "event" in position and "output" not in position:
        return "sequence"
    return "hidden" if {"trigger", "output"} & position.keys() else "visible"


def _hint(role: str, free: list[str]) -> str:
    """What to do about a role without a column; `free` are the headers that have no role."""
    for near in difflib.get_close_matches(SYNONYMS[role][0], [_plain(header) for header in free], 1):
        return f"rename {next(header for header in free if _plain(header) == near)!r} to {HEADERS[role]}"
    return f"add or name a column {HEADERS[role]}"
