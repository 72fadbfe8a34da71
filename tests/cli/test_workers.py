"""Several workers behind one port: real processes, signals and deaths."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.startup import CannotStart
from gateway.cli.workers import METRICS_FOLDER, Workers, metrics_folder
from tests.http.held_upstream import ACT, HeldUpstream, held_upstream
from tests.server.edge import Process, gateway_process, get, post

HEALTH = "/admin/health"
PATIENCE = 60.0  # seconds: two workers start at once, on a slow and busy machine
DONE = {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")


def worker_pids(parent: int) -> set[int]:
    """The worker processes of a gateway, as the system knows them."""
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if stat[0] != "Z" and int(stat[1]) == parent and b"spawn_main" in command:
            found.add(int(folder.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds, and fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def two_workers(*options: str) -> Iterator[tuple[Process, HeldUpstream]]:
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--workers=2", *options) as gateway,
    ):
        yield gateway, upstream


def test_each_worker_answers_on_the_one_port() -> None:
    """Whichever of two workers is stopped, the other answers; it greets once, when both listen."""
    with two_workers() as (gateway, _):
        workers = worker_pids(gateway.process.pid)
        assert len(workers) == 2
        for each in workers:
            os.kill(each, signal.SIGSTOP)
            assert gateway.ask(post()).json == {"data": {"__typename": "Query"}}
            os.kill(each, signal.SIGCONT)
        assert gateway.said().count("A first query") == 1


def test_sigterm_drains_every_worker() -> None:
    """After SIGTERM readiness is off everywhere, acts come to their answers, and then nobody listens."""
    with two_workers("--shutdown-timeout=6") as (gateway, upstream), gateway.client() as client:
        workers = worker_pids(gateway.process.pid)
        client.send(post(body=ACT))
        upstream.wait_for(1)
        assert gateway.ask(get(HEALTH + "/readiness")).status == 200

        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: {gateway.ask(get(HEALTH + "/readiness")).status for _ in range(10)} == {503})
        assert gateway.ask(get(HEALTH)).status == 200
        eventually(lambda: sum(map(alive, workers)) == 1)  # the one without an act has ended
        with pytest.raises(ConnectionRefusedError):
            gateway.ask(get(HEALTH))
        assert gateway.process.poll() is None
        assert upstream.release() == [True]

        assert client.answer().json == DONE
        assert gateway.process.wait(PATIENCE) == 0
        assert not any(map(alive, workers))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_idle_workers_end_in_time(number: signal.Signals) -> None:
    """Ctrl+C and SIGTERM reach the workers through their parent, which ends with 0."""
    with two_workers("--shutdown-timeout=1") as (gateway, _):
        workers = worker_pids(gateway.process.pid)
        gateway.process.send_signal(number)

        assert gateway.process.wait(PATIENCE) == 0
        assert not any(map(alive, workers))


def test_a_dead_worker_is_replaced() -> None:
    """A worker that is killed costs its own connections; the port is served all the time."""
    with two_workers() as (gateway, _):
        before = worker_pids(gateway.process.pid)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)

        assert gateway.ask(post()).status == 200
        eventually(lambda: len(worker_pids(gateway.process.pid)) == 2)
        (survivor,) = before - {victim}
        (replacement,) = worker_pids(gateway.process.pid) - before
        os.kill(survivor, signal.SIGSTOP)
        assert gateway.ask(post()).status == 200
        os.kill(survivor, signal.SIGCONT)
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(PATIENCE) == 0
        assert not alive(replacement)
        assert f"Worker {victim} ended with status -9; another takes its place" in gateway.complained()


def test_workers_do_not_outlive_their_parent() -> None:
    """When the parent is killed its workers drain and end, so that the port is free for its successor."""
    with two_workers("--shutdown-timeout=1") as (gateway, _):
        workers = worker_pids(gateway.process.pid)
        gateway.process.kill()
        gateway.process.wait(PATIENCE)

        eventually(lambda: not any(map(alive, workers)))


def cannot(problem: str, listener: socket.socket, listening: Callable[[], None]) -> None:
    raise CannotStart(problem)


def ends(listener: socket.socket, listening: Callable[[], None]) -> None:
    listening()


def crashes(marks: Path, listener: socket.socket, listening: Callable[[], None]) -> None:
    """Listen and die, three times; then listen and go on, until the signal that nobody handles."""
    (marks / str(os.getpid())).touch()
    listening()
    if len(list(marks.iterdir())) <= 3:
        os._exit(7)
    os.kill(os.getppid(), signal.SIGTERM)
    signal.sigtimedwait([], PATIENCE)


def run_workers(work: Callable[[socket.socket, Callable[[], None]], None], count: int) -> tuple[int, int]:
    """The exit status, and how often it was announced that all listen."""
    announced: list[None] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        status = Workers(count, work, listener, announce=lambda: announced.append(None)).run()
    return status, len(announced)


def test_what_no_worker_can_start_ends_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    """When the first workers cannot start, nothing is tried again, and the command ends as they did."""
    assert run_workers(partial(cannot, "PORT: is not for you"), 2) == (2, 0)
    assert set(capfd.readouterr().err.splitlines()) == {"PORT: is not for you"}


def test_crashes_are_survived_as_often_as_they_come(tmp_path: Path) -> None:
    """Each death brings one new process, and the greeting is not repeated."""
    status, announced = run_workers(partial(crashes, tmp_path), 1)

    assert (status, announced) == (1, 1)  # the last one had no handler for the signal
    assert len(list(tmp_path.iterdir())) == 4


def test_an_embedded_library_is_not_divided() -> None:
    """Several workers would have several libraries, so that is refused, with the way out."""
    result = CliRunner().invoke(cli, ["--workers", "2", "--sandbox", "--port", "0"])

    assert result.exit_code == 2
    assert result.stderr == (
        "WORKERS: the embedded library lives in one process; use 1, or serve the library by itself with"
        " `circulation-gateway sandbox` and set OKAPI_URL to it (got '2')\n"
    )


def test_workers_find_a_folder_to_count_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there, empty, as long as the workers are, and no longer."""
    monkeypatch.delenv(METRICS_FOLDER, raising=False)

    with metrics_folder():
        folder = Path(os.environ[METRICS_FOLDER])
        assert list(folder.iterdir()) == []
        (folder / "counter_1.db").touch()

    assert not folder.exists()
    assert METRICS_FOLDER not in os.environ


def test_an_operators_folder_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that was named already is used, and not removed."""
    monkeypatch.setenv(METRICS_FOLDER, str(tmp_path))

    with metrics_folder():
        assert os.environ[METRICS_FOLDER] == str(tmp_path)

    assert tmp_path.exists()
    assert os.environ[METRICS_FOLDER] == str(tmp_path)
