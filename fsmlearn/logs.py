"""Files in, one `Log` of integer arrays out; the only module that imports pandas.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and
located in `Log.oddities`, what cannot be read is refused with one line naming file, line and remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
LogKind = Literal["visible", "hidden", "sequence"]

UNKNOWN = -1  # the code of a cell without a word


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a log that a user should know of, though it could be read."""

    what: str  # e.g. "duplicated step"
    count: int  # how often
    where: str  # "file:line" of the first
    done: str  # what was done about it


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of one or more log files, ordered by trace and by step inside a trace.

    Letters: N rows, R traces, S visible states, A triggers, O outputs. Trace r is the rows
    offsets[r]:offsets[r + 1]. Columns that the log does not have hold UNKNOWN throughout.
    """

    kind: LogKind
    files: tuple[str, ...]
    columns: Mapping[str, str]  # role ("trace", "step", "state", "trigger", "next_state", "output") -> header
    states: tuple[str, ...]  # (S,)
    triggers: tuple[str, ...]  # (A,)
    outputs: tuple[str, ...]  # (O,), () where the log has no output column
    traces: tuple[str, ...]  # (R,) names
    offsets: NDArray[np.int64]  # (R + 1,)
    file: IntArray  # (N,) index into files
    line: IntArray  # (N,) line in that file, the header being line 1
    step: NDArray[np.int64]  # (N,) as written, or counted where the log has no step column
    state: IntArray  # (N,) index into states
    trigger: IntArray  # (N,) index into triggers
    next_state: IntArray  # (N,) index into states
    output: IntArray  # (N,) index into outputs
    oddities: tuple[Oddity, ...] = ()

    def __len__(self) -> int:
        return len(self.trigger)
