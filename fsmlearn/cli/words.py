"""The words of a command line -> the values that a command's `run` takes, for a line that is in order.

It knows what people type: options spelt out, values in the next word or after `=`. Whatever else there is (a wrong
word, a missing one, a call for help) is left to Typer, which takes several times as long to start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack, get_args, get_origin, get_type_hints

from fsmlearn.cli.options import Argument, Option

Run = Callable[..., int | None]


def declared(run: Run) -> dict[str, tuple[Any, Option | Argument]]:
    """Of each parameter its type and its declaration; those that `run` takes as a group, `**log: Unpack[…]`, each for
    itself."""
    found: dict[str, tuple[Any, Option | Argument]] = {}
    for name, hint in get_type_hints(run, include_extras=True).items():
        if get_origin(hint) is Unpack:
            found |= declared(*get_args(hint))
        elif name != "return":
            found[name] = (hint.__origin__, hint.__metadata__[0])
    return found


def defaults(run: Run) -> dict[str, Any]:
    """The values of the parameters that need not be given, such as all of a group."""
    code = run.__code__
    names = code.co_varnames[: code.co_argcount]
    values = run.__defaults__ or ()
    grouped = dict.fromkeys(name for name in declared(run) if name not in names)
    return dict(zip(names[len(names) - len(values) :], values, strict=True)) | grouped


def takes_many(kind: Any) -> bool:
    """Whether a parameter of this type may be given more than once."""
    return list in (get_origin(each) for each in (kind, *get_args(kind)))


def parse(run: Run, words: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any] | None:
    """The values that the words give to the parameters of `run`; None where Typer must have a look."""
    parameters = declared(run)
    spelt = {word: name for name, (_, each) in parameters.items() if isinstance(each, Option) for word in each.names}
    values: dict[str, Any] = {}
    for name, (_, each) in parameters.items():
        if isinstance(each, Option) and each.variable and environment.get(each.variable):
            values[name] = environment[each.variable]

    rest: list[str] = []
    lists: dict[str, list[str]] = {}
    todo = iter(words)
    for word in todo:
        if not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        spelling, equals, value = word.partition("=")
        if spelling not in spelt or (equals and not word.startswith("--")):  # -o=a means a file called =a
            return None
        name = spelt[spelling]
        kind, option = parameters[name]
        if isinstance(option, Option) and option.metavar is None:
            if equals:
                return None
            values[name] = True
            continue
        if not equals:
            value = next(todo, "-?")
            if value.startswith("-") and value != "-":  # an option, or a value that looks like one
                return None
        if takes_many(kind):
            lists.setdefault(name, []).append(value)
        else:
            values[name] = value

    values |= lists
    for name, (kind, each) in parameters.items():
        if isinstance(each, Argument):
            if takes_many(kind):
                if not rest:
                    return None
                values[name], rest = rest, []
            elif rest:
                values[name] = rest.pop(0)
            elif name not in defaults(run):
                return None
    return None if rest else values
