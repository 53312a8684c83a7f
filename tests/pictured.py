"""Small networks of one or two units whose motion is known by hand, with the log and the machine that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from machines import Row, log_of
from networks import CELLS
from test_store import ABOUT

from fsmlearn import store
from fsmlearn.dynamics import Network
from fsmlearn.elman import Elman
from fsmlearn.histories import histories
from fsmlearn.logs import LogKind, alone
from fsmlearn.machine import Machine
from fsmlearn.products import FloatArray
from fsmlearn.sample import Sample
from fsmlearn.sampling import sampled
from fsmlearn.train import Model

# A lamp that is on or off: h' = tanh(2 h + 3 if on, - 3 if off, + 0 if wait). Its answer is the sign of h.
LAMP_ROWS: list[Row] = [("wait", "dark"), ("on", "light"), *[("wait", "light")] * 2, ("off", "dark"), ("wait", "dark")]
LAMP = Machine.build(
    "mealy",
    0,
    [None, None],
    ["wait", "on", "off"],
    [(0, "wait", 0, "dark", 9), (0, "on", 1, "light", 5), (1, "wait", 1, "light", 8), (1, "off", 0, "dark", 4)],
)
REST = 0.9575040240772687  # h = tanh(2 h)
FLIP = Machine.build("mealy", 0, [None, None], ["flip"], [(0, "flip", 1, "light", 2), (1, "flip", 0, "dark", 1)])


def lamp(rows: Sequence[Row] = LAMP_ROWS) -> Network:
    """The lamp's network, h starting at 0: what it is before the first row is neither on nor off."""
    params = {
        "W": np.array([[2.0]]),
        "U": np.array([[0.0], [3.0], [-3.0]]),
        "b": np.zeros(1),
        "V": np.array([[-5.0, 5.0]]),
        "c": np.zeros(2),
    }
    return Network(Model(Elman(), params), sample_of([list(rows)], "hidden"))


def flipping() -> Network:
    """The network of FLIP, which goes round between two memories: h' = tanh(0.2 - 2 h), light where h is positive."""
    params = {
        "W": np.array([[-2.0]]),
        "U": np.array([[0.2]]),
        "b": np.zeros(1),
        "V": np.array([[5.0, -5.0]]),
        "c": np.zeros(2),
    }
    return Network(Model(Elman(), params), sample_of([[("flip", "light"), ("flip", "dark")] * 20], "hidden"))


def sample_of(traces: Sequence[Sequence[Row]], kind: LogKind) -> Sample:
    """The sample of a log that is given in words."""
    log = log_of(traces, kind)
    return sampled(alone(log), histories(log))


def stored(path: Path, machine: Machine, traces: Sequence[Sequence[Row]], kind: LogKind, cell: str = "tanh") -> Path:
    """A model file with a network of four units drawn at random."""
    sample, rng = sample_of(traces, kind), np.random.default_rng(3)
    network = CELLS[cell].initial(sample.words, 4, len(sample.answers), rng)
    training = {"elman": "elman", "tanh": "elman"}.get(cell, cell)
    about = ABOUT.to_dict()
    about["training"]["cell"] = training
    store.save(path, machine, type(ABOUT).from_dict(about), drawn(network, rng), sample)
    return path


def drawn(params: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """The parameters drawn anew, biases too."""
    return {name: rng.normal(0, 0.8, value.shape).astype(np.float32) for name, value in params.items()}
