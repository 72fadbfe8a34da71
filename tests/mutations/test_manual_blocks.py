"""Manual blocks: created, changed and deleted over the sandbox, as staff do at the desk."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway, Json

pytestmark = pytest.mark.anyio

CREATE = """mutation($input: CreateManualBlockInput!) { createManualBlock(input: $input) { __typename
    ... on ManualBlockCreated { manualBlock { id type desc borrowing requests expirationDate
        metadata { createdDate } user { id } } }
    ... on Refusal { reasons { message parameters { key value } } }
} }"""
UPDATE = """mutation($input: UpdateManualBlockInput!) { updateManualBlock(input: $input) { __typename
    ... on ManualBlockUpdated { manualBlock { id desc borrowing expirationDate patronMessage } }
    ... on Refusal { reasons { message parameters { key value } } }
} }"""
DELETE = """mutation($input: DeleteManualBlockInput!) { deleteManualBlock(input: $input) { __typename
    ... on ManualBlockDeleted { id }
    ... on Refusal { reasons { message } }
} }"""
CHECK_OUT = """mutation($input: CheckOutInput!) { checkOut(input: $input) { __typename
    ... on Refusal { reasons { code } } } }"""
PATRON = "1000000002"


def patron_id(gateway: Gateway) -> str:
    user = gateway.library.user_by_barcode(PATRON)
    assert user is not None
    return str(user["id"])


async def create(gateway: Gateway, **inputs: Json) -> Json:
    data = await gateway.data(
        CREATE, {"input": {"userId": patron_id(gateway), "desc": "Card lost", **inputs}}
    )
    return data["createManualBlock"]


async def test_a_block_keeps_its_patron_from_borrowing_until_it_is_deleted(gateway: Gateway) -> None:
    """A new block is one call and has effect at once; deleting it is one call and ends it."""
    loan = {
        "itemBarcode": gateway.summary.item_barcode,
        "userBarcode": PATRON,
        "servicePointId": gateway.summary.service_point_id,
    }

    created = await create(gateway, borrowing=True, id="7C9E6679-7425-40DE-944B-E07FC1F90AE7")
    refused = await gateway.data(CHECK_OUT, {"input": loan})
    block_id = created["manualBlock"]["id"]
    deleted = await gateway.data(DELETE, {"input": {"manualBlockId": block_id}})
    lent = await gateway.data(CHECK_OUT, {"input": loan})

    assert created["__typename"] == "ManualBlockCreated"
    assert block_id == "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert created["manualBlock"]["type"] == "Manual"
    assert created["manualBlock"]["metadata"]["createdDate"] is not None
    assert created["manualBlock"]["user"] == {"id": patron_id(gateway)}
    assert refused["checkOut"]["reasons"] == [{"code": "USER_IS_BLOCKED_MANUALLY"}]
    assert deleted["deleteManualBlock"] == {"__typename": "ManualBlockDeleted", "id": block_id}
    assert lent["checkOut"]["__typename"] == "CheckedOut"
    assert [each for each in gateway.paths() if "manualblocks" in each] == [
        "POST /manualblocks",
        f"DELETE /manualblocks/{block_id}",
    ]


async def test_a_repeated_id_is_refused(gateway: Gateway) -> None:
    """A second block with the id of the first is refused, and the first stays as it is."""
    first = await create(gateway)
    second = await create(gateway, id=first["manualBlock"]["id"], desc="Another")

    assert second["__typename"] == "Refusal"
    assert gateway.library.manual_blocks[first["manualBlock"]["id"]]["desc"] == "Card lost"


async def test_a_change_keeps_what_is_absent_and_removes_what_is_null(gateway: Gateway) -> None:
    """The record is read once and written once; the block of the result is read from upstream."""
    created = await create(
        gateway, borrowing=True, patronMessage="Please come", expirationDate="2030-01-01T00:00:00Z"
    )
    block_id = created["manualBlock"]["id"]
    gateway.sandbox.calls.clear()

    data = await gateway.data(
        UPDATE, {"input": {"manualBlockId": block_id, "desc": "Card found", "expirationDate": None}}
    )

    assert data["updateManualBlock"] == {
        "__typename": "ManualBlockUpdated",
        "manualBlock": {
            "id": block_id,
            "desc": "Card found",
            "borrowing": True,
            "expirationDate": None,
            "patronMessage": "Please come",
        },
    }
    assert gateway.paths() == [
        f"GET /manualblocks/{block_id}",
        f"PUT /manualblocks/{block_id}",
        "GET /manualblocks",
    ]
    assert gateway.library.manual_blocks[block_id]["type"] == "Manual"


async def test_a_block_without_reason_is_refused_before_anything_is_sent(gateway: Gateway) -> None:
    """The description cannot be removed."""
    response = await gateway.execute(
        UPDATE, {"input": {"manualBlockId": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "desc": None}}
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "`desc` must not be null: a block has a reason."
    assert gateway.paths() == []


@pytest.mark.parametrize("document", [UPDATE, DELETE])
async def test_a_block_that_does_not_exist(gateway: Gateway, document: str) -> None:
    """Changing or deleting it is NOT_FOUND, and nothing changes."""
    before = dict(gateway.library.manual_blocks)

    response = await gateway.execute(
        document, {"input": {"manualBlockId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert gateway.library.manual_blocks == before
    assert len(gateway.paths()) == 1
