"""Limits of results: their price against the rate limit, and their size."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gateway.engine.rate_limit import RateLimit
from gateway.engine.response_body import LARGE, encode
from gateway.errors import RateLimited
from tests.live.live_library import LiveLibrary, idle, live_library

pytestmark = pytest.mark.anyio

LOAN = "subscription($id: ID!) { loanChanged(id: $id) { kind loan { renewalCount } } }"


async def test_results_spend_the_budget_of_their_user() -> None:
    """The beginning costs one call and each result its estimate; one beyond the limit waits for its turn."""
    now = 1000.0
    limit = RateLimit(3, 1, clock=lambda: now)
    async with live_library(rate_limit=limit) as live:
        loan_id = live.summary.loan_id or ""
        stream = await live.subscribe(LOAN, {"id": loan_id})
        waiting = await stream.begin()
        for number in (1, 2):
            live.update("loans", loan_id, renewalCount=number)
            assert (await waiting).data["loanChanged"]["loan"]["renewalCount"] == number
            waiting = await stream.begin()
        live.calls()

        live.update("loans", loan_id, renewalCount=3)
        await asyncio.sleep(0.05)
        assert await idle(waiting)
        assert live.calls() == []
        live.update("loans", loan_id, renewalCount=4)
        now += 10

        assert (await waiting).data["loanChanged"]["loan"]["renewalCount"] == 4
        assert live.calls() == [f'GET /circulation-bff/loans?id=="{loan_id}"']


async def test_identical_streams_spend_once() -> None:
    """A result that streams share is priced once, and their beginnings each."""
    limit = RateLimit(4, 60)
    async with live_library(rate_limit=limit) as live:
        loan_id = live.summary.loan_id or ""
        streams = [await live.subscribe(LOAN, {"id": loan_id}) for _ in range(3)]
        waiting = [await each.begin() for each in streams]

        live.update("loans", loan_id, renewalCount=1)

        assert {(await each).data["loanChanged"]["loan"]["renewalCount"] for each in waiting} == {1}


async def test_a_subscription_beyond_the_limit_is_refused() -> None:
    """A stream that is opened beyond the limit is refused as a whole, and nothing is read."""
    async with live_library(rate_limit=RateLimit(1, 60)) as live:
        await live.subscribe(LOAN, {"id": live.summary.loan_id})

        with pytest.raises(RateLimited):
            await live.subscribe(LOAN, {"id": live.summary.loan_id})

        assert live.calls() == []


USER = """($id: ID!) {{
    {}(id: $id) {{ {} loans(first: 1000) {{ totalCount nodes {{ id item {{ title barcode }} }} }} {} }}
}}"""


async def test_a_large_result_is_that_of_a_query() -> None:
    """A result that is encoded in pieces has the data of the same query."""
    async with live_library() as live:
        user_id = _lend(live, 900)
        stream = await live.subscribe(
            "subscription" + USER.format("userChanged", "user {", "}"), {"id": user_id}
        )
        waiting = await stream.begin()

        live.update("users", user_id, active=True)
        changed = await waiting

        query = await live.execute("query" + USER.format("user", "", ""), {"id": user_id})
        expected = msgspec.json.decode(encode(query))
        assert len(expected["data"]["user"]["loans"]["nodes"]) == 900
        assert changed.data["userChanged"]["user"] == expected["data"]["user"]
        assert live.records[-1].received > LARGE


async def test_a_result_that_is_too_large_is_an_error() -> None:
    """A result beyond the bytes of a response is null, with the limit, and the stream goes on."""
    async with live_library(max_response_bytes=20_000) as live:
        user_id = _lend(live, 900)
        stream = await live.subscribe(
            "subscription" + USER.format("userChanged", "user {", "}"), {"id": user_id}
        )
        waiting = await stream.begin()

        live.update("users", user_id, active=True)
        changed = await waiting

        assert changed.response["data"] == {"userChanged": None}
        assert changed.response["errors"][0]["extensions"]["limit"] == "MAX_RESPONSE_BYTES"
        assert await idle(await stream.begin())


def _lend(live: LiveLibrary, number: int) -> str:
    """Lend the item of a loan many times to its user, and return the user's id."""
    loan = live.library.loans[live.summary.loan_id or ""]
    lent = sum(each.get("userId") == loan["userId"] for each in live.library.loans.values())
    for each in range(number - lent):
        key = f"7c9e6679-7425-40de-944b-{each:012}"
        live.library.loans[key] = loan | {"id": key}
    return str(loan["userId"])
