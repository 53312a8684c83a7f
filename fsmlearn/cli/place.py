"""Where the rows of a log are worked on: in this process, in a folder, or on the cluster that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fsmlearn.spread import HERE, Spread

BIG = 1 << 29  # bytes of a log that is not held in memory to be filtered


@contextmanager
def spread(dask: str | None) -> Iterator[Spread]:
    """This process where no cluster is named."""
    if dask is None:
        yield HERE
        return
    from fsmlearn import workers

    with workers.connected(dask) as cluster:
        yield cluster


@contextmanager
def for_rows(dask: str | None, logs: Sequence[str]) -> Iterator[Spread]:
    """For a command that prints rows: a folder for logs that are big, or of no size that is known."""
    from fsmlearn import disk
    from fsmlearn.streams import size_of

    sizes = [None if log == "-" or dask is not None else size_of(log) for log in logs]
    if dask is None and (None in sizes or sum(size or 0 for size in sizes) > BIG):
        with disk.spooled() as folder:
            yield folder
        return
    with spread(dask) as place:
        yield place
