"""The circulation log as mod-audit serves it, and its seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

LOG = "/audit-data/circulation/logs"

Search = Callable[..., Awaitable[list[dict[str, Any]]]]


async def test_items_are_found_by_the_words_of_their_members(library: Library, search: Search) -> None:
    """A barcode and an id are words of the items of a record; a part of a barcode is none."""
    loan = next(iter(library.loans.values()))
    barcode = library.items[loan["itemId"]]["barcode"]

    by_barcode, by_loan = await search(LOG, f'items="{barcode}"'), await search(LOG, f'items="{loan["id"]}"')

    assert {each["items"][0]["itemBarcode"] for each in by_barcode} == {barcode}
    assert {each["items"][0]["loanId"] for each in by_loan} == {loan["id"]}
    assert await search(LOG, f'items="{barcode[:-1]}"') == []
    assert len(await search(LOG, f'items=="*{barcode[:-1]}*"')) >= len(by_barcode) > 0


async def test_a_missing_barcode_is_a_hyphen(library: Library, search: Search) -> None:
    """It is not stored, so that it cannot be found."""
    stored = [each for each in library.circulation_log.values() if "userBarcode" not in each]

    records = await search(LOG, f'id=="{stored[0]["id"]}"')

    assert records[0] == stored[0] | {"userBarcode": "-"}
    assert await search(LOG, 'userBarcode=="-"') == []


async def test_an_invalid_query_is_one_error_in_json(client: httpx.AsyncClient) -> None:
    """It is no list of errors."""
    response = await client.get(LOG, params={"query": "action=="})

    assert response.status_code == 400
    assert response.json().keys() == {"message", "code", "parameters"}


async def test_the_permission(client: httpx.AsyncClient) -> None:
    """A caller without permissions gets 403 with the name of the one that is required."""
    response = await client.get(LOG, headers={"X-Okapi-Token": "sandbox:nobody"})

    assert response.status_code == 403
    assert response.text.endswith("requires permission: circulation-logs.collection.get")


def test_the_seed_is_coherent(library: Library) -> None:
    """Each open loan has one check-out, each open request one creation, with the ids of the records."""
    log = list(library.circulation_log.values())
    lent = Counter(each["items"][0]["loanId"] for each in log if each["action"] == "Checked out")
    created = Counter(
        each["linkToIds"]["requestId"]
        for each in log
        if (each["object"], each["action"]) == ("Request", "Created")
    )
    accounts = {each["linkToIds"]["feeFineId"] for each in log if each["object"] == "Fee/Fine"}

    assert [lent[each["id"]] for each in library.open_loans()] == [1] * sum(1 for _ in library.open_loans())
    opened = [each for each in library.requests.values() if each["status"].startswith("Open")]
    assert [created[each["id"]] for each in opened] == [1] * len(opened)
    assert accounts == set(library.accounts)
    assert {each["object"] for each in log} == {
        "Loan",
        "Request",
        "Fee/Fine",
        "Manual Block",
        "Notice",
        "N/A",
    }
    assert all(each["date"] <= library.now() for each in log)
