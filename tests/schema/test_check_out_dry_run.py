"""The dry run of a check-out: a read by POST, whose refusals are data."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway_under_test import Gateway
from tests.mutations.seeded import ITEM, PATRON, state

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON

REFERENCE_ITEM = "2000000009"  # not for loan
ROUTE = "POST /circulation/check-out-by-barcode-dry-run"
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DOCUMENT = """query($item: String!, $user: String!, $proxy: String, $blocks: OverrideBlocksInput) {
    checkOutDryRun(
        itemBarcode: $item, userBarcode: $user, proxyUserBarcode: $proxy, overrideBlocks: $blocks
    ) {
        __typename
        ... on CheckOutAllowed {
            loanPolicy { id } overdueFinePolicy { id } lostItemPolicy { id } patronNoticePolicy { id }
        }
        ... on Refusal { reasons { code message overridableBlock { name } } }
    }
}"""


async def test_an_allowed_check_out(gateway: Gateway) -> None:
    """The policies are shown by one call, and nothing is lent."""
    before = state(gateway)
    data = await gateway.data(DOCUMENT, {"item": ITEM, "user": PATRON})
    library = gateway.library
    policy = next(each for each in library.loan_policies.values() if each["name"] == "Standard loan")

    assert data == {
        "checkOutDryRun": {
            "__typename": "CheckOutAllowed",
            "loanPolicy": {"id": policy["id"]},
            "overdueFinePolicy": {"id": next(iter(library.overdue_fine_policies))},
            "lostItemPolicy": {"id": next(iter(library.lost_item_policies))},
            "patronNoticePolicy": {"id": next(iter(library.notice_policies))},
        }
    }
    assert gateway.paths() == [ROUTE]
    assert state(gateway) == before


async def test_a_refused_check_out_and_its_override(gateway: Gateway) -> None:
    """The refusal is that of `checkOut`, with the block to override; with the override it is allowed."""
    before = state(gateway)
    names = {"item": REFERENCE_ITEM, "user": PATRON}
    blocks = {"itemNotLoanableBlock": {"dueDate": "2030-01-01T00:00:00Z"}, "comment": "Please"}
    refused = (await gateway.data(DOCUMENT, names))["checkOutDryRun"]
    allowed = (await gateway.data(DOCUMENT, {**names, "blocks": blocks}))["checkOutDryRun"]

    assert refused == {
        "__typename": "Refusal",
        "reasons": [
            {
                "code": "ITEM_NOT_LOANABLE",
                "message": "Item is not loanable",
                "overridableBlock": {"name": "itemNotLoanableBlock"},
            }
        ],
    }
    assert allowed["__typename"] == "CheckOutAllowed"
    assert gateway.paths() == [ROUTE, ROUTE]
    assert state(gateway) == before


async def test_several_in_one_operation_run_at_once_by_get(gateway: Gateway) -> None:
    """As a query it is accepted by GET, and one refusal does not stop the others."""
    document = f"""{{
        one: checkOutDryRun(itemBarcode: "{REFERENCE_ITEM}", userBarcode: "{PATRON}") {{ __typename }}
        two: checkOutDryRun(itemBarcode: "{ITEM}", userBarcode: "{PATRON}") {{ __typename }}
    }}"""
    response = await gateway.http.get(
        "/graphql", params={"query": document}, headers=gateway.as_staff("desk")
    )

    assert response.json() == {
        "data": {"one": {"__typename": "Refusal"}, "two": {"__typename": "CheckOutAllowed"}}
    }
    assert gateway.paths() == [ROUTE, ROUTE]


@pytest.mark.parametrize("name", ["item", "user", "proxy"])
@pytest.mark.parametrize("value", ["", "bell\x07", "x" * 501])
async def test_an_invalid_barcode_is_not_sent(gateway: Gateway, name: str, value: str) -> None:
    """It is rejected with the name of the argument before any call."""
    variables = {"item": ITEM, "user": PATRON, name: value}
    response = await gateway.execute(DOCUMENT, variables)

    (error,) = response["errors"]
    argument = {"item": "itemBarcode", "user": "userBarcode", "proxy": "proxyUserBarcode"}[name]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"`{argument}`" in error["message"]
    assert gateway.paths() == []


async def ask(responses: list[httpx.Response]) -> tuple[Json, list[httpx.Request]]:
    """Return the response of the gateway to a dry run over an upstream with these responses."""
    sent: list[httpx.Request] = []

    def upstream(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return responses.pop(0)

    app = create_app(
        Settings(okapi_url="http://folio"), transport=lambda limits: httpx.MockTransport(upstream)
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        variables = {
            "item": "1",
            "user": "2",
            "proxy": "3",
            "blocks": {"patronBlock": True, "comment": "x"},
        }
        response = await client.post(
            "/graphql",
            json={"query": DOCUMENT, "variables": variables},
            headers={"X-Okapi-Tenant": "diku", "X-Okapi-Token": "secret"},
        )
    return response.json(), sent


async def test_it_is_repeated_after_a_failure() -> None:
    """It changes nothing, so it is retried like a read, with the same body."""
    response, sent = await ask([httpx.Response(503), httpx.Response(201, json={"loanPolicyId": KEY})])

    assert response["data"]["checkOutDryRun"]["loanPolicy"] == {"id": KEY}
    assert response["data"]["checkOutDryRun"]["overdueFinePolicy"] is None
    assert [json.loads(each.content) for each in sent] == [
        {
            "itemBarcode": "1",
            "userBarcode": "2",
            "proxyUserBarcode": "3",
            "overrideBlocks": {"patronBlock": {}, "comment": "x"},
        }
    ] * 2


@pytest.mark.parametrize(
    ("upstream", "code"),
    [
        (httpx.Response(404, text="No suitable module found for path"), "UPSTREAM_BAD_RESPONSE"),
        (httpx.Response(404, text="Resource not found"), "UPSTREAM_BAD_RESPONSE"),
        (httpx.Response(403, text="Access requires permission: x"), "FORBIDDEN"),
        (httpx.Response(400, text="No such Tenant diku"), "UPSTREAM_REJECTED"),
        (httpx.Response(201, json={"errors": []}), "UPSTREAM_BAD_RESPONSE"),
        (httpx.Response(201, json=[]), "UPSTREAM_BAD_RESPONSE"),
        (httpx.Response(200, html="<p>Log in</p>"), "UPSTREAM_BAD_RESPONSE"),
    ],
)
async def test_what_is_no_answer_is_an_error(upstream: httpx.Response, code: str) -> None:
    """A library without the route, a missing permission or another body is neither allowed nor refused."""
    response, _ = await ask([upstream])

    assert response["data"] == {"checkOutDryRun": None}
    assert [each["extensions"]["code"] for each in response["errors"]] == [code]
