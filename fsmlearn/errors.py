"""What can go wrong, as exceptions whose text is already the line a user should read.

The library raises these and nothing prints them but the command line's one error boundary.
"""

import codecs


class FsmlearnError(Exception):
    """Something the user can put right; its text is one line saying what, where and what to do."""


class LogError(FsmlearnError):
    """A log cannot be read as it stands; the text names file, line and remedy."""


class FormatError(FsmlearnError):
    """A machine in the format of another tool cannot be read as it stands; the text names file, line and remedy."""


class ClusterError(FsmlearnError):
    """A cluster cannot be reached, has no workers, or lost them."""


class ModelError(FsmlearnError):
    """A model file is missing, foreign, truncated or of another version, or not of a kind that can be used for this."""


class SettingsError(FsmlearnError):
    """A setting has a value that cannot be used."""


class UnknownNameError(FsmlearnError):
    """A state or trigger that the machine does not know; the text suggests the nearest name."""


class PictureError(FsmlearnError):
    """A picture cannot be made: a program or package is missing, or the model has nothing to show of the kind."""


def not_utf8(error: UnicodeDecodeError) -> str:
    """What else bytes are than text in UTF-8, and what to do: the end of a line that says where they stand."""
    text = error.object
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "the file is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8"
    if b"\0" in text:
        return "a NUL byte, so this is a binary file, not UTF-8; give it as text"
    byte = text[error.start]
    return f"byte 0x{byte:02x} is not UTF-8; convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
