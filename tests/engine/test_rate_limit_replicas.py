"""Two gateway processes with one store share the rate limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

from tests.server.edge import Process, gateway_process, post
from tests.store_server import PATIENCE, StoreServer, needs_store_server, store_server

LIMIT = 10
PAUSE = 1.0  # seconds without a call of the store after a failure


@contextmanager
def replicas(store: StoreServer | None) -> Iterator[tuple[Process, Process]]:
    """Two processes with the same settings, started like those of an operator."""
    options = ["--sandbox", "--rate-limit", f"{LIMIT}/minute"]
    if store is not None:
        # Long enough that a busy machine is not mistaken for an outage of the store.
        options += ["--redis-url", store.url, "--redis-timeout", str(PATIENCE)]
    with gateway_process(*options) as one, gateway_process(*options) as other:
        yield one, other


def status(process: Process, token: str) -> int:
    """Send an operation that costs one call."""
    return process.execute(post(b"X-Okapi-Token: " + token.encode())).status


def served(processes: tuple[Process, Process], token: str, times: int) -> list[int]:
    """Send operations to the processes in turn, and count those that each served."""
    counts = {process.port: 0 for process in processes}
    for _, process in zip(range(times), cycle(processes), strict=False):
        response = status(process, token)
        assert response in (200, 429)
        counts[process.port] += response == 200
    return [counts[process.port] for process in processes]


@needs_store_server
def test_the_sum_over_replicas_is_limited() -> None:
    """A user of two replicas has one budget; another user has a separate one."""
    with store_server() as store, replicas(store) as processes:
        assert served(processes, "a", LIMIT + 4) == [LIMIT // 2, LIMIT // 2]
        assert served(processes, "b", 2) == [1, 1]

        response = processes[1].execute(post(b"X-Okapi-Token: a"))
        assert response.error == (429, "RATE_LIMITED")
        (error,) = response.json["errors"]
        assert str(error["extensions"]["retryAfter"]) == response.headers["retry-after"]


def test_replicas_without_a_store_have_separate_limits() -> None:
    """Without REDIS_URL the limits of two processes are independent."""
    with replicas(None) as processes:
        assert served(processes, "a", 2 * LIMIT + 4) == [LIMIT, LIMIT]


@needs_store_server
def test_the_limit_is_shared_again_after_an_outage_of_the_store() -> None:
    """During an outage of the store each process counts its own operations."""
    with store_server() as store, replicas(store) as processes:
        assert served(processes, "a", LIMIT + 2) == [LIMIT // 2, LIMIT // 2]

        store.kill()
        assert served(processes, "a", 2 * LIMIT + 4) == [LIMIT, LIMIT]

        store.start()
        time.sleep(PAUSE)
        assert served(processes, "tries", 2) == [1, 1]
        assert served(processes, "b", LIMIT + 4) == [LIMIT // 2, LIMIT // 2]
        assert b"rate/diku/" in store.execute("KEYS *")
