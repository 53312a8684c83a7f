"""A Dask cluster that the parts of a log are worked on: a `Spread` whose handles are futures.

Files are read where the workers are, and what is made of them stays there; the functions are those that work on a log
in this process. A part that is lost with its worker is made again from its files. Dask is imported when a cluster is
asked for.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module, metadata
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from fsmlearn import __version__
from fsmlearn.errors import ClusterError, FsmlearnError
from fsmlearn.remote import is_remote
from fsmlearn.sources import PACKED
from fsmlearn.spread import Handle, Spread, is_part
from fsmlearn.streams import STDIN, size_of

LOCAL = "local"  # instead of an address: a cluster of its own on this machine
ADDRESS = re.compile(r"(\w+://)?[^/\s]+:\d+/?")
PART = 1 << 25  # bytes of files that are read as one part, as far as there are enough of them
UNPACKED = 8  # times that a packed file grows, or so
REACHED = 10.0  # seconds in which a scheduler answers, and has a worker
PATIENCE = 30.0  # seconds without any worker after which none is waited for
KEPT = 1 << 26  # bytes that malloc keeps for the next block; Dask would have it give them back to the system each time
ACHE = 1.0  # seconds between looks


@contextmanager
def connected(address: str) -> Iterator[Spread]:
    """The cluster with a scheduler at this address (tcp://scheduler:8786), or one of its own on this machine ("local"),
    of a process for each core and two at least, which ends with it.

    Raises ClusterError, one line, where there is none to be had.
    """
    if address != LOCAL and not ADDRESS.fullmatch(address):
        raise ClusterError(f"--dask {address}: is no address; give one such as tcp://scheduler:8786, or local")
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ClusterError("--dask needs the package distributed; pip install 'fsmlearn[dask]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told by one line
    config = import_module("dask").config
    # arguments are small beside the parts, but not by Dask's measure
    with config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
        if address == LOCAL:
            with local(max(2, os.cpu_count() or 1)) as cluster, distributed.Client(cluster) as client:
                yield Cluster(client)
            return
        try:
            client = distributed.Client(address, timeout=REACHED, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:  # its time-outs are OSErrors
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"--dask {address}: no scheduler can be reached there ({reason}); "
                "start one with: dask scheduler, or say --dask local"
            ) from None
        with client:
            yield Cluster(client)


def local(workers: int) -> Any:
    """A cluster on this machine of so many processes with a thread each."""
    kept = {f"distributed.nanny.pre-spawn-environ.MALLOC_{which}_THRESHOLD_": KEPT for which in ("TRIM", "MMAP")}
    with import_module("dask").config.set(kept), _undisturbed():
        return import_module("distributed").LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any port that is free
            silence_logs=logging.CRITICAL,
        )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Processes that start meanwhile never hear of Ctrl-C, which a terminal tells to all: this one ends them.

    A signal that is blocked is blocked in what is started, by this thread or by one that it starts.
    """
    resource_tracker.ensure_running()  # or it would let the signal through when the first process starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Cluster:
    """The workers of a Dask client. Raises ClusterError where they run out."""

    most: int | None = None

    def __init__(self, client: Any) -> None:
        self._client = client
        self._address = client.scheduler.address
        self._distributed = import_module("distributed")
        try:
            client.wait_for_workers(1, timeout=REACHED)
        except (OSError, TimeoutError):
            raise ClusterError(
                f"{self._address}: has no workers; start some with: dask worker {self._address}"
            ) from None
        self._check_versions()

    def _check_versions(self) -> None:
        # a function of Python's own, for a worker may have no other
        found = self._client.run(metadata.version, "fsmlearn", on_error="return")
        for worker, version in found.items():
            if version != __version__:
                has = f"fsmlearn {version}" if isinstance(version, str) else "no fsmlearn"
                raise ClusterError(f"{worker}: this worker has {has}; install fsmlearn {__version__} there")
        self._client.run(import_module, "fsmlearn.denoise")  # now, not in the midst of the first work

    def divide(self, files: Sequence[str]) -> list[list[str]]:
        """Neighbours are together as long as they are not too much for a part, or too few for all workers."""
        if STDIN in files:
            raise ClusterError("--dask: workers cannot read standard input; name files that all of them can open")
        sizes = _sizes(files)
        whole = sum(sizes)
        workers = max(sum(self._client.nthreads().values()), 1)
        most = max(whole / max(2 * workers, whole / PART), 1)
        groups: list[list[str]] = []
        filled = most
        for file, size in zip(files, sizes, strict=True):
            if filled + size / 2 > most:
                groups.append([])
                filled = 0
            groups[-1].append(file)
            filled += size
        return groups

    def place(self, file: str) -> str:
        """Where a worker finds a file that is named from here."""
        return file if is_remote(file) else str(Path(file).absolute())

    def read(self, work: Callable[..., Iterable[Any]], *columns: Iterable[Any]) -> Generator[Any, None, list[Handle]]:
        """What is read is told whenever the next part is."""
        futures = self.map(partial(_drained, work), *columns)
        rows = 0
        for future in futures:
            [last] = self.bring(self.map(_last, [future]))
            rows += last.rows
            yield last.after(rows)
        return self.map(_part, futures)

    def map(self, work: Callable[..., Any], *columns: Iterable[Any]) -> list[Handle]:
        """Work is done as soon as a worker has time for it."""
        return [self._client.submit(work, *each, pure=False) for each in zip(*columns, strict=True)]

    def keep(self, value: Any) -> Handle:
        """It goes along with the work that it is for."""
        return value

    def bring(self, handles: Sequence[Handle]) -> Iterator[Any]:
        """Wait for the values, the first one that failed being told."""
        handles = list(handles)
        self._wait(handles)
        with self._told():
            return iter(self._client.gather(handles))

    def text(self, work: Callable[..., Iterable[str]], *columns: Iterable[Any]) -> Iterator[str]:
        """The text of a few parts at a time, so that the workers do not hold all of it."""
        todo = zip(*columns, strict=True)
        ahead = 1 + len(self._client.nthreads())
        coming: deque[Handle] = deque()
        while True:
            while len(coming) < ahead and (each := next(todo, None)) is not None:
                coming += self.map(partial(_joined, work), *([value] for value in each))
            if not coming:
                return
            yield from self.bring([coming.popleft()])

    def _wait(self, futures: list[Handle]) -> None:
        alone: float | None = None  # since when there is no worker
        while True:
            try:
                with self._told():
                    self._distributed.wait(futures, timeout=ACHE)
                return
            except ClusterError:
                raise
            except TimeoutError:
                pass
            with self._told():
                some = bool(self._client.nthreads())
            alone = None if some else alone or time.monotonic()
            if alone is not None and time.monotonic() - alone > PATIENCE:
                raise ClusterError(
                    f"{self._address}: all workers are gone; start some with: dask worker {self._address}"
                )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What becomes of a cluster, as one line."""
        scheduler = import_module("distributed.scheduler")
        try:
            yield
        except (FsmlearnError, TimeoutError):
            raise
        except scheduler.KilledWorker as error:
            times = error.allowed_failures + 1
            raise ClusterError(
                f"{self._address}: {times} workers died at one part of the log; give them more memory, or smaller files"
            ) from None
        except (self._distributed.CancelledError, OSError) as error:
            raise ClusterError(
                f"{self._address}: the scheduler is gone ({type(error).__name__}); start it anew"
            ) from None


def _sizes(files: Sequence[str]) -> list[float]:
    """Bytes of each file, or what others have in the middle where nobody knows."""
    known = []
    for file in files:
        size = size_of(file)
        if size is None and file.lower().endswith(PACKED) and Path(file).is_file():
            size = UNPACKED * Path(file).stat().st_size
        known.append(size)
    usual = sum(size or 0 for size in known) / max(sum(size is not None for size in known), 1)
    return [float(usual or 1 if size is None else size) for size in known]


def _drained(work: Callable[..., Iterable[Any]], *given: Any) -> tuple[Any, Any]:
    """(the part that is read, the last that was told while it was)."""
    part = last = None
    for value in work(*given):
        if is_part(value):
            part = value
        else:
            last = value
    return part, last


def _part(read: tuple[Any, Any]) -> Any:
    return read[0]


def _last(read: tuple[Any, Any]) -> Any:
    return read[1]


def _joined(work: Callable[..., Iterable[str]], *given: Any) -> str:
    return "".join(work(*given))
