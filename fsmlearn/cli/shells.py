"""How bash, zsh and fish ask for the words that TAB may put on a line, and how they want them.

zsh and fish hand over words without their quotes, and quote what they are given themselves. bash hands over the line
as it is typed, cut at characters such as `=` and `:`, and wants what shall stand on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fsmlearn.cli import tab

BASH = """
_fsmlearn_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _FSMLEARN_COMPLETE=complete_bash "$1" ) )
    return 0
}
complete -o default -F _fsmlearn_completion fsmlearn
"""
ZSH = """#compdef fsmlearn
_fsmlearn_completion() {
    local -a typed found
    typed=( "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" )
    found=( "${(@f)$( _FSMLEARN_COMPLETE=complete_zsh "${(Q)words[1]}" -- "${typed[@]}" )}" )
    if [[ -n "$found" ]]; then compadd -U -- "$found[@]"; else _files; fi
}
compdef _fsmlearn_completion fsmlearn
"""
FISH = """
function __fsmlearn_completion
    set -l words (commandline -opc)
    set -l last (string unescape -- (commandline -ct))
    _FSMLEARN_COMPLETE=complete_fish $words[1] -- $words[2..-1] "$last"
end
complete --command fsmlearn --condition 'test (count (__fsmlearn_completion)) -gt 0' --no-files \
    --keep-order --arguments '(__fsmlearn_completion)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
SPECIAL = re.compile(r"[^\w@%+./:=,·-]")  # what bash wants a backslash before, or may want one
SPLITS = "=:"  # of the characters at which readline cuts words, those that names may have


def asked(wish: str, line: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What a shell is told that comes with a wish such as `complete_bash`; None where it is none of ours."""
    what, _, shell = wish.partition("_")
    if shell not in SCRIPTS:
        return None
    if what == "source":
        return SCRIPTS[shell]
    if what != "complete":
        return None
    words = bash(environment) if shell == "bash" else tab.answers(line[1:-1], line[-1], environment)
    return "".join(f"{word}\n" for word in words if "\n" not in word)


def bash(environment: Mapping[str, str]) -> list[str]:
    """What may stand under the cursor, quoted, of the line that bash describes in the environment."""
    cursor = int(environment["COMP_CWORD"])
    typed = environment["COMP_WORDS"].split("\n")[: cursor + 1]
    typed += [""] * (cursor + 1 - len(typed))
    words, kept = _joined(typed)
    last, quote, at = unquoted(words[-1])
    ready = unquoted(words[-1][:at])[0] if quote else unquoted(kept)[0]
    before = [unquoted(word)[0] for word in words[1:-1]]
    found = tab.answers(before, last, environment)
    return [quoted(word[len(ready) :], quote) for word in found if word.startswith(ready)]


def _joined(typed: Sequence[str]) -> tuple[list[str], str]:
    """The words that were cut at SPLITS, whole again; and the part of the last that readline leaves alone."""
    words: list[str] = []
    kept, glued = "", False
    for word in typed:
        splits = bool(word) and not word.strip(SPLITS)
        if words and (splits or glued):
            kept = words[-1] + word * splits
            words[-1] += word
        else:
            kept = ""
            words.append(word)
        glued = splits
    return words, kept


def unquoted(word: str) -> tuple[str, str, int]:
    """A word of a command line without its quotes; the quote that is still open at its end, and where it stands."""
    text, quote, at = "", "", len(word)
    letters = iter(enumerate(word))
    for place, letter in letters:
        if letter == "\\" and quote != "'":
            following = next(letters, (0, ""))[1]
            text += following if not quote or following in '"\\$`' else letter + following
        elif letter == quote:
            quote = ""
        elif letter in "'\"" and not quote:
            quote, at = letter, place
        else:
            text += letter
    return text, quote, at


def quoted(word: str, quote: str = "") -> str:
    """A word as it stands on a line of bash, inside a quote that is open already where one is given."""
    if quote == "'":
        return word.replace("'", "'\\''")
    if quote == '"':
        return re.sub(r'(["\\$`])', r"\\\1", word)
    return SPECIAL.sub(r"\\\g<0>", word)
