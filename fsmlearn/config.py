"""Settings: what a user may say of logs and of learning, merged from command line, environment and fsmlearn.yaml.

Every source gives words; they are read here, in one way, so that a wrong one is told in one way. A YAML
scalar is taken as it is written (YAML would make a truth value of a column called On). YAML itself is loaded only where
there is such a file.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict

from fsmlearn.columns import HEADERS, NONE, Variables
from fsmlearn.errors import SettingsError
from fsmlearn.formats import csv_line, listed

FILE = "fsmlearn.yaml"  # looked for in the working directory
PREFIX = "FSMLEARN_"  # of environment variables: FSMLEARN_SEED
CHOICES = {"cell": ("elman", "gru", "lstm"), "activation": ("tanh", "sigmoid", "relu")}
LEAST = {"hidden": 1, "epochs": 1, "states": 1, "seed": 0}
MOST = {"hidden": 4096, "epochs": 1_000_000, "states": 1_000_000, "seed": 2**63 - 1}
ROLES = tuple(HEADERS)
LISTS = ("state_variables", "input_variables", "external")


class ReadingSettings(TypedDict):
    """The settings that say how to read a log."""

    columns: Mapping[str, str]
    start_state: str | None
    variables: Variables


@dataclass(frozen=True)
class Settings:
    """How to learn; None is chosen by the tool. Raises SettingsError where a value cannot be used."""

    cell: str | None = None
    activation: str = "tanh"  # of the Elman cell; gru and lstm have tanh
    hidden: int | None = None  # size of the hidden vector
    epochs: int | None = None  # at most
    states: int | None = None  # of the machine
    seed: int = 0
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # role -> header
    start_state: str | None = None  # on which a new trace begins
    variables: Variables = NONE  # columns that stand for states
    external: tuple[str, ...] = ()  # triggers that somebody may fire; the others come when they come

    def __post_init__(self) -> None:
        for key in (*CHOICES, *LEAST):
            _check(key, getattr(self, key))
        if self.cell not in (None, "elman") and self.activation != "tanh":
            raise SettingsError(f"activation is {self.activation}, but cell {self.cell} has tanh; choose cell elman")
        for role in self.columns:
            if role not in ROLES:
                raise SettingsError(f"columns: there is no role {role!r}; the roles are {_list(ROLES)}")
        variables = self.variables
        if variables.inputs and not variables.state:
            raise SettingsError(
                "input_variables are given, but no state_variables; give those whose values are the state"
            )
        for role in ("state", "next_state", "output"):
            if variables.state and role in self.columns:
                raise SettingsError(
                    f"state_variables stand in place of a column for the {HEADERS[role]}; leave one of them out"
                )
        for name in variables.levels:
            if name not in variables.all:
                raise SettingsError(f"levels: {name!r} is no variable; the variables are {_list(variables.all)}")

    @property
    def reading(self) -> ReadingSettings:
        """What `logs.reading` wants to know."""
        return {"columns": self.columns, "start_state": self.start_state, "variables": self.variables}


def _check(key: str, value: Any) -> None:
    """Raise SettingsError where a setting by itself cannot be used."""
    if key in CHOICES and value is not None and value not in CHOICES[key]:
        raise SettingsError(f"{key} is {value!r}; choose {_list(CHOICES[key])}")
    if key in LEAST and value is not None and not LEAST[key] <= value <= MOST[key]:
        raise SettingsError(f"{key} is {value}; give a whole number from {LEAST[key]} to {MOST[key]}")


WORDS = ("cell", "activation", "hidden", "epochs", "states", "seed", "start_state", *LISTS, "levels")
KEYS = (*WORDS, "columns")  # of fsmlearn.yaml


def gather(
    given: Mapping[str, str | None],
    environment: Mapping[str, str],
    directory: str | Path = ".",
    *,
    file: str | None = None,
) -> Settings:
    """The settings of a command: `given` on its command line (None where not), else by the environment, else
    by a file, else the defaults. The file is fsmlearn.yaml in `directory`, if there is one, or the one that is named.
    Columns are given as "trace_column".

    Raises SettingsError naming the source of what cannot be used.
    """
    chosen: dict[str, Any] = {"columns": {}, "levels": {}}
    place = Path(file) if file is not None else Path(directory) / FILE
    if file is not None and not place.exists():
        raise SettingsError(f"{file}: no such file; check the name, or write one with `fsmlearn init LOG`")
    for key, word, source in (*_from_file(place), *_from_environment(environment), *_from_line(given)):
        role = key.removesuffix("_column")
        if role != key:
            chosen["columns"][role] = word
            continue
        try:
            value = _value(key, word)
            _check(key, value)
        except SettingsError as error:
            raise SettingsError(f"{source}: {error}") from None
        if key == "levels":
            chosen[key].update(value)
        else:
            chosen[key] = value
    chosen["columns"] = MappingProxyType(chosen["columns"])
    levels = MappingProxyType(chosen.pop("levels"))
    state, inputs = chosen.pop("state_variables", ()), chosen.pop("input_variables", ())
    return Settings(**chosen, variables=Variables(state, inputs, levels))


def _value(key: str, word: str) -> Any:
    """A setting from the word that says it. Raises SettingsError where it is none."""
    if key in LEAST:
        try:
            return int(word)
        except ValueError:
            raise SettingsError(f"{word!r} is not a whole number") from None
    if key in LISTS:
        return tuple(dict.fromkeys(listed(word)))
    if key == "levels":
        return dict(_cuts(each) for each in word.split(";") if each.strip())
    return word


def _cuts(text: str) -> tuple[str, tuple[float, ...]]:
    """`Water Level=10,50` -> the variable, and where to cut it."""
    name, equals, numbers = text.rpartition("=")
    try:
        cuts = tuple(float(number) for number in numbers.split(","))
    except ValueError:
        cuts = ()
    if not equals or not name.strip() or not cuts or not all(map(math.isfinite, cuts)):
        raise SettingsError(f"{text.strip()!r} are no levels; say where to cut a variable: 'Water Level=10,50'")
    if list(cuts) != sorted(set(cuts)):
        raise SettingsError(f"the levels of {name.strip()!r} do not ascend; give each cut once, the lowest first")
    return name.strip(), cuts


Setting = tuple[str, str, str]  # key, word, where it comes from


def _from_line(given: Mapping[str, str | None]) -> Iterator[Setting]:
    for key, word in given.items():
        if word is not None:
            yield key, word, f"--{key.replace('_', '-')}"


def _from_environment(environment: Mapping[str, str]) -> Iterator[Setting]:
    for key in WORDS:
        word = environment.get(PREFIX + key.upper())
        if word:
            yield key, word, PREFIX + key.upper()


def _from_file(path: Path) -> Iterator[Setting]:
    if not path.exists():
        return
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"{path}:{line}: is not YAML ({error.problem})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise SettingsError(f"{path}: is not YAML; write one setting a line, such as `seed: 1`") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    for key, node, place in _pairs(root, path, KEYS):
        if key == "columns":
            for role, header, where in _pairs(node, path, ROLES):
                yield f"{role}_column", _word(header, where), where
        elif key == "levels":
            for name, cuts, where in _pairs(node, path):
                yield key, f"{name}={_joined(cuts, where)}", where
        elif key in LISTS:
            yield key, _joined(node, place), place
        else:
            yield key, _word(node, place), place


def _joined(node: Any, place: str) -> str:
    """A list of words, in brackets or one a line or none, as a command line has it."""
    if _is_nothing(node):
        return ""
    if isinstance(node.value, str):
        return _word(node, place)
    if node.id != "sequence":
        raise SettingsError(f"{place}: must be a list of words")
    return csv_line([_word(each, place) for each in node.value])[:-1]


def _is_nothing(node: Any) -> bool:
    return node is None or node.tag == "tag:yaml.org,2002:null"


def _pairs(node: Any, path: Path, known: tuple[str, ...] | None = None) -> Iterator[tuple[str, Any, str]]:
    """(key, node, "file:line") for each pair of a YAML mapping, whose keys must be among the known ones if there are
    any such."""
    import yaml

    if _is_nothing(node):
        return
    if not isinstance(node, yaml.MappingNode):
        keys = f"the keys being {_list(known)}" if known else "the keys being variables"
        raise SettingsError(f"{path}:{node.start_mark.line + 1}: must be `key: value` lines, {keys}")
    seen = set()
    for key, value in node.value:
        place = f"{path}:{key.start_mark.line + 1}"
        word = _word(key, place)
        if known is not None and word not in known:
            near = difflib.get_close_matches(word.casefold(), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {_list(known)}"
            raise SettingsError(f"{place}: there is no setting {word!r}; {hint}")
        if word in seen:
            raise SettingsError(f"{place}: {word!r} is given twice")
        seen.add(word)
        yield word, value, place


def _word(node: Any, place: str) -> str:
    if not isinstance(node.value, str) or not node.value:
        raise SettingsError(f"{place}: must be one word; quote it if it has special characters")
    return node.value


def _list(words: tuple[str, ...]) -> str:
    if not words:
        return "none"
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
