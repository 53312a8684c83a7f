"""The bytes of log files, unpacked, from the disk, from a pipe, or from elsewhere (see `remote`).

Knows no format. Raises LogError with the file and a remedy for whatever cannot be read. Standard library only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsmlearn import remote
from fsmlearn.errors import LogError
from fsmlearn.sources import PACKED

BLOCK = 1 << 20  # bytes read at a time; what is made of them should stay in the processor's cache
ENOUGH = 4  # bytes that tell what a file is
STDIN = "<stdin>"  # what "-" is called in files and messages


def open_bytes(path: str | Path, name: str) -> AbstractContextManager[BinaryIO]:
    """The bytes of a file, unpacked; STDIN is standard input. `name` is what the file is called."""
    if str(path) == STDIN:
        return nullcontext(stdin())  # not ours to close
    if remote.is_remote(str(path)):
        return _unpacked_from(remote.open_file(str(path)), name)
    try:
        return _unpacked(Path(path), name)
    except FileNotFoundError as error:
        raise LogError(f"{name}: no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise LogError(f"{name}: is a directory; name the log files in it") from error
    except PermissionError as error:
        raise LogError(f"{name}: permission denied; make the file readable") from error
    except OSError as error:
        raise LogError(f"{name}: cannot be opened ({error.strerror}); check the name") from error


def stdin() -> BinaryIO:
    """The bytes of standard input."""
    if sys.stdin is None:  # so Python has it where the program was started without one
        raise LogError(f"{STDIN}: is closed; give it rows, or name a file")
    return sys.stdin.buffer


def _unpacked(source: Path | BinaryIO, name: str) -> BinaryIO:
    """A file that is opened, or one that is open, without its packing."""
    file: Any = source
    match Path(name).suffix.lower():
        case ".gz" | ".bz2" | ".xz" as end:
            module = import_module({".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}[end])  # most logs need none
            return cast(BinaryIO, module.open(file))
        case ".zst":
            return _open_zstd(file, name)
    return source.open("rb") if isinstance(source, Path) else source


@contextmanager
def _unpacked_from(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """As `_unpacked`, and the stream is closed with it."""
    with stream, _unpacked(stream, name) as bare:
        yield bare


def size_of(path: str | Path) -> int | None:
    """Bytes of an open file, None where that is not known before they are read: in a pipe, and if they are packed."""
    if str(path) == STDIN or Path(path).suffix.lower() in PACKED:
        return None
    if remote.is_remote(str(path)):
        return remote.size_of(str(path))
    return Path(path).stat().st_size if Path(path).is_file() else None


def _open_zstd(path: Any, name: str) -> BinaryIO:
    """Zstandard is in the standard library from Python 3.14 on; before, a package brings the same module.

    The package zstandard, which pandas uses, would end a truncated file in silence.
    """
    for module in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return cast(BinaryIO, import_module(module).open(path, "rb"))
    raise LogError(
        f"{name}: reading .zst needs the package backports.zstd; install it, or unpack the file with: unzstd"
    )


class Stream:
    """Bytes that were not read yet; the first of them can be looked at before."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw = raw
        self.name = name  # of the file
        self.head = self._read(BLOCK)

    def read(self, size: int) -> bytes:
        """The next bytes, about so many, b"" at the end."""
        first, self.head = self.head[:size], self.head[size:]
        return first or self._read(size)

    def rest(self) -> bytes:
        """All that is left."""
        first, self.head = self.head, b""
        return first + self._read(-1)

    def _read(self, size: int) -> bytes:
        try:
            return self._take(size)
        except Exception as error:  # every codec has errors of its own
            reason = getattr(error, "strerror", None) or error
            remedy = "give rows as CSV" if self.name == STDIN else "check that the file is whole"
            raise LogError(f"{self.name}: cannot be read ({reason}); {remedy}") from error

    def _take(self, size: int) -> bytes:
        return self._raw.read(size)


class Prompt(Stream):
    """Bytes as they come: what is there is read before more is waited for, and before any is `pause` is called."""

    def __init__(self, raw: BinaryIO, name: str, pause: Callable[[], None]) -> None:
        self._pause = pause
        self._waits = name == STDIN or not (remote.is_remote(name) or Path(name).is_file())
        pause()
        super().__init__(raw, name)
        while len(self.head.strip()) < ENOUGH and (fresh := self._read(BLOCK)):
            self.head += fresh

    def read(self, size: int) -> bytes:
        """As of any stream."""
        self._pause()
        return super().read(size)

    def _take(self, size: int) -> bytes:
        if self._waits and size >= 0:
            return self._raw.read1(size)  # type: ignore[attr-defined, no-any-return]
        return self._raw.read(size)
