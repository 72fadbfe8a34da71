"""What every test may ask for: the gateway over the embedded library, with its upstream calls in view."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import Sandbox, create_sandbox
from tests.gateway_under_test import Gateway, open_gateway
from tests.http.desk import Desk


def pytest_collection_finish() -> None:
    """Keep what thousands of tests are made of away from the garbage collector.

    Going through it takes up to most of a second each time, in which every deadline of a test passes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened


@pytest.fixture(scope="session", name="unchanged")
def _unchanged() -> Sandbox:
    return create_sandbox()


@pytest.fixture
async def reader(unchanged: Sandbox) -> AsyncIterator[Gateway]:
    """Faults may be added to it and are gone with the test; its records stay what they are."""
    unchanged.calls.clear()
    async with open_gateway(unchanged, max_cost=100_000) as opened:
        yield opened
    unchanged.faults.clear()


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()
