"""The model file: a zip of machine.json, normal.json, about.json, sample.json and network.npz, written whole or not at
all.

A machine that was imported has no network, and its about.json says where it comes from.

What is read back is checked before it is believed: member names, sizes, array headers, and every field.
Nothing in a model file can run code. All but the network is read with the standard library only.
"""

from __future__ import annotations

import io
import json
import math
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fsmlearn.about import About, Origin
    from fsmlearn.normal import Normal
    from fsmlearn.onward import Known
    from fsmlearn.sample import Sample
    from fsmlearn.train import Model

    Network = Mapping[str, NDArray[np.floating[Any]]]

MAGIC = b"fsmlearn model "  # the archive's comment: this and the version of the format
VERSION = 4
LARGEST = {  # bytes, unpacked
    "machine.json": 64 << 20,
    "normal.json": 64 << 20,
    "about.json": 64 << 20,
    "sample.json": 64 << 20,
    "network.npz": 512 << 20,
}
IMPORTED = {"machine.json", "about.json"}  # of a machine without a log

# What zipfile, zlib and json raise on files that are not what they claim.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

T = TypeVar("T")


def save(
    path: str | Path,
    machine: Machine,
    about: About,
    network: Network,
    sample: Sample | None = None,
    normal: Normal | None = None,
) -> None:
    """Write a model file, whole or not at all; the same values always give the same bytes. Without a sample there is
    nothing of the log in it, without `normal` nothing of what is. Raises ModelError where the place cannot be
    written."""
    import numpy as np

    from fsmlearn.normal import Normal
    from fsmlearn.sample import Sample

    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **{name: np.ascontiguousarray(network[name]) for name in sorted(network)})
    _write(
        path,
        {
            "machine.json": _json(machine.to_dict()),
            "normal.json": _json((normal or Normal()).to_dict(), indent=None),
            "about.json": _json(about.to_dict(), indent=None),
            "sample.json": _json((sample or Sample()).to_dict(), indent=None),
            "network.npz": arrays.getvalue(),
        },
    )


def save_imported(path: str | Path, machine: Machine, origin: Origin) -> None:
    """Write a model file that has no log behind it, as `save` does; it never takes the place of one that has.

    Raises ModelError where the place cannot be written.
    """
    if is_model(path) and load_origin(path) is None:
        raise ModelError(f"{path}: was learned from a log, which an import would lose; name another place with --model")
    _write(path, {"machine.json": _json(machine.to_dict()), "about.json": _json(asdict(origin))})


def _write(path: str | Path, members: Mapping[str, bytes]) -> None:
    from fsmlearn import files

    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.comment = MAGIC + str(VERSION).encode()
        for name, data in members.items():
            member = zipfile.ZipInfo(name)  # without a date, or two saves would differ
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    files.write(path, whole.getbuffer(), "--model", ModelError)


def check_writable(path: str | Path) -> None:
    """Raise the ModelError that `save` would raise for this place, before there is something to lose."""
    from fsmlearn import files

    files.check_writable(path, "--model", ModelError)


def load_machine(path: str | Path) -> Machine:
    """The machine of a model file. Raises ModelError where it is missing, foreign or damaged."""
    return _load(path, "machine.json", lambda data: Machine.from_dict(json.loads(data)))


def load_normal(path: str | Path) -> Normal:
    """What was normal in the log, of which an imported machine knows nothing. Raises ModelError where the file is
    missing, foreign or damaged."""
    from fsmlearn.normal import Normal

    if load_origin(path) is not None:
        return Normal()
    return _load(path, "normal.json", lambda data: Normal.from_dict(json.loads(data)))


def load_about(path: str | Path) -> About:
    """What a model file says of its training. Raises ModelError where there was none, or it is foreign or damaged."""
    from fsmlearn.about import About, Origin

    def parse(data: bytes) -> About:
        found = json.loads(data)
        if Origin.fits(found):
            raise _not_learned(path)
        return About.from_dict(found)

    return _load(path, "about.json", parse)


def load_origin(path: str | Path) -> Origin | None:
    """Where an imported machine comes from, None if it was learned. Raises ModelError as the others do."""
    from fsmlearn.about import Origin

    def parse(data: bytes) -> Origin | None:
        found = json.loads(data)
        return Origin.from_dict(found) if Origin.fits(found) else None

    return _load(path, "about.json", parse)


def load_sample(path: str | Path) -> Sample:
    """Some traces of the log. Raises ModelError where the file is missing, foreign or damaged."""
    from fsmlearn.sample import Sample

    return _load(path, "sample.json", lambda data: Sample.from_dict(json.loads(data)))


def load_network(path: str | Path) -> Network:
    """The network's arrays by name. Raises ModelError where the file is missing, foreign or damaged."""
    return _load(path, "network.npz", _arrays)


def load_model(path: str | Path) -> Model:
    """The trained network and its cell. Raises ModelError where the file is missing, foreign or damaged."""
    from fsmlearn.config import CHOICES
    from fsmlearn.train import Model, cell_of

    network, training = load_network(path), load_about(path).training
    if training.cell in CHOICES["cell"] and training.activation in CHOICES["activation"]:
        cell = cell_of(training.cell, training.activation)
        if cell.fits(network):
            return Model(cell, network)
    raise ModelError(
        f"{path}: is damaged (its network is no {training.cell} cell's); learn it again with `fsmlearn train LOG`"
    )


def load_known(path: str | Path) -> Known:
    """A model to go on from. Raises ModelError where the file is missing, foreign or damaged."""
    from fsmlearn.onward import Known

    machine = load_machine(path)
    if load_origin(path) is not None:
        return Known(machine)
    training = load_about(path).training
    return Known(machine, load_model(path), training.cell, training.activation, load_sample(path))


def is_model(path: str | Path) -> bool:
    """Whether the file looks like a model rather than like a log: a zip with our name on it."""
    try:
        if not Path(path).is_file():  # a device would be read without end
            return False
        with zipfile.ZipFile(path) as archive:
            return archive.comment.startswith(MAGIC)
    except (OSError, *_BROKEN):
        return False


def _load(path: str | Path, name: str, parse: Callable[[bytes], T]) -> T:
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait, a device never end
            raise ModelError(f"{path}: is not a file; name a model that `fsmlearn train` wrote")
        with zipfile.ZipFile(path) as archive:
            comment = archive.comment
            if not comment.startswith(MAGIC):
                raise ModelError(f"{path}: is not an fsmlearn model; learn one with `fsmlearn train LOG`")
            if comment != MAGIC + str(VERSION).encode():
                raise ModelError(f"{path}: was written by another version of fsmlearn; train it again")
            members = {member.filename: member for member in archive.infolist()}
            if len(archive.infolist()) != len(members) or members.keys() not in (LARGEST.keys(), IMPORTED):
                raise ValueError("it holds other files than a model does")
            if name not in members:
                raise _not_learned(path)
            if members[name].file_size > LARGEST[name]:
                raise ValueError(f"{name} is too large")
            with archive.open(members[name]) as file:
                return parse(file.read(LARGEST[name]))
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such model; learn one with `fsmlearn train LOG`, or name another with --model"
        ) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from None
    except zipfile.BadZipFile:
        raise ModelError(
            f"{path}: is not an fsmlearn model, or is cut short; learn one with `fsmlearn train LOG`"
        ) from None
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: is damaged ({reason}); learn it again with `fsmlearn train LOG`") from None


def _not_learned(path: str | Path) -> ModelError:
    return ModelError(f"{path}: was imported and has no log behind it; learn a machine with `fsmlearn train LOG`")


def _arrays(data: bytes) -> Network:
    """The arrays of an npz, read only where `save` could have written them: C order, floats, of the size they claim."""
    import numpy as np

    arrays = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > LARGEST["network.npz"]:
            raise ValueError("network.npz is too large")
        for member in archive.infolist():
            array = archive.read(member)
            header = _ARRAY.match(array)
            if not header:
                raise ValueError(f"{member.filename} is not an array of numbers")
            shape = tuple(int(size) for size in re.findall(rb"\d+", header["shape"]))
            dtype = np.dtype(header["dtype"].decode())
            if math.prod(shape) * dtype.itemsize != len(array) - header.end():
                raise ValueError(f"{member.filename} is not of the size it claims")
            values = np.frombuffer(array, dtype, offset=header.end()).reshape(shape)
            arrays[member.filename.removesuffix(".npy")] = values.copy()  # a buffer's view cannot be written to
    return arrays


_ARRAY = re.compile(  # format 1.0 of numpy.lib.format
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype><f[48])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9, ]*)\), \} *\n",
    re.DOTALL,
)


def _json(data: dict[str, Any], indent: int | None = 1) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent).encode("utf-8", "surrogatepass")
