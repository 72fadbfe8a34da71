"""What every test may ask for: the gateway over the embedded library, with its upstream calls in view."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.gateway_under_test import Gateway, open_gateway


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened
