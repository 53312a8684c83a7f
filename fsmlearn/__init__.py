"""Learn the state machine behind a log file.

`learn("log.csv")` runs every stage and returns what came of it; the stages are modules of their own. Nothing heavy
is imported until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsmlearn.pipeline import Learned, learn

__version__ = "0.1.0"
__all__ = ["Learned", "__version__", "learn"]


def __getattr__(name: str) -> Any:
    if name in ("Learned", "learn"):
        from fsmlearn import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'fsmlearn' has no attribute {name!r}")
