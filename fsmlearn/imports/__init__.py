"""A machine written down by hand, or by another tool -> `Machine`. Each format is a module with one function, `read`.

Standard library only. Raises FormatError with file, line and remedy.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from fsmlearn.errors import FormatError, not_utf8
from fsmlearn.imports.draft import Draft, Imported

SUFFIXES = {".dot": "dot", ".gv": "dot", ".json": "json", ".scxml": "scxml"}


def read(path: str | Path) -> Imported:
    """The machine in a file, whose name says the format."""
    file, suffix = str(path), Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(f"{file}: is not called *.dot, *.json or *.scxml, which says what it holds; rename it")
    draft: Draft = import_module(f"fsmlearn.imports.{SUFFIXES[suffix]}").read(_text(path), file)
    return draft.finish()


def _text(path: str | Path) -> str:
    """A file's text, in UTF-8."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for, a device never end
            raise FormatError(f"{path}: is not a file; name the file that holds the machine")
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file; check the name and the folder") from None
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(f"{path}:{line}: {not_utf8(error)}") from None
