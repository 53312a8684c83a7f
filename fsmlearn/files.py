"""Files that are written whole or not at all: beside their place first, and then renamed.

Whatever happens (Ctrl-C, a full disk), the old file or the new one is there. A symbolic link is followed, and an old
file's permissions are kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsmlearn.errors import FsmlearnError


def write(path: str | Path, data: bytes | memoryview, option: str, error: type[FsmlearnError]) -> None:
    """Write a file whose place was named with `option`. Raises `error` where it cannot be written."""
    with _explained(path, option, error):
        target, mode = _target(path, option, error)
        draft, handle = _draft(target)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def check_writable(path: str | Path, option: str, error: type[FsmlearnError]) -> None:
    """Raise what `write` would raise for this place, before there is something to lose."""
    with _explained(path, option, error):
        draft, handle = _draft(_target(path, option, error)[0])
        os.close(handle)
        draft.unlink()


@contextmanager
def _explained(path: str | Path, option: str, error: type[FsmlearnError]) -> Iterator[None]:
    try:
        yield
    except OSError as trouble:
        raise error(f"{path}: cannot be written ({trouble.strerror}); name another place with {option}") from None


def _target(path: str | Path, option: str, error: type[FsmlearnError]) -> tuple[Path, int | None]:
    """The file that `path` stands for, links followed, and the permissions it has if it is there."""
    if str(path) == "-":  # elsewhere a stream: a file called so is never what was meant
        raise error(f"-: standard output does not take this; name a file with {option}")
    target = Path(os.path.realpath(path))  # unlike Path.resolve it does not mind a link to itself
    if not target.exists():
        return target, None
    mode = target.stat().st_mode
    if not stat.S_ISREG(mode):
        raise error(f"{path}: is not a file; name another place with {option}")
    if not os.access(target, os.W_OK):
        raise error(f"{path}: is write-protected; name another place with {option}")
    return target, stat.S_IMODE(mode)


def _draft(target: Path) -> tuple[Path, int]:
    """A new, empty file beside `target` with the permissions a new file gets, open for writing."""
    import secrets

    draft = target.with_name(f".fsmlearn-{secrets.token_hex(8)}")
    return draft, os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
