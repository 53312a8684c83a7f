"""Judges the rows of a log before anything is learned from it: `Log` -> `Denoised`.

A row is noise where the estimated noise rate alone would produce its transition as often as it is
seen and the rows around it go on as if it had not happened. It knows nothing of networks or machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import Log

Action = Literal["dropped", "repaired"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that was not believed as it stood."""

    row: int  # index into the log as read
    action: Action
    kind: Literal["label", "spurious", "swap"]
    reason: str  # one sentence in the words of the log


@dataclass(frozen=True, eq=False)
class Denoised:
    """The clean log, and what was done to the log as read to get it. N rows as read, M clean rows."""

    source: Log  # as read
    log: Log  # what to learn from: rows dropped, next states repaired, swapped rows back in order
    row: NDArray[np.int64]  # (M,) for each clean row its index in source
    gap: NDArray[np.bool_]  # (M,) True where rows seem to be lost between this row and the one before it in its trace
    findings: tuple[Finding, ...]  # ordered by row
    rates: Mapping[str, float]  # estimated share of rows by kind of noise: label, spurious, swap, drop
