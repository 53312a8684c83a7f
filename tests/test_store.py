"""The model file: round trips, saving whole or not at all, and files that lie."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn import store
from fsmlearn.about import (
    About,
    Comparison,
    EpochSummary,
    ExtractionSummary,
    LogSummary,
    NoiseSummary,
    Origin,
    Support,
    TrainingSummary,
)
from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine
from fsmlearn.train import cell_of

MACHINE = Machine.build(
    "moore", 0, ["Off", "On", "Off"], ["Power", "=1+1"], [(0, "Power", 1, None, 3), (1, "=1+1", 2, "[ö]", 1)]
)
ABOUT = About(
    log=LogSummary(
        "visible", ("a.csv",), {"state": "Current State"}, 4, 1, 2, 2, 0, "00", (("gap", 1, "a.csv:2", "kept"),)
    ),
    noise=NoiseSummary({"label": 0.25}, {"label": 1}, 1, 0, 0, (("a.csv:3", "dropped", "label", "seen once"),)),
    training=TrainingSummary(
        "elman", "tanh", 8, 99, 4, 3, (EpochSummary(1, 0.5, 0.75, math.nan, math.nan, 1.0, 0.004),), 1, False, 0.5
    ),
    extraction=ExtractionSummary(4, 3, 3, 0, 0.1),
    comparison=(Comparison("Off", "Power", "On", None, 3, 0, 1.0, "learned"),),
    support=(
        Support("Off", None, None, None, 3, 0, "Off·2", 0.5),
        Support("Off", "Power", "On", None, 3, 1, None, math.nan),
    ),
    settings={"cell": "elman", "seed": 0, "states": None, "quiet": True, "rate": 0.1},
    versions={"numpy": "2"},
)
NETWORK = {"W": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5, -2.0])}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.fsm"
    store.save(path, MACHINE, ABOUT, NETWORK)
    return path


def test_what_is_saved_is_read_back(model: Path) -> None:
    assert store.load_machine(model) == MACHINE
    about = store.load_about(model)
    assert about.to_dict() == ABOUT.to_dict()
    assert math.isnan(about.training.epochs[0].held_out_loss)
    network = store.load_network(model)
    assert network.keys() == NETWORK.keys()
    for name, array in NETWORK.items():
        assert network[name].dtype == array.dtype
        np.testing.assert_array_equal(network[name], array)


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_a_network_is_read_back_with_its_cell(tmp_path: Path, name: str) -> None:
    cell = cell_of(name)
    params = cell.initial(3, 4, 2, np.random.default_rng(0))
    about = replace(ABOUT, training=replace(ABOUT.training, cell=name))
    store.save(tmp_path / "model.fsm", MACHINE, about, params)
    loaded = store.load_model(tmp_path / "model.fsm")
    assert loaded.cell == cell
    assert all(np.array_equal(loaded.params[key], value) for key, value in params.items())


@pytest.mark.parametrize(("cell", "activation"), [("gru", "tanh"), ("transformer", "tanh"), ("elman", "tan")])
def test_a_network_of_another_cell_is_refused(tmp_path: Path, cell: str, activation: str) -> None:
    about = replace(ABOUT, training=replace(ABOUT.training, cell=cell, activation=activation))
    store.save(tmp_path / "model.fsm", MACHINE, about, cell_of("elman").initial(3, 4, 2, np.random.default_rng(0)))
    assert "damaged" in refuse(tmp_path / "model.fsm", store.load_model)


def test_saving_twice_gives_the_same_bytes_whatever_the_order(model: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    store.save(again, MACHINE, ABOUT, {"b": NETWORK["b"], "W": np.asfortranarray(NETWORK["W"])})
    assert again.read_bytes() == model.read_bytes()


def test_the_machine_is_read_without_numpy(model: Path) -> None:
    code = f"""
import sys
from fsmlearn import store
store.load_machine({str(model)!r}), store.load_about({str(model)!r})
print([name for name in ("numpy", "pandas", "rich", "typer", "yaml") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_imported_machine_has_an_origin_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.fsm"
    store.save_imported(path, MACHINE, Origin("machine.dot", "1.2"))
    assert store.is_model(path)
    assert store.load_machine(path) == MACHINE
    assert store.load_origin(path) == Origin("machine.dot", "1.2")
    for load in (store.load_about, store.load_network, store.load_model):
        assert "was imported and has no log behind it" in refuse(path, load)
    before = path.read_bytes()
    store.save_imported(path, MACHINE, Origin("machine.dot", "1.2"))
    assert path.read_bytes() == before


def test_a_learned_machine_has_no_origin_and_is_kept(model: Path) -> None:
    assert store.load_origin(model) is None
    before = model.read_bytes()
    with pytest.raises(ModelError, match="was learned from a log"):
        store.save_imported(model, MACHINE, Origin("machine.dot", "1.2"))
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    "data", [b'{"imported": 1, "version": "1"}', b'{"imported": "a"}', b'{"imported": "a", "b": 1}']
)
def test_a_hostile_origin_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.fsm"
    store.save_imported(path, MACHINE, Origin("machine.dot", "1.2"))
    rewrite(path, {"about.json": data})
    assert "damaged (about" in refuse(path, store.load_origin)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".fsmlearn")]


def test_a_link_is_followed_and_permissions_are_kept(model: Path, tmp_path: Path) -> None:
    model.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(model.name)
    model.write_bytes(b"old")
    store.save(link, MACHINE, ABOUT, NETWORK)
    assert link.is_symlink()
    assert stat.S_IMODE(model.stat().st_mode) == 0o640
    assert store.load_machine(model) == MACHINE
    assert not leftovers(tmp_path)


def test_a_new_file_gets_the_permissions_of_any_new_file(model: Path, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert model.stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_the_old_file_survives_what_goes_wrong(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    before = model.read_bytes()

    def fail(_: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ModelError if isinstance(failure, OSError) else KeyboardInterrupt):
        store.save(model, MACHINE, ABOUT, {})
    assert model.read_bytes() == before
    assert not leftovers(tmp_path)


def test_a_place_that_cannot_be_written_is_known_beforehand(model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    store.check_writable(model)
    store.check_writable(tmp_path / "new")
    assert model.read_bytes() == before
    assert list(tmp_path.iterdir()) == [model]
    for bad in (tmp_path / "missing" / "model.fsm", tmp_path, model / "below", Path(os.devnull)):
        with pytest.raises(ModelError, match=r"--model") as caught:
            store.check_writable(bad)
        assert str(bad) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_write_protected_model_is_not_replaced(model: Path) -> None:
    model.chmod(0o400)
    with pytest.raises(ModelError, match="write-protected"):
        store.check_writable(model)


def refuse(path: Path, load: Callable[[Path], object] = store.load_machine) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < len(str(path)) + 300
    return text


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    assert "no such model" in refuse(tmp_path / "model.fsm")
    assert "not a file" in refuse(tmp_path)
    assert "not a file" in refuse(Path("/dev/zero"))
    log = tmp_path / "log.csv"
    log.write_text("step,state\n1,Off\n")
    assert "not an fsmlearn model" in refuse(log)
    log.write_bytes(b"")
    assert "not an fsmlearn model" in refuse(log)
    assert not store.is_model(log)
    with zipfile.ZipFile(log, "w") as archive:
        archive.writestr("machine.json", "{}")
    assert "not an fsmlearn model" in refuse(log)
    assert not store.is_model(tmp_path)
    assert not store.is_model(tmp_path / "missing")
    assert not store.is_model(Path("/dev/zero"))


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in refuse(tmp_path / "pipe")


def test_another_version_is_named(model: Path) -> None:
    rewrite(model, {}, comment=store.MAGIC + b"1")
    assert "another version" in refuse(model)
    assert store.is_model(model)


@given(cut=st.integers(0, 5000), junk=st.binary(max_size=8))
def test_cut_or_scribbled_files_are_refused_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("cut") / "m"
    store.save(path, MACHINE, ABOUT, NETWORK)
    data = path.read_bytes()
    cut %= len(data)
    for damaged in (data[:cut], data[:cut] + junk + data[cut + len(junk) :]):
        path.write_bytes(damaged)
        for load in (store.load_machine, store.load_about, store.load_network):
            try:
                load(path)
            except ModelError as error:
                assert "\n" not in str(error)


def rewrite(path: Path, members: dict[str, bytes], comment: bytes = store.MAGIC + str(store.VERSION).encode()) -> None:
    """Put other members into a model, as somebody who knows the format would."""
    with zipfile.ZipFile(path) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, data in {**old, **members}.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"[1, 2",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps({**MACHINE.to_dict(), "initial": "Nowhere"}).encode(),
        json.dumps({**MACHINE.to_dict(), "initial": "line\nbreak"}).encode(),
        b'{"kind": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_hostile_machine_is_refused(model: Path, data: bytes) -> None:
    rewrite(model, {"machine.json": data})
    assert "damaged" in refuse(model)


def change(*path: Any, to: Any) -> dict[str, Any]:
    data: Any = json.loads(json.dumps(ABOUT.to_dict()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    "data",
    [
        change("log", "rows", to="4"),
        change("log", "rows", to=True),
        change("log", "rows", to=None),
        change("log", "files", to={"a": 1}),
        change("log", "files", to=[1]),
        change("log", "columns", "state", to=1),
        change("log", "oddities", to=[["gap", 1, "a.csv:2"]]),
        change("training", "epochs", 0, "loss", to="0.5"),
        change("training", "epochs", 0, "more", to=1),
        change("comparison", 0, "verdict", to="guilty"),
        change("comparison", 0, "output", to=3),
        change("settings", "cell", to=["elman"]),
        change("noise", to=None),
    ],
)
def test_a_hostile_report_is_refused(model: Path, data: dict[str, Any]) -> None:
    rewrite(model, {"about.json": json.dumps(data).encode()})
    assert "damaged (about." in refuse(model, store.load_about)
    assert store.load_machine(model) == MACHINE


def npz(**arrays: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in arrays.items():
            archive.writestr(name + ".npy", data)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


FLOATS = npy(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        npz(W=b""),
        npz(W=FLOATS[:-1]),
        npz(W=FLOATS + b"\0"),
        npz(W=FLOATS.replace(b"(2, 3)", b"(999999999999, 3)")),
        npz(W=FLOATS.replace(b"(2, 3), }      ", b"(2, 3), } + [][0]")),
        npz(W=FLOATS.replace(b"<f4", b"|O8")),
        npz(W=npy(np.array([{}], dtype=object))),
        npz(W=npy(np.array(["a"]))),
    ],
)
def test_a_hostile_network_is_refused(model: Path, data: bytes) -> None:
    rewrite(model, {"network.npz": data})
    refuse(model, store.load_network)
    assert store.load_machine(model) == MACHINE


def test_a_zip_bomb_is_refused_before_it_is_unpacked(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(model, {"machine.json": b" " * (store.LARGEST["machine.json"] + 1)})
    assert model.stat().st_size < 1 << 20
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was opened"))
    assert "too large" in refuse(model)


def test_a_bomb_inside_the_network_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(store.LARGEST, "network.npz", 1000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W.npy", npy(np.zeros(2000)))
    assert len(file.getvalue()) < 1000
    rewrite(model, {"network.npz": file.getvalue()})
    assert "too large" in refuse(model, store.load_network)


def test_strange_members_are_refused(model: Path) -> None:
    rewrite(model, {"../evil": b""})
    assert "other files" in refuse(model)


def test_an_encrypted_member_is_refused(model: Path) -> None:
    data = bytearray(model.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    model.write_bytes(data)
    refuse(model)
