"""What a model that is gone on with gives to the next training: its words, its weights, its machine.

The new log is coded in the model's words and those that are new to it, so that what the network knows keeps its place;
what is new begins as it would in a network of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.config import Settings
from fsmlearn.errors import ModelError, SettingsError
from fsmlearn.histories import Histories
from fsmlearn.logs import UNKNOWN, Log, Whole
from fsmlearn.machine import Machine
from fsmlearn.plain import narrow
from fsmlearn.rnn import Params
from fsmlearn.sample import Sample
from fsmlearn.train import Model

KINDS = {"visible": "shows its states", "hidden": "hides its states", "sequence": "has events alone"}


@dataclass(frozen=True, eq=False)
class Known:
    """A model to go on from. One that was imported has no network, and an empty sample."""

    machine: Machine
    model: Model | None = None
    cell: str = ""  # as settings call it
    activation: str = "tanh"
    sample: Sample = field(default_factory=Sample)

    def check(self, log: Whole, settings: Settings) -> None:
        """Raise ModelError where the log is of another kind, SettingsError where a network of another kind is asked
        for."""
        machine = self.machine
        hides = not any(machine.labels.values())
        kind = "sequence" if machine.kind == "lts" else "hidden" if hides else "visible"
        outputs = {"moore": "no outputs", "mealy": "outputs"}
        if kind != log.kind:
            raise ModelError(f"the model's log {KINDS[kind]}, this one {KINDS[log.kind]}; go on with a log like it")
        if kind == "visible" and (machine.kind == "mealy") != bool(log.outputs):
            found = outputs["mealy" if log.outputs else "moore"]
            raise ModelError(f"the model's log has {outputs[machine.kind]}, this one {found}; go on with a log like it")
        if self.model is None:
            return
        hidden = len(self.model.params["V"])
        for key, given, has in (
            ("cell", settings.cell, self.cell),
            ("activation", settings.activation if settings.activation != "tanh" else None, self.activation),
            ("hidden", settings.hidden, hidden),
        ):
            if given not in (None, has):
                raise SettingsError(f"{key} is {given}, but the model goes on with {has}; leave it out")

    def settings(self, settings: Settings) -> Settings:
        """Settings with the network that the model has."""
        if self.model is None:
            return settings
        return replace(settings, cell=self.cell, activation=self.activation, hidden=len(self.model.params["V"]))

    def coded(self, log: Whole) -> Whole:
        """The log in the words of the model, those that are new to it behind them."""
        machine, sample = self.machine, self.sample
        end = machine.triggers[-1] if machine.kind == "lts" else None
        shown = [label for label in machine.labels.values() if label is not None and machine.kind != "lts"]
        made = [t.output for t in machine.transitions if t.output is not None]
        states = _union(sample.states, shown, log.states)
        triggers = _union(sample.triggers, (a for a in machine.triggers if a != end), log.triggers)
        outputs = _union(sample.outputs, made, log.outputs) if log.outputs else ()
        words = (states, triggers, outputs)
        parts = log.spread.map(_coded, log.parts, [words] * len(log.parts))
        return replace(log, parts=parts, states=states, triggers=triggers, outputs=outputs)

    def weights(self, log: Log, data: Histories, fresh: Params) -> Params:
        """Parameters for a log that was `coded`, given with its histories: the model's, and fresh ones for what is
        new."""
        if self.model is None:
            return fresh
        old, sample = self.model.params, self.sample
        states = len(sample.states) if sample.kind == "visible" else 0
        triggers = np.arange(len(sample.triggers)) + (len(log.states) if states else 0)
        inputs = np.concatenate([np.arange(states), triggers])
        answers = np.arange(len(sample.answers))
        if sample.kind == "sequence":
            inputs = np.append(inputs, data.words - 1)  # the start
            answers = np.append(triggers, len(data.answers) - 1)  # the end
        grown = {name: value.copy() for name, value in fresh.items()}
        for name, value in old.items():
            if name == "U":
                grown[name][inputs] = value
            elif name == "V":
                grown[name][:, answers] = value
            elif name == "c":
                grown[name][answers] = value
            else:
                grown[name] = value.astype(fresh[name].dtype)
        return grown


def _coded(log: Log, words: tuple[tuple[str, ...], ...]) -> Log:
    """A log in other words, which have its own among them."""
    states, triggers, outputs = words
    unrecorded = log.unrecorded if log.unrecorded == UNKNOWN else states.index(log.states[log.unrecorded])
    return replace(
        log,
        states=states,
        triggers=triggers,
        outputs=outputs,
        state=_recoded(log.state, log.states, states),
        trigger=_recoded(log.trigger, log.triggers, triggers),
        next_state=_recoded(log.next_state, log.states, states),
        output=_recoded(log.output, log.outputs, outputs),
        unrecorded=unrecorded,
    )


def _union(*groups: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for group in groups for word in group))


def _recoded(codes: NDArray[Any], old: tuple[str, ...], new: tuple[str, ...]) -> NDArray[Any]:
    number = {word: code for code, word in enumerate(new)}
    to = np.array([*(number[word] for word in old), UNKNOWN], np.int64)
    return narrow(to[codes], len(new))
