"""Fixtures of all tests: the gateway over the sandbox, with its upstream calls; and the inner loop."""

from __future__ import annotations

import gc
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Generator
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:  # the process that only hands tests to others needs two seconds less without them
    from gateway.sandbox import Sandbox
    from tests.gateway_under_test import Gateway
    from tests.http.desk import Desk

# The inner loop, `pytest -m "not slow"`, must stay below 90 seconds on two cores. A test is slow if it has
# the mark, if its path is one of these, or if it is beyond the sample of a function with many cases.
TESTS = Path(__file__).parent
SLOW_PATHS = frozenset(
    TESTS / path
    for path in (
        # Browsers, Node.js, wheels, containers and hours of operation in minutes.
        "audits",
        "benchmarks",
        "browser",
        "clients",
        "container",
        "soak",
        "test_packaging.py",
        "test_recipes.py",
        # Processes of the command line, sockets with certificates, and clocks that must run out.
        "engine/test_hostile.py",
        "engine/test_idempotency_outages.py",
        "engine/test_leakage.py",
        "engine/test_rate_limit_replicas.py",
        "engine/test_running_mutations.py",
        "http/test_defer.py",
        "http/test_fuzz.py",
        "http/test_load.py",
        "live/test_kafka.py",
        "live/test_kafka_faults.py",
        "live/test_kafka_subscriptions.py",
        "live/test_many_subscribers.py",
        "live/test_withdrawn_permissions.py",
        "observability/test_logs.py",
        "observability/test_traces.py",
        "server/test_protocol.py",
        "server/test_proxies.py",
        "test_cli.py",
        "test_over_http.py",
        "upstream/transport/test_tls.py",
    )
)
# The longest files are started first, so that no process is left with one of them when the others
# have nothing more to do.
LONGEST = tuple(
    TESTS / path
    for path in (
        "observability/test_traces.py",
        "upstream/test_client_sockets.py",
        "soak/test_neighbour.py",
        "soak/test_generated_operations.py",
        "engine/plans/test_equivalent_queries.py",
        "soak/test_large_responses.py",
        "soak/test_memory.py",
        "soak/test_soak.py",
        "soak/test_idempotency_keys.py",
        "benchmarks/test_instructions.py",
        "test_recipes.py",
        "clients/test_clients.py",
        "soak/test_failed_responses.py",
        "audits/test_audits.py",
        "test_packaging.py",
        "browser/test_graphiql.py",
        "server/test_process.py",
        "test_redis_store.py",
        "upstream/transport/test_aiohttp_transport.py",
    )
)
# They need both cores, which the other processes leave to them when they have nothing more to do. The last
# one begins when the machine is idle.
LAST = (TESTS / "live/test_many_subscribers.py", TESTS / "soak/test_storm.py")
INNER_LOOP = "not slow"
MAX_CASES = 5  # of one test function in the inner loop, spread evenly over all of them
MAX_CASES_IN = {
    "test_equivalent_queries.py": 1,  # each case is a few dozen operations
    "test_equivalent_mutations.py": 4,
    "test_process.py": 1,  # and here each is a process
}
MAX_EXAMPLES = 25  # of Hypothesis for one test in the inner loop, of its usual 100
COMPILATION = 60.0  # seconds until the others no longer wait for the process that compiles the tests
COMPILED = pytest.StashKey[Path]()


class Node(Protocol):
    """One of several processes that run the tests."""

    config: pytest.Config
    workerinput: dict[str, str]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave slow paths unread in the inner loop: importing them takes a third of the collection."""
    return True if config.option.markexpr == INNER_LOOP and collection_path in SLOW_PATHS else None


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of processes for two cores, whatever the machine has: tests of time are made for it.

    A third of the time is waiting, so that a third process saves more than its collection.
    """
    return 3


def pytest_configure(config: pytest.Config) -> None:
    # Few objects of a test are in a cycle, and a pass every 700 of them takes a tenth of the time.
    gc.set_threshold(50_000, 20, 20)
    if config.getoption("dist", "no") == "no":  # otherwise other processes run the tests
        from hypothesis import settings

        # A busy machine is slow, which is no failure of an example.
        settings.register_profile("all", deadline=None)
        settings.register_profile("inner-loop", deadline=None, max_examples=MAX_EXAMPLES)
        settings.load_profile("inner-loop" if config.option.markexpr == INNER_LOOP else "all")


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_configure_node(node: Node) -> None:
    node.workerinput["compiled"] = str(_compiled(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    if folder := config.stash.get(COMPILED, None):
        shutil.rmtree(folder)


def _compiled(config: pytest.Config) -> Path:
    """Return the path of a file that the first process creates when it has compiled all tests."""
    if COMPILED not in config.stash:
        config.stash[COMPILED] = Path(tempfile.mkdtemp())
    return config.stash[COMPILED] / "compiled"


def _has_bytecode() -> bool:
    """Return True if the tests were compiled by an earlier run, but for those that changed since."""
    return any(Path(cache_from_source(__file__)).parent.glob("test_*-pytest-*.pyc"))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Spare collection the garbage collector, and the collector everything that collection creates.

    A pass over the objects of thousands of tests takes most of a second, in which deadlines of a test expire.
    Of several processes the first compiles the tests, which takes longer than all else, and the others wait
    to read its bytecode.
    """
    workerinput: dict[str, str] = getattr(session.config, "workerinput", {})
    compiled = Path(workerinput.get("compiled", "/"))
    is_first = workerinput.get("workerid") == "gw0"
    deadline = time.monotonic() + COMPILATION
    if not (is_first or sys.dont_write_bytecode or _has_bytecode()):
        while not (compiled.exists() or time.monotonic() > deadline):
            time.sleep(0.05)
    gc.disable()
    try:
        return (yield)
    finally:
        if is_first and compiled.parent.exists():
            compiled.touch()
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before tests are deselected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        if not SLOW_PATHS.isdisjoint((item.path, *item.path.parents)):
            item.add_marker(pytest.mark.slow)
        elif isinstance(item, pytest.Function):
            cases.setdefault((item.path, item.originalname), []).append(item)
    for (path, _), each in cases.items():
        limit = MAX_CASES_IN.get(path.name, MAX_CASES)
        sample = {each[number * len(each) // limit] for number in range(limit)}
        for item in each:
            if item not in sample:
                item.add_marker(pytest.mark.slow)
    places = {path: place for place, path in enumerate(LONGEST)}
    places |= {path: place for place, path in enumerate(LAST, len(LONGEST) + 1)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))  # the others keep their order


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """An unknown outcome is looked up once, and not again for seconds."""
    from tests.gateway_under_test import open_gateway

    async with open_gateway(look_up_timeout=0.2) as opened:
        yield opened


@pytest.fixture(scope="session", name="unchanged")
def _unchanged() -> Sandbox:
    from gateway.sandbox import create_sandbox

    return create_sandbox()


@pytest.fixture
async def reader(unchanged: Sandbox) -> AsyncIterator[Gateway]:
    """Faults may be added to it and are gone with the test; its records stay what they are."""
    from tests.gateway_under_test import open_gateway

    unchanged.calls.clear()
    async with open_gateway(unchanged, max_cost=100_000, max_result_nodes=10_000_000) as opened:
        yield opened
    unchanged.faults.clear()


@pytest.fixture(name="desk")
def _desk() -> Desk:
    from tests.http.desk import Desk

    return Desk()
