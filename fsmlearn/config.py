"""Settings: what a user may choose about learning, merged from command line, environment and fsmlearn.yaml.

Every source gives words; they are read here, in one way, so that a wrong one is told in one way. A YAML
scalar is taken as it is written (YAML would make a truth value of a column called On).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fsmlearn.errors import SettingsError

FILE = "fsmlearn.yaml"  # looked for in the working directory
PREFIX = "FSMLEARN_"  # of environment variables: FSMLEARN_SEED
CHOICES = {"cell": ("elman", "gru", "lstm"), "activation": ("tanh", "sigmoid", "relu")}
LEAST = {"hidden": 1, "epochs": 1, "states": 1, "seed": 0}
MOST = {"hidden": 4096, "epochs": 1_000_000, "states": 1_000_000, "seed": 2**63 - 1}
ROLES = ("trace", "step", "state", "trigger", "next_state", "output", "event")


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

    def __post_init__(self) -> None:
        for key in (*CHOICES, *LEAST):
            _check(key, getattr(self, key))
        if self.cell not in (None, "elman") and self.activation != "tanh":
            raise SettingsError(f"activation is {self.activation}, but cell {self.cell} has tanh; choose cell elman")
        for role in self.columns:
            if role not in ROLES:
                raise SettingsError(f"columns: there is no role {role!r}; the roles are {_list(ROLES)}")


def _check(key: str, value: Any) -> None:
    """Raise SettingsError where a setting by itself cannot be used."""
    if key in CHOICES and value is not None and value not in CHOICES[key]:
        raise SettingsError(f"{key} is {value!r}; choose {_list(CHOICES[key])}")
    if key in LEAST and value is not None and not LEAST[key] <= value <= MOST[key]:
        raise SettingsError(f"{key} is {value}; give a whole number from {LEAST[key]} to {MOST[key]}")


KEYS = tuple(each.name for each in fields(Settings))


def gather(given: Mapping[str, str | None], environment: Mapping[str, str], directory: str | Path = ".") -> Settings:
    """The settings of a command: `given` on its command line (None where not), else by the environment, else
    by fsmlearn.yaml in `directory`, else the defaults. Columns are given as "trace_column".

    Raises SettingsError naming the source of what cannot be used.
    """
    chosen: dict[str, Any] = {}
    columns: dict[str, str] = {}
    for key, word, source in (*_from_file(Path(directory) / FILE), *_from_environment(environment), *_from_line(given)):
        role = key.removesuffix("_column")
        if role != key:
            columns[role] = word
            continue
        try:
            value: Any = int(word) if key in LEAST else word
        except ValueError:
            raise SettingsError(f"{source}: {word!r} is not a whole number") from None
        try:
            _check(key, value)
        except SettingsError as error:
            raise SettingsError(f"{source}: {error}") from None
        chosen[key] = value
    return Settings(**chosen, columns=MappingProxyType(columns))


Setting = tuple[str, str, str]  # key, word, where it comes from


def _from_line(given: Mapping[str, str | None]) -> Iterator[Setting]:
    for key, word in given.items():
        if word is not None:
            yield key, word, f"--{key.replace('_', '-')}"


def _from_environment(environment: Mapping[str, str]) -> Iterator[Setting]:
    for key in KEYS:
        word = environment.get(PREFIX + key.upper())
        if word and key != "columns":
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
        else:
            yield key, _word(node, place), place


def _pairs(node: Any, path: Path, known: tuple[str, ...]) -> Iterator[tuple[str, Any, str]]:
    """(key, node, "file:line") for each pair of a YAML mapping whose keys must be among the known ones."""
    import yaml

    if node is None or node.tag == "tag:yaml.org,2002:null":  # an empty file
        return
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(
            f"{path}:{node.start_mark.line + 1}: must be `key: value` lines, the keys being {_list(known)}"
        )
    seen = set()
    for key, value in node.value:
        place = f"{path}:{key.start_mark.line + 1}"
        word = _word(key, place)
        if word not in known:
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
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
