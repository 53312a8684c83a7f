#!/usr/bin/env python3
"""How fast networks learn, beside PyTorch's: `python benchmarks/training.py [--threads 1 2] [--hidden 32 64 128]`.

Rows of the log times epochs a second, of `fsmlearn.train` and of PyTorch's nn.RNN, nn.GRU and nn.LSTM on its CPU (the
extra [torch]), on the same log with the same hidden size, minibatches of 64 traces, float32, Adam and clipping. PyTorch
is given its inputs ready as dense one-hot batches of equal length and its fused Adam, and is spared the noise in the
recurrence. Epochs of both take turns within one process, and the fastest of each are compared.

Logs of a random machine that hides its states: `walks` of 40 rows, and of 20, of which hardly two are alike for long,
and `sessions` of 20, drawn with Zipf's frequencies among 2,000 distinct ones. `products` is the share of fsmlearn's
time that the matrix products of its steps take by themselves at the same shapes: the limit that NumPy cannot pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.histories import Histories, histories
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.products import Product, summed, times
from fsmlearn.runs import Runs
from fsmlearn.train import Plan, cell_of, train

STATES, TRIGGERS, OUTPUTS, BATCH = 20, 8, 10, 64
CELLS = {"elman": "RNN", "gru": "GRU", "lstm": "LSTM"}

Ints = NDArray[np.int64]


def walks(rng: np.random.Generator, traces: int, length: int) -> Ints:
    """Triggers of random walks, (traces, length)."""
    return rng.integers(TRIGGERS, size=(traces, length))


def sessions(rng: np.random.Generator, traces: int, length: int) -> Ints:
    """Walks drawn among 2,000 distinct ones, the k-th of them with a frequency like 1 / k."""
    share = 1 / np.arange(1, 2001)
    return walks(rng, 2000, length)[rng.choice(2000, traces, p=share / share.sum())]


def answers(triggers: Ints, rng: np.random.Generator) -> Ints:
    """What a random machine says to traces of triggers."""
    after = rng.integers(STATES, size=(STATES, TRIGGERS))
    says = rng.integers(OUTPUTS, size=(STATES, TRIGGERS))
    state, outputs = np.zeros(len(triggers), np.int64), np.empty_like(triggers)
    for t, trigger in enumerate(triggers.T):
        outputs[:, t], state = says[state, trigger], after[state, trigger]
    return outputs


def coded(triggers: Ints, outputs: Ints) -> Histories:
    """The log of these traces as the network sees it."""
    (traces, length), n = triggers.shape, triggers.size
    unknown = np.full(n, UNKNOWN, np.int32)
    log = Log(
        kind="hidden",
        files=("walks",),
        columns={},
        states=(),
        triggers=tuple(map(str, range(TRIGGERS))),
        outputs=tuple(map(str, range(OUTPUTS))),
        traces=tuple(map(str, range(traces))),
        offsets=np.arange(0, n + 1, length),
        places=Runs.count(2, n),
        steps=Runs.of(np.tile(np.arange(length), traces)),
        state=unknown,
        trigger=triggers.ravel().astype(np.int32),
        next_state=unknown,
        output=outputs.ravel().astype(np.int32),
    )
    return histories(log)


def theirs(name: str, hidden: int, triggers: Ints, outputs: Ints) -> Callable[[], object]:
    """PyTorch's network; each call is an epoch."""
    torch: Any = import_module("torch")
    torch.set_num_threads(int(os.environ["OPENBLAS_NUM_THREADS"]))
    network: Any = getattr(torch.nn, CELLS[name])(TRIGGERS, hidden)
    last = torch.nn.Linear(hidden, OUTPUTS)
    params = [*network.parameters(), *last.parameters()]
    adam = torch.optim.Adam(params, 1e-3, fused=True)
    x = torch.nn.functional.one_hot(torch.from_numpy(triggers.T.copy()), TRIGGERS).float()  # (T, B, D)
    y = torch.from_numpy(outputs.T.copy())

    def epoch() -> None:
        for chosen in torch.randperm(len(triggers)).split(BATCH):
            adam.zero_grad()
            logits = last(network(x[:, chosen])[0])
            torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[:, chosen].flatten()).backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            adam.step()

    return epoch


def ours(name: str, hidden: int, data: Histories) -> Callable[[], object]:
    """fsmlearn's network; each call is an epoch."""
    plan = Plan(hidden=hidden, epochs=1000, rate=1e-3, batch=BATCH, held_out=0.0)
    epochs = train(data, cell_of(name), plan, np.random.default_rng(0))
    return lambda: next(epochs)


def products(name: str, hidden: int, traces: int, length: int) -> Callable[[], object]:
    """Nothing but the matrix products of an epoch over traces of which nothing is shared."""
    z = cell_of(name).blocks * hidden
    n = BATCH * length
    h, w, d = (np.ones(shape, np.float32) for shape in ((BATCH, hidden), (hidden, z), (BATCH, z)))
    rows, pre, hot = (np.ones((n, width), np.float32) for width in (hidden, z, TRIGGERS))
    v, d_logits = np.ones((hidden, OUTPUTS), np.float32), np.ones((OUTPUTS, n), np.float32).T
    logits, into, v_t = np.empty((n, OUTPUTS), np.float32), np.empty_like(rows), v.T.copy()
    feed, back = Product(w, np.empty_like(d)), Product(w.T, np.empty_like(h))

    def epoch() -> None:
        for _ in range(-(-traces // BATCH)):
            for _ in range(length):
                feed(h)
                back(d)
            times(rows, v, logits)
            times(d_logits, v_t, into)
            _ = summed(rows.T, pre), summed(hot.T, pre), summed(d_logits.T, rows)

    return epoch


def fastest(epochs: list[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds of the fastest epoch of each, which take turns: of the processor where there is one thread, since other
    work on the machine disturbs those less, else of the clock."""
    clock = time.process_time if os.environ["OPENBLAS_NUM_THREADS"] == "1" else time.perf_counter
    best = [float("inf")] * len(epochs)
    for turn in range(rounds + 1):
        for k, epoch in enumerate(epochs):
            began = clock()
            epoch()
            if turn:  # the first is for warming up
                best[k] = min(best[k], clock() - began)
    return best


def measured(cells: list[str], sizes: list[int], rounds: int) -> Iterator[str]:
    """Lines of the table, for as many threads as NumPy and PyTorch now have."""
    logs = [("walks", walks, 2000, 40), ("walks", walks, 2000, 20), ("sessions", sessions, 68_000, 20)]
    for kind, draw, traces, length in logs:
        rng = np.random.default_rng(1)
        triggers = draw(rng, traces, length)
        outputs = answers(triggers, rng)
        data = coded(triggers, outputs)
        for name in cells:
            for hidden in sizes if kind == "walks" else [64]:
                runs = [ours(name, hidden, data), theirs(name, hidden, triggers, outputs)]
                runs.append(products(name, hidden, traces, length))
                mine, other, limit = fastest(runs, rounds if kind == "walks" else 2)
                share = f"{limit / mine:9.0%}" if kind == "walks" else ""
                speeds = f"{len(data) / mine:14,.0f} {len(data) / other:12,.0f} {other / mine:7.2f}"
                log = f"{os.environ['OPENBLAS_NUM_THREADS']:>7}  {kind:8} {length:4}"
                yield f"{log}  {name:5} {hidden:6} {speeds} {share}"


def main() -> None:
    """Measure with each number of threads in a process of its own, since BLAS asks for it only once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", nargs="+", default=["1", "2"])
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    parser.add_argument("--hidden", nargs="+", type=int, default=[32, 64, 128])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for line in measured(options.cells, options.hidden, options.rounds):
            print(line, flush=True)
        return
    print("threads  log       rows  cell  hidden  fsmlearn rows/s  PyTorch   ratio  products")
    for threads in options.threads:
        env = os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        subprocess.run([sys.executable, __file__, "--child", *sys.argv[1:]], env=env, check=True)


if __name__ == "__main__":
    main()
