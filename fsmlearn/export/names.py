"""Words of a log -> names that a language allows: valid, distinct, and always the same for the same words.

A word that is a name already stays as it is, whatever other words there are: a log's own `Rinse_2` is never taken for
what `Rinse·2` becomes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Set
from itertools import count


def ascii_name(word: str) -> str:
    """The word with everything but ASCII letters and digits as underscores, accents left out; empty where nothing is
    left, or a digit would come first."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    return "" if name[:1].isdigit() else name


def names(
    words: Iterable[str],
    stem: str,
    taken: Set[str] = frozenset(),
    clean: Callable[[str], str] = ascii_name,
    fold: Callable[[str], str] = str,
) -> dict[str, str]:
    """Word -> name, in the order of the words.

    `clean` makes a name of a word, or nothing where it cannot. Where that is no name or one of `taken`, `stem` comes
    before it. `fold` is what the language takes names for (str.casefold where case makes no difference).
    """
    words = list(dict.fromkeys(words))
    used = {fold(name) for name in taken}
    found = dict.fromkeys(words, "")
    for word in sorted(words, key=lambda word: clean(word) != word or fold(word) in used):
        found[word] = next(name for name in _choices(word, stem, clean) if name and fold(name) not in used)
        used.add(fold(found[word]))
    return found


def _choices(word: str, stem: str, clean: Callable[[str], str]) -> Iterator[str]:
    """Names for a word, the best first; there is always another."""
    yield clean(word)
    longer = clean(f"{stem}_{word}")
    yield longer
    for number in count(2):
        yield f"{longer}_{number}"
