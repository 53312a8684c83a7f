"""Processes that make sessions of events, and sessions in which something went wrong, for `anomalies`.

A process is a term: events one after another, side by side in any order, one of several, again and again. It can be
run, which draws a session, and asked whether it could have made a session (by derivatives, Brzozowski 1964), so that
what was planted is an anomaly for certain: no session that the process itself could have made is called one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Process:
    """A term. `parts` are processes; what they are to each other is `kind`: an event, seq, par, or choice."""

    kind: str
    word: str = ""
    parts: tuple[Process, ...] = ()
    weights: tuple[float, ...] = ()


NOTHING = Process("seq")


def event(word: str) -> Process:
    return Process("event", word)


def seq(*parts: Process | str) -> Process:
    """One after another."""
    flat: list[Process] = []
    for part in map(_process, parts):
        flat += part.parts if part.kind == "seq" else [part]
    return flat[0] if len(flat) == 1 else Process("seq", parts=tuple(flat))


def par(*parts: Process | str) -> Process:
    """Side by side: each in its own order, in any order among each other."""
    left = [part for part in map(_process, parts) if part != NOTHING]
    if len(left) < 2:
        return left[0] if left else NOTHING
    return Process("par", parts=tuple(sorted(left, key=repr)))


def choice(*ways: tuple[float, Process | str]) -> Process:
    """One of several, with these weights."""
    return Process("choice", parts=tuple(_process(way) for _, way in ways), weights=tuple(weight for weight, _ in ways))


def perhaps(share: float, part: Process | str) -> Process:
    return choice((share, part), (1 - share, NOTHING))


def again(share: float, most: int, part: Process | str) -> Process:
    """Zero to `most` times, each time going on with this share."""
    return perhaps(share, seq(part, again(share, most - 1, part))) if most else NOTHING


def _process(part: Process | str) -> Process:
    return event(part) if isinstance(part, str) else part


def draw(process: Process, rng: np.random.Generator) -> list[str]:
    """A session."""
    if process.kind == "event":
        return [process.word]
    if process.kind == "choice":
        weights = np.array(process.weights)
        return draw(process.parts[rng.choice(len(weights), p=weights / weights.sum())], rng)
    drawn = [draw(part, rng) for part in process.parts]
    if process.kind == "seq":
        return [word for words in drawn for word in words]
    turns = rng.permutation(np.repeat(np.arange(len(drawn)), [len(words) for words in drawn]))
    left = [iter(words) for words in drawn]
    return [next(left[turn]) for turn in turns.tolist()]


@cache
def may_end(process: Process) -> bool:
    if process.kind == "event":
        return False
    return (any if process.kind == "choice" else all)(map(may_end, process.parts))


@cache
def after(process: Process, word: str) -> frozenset[Process]:
    """What may be left of a process once it has made this event."""
    parts = process.parts
    if process.kind == "event":
        return frozenset([NOTHING] if process.word == word else [])
    if process.kind == "choice":
        return frozenset(left for part in parts for left in after(part, word))
    found: set[Process] = set()
    for i, part in enumerate(parts):
        for left in after(part, word):
            found.add(seq(left, *parts[i + 1 :]) if process.kind == "seq" else par(*parts[:i], left, *parts[i + 1 :]))
        if process.kind == "seq" and not may_end(part):
            break
    return frozenset(found)


def could_make(process: Process, session: Iterable[str]) -> bool:
    """Whether the process can make this session, from start to end."""
    left = {process}
    for word in session:
        left = {each for one in left for each in after(one, word)}
    return any(map(may_end, left))


def blocks() -> Process:
    """The blocks of a distributed file system: three replicas written at once, read, copied, deleted at once."""
    replica = seq(
        "receiving",
        perhaps(0.02, "slow mirror"),
        choice((9, seq("responder ends", "received")), (1, seq("received", "responder ends"))),
        "stored",
    )
    write = par("allocate", replica, replica, replica)
    retry = seq("allocate", "receiving", "write exception", "abandon", write)
    served = choice((97, "served"), (2, seq("served", "serving exception")), (1, "client gone"))
    copy = seq("ask to copy", "start copy", par("copied", seq("receiving", "received", "stored")))
    delete = par(*[seq("invalidate", "delete")] * 3)
    rare = choice((2, "stored again"), (1, "checksum repaired"), (1, seq("lease lost", "lease recovered")))
    used = par(again(0.5, 12, served), again(0.3, 4, "verified"), perhaps(0.06, copy), perhaps(0.03, rare))
    return choice(
        (0.97, seq(choice((0.985, write), (0.015, retry)), used, perhaps(0.6, delete))),
        (0.01, seq("allocate", "abandon")),
        (0.02, seq(write, "moved", "invalidate", "delete", used)),
    )


def calls() -> Process:
    """A client and a server: how it logged in says how it logs out, requests are answered or asked again."""

    def request(verb: str, *answers: tuple[float, Process | str]) -> Process:
        return seq(again(0.04, 3, seq(verb, "timeout", "backoff")), verb, choice(*answers))

    stream = seq("open stream", again(0.8, 25, "chunk"), choice((19, "close stream"), (1, "reset stream")))
    work = choice(
        (40, request("get", (90, "200"), (6, "304"), (4, "404"))),
        (20, request("put", (95, "201"), (5, seq("409", "get", "200", "put", "201")))),
        (10, request("list", (1, "200"))),
        (8, stream),
        (1, seq("renegotiate", "keys")),
    )
    busy = seq(work, again(0.75, 10, work))
    password = seq(
        again(0.08, 2, seq("password", "denied")),
        "password",
        "welcome",
        par(busy, again(0.15, 3, seq("ping", "pong"))),
        "logout",
        "goodbye",
    )
    key = seq("key", "challenge", "signature", "welcome", busy, "close")
    refused = seq("password", "denied", "password", "denied", "password", "denied", "locked")
    return seq(
        "connect",
        choice((0.97, "hello"), (0.03, seq("old hello", "hello"))),
        choice((60, password), (38, key), (2, refused)),
        "disconnect",
    )


def orders() -> Process:
    """Orders: paid and packed side by side, some checked, some sent back or cancelled, then paid back if paid."""
    card = seq("authorise", again(0.05, 2, seq("declined", "authorise")), "capture")
    invoice = seq("invoice", again(0.25, 3, "reminder"), "transfer")
    pay = choice((60, card), (30, invoice), (10, "voucher"))
    pack = seq(perhaps(0.1, seq("backorder", "restock")), "reserve", par(*["pick"] * 2), "pack", "label")
    fraud = seq("flag", choice((4, "cleared"), (1, seq("asked", "cleared"))))
    deliver = seq(
        "ship",
        again(0.2, 4, "scan"),
        choice((95, "delivered"), (4, seq("not home", "delivered")), (1, seq("lost", "claim", "ship", "delivered"))),
    )
    back = seq("return asked", "label sent", par(seq("received back", "inspected"), perhaps(0.2, "message")), "refund")
    cancelled = choice(
        (2, seq("cancel")), (1, seq("authorise", "cancel", "void")), (1, seq("voucher", "cancel", "reissue"))
    )
    whole = seq(perhaps(0.05, fraud), par(pay, pack, again(0.1, 2, "message")), deliver, perhaps(0.08, back), "closed")
    return seq("created", choice((95, whole), (5, seq(cancelled, "closed"))))


PROCESSES: dict[str, Callable[[], Process]] = {"blocks": blocks, "calls": calls, "orders": orders}

Session = list[str]


def _missing_end(session: Session, _other: Session, rng: np.random.Generator) -> Session:
    return session[: int(rng.integers(1, len(session)))]


def _missing(session: Session, _other: Session, rng: np.random.Generator) -> Session:
    at = int(rng.integers(len(session)))
    return session[:at] + session[at + 1 :]


def _order(session: Session, _other: Session, rng: np.random.Generator) -> Session:
    """An event comes one to five places too late."""
    at = int(rng.integers(len(session)))
    to = at + int(rng.integers(1, 6))
    rest = session[:at] + session[at + 1 :]
    return [*rest[:to], session[at], *rest[to:]]


def _unseen(session: Session, _other: Session, rng: np.random.Generator) -> Session:
    at = int(rng.integers(len(session) + 1))
    return [*session[:at], f"never seen {rng.integers(5)}", *session[at:]]


def _repeated(session: Session, _other: Session, rng: np.random.Generator) -> Session:
    """One to three events come 2 to 29 times more."""
    at, size = int(rng.integers(len(session))), int(rng.integers(1, 4))
    return session[:at] + session[at : at + size] * int(rng.integers(3, 31)) + session[at + size :]


def _foreign(session: Session, other: Session, rng: np.random.Generator) -> Session:
    """An event of another session comes as well."""
    at = int(rng.integers(len(session) + 1))
    return [*session[:at], other[int(rng.integers(len(other)))], *session[at:]]


KINDS = {
    "missing end": _missing_end,
    "missing event": _missing,
    "wrong order": _order,
    "unseen event": _unseen,
    "repeated": _repeated,
    "from another": _foreign,
}


def plant(kind: str, process: Process, others: Sequence[Session], rng: np.random.Generator) -> Session:
    """A session in which something went wrong, such as the process never makes."""
    while True:
        one, other = (others[int(at)] for at in rng.integers(len(others), size=2))
        session = KINDS[kind](one, other, rng)
        if not could_make(process, session):
            return session
