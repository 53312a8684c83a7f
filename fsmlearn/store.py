"""The model file: a zip of machine.json, normal.json, about.json and network.npz, written whole or not at all.

What is read back is checked before it is believed: member names, sizes, array headers, and every field.
Nothing in a model file can run code. All but the network is read with the standard library only.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fsmlearn.about import About
    from fsmlearn.normal import Normal
    from fsmlearn.train import Model

    Network = Mapping[str, NDArray[np.floating[Any]]]

MAGIC = b"fsmlearn model "  # the archive's comment: this and the version of the format
VERSION = 2
LARGEST = {  # bytes, unpacked
    "machine.json": 64 << 20,
    "normal.json": 64 << 20,
    "about.json": 64 << 20,
    "network.npz": 512 << 20,
}

# What zipfile, zlib and json raise on files that are not what they claim.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)

T = TypeVar("T")


def save(path: str | Path, machine: Machine, about: About, network: Network, normal: Normal | None = None) -> None:
    """Write a model file; the same values always give the same bytes. Without `normal` it says nothing of what is.

    It is written beside its place and renamed, so that whatever happens (Ctrl-C, a full disk) the old
    file or the new one is there. A symbolic link is followed, and an old file's permissions are kept.
    Raises ModelError where the place cannot be written.
    """
    import numpy as np

    from fsmlearn.normal import Normal

    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **{name: np.ascontiguousarray(network[name]) for name in sorted(network)})
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.comment = MAGIC + str(VERSION).encode()
        for name, data in (
            ("machine.json", _json(machine.to_dict())),
            ("normal.json", _json((normal or Normal()).to_dict(), indent=None)),
            ("about.json", _json(about.to_dict())),
            ("network.npz", arrays.getvalue()),
        ):
            member = zipfile.ZipInfo(name)  # without a date, or two saves would differ
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    with _explained(path):
        target, mode = _target(path)
        draft, handle = _draft(target)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(whole.getbuffer())
                file.flush()
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def check_writable(path: str | Path) -> None:
    """Raise the ModelError that `save` would raise for this place, before there is something to lose."""
    with _explained(path):
        draft, handle = _draft(_target(path)[0])
        os.close(handle)
        draft.unlink()


def load_machine(path: str | Path) -> Machine:
    """The machine of a model file. Raises ModelError where it is missing, foreign or damaged."""
    return _load(path, "machine.json", lambda data: Machine.from_dict(json.loads(data)))


def load_normal(path: str | Path) -> Normal:
    """What was normal in the log. Raises ModelError where the file is missing, foreign or damaged."""
    from fsmlearn.normal import Normal

    return _load(path, "normal.json", lambda data: Normal.from_dict(json.loads(data)))


def load_about(path: str | Path) -> About:
    """What a model file says of its training. Raises ModelError where it is missing, foreign or damaged."""
    from fsmlearn.about import About

    return _load(path, "about.json", lambda data: About.from_dict(json.loads(data)))


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


def is_model(path: str | Path) -> bool:
    """Whether the file looks like a model rather than like a log: a zip with our name on it."""
    try:
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
            if len(archive.infolist()) != len(LARGEST) or members.keys() != LARGEST.keys():
                raise ValueError("it holds other files than a model does")
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


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); name another place with --model") from None


def _target(path: str | Path) -> tuple[Path, int | None]:
    """The file that `path` stands for, links followed, and the permissions it has if it is there."""
    target = Path(os.path.realpath(path))  # unlike Path.resolve it does not mind a link to itself
    if not target.exists():
        return target, None
    mode = target.stat().st_mode
    if not stat.S_ISREG(mode):
        raise ModelError(f"{path}: is not a file; name another place with --model")
    if not os.access(target, os.W_OK):
        raise ModelError(f"{path}: is write-protected; name another place with --model")
    return target, stat.S_IMODE(mode)


def _draft(target: Path) -> tuple[Path, int]:
    """A new, empty file beside `target` with the permissions a new file gets, open for writing."""
    import secrets

    draft = target.with_name(f".fsmlearn-{secrets.token_hex(8)}")
    return draft, os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
