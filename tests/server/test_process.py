"""The life of the server process: signals, and standard streams that accept nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.observability.line_output import DROPPED, LineOutput
from tests.http.held_upstream import MUTATION, held_upstream
from tests.server.edge import PATIENCE, Client, gateway_process, get, post

HEALTH = get("/admin/health")
COMMAND = [sys.executable, "-m", "gateway", "--sandbox"]
MANY = 700  # requests, whose log lines do not fit into a pipe


# Standard streams


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def connect(port: int) -> Client:
    """Connect to a process that may not listen yet and prints nothing."""
    deadline = time.monotonic() + 3 * PATIENCE
    while True:
        try:
            return Client(port)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@contextmanager
def process_with(output: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a gateway with these streams as standard output and error; yield it with its port."""
    port = free_port()
    command = [*COMMAND, "--port", str(port)]
    reader = writer = -1
    if output == "closed":
        command = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command]
    elif output == "full":
        command = ["sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh", *command]
    else:
        reader, writer = os.pipe()
        if output == "unread":
            os.set_blocking(writer, False)
            os.write(writer, b"x" * 1_000_000)  # as much as the pipe takes
            os.set_blocking(writer, True)
    with subprocess.Popen(  # noqa: S603
        command,
        stdout=writer if writer >= 0 else subprocess.DEVNULL,
        stderr=writer if writer >= 0 else subprocess.DEVNULL,
    ) as process:
        try:
            if writer >= 0:
                os.close(writer)
            if output == "without reader":
                os.close(reader)
            yield process, port
        finally:
            process.kill()
            if output == "unread":
                os.close(reader)


def dropped(port: int) -> float:
    client = connect(port)
    client.send(get("/metrics", b"Connection: close"))
    text = client.reader.read().decode()
    client.close()
    match = re.search(r"^gateway_output_lines_dropped_total (\S+)$", text, re.MULTILINE)
    assert match is not None
    return float(match[1])


@pytest.mark.parametrize("output", ["closed", "full", "unread", "without reader"])
def test_output_that_accepts_nothing_stops_nothing(output: str) -> None:
    """The gateway starts, serves and stops with any standard streams, and counts dropped log lines."""
    with process_with(output) as (process, port):
        client = connect(port)
        for _ in range(20):
            client.send(post())
            assert client.response().json == {"data": {"__typename": "Query"}}
        client.close()
        assert dropped(port) >= 20  # a line for each request

        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_reader_that_stalls_delays_nothing() -> None:
    """If the pipe of the log is full, lines are dropped; lines that are read later are complete."""
    port = free_port()
    reader, writer = os.pipe()
    with subprocess.Popen(  # noqa: S603
        [*COMMAND, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=writer
    ) as process:
        os.close(writer)
        client = connect(port)
        for _ in range(MANY):
            client.send(post())
            assert client.response().status == 200
        assert dropped(port) > 0
        first = os.read(reader, 1_000_000)
        client.send(post())
        assert client.response().status == 200
        client.close()
        process.terminate()
        assert process.wait(PATIENCE) == 0
        text = first
        while more := os.read(reader, 1_000_000):
            text += more
    os.close(reader)
    lines = [line for line in text.decode().splitlines() if not line.startswith("Starting")]
    assert 100 < len(lines) < MANY
    assert [line for line in lines if not (line.startswith("{") and line.endswith("}"))] == []


def test_descriptors_of_closed_streams_are_not_used_again() -> None:
    """If standard error is closed, no socket gets its descriptor, to which native code may write."""
    with process_with("closed") as (process, port):
        connect(port).close()
        opened = {os.readlink(f"/proc/{process.pid}/fd/{number}") for number in (1, 2)}

    assert opened == {os.devnull}


def test_lines_of_a_file_are_written_in_full(tmp_path: Path) -> None:
    """A long line to a file is written in one piece."""
    before = DROPPED.counts[""]
    with (tmp_path / "log").open("w") as file:
        LineOutput(file).write("x" * 1_000_000 + "\n")

    assert (tmp_path / "log").stat().st_size == 1_000_001
    assert DROPPED.counts[""] == before


def test_a_long_line_is_continued() -> None:
    """A line of which a pipe accepts a part is completed before the next one; what comes meanwhile is
    dropped."""
    reader, writer = os.pipe()
    before = DROPPED.counts[""]
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb") as pipe:
        output = LineOutput(stream)
        output.write("x" * 100_000 + "\n")
        output.write("dropped\n")
        text = os.read(pipe.fileno(), 1_000_000)
        output.write("next\n")
        text += os.read(pipe.fileno(), 1_000_000)

    assert text == b"x" * 100_000 + b"\nnext\n"
    assert DROPPED.counts[""] == before + 1


# Signals


@pytest.mark.slow
def test_hangup_abandons_no_mutation() -> None:
    """When the terminal is closed, the process drains: a mutation in flight gets its response."""
    with (
        held_upstream() as upstream,
        gateway_process("--okapi-url", upstream.url, "--shutdown-timeout=2") as gateway,
        gateway.client() as client,
    ):
        client.send(post(body=MUTATION))
        upstream.wait_for(1)
        gateway.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        gateway.process.send_signal(signal.SIGHUP)  # a shell repeats it
        time.sleep(3)
        assert gateway.process.poll() is None
        assert upstream.release() == [True]

        assert client.response().json == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
        assert gateway.process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_hangup_that_is_ignored_stays_ignored() -> None:
    """Under nohup the process continues when the terminal is closed."""
    port = free_port()
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        connect(port).close()
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        client = connect(port)
        client.send(HEALTH)
        response = client.response()
        client.close()
        process.kill()

    assert "connection" not in response.headers  # nor does it drain


SLOW_START = """
import asyncio, socket
from gateway.server.lifecycle import run

async def app(scope, receive, send):
    await receive()
    print("starting", flush=True)
    await asyncio.sleep(60)

listener = socket.create_server(("127.0.0.1", 0))
run(app, listener, announce=print, drain=0, shutdown_timeout=1, log_level="info")
print("ended", flush=True)
"""


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_startup_of_the_application(signal_: int) -> None:
    """A start that takes long, as of many trusted documents, ends at once on a signal."""
    command = [sys.executable, "-c", SLOW_START]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        assert process.stdout.readline() == "starting\n"
        began = time.monotonic()
        process.send_signal(signal_)
        assert process.stdout.read() == "ended\n"
        assert process.wait(PATIENCE) == 0
    assert time.monotonic() - began < PATIENCE


def first_process_of_a_namespace() -> list[str]:
    """Return the command that runs another one as PID 1, as a container does. Skips without permission."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare on this machine")
    command = [unshare, "--pid", "--fork", "--kill-child"]
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)  # noqa: S603
    if tried.returncode != 0:
        pytest.skip("this user may create no PID namespace")
    return command


def seconds_of_work(process: int) -> float:
    """Return the time that a process has taken of a processor."""
    _, _, numbers = Path(f"/proc/{process}/stat").read_text().rpartition(") ")
    user, system = numbers.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("after", [0.1, 0.3, 0.5])
def test_sigterm_ends_the_start_of_the_first_process(after: float) -> None:
    """The process of a container (PID 1), to which the system passes only signals that are handled, ends on
    SIGTERM during its start too: after so many seconds of work, as a busy machine takes longer for them."""
    with subprocess.Popen(  # noqa: S603
        [*first_process_of_a_namespace(), *COMMAND, "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as outer:
        try:
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
            while not (child := children.read_text().split()):
                time.sleep(0.005)
            first = int(child[0])
            deadline = time.monotonic() + PATIENCE
            while seconds_of_work(first) < after and time.monotonic() < deadline:
                time.sleep(0.005)
            began = time.monotonic()
            os.kill(first, signal.SIGTERM)
            status = outer.wait(PATIENCE)
        finally:
            outer.kill()

    assert time.monotonic() - began < 2
    assert status == 128 + signal.SIGTERM
