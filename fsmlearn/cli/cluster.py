"""Where the rows of a log are worked on: in this process, or on the cluster that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fsmlearn.spread import HERE, Spread


@contextmanager
def spread(dask: str | None) -> Iterator[Spread]:
    """This process where no cluster is named."""
    if dask is None:
        yield HERE
        return
    from fsmlearn import workers

    with workers.connected(dask) as cluster:
        yield cluster
