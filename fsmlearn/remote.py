"""Files that lie elsewhere, such as s3://logs/day1.csv: whatever fsspec can open, where it is installed.

Standard library only until such a file is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, BinaryIO, cast

from fsmlearn.errors import LogError

SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # two letters at least: C:/ is a place on this machine


def is_remote(name: str) -> bool:
    """Whether a word names a file by a URL."""
    return SCHEME.match(name) is not None


def open_file(name: str) -> BinaryIO:
    """The bytes of a file. Raises LogError."""
    with _told(name):
        system, path = _found(name)
        return cast(BinaryIO, system.open(path, "rb"))


def size_of(name: str) -> int | None:
    """Bytes of a file, None where nobody knows."""
    with _told(name):
        system, path = _found(name)
        size = system.size(path)
    return None if size is None else int(size)


def glob(pattern: str) -> list[str]:
    """The files that a pattern matches, or that are in a folder of that name; none where it names a file itself."""
    with _told(pattern):
        system, path = _found(pattern)
        if re.search(r"[*?\[]", path):
            return [str(system.unstrip_protocol(each)) for each in system.glob(path) if not system.isdir(each)]
        if system.isdir(path):
            inside = system.ls(path, detail=True)
            return [str(system.unstrip_protocol(each["name"])) for each in inside if each["type"] == "file"]
    return []


def _found(name: str) -> tuple[Any, str]:
    """(file system, path in it)."""
    try:
        core = import_module("fsspec.core")
    except ImportError:
        raise LogError(f"{name}: a URL is read by the package fsspec; pip install 'fsmlearn[dask]'") from None
    system, path = core.url_to_fs(name)
    return system, str(path)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What any file system may raise, as one line."""
    try:
        yield
    except LogError:
        raise
    except FileNotFoundError:
        raise LogError(f"{name}: no such file; check the name") from None
    except Exception as error:  # each has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LogError(f"{name}: cannot be opened ({reason}); check the name") from error
