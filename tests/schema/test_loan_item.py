"""Members of the item in a loan that circulation sends, and the BFF only after a check-out or check-in."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.mutations.seeded import ITEM, PATRON, service_point

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("execution", ["plan", "generic"]),
]

ITEM_NOTES = ["Handle with care"]
SERIES = ["Bridges of the world", "Local history"]
TOKENS = "seriesStatements administrativeNotes"
EXPECTED = {"seriesStatements": SERIES, "administrativeNotes": ITEM_NOTES}


def describe(gateway: Gateway, item: Json) -> None:
    item["administrativeNotes"] = ITEM_NOTES
    holdings = gateway.library.holdings[item["holdingsRecordId"]]
    gateway.library.instances[holdings["instanceId"]]["series"] = [{"value": each} for each in SERIES]


@pytest.mark.parametrize("lists_from", ["auto", "bff", "circulation"])
async def test_a_list_is_read_from_circulation(execution: str, lists_from: str) -> None:
    """A list with these members is read from circulation, in one call; without them it is the BFF's."""
    async with open_gateway(execution=execution, lists_from=lists_from) as gateway:
        loan = next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Open")
        describe(gateway, gateway.library.items[loan["itemId"]])
        query = (
            f"query($id: [ID!]) {{ loans(filter: {{ id: $id }}) {{ nodes {{ loanItem {{ {TOKENS} }} }} }} }}"
        )
        data = await gateway.data(query, {"id": [loan["id"]]})
        paths = gateway.paths()

    assert data["loans"]["nodes"] == [{"loanItem": EXPECTED}]
    assert paths == ["GET /circulation/loans"]


async def test_a_link_is_read_from_circulation(execution: str) -> None:
    """The open loan of an item with these members is read from circulation, and once beside other members."""
    async with open_gateway(execution=execution) as gateway:
        loan = next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Open")
        item = gateway.library.items[loan["itemId"]]
        describe(gateway, item)
        query = f"query($id: ID!) {{ item(id: $id) {{ openLoan {{ id loanItem {{ barcode {TOKENS} }} }} }} }}"
        data = await gateway.data(query, {"id": item["id"]})
        paths = gateway.paths()

    loan_item = {"barcode": item["barcode"], **EXPECTED}
    assert data["item"]["openLoan"] == {"id": loan["id"], "loanItem": loan_item}
    assert paths == ["GET /inventory/items", "GET /circulation/loans"]


async def test_a_check_out_sends_them(execution: str) -> None:
    """The response to a check-out has them: they cost no further call."""
    async with open_gateway(execution=execution) as gateway:
        item = next(each for each in gateway.library.items.values() if each.get("barcode") == ITEM)
        describe(gateway, item)
        query = f"""mutation($input: CheckOutInput!) {{ checkOut(input: $input) {{
            ... on CheckedOut {{ loan {{ loanItem {{ {TOKENS} }} }} }}
        }} }}"""
        point = service_point(gateway.library)
        given = {"itemBarcode": ITEM, "userBarcode": PATRON, "servicePointId": point}
        data = await gateway.data(query, {"input": given})
        paths = gateway.paths()

    assert data["checkOut"] == {"loan": {"loanItem": EXPECTED}}
    assert paths == ["POST /circulation-bff/loans/check-out-by-barcode"]
