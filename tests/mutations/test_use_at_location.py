"""Use at the location through the gateway: effects, calls and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.seeded import LENT_ITEM, record, state

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON

USE = "loan { id action dueDate forUseAtLocation { status statusDate holdShelfExpirationDate } }"
NOBODY = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "sandbox:nobody"}
REFUSAL = "... on Refusal { reasons { code message } }"
HOLD = f"""mutation($input: HoldForUseAtLocationInput!) {{ holdForUseAtLocation(input: $input) {{
    __typename ... on HeldForUseAtLocation {{ {USE} }} {REFUSAL} }} }}"""
PICK_UP = f"""mutation($input: PickUpForUseAtLocationInput!) {{ pickUpForUseAtLocation(input: $input) {{
    __typename ... on PickedUpForUseAtLocation {{ {USE} }} {REFUSAL} }} }}"""


def loan_for_use(gateway: Gateway) -> Json:
    return next(each for each in gateway.library.loans.values() if "forUseAtLocation" in each)


def barcodes(gateway: Gateway) -> Json:
    loan = loan_for_use(gateway)
    return {
        "itemBarcode": gateway.library.items[loan["itemId"]]["barcode"],
        "userBarcode": gateway.library.users[loan["userId"]]["barcode"],
    }


async def test_pick_up_and_hold(gateway: Gateway) -> None:
    """Each is one call: the loan is shown as it is after the change."""
    loan, inputs = loan_for_use(gateway), barcodes(gateway)
    picked_up = (await gateway.data(PICK_UP, {"input": inputs}))["pickUpForUseAtLocation"]
    in_use = dict(loan["forUseAtLocation"])
    inputs.pop("userBarcode")
    held = (await gateway.data(HOLD, {"input": inputs}))["holdForUseAtLocation"]

    assert gateway.paths() == [
        "POST /circulation/pickup-by-barcode-for-use-at-location",
        "POST /circulation/hold-by-barcode-for-use-at-location",
    ]
    assert (picked_up["__typename"], held["__typename"]) == (
        "PickedUpForUseAtLocation",
        "HeldForUseAtLocation",
    )
    assert picked_up["loan"] == {
        "id": loan["id"],
        "action": "pickedUpForUseAtLocation",
        "dueDate": loan["dueDate"].replace("+00:00", "Z"),
        "forUseAtLocation": {
            "status": "IN_USE",
            "statusDate": in_use["statusDate"].replace("+00:00", "Z"),
            "holdShelfExpirationDate": None,
        },
    }
    assert (held["loan"]["action"], held["loan"]["forUseAtLocation"]["status"]) == (
        "heldForUseAtLocation",
        "HELD",
    )


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_what_storage_lacks_is_read(execution: str) -> None:
    """Members that circulation computes are read once more, and not shown as null."""
    async with open_gateway(execution=execution) as gateway:
        loan, inputs = loan_for_use(gateway), barcodes(gateway)
        document = PICK_UP.replace(
            "loan { id",
            "loan { feesAndFines { amountRemainingToPay } borrower { barcode } item { barcode } "
            "patronGroupAtCheckout { group } metadata { updatedDate } id",
        )
        data = await gateway.data(document, {"input": inputs})
        shown = data["pickUpForUseAtLocation"]["loan"]

        assert gateway.paths() == [
            "POST /circulation/pickup-by-barcode-for-use-at-location",
            "GET /circulation/loans",
        ]
        assert shown["feesAndFines"] == {"amountRemainingToPay": 7.25}
        assert (shown["borrower"]["barcode"], shown["item"]["barcode"]) == (
            inputs["userBarcode"],
            inputs["itemBarcode"],
        )
        assert shown["patronGroupAtCheckout"] is not None
        assert shown["metadata"]["updatedDate"] == loan["metadata"]["updatedDate"].replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("barcode", "message"),
    [
        ("nowhere", "No open loan found for the item barcode. (nowhere)"),
        (LENT_ITEM, f"The loan is open but is not for use at location., item barcode ({LENT_ITEM})"),
    ],
)
async def test_hold_is_refused(gateway: Gateway, barcode: str, message: str) -> None:
    """The text of the service is the reason, and nothing changes."""
    before = state(gateway)
    result = (await gateway.data(HOLD, {"input": {"itemBarcode": barcode}}))["holdForUseAtLocation"]

    assert result == {"__typename": "Refusal", "reasons": [{"code": "OTHER", "message": message}]}
    assert gateway.paths() == ["POST /circulation/hold-by-barcode-for-use-at-location"]
    assert state(gateway) == before


async def test_pick_up_by_another_patron_is_refused(gateway: Gateway) -> None:
    """Only the borrower picks the item up."""
    before = state(gateway)
    inputs = barcodes(gateway) | {"userBarcode": "1000000001"}
    result = (await gateway.data(PICK_UP, {"input": inputs}))["pickUpForUseAtLocation"]

    assert [each["message"] for each in result["reasons"]] == [
        f"No open loan found for item barcode and user  ({inputs['itemBarcode']} and 1000000001)."
    ]
    assert state(gateway) == before


@pytest.mark.parametrize("name", ["itemBarcode", "userBarcode"])
@pytest.mark.parametrize("value", ["", "bell\x07"])
async def test_an_invalid_barcode_is_not_sent(gateway: Gateway, name: str, value: str) -> None:
    """A barcode that is empty or has a control character is rejected with its name before any call."""
    inputs = barcodes(gateway) | {name: value}
    response = await gateway.execute(PICK_UP, {"input": inputs})

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert f"`{name}`" in error["message"]
    assert gateway.paths() == []


async def test_a_caller_without_the_permission(gateway: Gateway) -> None:
    """The permission is that of FOLIO's descriptor, and nothing changes."""
    before = state(gateway)
    response = await gateway.execute(HOLD, {"input": {"itemBarcode": "1"}}, NOBODY)

    assert [each["extensions"]["code"] for each in response["errors"]] == ["FORBIDDEN"]
    assert state(gateway) == before
    assert record(loan_for_use(gateway))["forUseAtLocation"]["status"] == "Held"
