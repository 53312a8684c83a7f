"""What the JSON says, as YAML. Every word is quoted: YAML takes On and 01 for something else."""

from __future__ import annotations

from collections.abc import Iterator

from fsmlearn.formats import json_text, printable
from fsmlearn.machine import Machine


def write(machine: Machine) -> str:
    """The machine in YAML, as `Machine.from_dict` takes it."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    for key, value in machine.to_dict().items():
        if not isinstance(value, list) or not value:
            yield f"{key}: {_scalar(value)}"
            continue
        yield f"{key}:"
        for each in value:
            if isinstance(each, dict):
                yield from (
                    f"{'  ' if i else '- '}{name}: {_scalar(cell)}" for i, (name, cell) in enumerate(each.items())
                )
            else:
                yield f"- {_scalar(each)}"


def _scalar(value: object) -> str:
    """A word in quotes, a number, null, or an empty list."""
    if not isinstance(value, str):
        return json_text(value).strip("\n")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(escaped)}"'
