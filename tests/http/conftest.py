"""Async tests of the web layer run on asyncio, as the gateway does."""

import pytest

from tests.http.desk import Desk


@pytest.fixture(name="anyio_backend")
def _anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()
