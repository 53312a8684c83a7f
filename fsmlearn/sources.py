"""The words that name logs -> the files that they mean: a file itself, a folder's logs, what a pattern matches.

It opens nothing: what a file is, its name tells or the bytes that it is given. Standard library only, but for URLs (see
`remote`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from fsmlearn import remote
from fsmlearn.errors import LogError

# how the name of a log ends, packed or not, and what it is then
LOGS = {".csv": "csv", ".tsv": "csv", ".jsonl": "json", ".ndjson": "json", ".xes": "xes", ".parquet": "parquet"}
PARQUET = b"PAR1"  # what such a file begins with, whatever its name
BEGINS = {b"{": "json", b"<": "xes"}
PACKED = (".gz", ".bz2", ".xz", ".zst")


def expand(words: Iterable[str | Path]) -> list[str]:
    """The files that the words name, in the order of the words; those of one word in natural order (day2, day10).

    A word that is no name of a file may be a pattern (`logs/*.csv`, `logs/**/*.csv`); a folder means the logs in
    it, not those in folders of it. Other words stay as they are, - among them, and whoever reads them says what is
    wrong. Raises LogError where a pattern or a folder has nothing to offer.
    """
    found = []
    for word in words:
        try:
            found += _meant(str(word))
        except OSError as error:
            raise LogError(f"{word}: cannot be read ({error.strerror}); check the name") from None
    return found


def _meant(word: str) -> list[str]:
    if remote.is_remote(word):
        found = [file for file in remote.glob(word) if has_magic(word) or _is_log(Path(file))]
        if not found and has_magic(word):
            raise LogError(f"{word}: no file matches; check the pattern and the folder")
        return sorted(found, key=natural) or [word]
    path = Path(word)
    if path.is_dir():
        found = [str(file) for file in path.iterdir() if _is_log(file) and file.is_file()]
        missing = f"{word}: no log in this folder; a log's name ends in {', '.join(LOGS)}, packed or not"
    elif has_magic(word) and not path.exists():
        matches = glob(word, recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = [file for file in matches if Path(file).is_file()]
        missing = f"{word}: no file matches; check the pattern and the folder"
    else:
        return [word]
    if not found:
        raise LogError(missing)
    return sorted(found, key=natural)


def kind(name: str) -> str:
    """What a log is by its name: csv, json, xes or parquet; "" where that does not tell."""
    name = name.lower()
    for end in PACKED:
        name = name.removesuffix(end)
    return LOGS.get(Path(name).suffix, "")


def kind_of(name: str, head: bytes) -> str:
    """What a log is by its name or, where that does not tell, by its first bytes: csv, json, xes or parquet."""
    if head.startswith(PARQUET):
        return "parquet"
    begin = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return kind(name) or BEGINS.get(begin, "csv")


def _is_log(file: Path) -> bool:
    return bool(kind(file.name)) and not file.name.startswith(".")


def natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """A key that sorts names as people do: numbers by their size, case aside."""
    parts = re.findall(r"(\D*)(\d*)", name.casefold())
    return [(text, int(number or -1)) for text, number in parts], name
