"""A cluster gives what one process gives, byte for byte, even if a worker dies; what it lacks it says in one line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from machines import SAMPLES

from fsmlearn import excerpt, filtered, pipeline, store, summary, workers
from fsmlearn.config import Settings
from fsmlearn.denoise import Filtered
from fsmlearn.errors import ClusterError, FsmlearnError, LogError
from fsmlearn.logs import Whole, gathering
from fsmlearn.pipeline import Learned
from fsmlearn.sources import expand
from fsmlearn.spread import HERE, Spread
from fsmlearn.workers import Cluster, connected, local

distributed: Any = import_module("distributed")
SHORT = Settings(epochs=4, hidden=16)


def threads(workers: int) -> Any:
    """A cluster whose workers are threads: quick to start."""
    place: dict[str, Any] = {"threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    return distributed.LocalCluster(n_workers=workers, protocol="tcp", host="127.0.0.1", **place)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with threads(2) as it, distributed.Client(it) as client:
        yield Cluster(client)


def cut(folder: Path, name: str, files: int) -> list[str]:
    """A sample log in several files, which traces go over the borders of."""
    header, *rows = (SAMPLES / f"{name}.csv").read_text().splitlines(keepends=True)
    found = []
    for number, part in enumerate(np.array_split(np.array(rows, object), files)):
        found.append(str(folder / f"{number}.csv"))
        Path(found[-1]).write_text(header + "".join(part.tolist()))
    return found


def everything(found: Filtered) -> tuple[str, str, object]:
    """What `filter` prints and lists."""
    spread, parts = found.source.spread, found.parts
    first = [n == 0 for n in range(len(parts))]
    clean = "".join(spread.text(filtered.clean, parts, first, [True] * len(parts)))
    return clean, "".join(spread.text(filtered.dropped, parts, first)), summary.of_noise(found)


def learned(files: list[str], spread: Spread, settings: Settings = SHORT) -> Learned:
    *_, last = pipeline.learning(files, settings, spread)
    assert isinstance(last, Learned)
    return last


def same(one: Learned, other: Learned) -> bool:
    """Machine, network, sample, and all that is told of the log."""
    facts = []
    for each in (one, other):
        about = each.about.to_dict()
        del about["training"]["seconds"], about["extraction"]["seconds"]
        facts.append((each.machine.to_dict(), about, each.sample.to_dict(), everything(each.filtered)))
    weights = [each.model.params for each in (one, other)]
    return facts[0] == facts[1] and all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["washing_machine", "vending_machine"])
def test_a_cluster_learns_what_one_process_learns(name: str, cluster: Cluster, tmp_path: Path) -> None:
    files = cut(tmp_path, name, 5)
    assert len(cluster.divide(files)) > 2
    assert same(learned(files, HERE), learned(files, cluster))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["washing_machine", "vending_machine"])
def test_a_cluster_learns_the_same_from_an_excerpt(
    name: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpt, "ENOUGH", {"visible": 1000, "hidden": 1000})
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 1000, "hidden": 1000})
    files = cut(tmp_path, name, 5)
    one = learned(files, HERE)
    assert one.about.training.rows < one.about.log.rows / 2
    assert same(one, learned(files, cluster))


@pytest.mark.slow
@pytest.mark.parametrize("column", ["trigger", "current_state"])
@pytest.mark.parametrize("rows", [300, 100_000])
def test_a_cluster_learns_the_same_of_events(
    column: str, rows: int, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpt, "ENOUGH", {"sequence": rows})
    monkeypatch.setattr(excerpt, "ROWS", {"sequence": rows})
    files = cut(tmp_path, "washing_machine", 3)
    settings = Settings(epochs=2, hidden=16, columns={"event": column})
    one = learned(files, HERE, settings)
    assert (one.about.training.rows < one.about.log.rows / 2) == (rows == 300)
    assert same(one, learned(files, cluster, settings))


def test_files_are_shared_out_by_their_sizes(cluster: Cluster, tmp_path: Path) -> None:
    sizes = [900, 100, 100, 100, 800, 500, 500]
    for number, size in enumerate(sizes):
        (tmp_path / f"{number}.csv").write_text("x" * size)
    files = [str(tmp_path / f"{number}.csv") for number in range(len(sizes))]
    groups = cluster.divide(files)
    assert [file for group in groups for file in group] == files
    # two workers are to have two parts each, of about 750 bytes
    assert [len(group) for group in groups] == [1, 4, 2]
    with pytest.raises(ClusterError, match="standard input"):
        cluster.divide(["<stdin>"])


def same_log(files: list[str], names: list[str], cluster: Cluster) -> bool:
    """Whether what lies under some names is read, here and by workers, as what lies in some files."""
    texts = set()
    for log, spread in ((files, HERE), (names, HERE), (names, cluster)):
        *_, whole = gathering(log, spread=spread)
        assert isinstance(whole, Whole)
        texts.add((whole.fingerprint(), len(whole)))
    return len(texts) == 1


def test_files_that_only_a_file_system_of_its_own_can_open(cluster: Cluster, tmp_path: Path) -> None:
    memory = import_module("fsspec").filesystem("memory")
    files = cut(tmp_path, "door_lock", 3)
    for number, file in enumerate(files):
        memory.pipe(f"/logs/day{number}.csv", Path(file).read_bytes())
    assert same_log(files, [f"memory://logs/day{number}.csv" for number in range(3)], cluster)


def test_files_on_a_web_server(cluster: Cluster, tmp_path: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    files = cut(tmp_path, "door_lock", 3)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever).start()
        place = f"http://127.0.0.1:{server.server_port}"
        try:
            assert same_log(files, [f"{place}/{number}.csv" for number in range(3)], cluster)
            assert same_log(files, expand([f"{place}/*.csv"]), cluster)
            with pytest.raises(LogError, match=r"9\.csv: no such file"):
                [*gathering([f"{place}/9.csv"])]
        finally:
            server.shutdown()


def test_what_is_wrong_with_a_file_is_told_as_ever(cluster: Cluster, tmp_path: Path) -> None:
    files = cut(tmp_path, "washing_machine", 4)
    with Path(files[2]).open("a") as file:
        file.write("1,2,3\n")
    told = []
    for spread in (HERE, cluster):
        with pytest.raises(LogError) as error:
            learned(files, spread)
        told.append(str(error.value))
    assert told[0] == told[1] and "2.csv:" in told[0]


def test_what_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleType:
        raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "import_module", absent)
        with pytest.raises(ClusterError, match=r"pip install 'fsmlearn\[dask\]'"), connected("local"):
            pass
    monkeypatch.setattr(workers, "REACHED", 0.3)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no scheduler can be reached there") as error, connected(address):
            pass
    assert "\n" not in str(error.value)
    for word in ("nonsense", "no address:", "tcp://scheduler"):
        with pytest.raises(ClusterError, match=f"{word}: is no address; give one such as"), connected(word):
            pass


def test_a_cluster_without_workers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "REACHED", 0.5)
    with (
        threads(0) as empty,
        pytest.raises(ClusterError, match="has no workers; start some with: dask worker"),
        connected(empty.scheduler_address),
    ):
        pass


def test_a_worker_of_another_version_is_refused(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "__version__", "99")
    with pytest.raises(ClusterError, match=r"this worker has fsmlearn 0.*; install fsmlearn 99 there"):
        Cluster(cluster._client)


@pytest.mark.slow
@pytest.mark.parametrize("after", ["the first file", "the log"])
def test_a_worker_that_dies_changes_nothing(after: str, tmp_path: Path) -> None:
    files = cut(tmp_path, "washing_machine", 6)
    with local(2) as place, distributed.Client(place) as client:
        spread = Cluster(client)
        stages = pipeline.learning(files, SHORT, spread)
        value = next(stages)
        while after == "the log" and not isinstance(value, Whole):
            value = next(stages)
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        *_, value = stages
        assert isinstance(value, Learned)
        assert same(learned(files, HERE), value)
        assert victim not in client.run(os.getpid).values()


@pytest.mark.slow
def test_workers_that_are_all_gone_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 1.0)
    files = cut(tmp_path, "washing_machine", 6)
    with local(2) as place, distributed.Client(place) as client:
        stages = pipeline.learning(files, SHORT, Cluster(client))
        next(stages)
        place.scale(0)
        with pytest.raises(FsmlearnError, match="all workers are gone; start some with: dask worker"):
            list(stages)


@pytest.mark.slow
def test_the_commands_print_the_same_on_a_cluster(tmp_path: Path) -> None:
    cut(tmp_path, "washing_machine", 4)
    program = [sys.executable, "-m", "fsmlearn"]
    for words in (["info", "*.csv"], ["filter", "*.csv", "--dropped", "dropped"], ["train", "*.csv", "--epochs", "4"]):
        found = []
        for more in ([], ["--dask", "local"]):
            run = subprocess.run([*program, *words, *more], cwd=tmp_path, capture_output=True, text=True, check=True)
            extra = (tmp_path / "dropped").read_text() if words[0] == "filter" else ""
            if words[0] == "train":
                extra = str(store.load_machine(tmp_path / "model.fsm").to_dict())
                run.stdout = "".join(line for line in run.stdout.splitlines() if "epochs in" not in line)
            found.append((run.stdout, run.stderr, extra))
        assert found[0] == found[1]
