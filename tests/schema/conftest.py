"""What the tests of the graph may ask for: a gateway over a library that none of them changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import Sandbox, create_sandbox
from tests.gateway_under_test import Gateway, open_gateway


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
