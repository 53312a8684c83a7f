"""`fsmlearn check`: the rows of a log that its machine contradicts, and how normal its runs are as a whole."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Unpack

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from fsmlearn.check import Checker, Odd, Whole

ROWS = ("file", "line", "trace", "state", "trigger", "expected", "probability", "alternatives", "came", "kind")
TRACES = ("file", "line", "trace", "rows", "score", "contradictions", "anomalous", "reason")


def run(
    logs: options.Logs,
    trace_scores: Annotated[
        bool, Option("--trace-scores", help="Print how anomalous each trace is, one a row, in place of odd rows.")
    ] = False,
    false_alarms: Annotated[
        str | None,
        Option(
            "--false-alarms",
            metavar="SHARE",
            help="Tell of rare rows and traces too, this share of normal ones at most; 0.001 for scores unless given.",
        ),
    ] = None,
    line_buffered: Annotated[
        bool, Option("--line-buffered", help="Write each row by itself as soon as it is known.")
    ] = False,
    model: options.Model = options.MODEL,
    format: options.Format = None,
    quiet: options.Quiet = False,
    config: options.Config = None,
    **log: Unpack[options.Columns],
) -> int:
    """Tell which rows of a log the machine does not allow.

    Each is printed with what was expected there, how probable that was, what came, and its kind: contradicted (the
    machine answers otherwise), unseen (it has never met this trigger in this state), unknown (it does not know a word),
    gap (the row does not go on where the one before ended, so rows seem to be missing) or end (no trace of the training
    log ended there). After such a row the machine is found again, so that the rest of the trace is not called wrong.
    What is merely improbable is not printed. The exit status is 1 where a row is.

    With --trace-scores each trace is printed with a score: -log of the share of normal traces that are as surprising,
    as the training log has them. It looks at the most surprising row, and in a log of events at how often things
    happen. A trace is anomalous where no more than --false-alarms of the normal traces score as high; then the exit
    status is 1.

    Rows are taken as they come, whatever their steps say, and never held; - may be an endless stream. What is odd about
    a row is told before more is waited for, and what is odd about a trace when it is over, or at the end.

    A model that was learned from variables reads them in the log as in its own, with the same levels.
    """
    from fsmlearn import check, feed, sources, store

    share = None if false_alarms is None else _share(false_alarms)
    if line_buffered and format not in (None, "csv"):
        raise SettingsError("--line-buffered: is for rows as csv; leave --format out")
    settings = options.settings({**log, "config": config})
    files = sources.expand(logs)
    streaming = line_buffered or (format is None and "-" in files)
    style = "csv" if streaming else console.chosen_format(format)
    machine, normal = store.load_machine(model), store.load_normal(model)
    about = store.load_about(model) if store.load_origin(model) is None else None
    if (trace_scores or share is not None) and about is None:
        raise ModelError(f"{model}: was imported, so nothing says what is normal; leave out {_asked(trace_scores)}")
    sheet = _Sheet(TRACES if trace_scores else _columns(machine.kind == "lts"), style, line_buffered)
    kinds: Counter[str] = Counter()

    def odd(found: Odd) -> None:
        kinds[found.finding.kind] += 1
        if not trace_scores:
            sheet.add(_row(found))

    def whole(found: Whole) -> None:
        kinds["anomalous"] += found.reason is not None
        sheet.add(_trace(found))

    checker = check.Checker(machine, normal, odd, whole if trace_scores else None, share)
    start = settings.start_state or (str(about.settings.get("start_state") or "") if about else "")
    told = feed.Feed(checker, normal.columns, settings.columns, start, about.grid if about else feed.NO_GRID)
    try:
        for file in files:
            told.read(file, sheet.begin, sheet.flush)
        checker.finish()
    finally:
        sheet.close()
    found = kinds["anomalous"] if trace_scores else kinds.total()
    if not quiet:
        console.aside(_summary(checker, kinds, trace_scores))
    return console.NO if found else 0


def _asked(trace_scores: bool) -> str:
    return "--trace-scores" if trace_scores else "--false-alarms"


def _share(word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise SettingsError(f"--false-alarms: {word!r} is no share; give a number between 0 and 1, such as 0.001")
    return share


class _Sheet:
    """Rows that leave when the input pauses, or one by one; in any format but CSV at the end, by file and line."""

    def __init__(self, columns: Sequence[str], style: str, each: bool) -> None:
        self._columns, self._style = columns, style
        self._batch = console.Batch(each=each)
        self.flush = self._batch.flush
        self._begun = False
        self._rows: deque[formats.Row] = deque()
        self._csv = formats.csv(columns, iter(self._rows.popleft, None))  # the header, then a line for each row given

    def begin(self) -> None:
        """There is a log to be checked."""
        if not self._begun and self._style == "csv":
            self._batch.add(next(self._csv))
        self._begun = True

    def add(self, row: formats.Row) -> None:
        """Take a row."""
        self._rows.append(row)
        if self._style == "csv":
            self._batch.add(next(self._csv))

    def close(self) -> None:
        """Nothing more comes."""
        self.flush()
        if not self._begun or self._style == "csv":
            return
        files = {row["file"]: i for i, row in reversed(list(enumerate(self._rows)))}
        rows = sorted(self._rows, key=lambda row: (files[row["file"]], row["line"]))
        console.write_rows(self._style, self._columns, rows)


def _columns(events: bool) -> Sequence[str]:
    """What is told of a row; an event is its own trigger."""
    return [column for column in ROWS if not (events and column == "trigger")]


def _row(found: Odd) -> formats.Row:
    finding = found.finding
    expected, probability = finding.expected[0] if finding.expected else (None, None)
    return {
        "file": found.place[0],
        "line": found.place[1],
        "trace": found.run,
        "state": finding.state or None,
        "trigger": finding.trigger or None,
        "expected": expected,
        "probability": probability,
        "alternatives": ", ".join(f"{word} {share:.2g}" for word, share in finding.expected[1:]) or None,
        "came": finding.came,
        "kind": finding.kind,
    }


def _trace(found: Whole) -> formats.Row:
    return {
        "file": found.place[0],
        "line": found.place[1],
        "trace": found.run,
        "rows": found.rows,
        "score": found.score,
        "contradictions": found.contradictions,
        "anomalous": "yes" if found.reason else "no",
        "reason": _reason(found.reason) if found.reason else None,
    }


def _reason(odd: Odd) -> str:
    """What is least normal about a trace, in one line."""
    finding = odd.finding
    usual = " or ".join(f"{word} ({100 * share:.3g} %)" for word, share in finding.expected[:2]) or "nothing"
    if finding.kind == "count":
        return f"{finding.came}; usually {usual}"
    after = f" after {finding.trigger}" if finding.trigger else ""
    return f"line {odd.place[1]}: {finding.came}{after} in {finding.state}; usually {usual}"


TOLD = {
    "contradicted": "contradicted",
    "unseen": "with a trigger new in its state",
    "unknown": "with an unknown word",
    "gap": "after a gap",
    "end": "where a trace ends too early",
    "rare": "rare",
    "count": "of a trace with rare counts",
}


def _summary(checker: Checker, kinds: Mapping[str, int], trace_scores: bool) -> str:
    """One line on what was found."""
    checked = f"{formats.counted(checker.rows, 'row')}, {formats.counted(checker.runs, 'trace')}"
    if trace_scores:
        return f"{checked}: {kinds['anomalous']:,} anomalous"
    told = ", ".join(f"{kinds[kind]:,} {what}" for kind, what in TOLD.items() if kinds[kind])
    return f"{checked}: {told or 'nothing odd'}"
