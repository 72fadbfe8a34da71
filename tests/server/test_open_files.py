"""Connections fit the number of files that the process may open."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from gateway.server.open_files import RESERVED, Connections, TooFewFiles, fit
from gateway.server.protocol import MAX_WAIT
from tests.server.edge import PATIENCE, gateway_process, get, post

DEFAULTS = Connections(clients=1000, spare=64, for_each_upstream=64, upstreams=3)


@pytest.mark.parametrize(
    ("files", "clients", "spare", "for_each"),
    [
        (None, 1000, 64, 64),
        (20_000, 1000, 64, 64),
        (1000 + 64 + 3 * 64 + RESERVED, 1000, 64, 64),
        (1024, 704, 64, 64),
        (256, 120, 24, 16),
        (128, 41, 8, 5),
    ],
)
def test_connections_fit_the_files(files: int | None, clients: int, spare: int, for_each: int) -> None:
    """Clients, spare connections and pools of upstreams together fit into the number of files."""
    fitting = fit(DEFAULTS, files)

    assert (fitting.clients, fitting.spare, fitting.for_each_upstream) == (clients, spare, for_each)
    assert files is None or fitting.total + RESERVED <= files


def test_too_few_files_are_refused() -> None:
    """A process that may open almost no files does not start."""
    with pytest.raises(TooFewFiles, match=r"may open 70 files, .* at least 128 are needed \(ulimit -n\)"):
        fit(DEFAULTS, 70)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "expected_log"),
    [
        ("-n 256", "MAX_CONNECTIONS is 168 instead of 1000, because the process may open 256 files"),
        ("-n 128", "MAX_CONNECTIONS is 56 instead of 1000, because the process may open 128 files"),
        ("-Sn 256", ""),
    ],
)
def test_health_is_served_when_all_files_are_open(limits: str, expected_log: str) -> None:
    """Silent connections beyond the limit of open files do not stop health checks, nor operations for long.
    A reduced limit is logged at the start; a soft limit is raised."""
    with gateway_process("--sandbox", limits=limits) as gateway, ExitStack() as stack:
        for _ in range(1400):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE))
            client.sendall(b"POST /graphql HTTP/1.1\r\n")
        assert gateway.execute(get("/admin/health")).json == {"status": "UP"}
        time.sleep(MAX_WAIT + 0.5)

        assert gateway.execute(get("/admin/health")).json == {"status": "UP"}
        assert gateway.execute(post()).json == {"data": {"__typename": "Query"}}
        assert expected_log in gateway.standard_error()
        assert ("MAX_CONNECTIONS" in gateway.standard_error()) is bool(expected_log)


def test_pools_of_upstreams_are_reduced_too() -> None:
    """The two pools of FOLIO get a quarter of the files together; the log names both limits."""
    with gateway_process("--okapi-url=http://127.0.0.1:9", limits="-n 256") as gateway:
        reduced = "MAX_CONNECTIONS is 120 instead of 1000 and UPSTREAM_CONCURRENCY is 24 instead of 64"
        assert f"{reduced}, because the process may open 256 files" in gateway.standard_error()


def test_too_few_files_end_the_start_of_the_sandbox() -> None:
    """The sandbox has connections of clients alone, and needs files for them."""
    command = [sys.executable, "-m", "gateway", "sandbox", "--port", "0"]
    result = subprocess.run(  # noqa: S603
        ["sh", "-c", 'ulimit -n 70 && exec "$@"', "sh", *command],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert result.returncode == 2
    assert re.fullmatch(r"The process may open 70 files, which is too few to serve; .*\n", result.stderr)
    assert result.stdout == ""


def test_too_few_files_end_the_start() -> None:
    """The reason is one line, as for any other cause that the operator has to remedy."""
    reason = "^The process may open 80 files, which is too few to serve; .*\n$"
    with pytest.raises(AssertionError, match=reason), gateway_process("--sandbox", limits="-n 80"):
        pass
