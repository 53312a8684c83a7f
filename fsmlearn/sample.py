"""A few traces of the log as a model file keeps them, to make pictures and replays of when the log is not at hand.

Plain data in codes, with the words and the places in the files that the codes stand for. Standard library only; which
traces are kept is for `sampling` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fsmlearn.about import Stored


@dataclass(frozen=True, slots=True)
class SampledTrace:
    """The first T rows of a trace as the network learned from them. Codes are indices into the words of the sample, -1
    where the log has none."""

    name: str
    alike: int  # traces that were learned from with the same inputs, this one included
    state: tuple[int, ...]  # (T,)
    trigger: tuple[int, ...]  # (T,)
    next_state: tuple[int, ...]  # (T,)
    output: tuple[int, ...]  # (T,)
    file: tuple[int, ...]  # (T,)
    line: tuple[int, ...]  # (T,)

    def __len__(self) -> int:
        return len(self.trigger)


@dataclass(frozen=True, slots=True)
class Sample(Stored):
    """Traces with different inputs, and the words in the order in which the network knows them.

    The events of a log of events are its triggers. Codes that stand for nothing raise ValueError.
    """

    kind: str = "visible"
    files: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    answers: tuple[tuple[int, int], ...] = ()  # target word of the network -> (next state, output)
    traces: tuple[SampledTrace, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("visible", "hidden", "sequence"):
            raise ValueError(f"sample.kind is {self.kind!r}")
        _check("answers", [state for state, _ in self.answers], -1, len(self.states))
        _check("answers", [output for _, output in self.answers], -1, len(self.outputs))
        for trace in self.traces:
            columns = (trace.state, trace.next_state, trace.output, trace.file, trace.line)
            if any(len(column) != len(trace) for column in columns):
                raise ValueError("sample.traces has columns of different lengths")
            _check("traces", trace.trigger, 0, len(self.triggers))
            _check("traces", trace.file, 0, len(self.files))
            _check("traces", trace.output, -1, len(self.outputs))
            _check("traces", trace.state, 0 if self.kind == "visible" else -1, len(self.states))
            _check("traces", trace.next_state, 0 if self.kind == "visible" else -1, len(self.states))

    @property
    def words(self) -> int:
        """Input words of a network that learned from such rows."""
        return len(self.states) * (self.kind == "visible") + len(self.triggers) + (self.kind == "sequence")


def _check(where: str, codes: Sequence[int], least: int, words: int) -> None:
    if any(not least <= code < words for code in codes):
        raise ValueError(f"sample.{where} has a code that stands for nothing")
