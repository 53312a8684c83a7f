"""Event traces -> n-gram models, the yardstick of everything that predicts the next event.

Traces are lists of event codes; nothing here knows of logs, networks or machines. The end of a trace, its last code,
is an event to predict like any other, and the start is part of the context, so a model is a distribution over whole
traces.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

START = -1  # in contexts only


class NGrams:
    """An interpolated n-gram model after Witten & Bell (1991, method C).

    With c(e) of the n rows of a context, T different events among them, and the context without its oldest event:
    p(e | context) = (c(e) + T p(e | shorter context)) / (n + T); below the empty context all events are alike.
    """

    def __init__(self, traces: Iterable[tuple[Sequence[int], int]], events: int, order: int) -> None:
        """Count traces of the codes 0 .. events - 1, given with how many are alike; `events` is the end, and where the
        last code is another, the trace goes on. ValueError for an order below 1."""
        if order < 1:
            raise ValueError(f"an n-gram has at least one event, not {order}")
        self.events, self.order = events, order
        self._counts: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for trace, copies in traces:
            for context, event in self._rows(trace):
                if 0 <= event <= events:
                    for start in range(len(context) + 1):
                        self._counts[context[start:]][event] += copies

    def distribution(self, context: Sequence[int]) -> list[float]:
        """The probability of every event, the end last, after a context (START, then events) of any length."""
        shares = [1 / (self.events + 1)] * (self.events + 1)
        known = tuple(context)
        for length in range(min(self.order - 1, len(known)) + 1):
            seen = self._counts.get(known[len(known) - length :])
            if seen is None:
                break
            rows, kinds = seen.total(), len(seen)
            shares = [kinds * share / (rows + kinds) for share in shares]
            for event, count in seen.items():
                shares[event] += count / (rows + kinds)
        return shares

    def predictions(self, trace: Sequence[int]) -> Iterator[tuple[list[float], int]]:
        """(distribution, what came) for every event of a trace and for its end."""
        for context, event in self._rows(trace):
            yield self.distribution(context), event

    def _rows(self, trace: Sequence[int]) -> Iterator[tuple[tuple[int, ...], int]]:
        """(the last order - 1 codes before, the code) for every event of a trace and for its end."""
        codes = (START, *trace)
        for i in range(1, len(codes)):
            yield codes[max(0, i - self.order + 1) : i], codes[i]
