"""A failing service, or an operation with many calls, does not affect others at the same address."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.test_failing_links import Json, Routed, app_over, execute, key
from tests.upstream.socket_server import Responder, hangs, responds, until

pytestmark = pytest.mark.anyio

USERS = "{ users { nodes { id } } }"
ACCOUNTS = "{ accounts { nodes { id } } }"
RENEW = 'mutation { renew(input: { itemBarcode: "1", userBarcode: "2" }) { __typename } }'
RENEWED = {"data": {"renew": {"__typename": "Renewed"}}}
PATRONS = {"users": [{"id": key(n)} for n in range(20)]}


def desk(**services: Responder) -> Routed:
    """An upstream with users and renewals, and these services."""
    return Routed(
        **{
            "users": responds(200, json.dumps(PATRONS).encode()),
            "circulation__renew_by_barcode": responds(200, json.dumps({"id": key(1)}).encode()),
            **services,
        }
    )


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_dead_service_affects_no_other(status: int) -> None:
    """After many failures of accounts, their calls are rejected unsent; users and renewals are unchanged."""
    upstream = desk(accounts=responds(status))
    async with app_over(upstream, read_attempts=1) as app:
        for _ in range(20):
            await execute(app, "{ users(first: 1) { nodes { id } } accounts { nodes { id } } }")
        refused = await execute(app, ACCOUNTS)
        users, renewed = await execute(app, USERS), await execute(app, RENEW)

    assert "retryAfter" in refused["errors"][0]["extensions"]
    assert len(users["data"]["users"]["nodes"]) == 10
    assert renewed == RENEWED
    assert upstream.count_requests() == {"/users": 21, "/accounts": 20, "/circulation/renew-by-barcode": 1}


async def test_a_hanging_service_does_not_delay_others() -> None:
    """While many calls of accounts hang and others wait, users and renewals are served at once."""
    upstream = desk(accounts=hangs)
    async with app_over(upstream, upstream_concurrency=8) as app:
        stuck = [asyncio.create_task(execute(app, ACCOUNTS)) for _ in range(20)]
        await until(lambda: upstream.count_requests()["/accounts"] == 6)
        began = time.monotonic()
        users, renewed = await execute(app, USERS), await execute(app, RENEW)
        took = time.monotonic() - began
        for each in stuck:
            each.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    assert "errors" not in users
    assert renewed == RENEWED
    assert took < 3
    assert upstream.count_requests()["/accounts"] == 6


@pytest.mark.parametrize("many", [500, None], ids=["500", "timeout"])
async def test_one_operation_opens_no_circuit(many: int | None) -> None:
    """Thirty concurrent failures of one user's operation do not stop the reads of others."""
    failing = hangs if many is None else responds(many)
    upstream = desk(users=failing)
    limits: Json = {"first_byte_timeout": 0.3} if many is None else {}
    fields = " ".join(f'u{n}: users(cql: "username=*{n}") {{ nodes {{ id }} }}' for n in range(30))
    async with app_over(upstream, **limits) as app:
        failed = await execute(app, f"{{{fields}}}")
        upstream.responses["/users"] = responds(200, json.dumps(PATRONS).encode())
        users, renewed = await execute(app, USERS), await execute(app, RENEW)

    assert len(failed["errors"]) == 30
    assert "errors" not in users
    assert renewed == RENEWED


async def test_an_operation_does_not_exceed_its_own_slots() -> None:
    """Twenty slow calls over four slots take five turns, none fails, and a renewal does not wait for all."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await responds(200, b'{"automatedPatronBlocks":[]}')(reader, writer)

    upstream = desk(**{f"automated_patron_blocks__{key(n).replace('-', '_')}": slow for n in range(20)})
    async with app_over(upstream, upstream_concurrency=4, read_timeout=0.8, first_byte_timeout=0.8) as app:
        blocks = "{ users(first: 20) { nodes { automatedBlocks { message } } } }"
        running = asyncio.create_task(execute(app, blocks))
        await until(lambda: len(upstream.count_requests()) > 1)
        renewed = await execute(app, RENEW)
        was_running = not running.done()
        result = await running

    assert "errors" not in result
    assert [each["automatedBlocks"] for each in result["data"]["users"]["nodes"]] == [[]] * 20
    assert renewed == RENEWED
    assert was_running
