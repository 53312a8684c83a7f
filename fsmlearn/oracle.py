"""The network as a teacher: what it would answer at any row of the log, and the rows grouped by that.

The hidden vector before a row is known by the network's answers: to every single trigger, and to the few longer words
that tell apart what single triggers do not. `extract` makes a machine of the groups and asks again what it leaves open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.cluster import group
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.packing import Ints, Rows
from fsmlearn.products import FloatArray
from fsmlearn.rows import numbered
from fsmlearn.train import Model, history_before, remember

Word = tuple[int, ...]  # triggers, in order
NOT_ASKED = -2
ASKED = 1 << 15  # answers that the network is asked for in one go
MOST = 200  # groups at most that the log is asked about; more are the network's errors, not states
DEEPER = 8  # times at most that words are put behind triggers before the log is asked


@dataclass(frozen=True, eq=False)
class Oracle:
    """The network, asked what it would answer. N packed rows, M numbers of memory, S visible states, A triggers."""

    model: Model
    memory: FloatArray  # (P + 1, M) of the cell after each history, and after none
    before: Ints  # (N,) history before each row
    rows: Rows
    labels: int  # S, 0 where the log hides states
    met: NDArray[np.bool_]  # (max(S, 1), A): the log has this trigger in this visible state

    @classmethod
    def of(cls, model: Model, log: Log, data: Histories, rows: Rows) -> Oracle:
        """A network asked about a log, given with its histories and packed."""
        met = np.zeros((rows.labels, len(log.triggers)), np.bool_)
        met[rows.cell_label, rows.cell_trigger] = True
        memory = remember(data, model.cell, model.params)
        return cls(model, memory, history_before(data, rows.order), rows, len(log.states), met)

    def answers(self, which: Ints, words: Sequence[Word]) -> NDArray[np.int16]:
        """The answers (n, w) to the last trigger of each of w words of one length, asked at rows `which` (n,); -1 where
        the log never has what is asked.

        Rows in one visible state with one history before them are alike to the network.
        """
        kinds, kind = numbered(self.before[which] * max(self.labels, 1) + self.rows.label[which])
        one = np.empty(len(kinds), np.int64)
        one[kind] = which
        size = max(ASKED // len(words), 1)
        parts = np.split(one, np.arange(size, len(one), size))
        return np.concatenate([self._answers(part, words) for part in parts])[kind]

    def believes(self, which: Ints, trigger: int) -> FloatArray:
        """Log-probability of every answer to a trigger, asked at rows `which` (n,) of a hidden log, (n, O)."""
        cell, params = self.model.cell, self.model.params
        logits = cell.logits(
            params, cell.step(params, self.memory[self.before[which]], np.full((len(which), 1), trigger))
        )
        logits = logits - logits.max(1, keepdims=True)
        believed: FloatArray = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return believed

    def _answers(self, which: Ints, words: Sequence[Word]) -> NDArray[np.int16]:
        cell, params = self.model.cell, self.model.params
        vectors, label = self.memory[self.before[which]], np.tile(self.rows.label[which], len(words))
        answer = np.zeros(len(label), np.int64)  # (w n,), all to the first word first
        lost = np.zeros(len(label), np.bool_)
        for asked, triggers in enumerate(zip(*words, strict=True), 1):
            trigger = np.repeat(triggers, len(which))
            lost |= ~self.met[label, trigger]
            inputs = trigger[:, None] + self.labels
            if self.labels:
                inputs = np.column_stack([label, inputs])
            vectors = cell.step(params, vectors, inputs)
            if self.labels or asked == len(words[0]):
                answer = cell.logits(params, vectors).argmax(1)
            if self.labels:
                label = self.rows.answer_label[answer]
        answer[lost] = -1
        return answer.reshape(len(words), -1).T.astype(np.int16)


def first_answers(oracle: Oracle) -> NDArray[np.int16]:
    """The network's answer to every single trigger at every row, (N, A)."""
    return oracle.answers(np.arange(len(oracle.rows)), [(a,) for a in range(oracle.met.shape[1])])


def groups_of(oracle: Oracle, first: NDArray[np.int16], kind: Ints, least: int) -> tuple[Ints, int]:
    """Group rows of the same kind (N,) by the network's answers; returns groups (N,) and their number.

    The answers to single triggers (N, A) come first. Where rows of one group go on to different groups by the same
    symbol, the words that tell those apart are put behind the trigger and asked of the group (as in L*, Angluin 1987,
    with the network for a teacher).
    """
    rows = oracle.rows
    asked: list[Word] = [(a,) for a in range(first.shape[1])]
    features = first
    groups, examples = group(features, kind, least, MOST, rows.weight)
    for _ in range(DEEPER):
        doubts = _doubts(rows, groups, features[examples], asked)
        new = _cover(list(doubts.values()), asked)
        if not new or len(examples) >= MOST:
            break
        columns = np.full((len(rows), len(new)), NOT_ASKED, np.int16)
        for column, word in enumerate(new):
            which = np.flatnonzero(np.isin(groups, [g for g, open_set in doubts.items() if word in open_set]))
            columns[which, column] = oracle.answers(which, [word])[:, 0]
        asked += new
        features = np.column_stack([features, columns])
        groups, examples = group(features, kind, least, MOST, rows.weight)
    return groups, len(examples)


def _doubts(rows: Rows, groups: Ints, pattern: NDArray[np.int16], asked: list[Word]) -> dict[int, set[Word]]:
    """For every group whose rows go on to two frequent groups by one symbol: words that tell its rows apart.

    pattern (k, f) is what each group answers to the words asked so far.
    """
    k = len(pattern)
    linked = rows.linked
    move = (groups[linked] * rows.symbols + rows.symbol[linked]) * k + groups[rows.following[linked]]
    moves, count = rows.tallied(move, linked)
    order = np.lexsort((-count, moves // k))
    moves, count = moves[order], count[order]
    by = moves // k
    begin = np.flatnonzero(np.diff(by, prepend=-1))
    total = np.add.reduceat(count, begin)
    doubts: dict[int, set[Word]] = {}
    for lo, rows_in, size in zip(begin.tolist(), total.tolist(), np.diff(np.r_[begin, len(by)]).tolist(), strict=True):
        if size < 2 or count[lo + 1] < max(3, 0.15 * rows_in):
            continue
        one, other = pattern[moves[lo] % k], pattern[moves[lo + 1] % k]
        apart = np.flatnonzero((one != other) & (one != NOT_ASKED) & (other != NOT_ASKED))
        trigger = int(rows.cell_trigger[rows.symbol_cell[by[lo] % rows.symbols]])
        doubts.setdefault(int(by[lo] // rows.symbols), set()).update((trigger, *asked[w]) for w in apart)
    return doubts


def _cover(open_sets: list[set[Word]], asked: list[Word]) -> list[Word]:
    """Few words that hit every set: greedily the word in most sets, the shorter and earlier of equals."""
    open_sets = [s for s in open_sets if s and s.isdisjoint(asked)]
    chosen = []
    while open_sets:
        tally = Counter(word for s in open_sets for word in s)
        best = min(tally, key=lambda word: (-tally[word], len(word), word))
        chosen.append(best)
        open_sets = [s for s in open_sets if best not in s]
    return chosen
