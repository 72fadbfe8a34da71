"""Mediated requests: the stored record, the effects of confirmation, and refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library
from gateway.sandbox.library import Record
from gateway.sandbox.requests.mediated_requests import mediated_request_view

pytestmark = pytest.mark.anyio

CONFIRM = "/circulation-bff/mediated-requests/confirm"
MEDIATED = "/requests-mediated/mediated-requests"
NOTHING = "00000000-0000-4000-8000-000000000000"
INACTIVE = "1000000006"
NEW = "New - Awaiting confirmation"
DECLARED = """id requestLevel requestType requestDate patronComments requesterId requester.firstName
requester.lastName requester.middleName requester.barcode requester.patronGroupId
requester.patronGroup.id requester.patronGroup.group requester.patronGroup.desc proxyUserId
proxy.firstName proxy.lastName proxy.middleName proxy.barcode proxy.patronGroupId
proxy.patronGroup.id proxy.patronGroup.group proxy.patronGroup.desc instanceId instance.title
instance.identifiers.identifierTypeId instance.identifiers.value instance.contributorNames.name
instance.publication.publisher instance.publication.place instance.publication.dateOfPublication
instance.publication.role instance.editions instance.hrid holdingsRecordId itemId item.barcode
item.location.name item.location.libraryName item.location.code item.enumeration item.volume
item.chronology item.displaySummary item.status item.callNumber
item.callNumberComponents.callNumber item.callNumberComponents.prefix
item.callNumberComponents.suffix item.copyNumber mediatedWorkflow mediatedRequestStatus
mediatedRequestStep status cancellationReasonId cancelledByUserId
cancellationAdditionalInformation cancelledDate position fulfillmentPreference
deliveryAddressTypeId deliveryAddress.addressTypeId deliveryAddress.addressLine1
deliveryAddress.addressLine2 deliveryAddress.city deliveryAddress.region
deliveryAddress.postalCode deliveryAddress.countryId pickupServicePointId pickupServicePoint.name
pickupServicePoint.code pickupServicePoint.discoveryDisplayName pickupServicePoint.description
pickupServicePoint.shelvingLagTime pickupServicePoint.pickupLocation confirmedRequestId
searchIndex.callNumberComponents.callNumber searchIndex.callNumberComponents.prefix
searchIndex.callNumberComponents.suffix searchIndex.shelvingOrder
searchIndex.pickupServicePointName metadata.createdDate metadata.createdByUserId
metadata.createdByUsername metadata.updatedDate metadata.updatedByUserId
metadata.updatedByUsername"""
SENT = """id requestLevel requestType requestDate patronComments requesterId proxyUserId instanceId
holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId pickupServicePointId"""

Body = dict[str, Any]
Refuse = Callable[..., Awaitable[list[Body]]]
RequestBody = Callable[..., Body]


def leaves(value: object, before: str = "") -> set[str]:
    """Every dotted path to a value that is not an object."""
    if isinstance(value, list):
        return set().union(*(leaves(each, before) for each in value))
    if isinstance(value, dict):
        return set().union(*(leaves(each, f"{before}.{name}".strip(".")) for name, each in value.items()))
    return {before}


def new_ones(library: Library) -> list[Record]:
    return [each for each in library.mediated_requests.values() if each["status"] == NEW]


def body_of(record: Record) -> Body:
    return {name: record[name] for name in SENT.split() if name in record}


def of_user(library: Library, barcode: str) -> Record:
    user = library.user_by_barcode(barcode)
    assert user is not None
    return next(each for each in new_ones(library) if each["requesterId"] == user["id"])


def test_every_declared_field_occurs_and_no_other(library: Library) -> None:
    """The seeded records together have all of them."""
    views = [mediated_request_view(library, each) for each in library.mediated_requests.values()]
    assert leaves(views) == set(DECLARED.split())


def test_every_status_occurs(library: Library) -> None:
    """There are nine, and four records await confirmation."""
    assert len({each["status"] for each in library.mediated_requests.values()}) == 9
    assert len(new_ones(library)) == 4
    for each in library.mediated_requests.values():
        assert f"{each['mediatedRequestStatus']} - {each['mediatedRequestStep']}" == each["status"]


async def test_confirm_a_stored_request(client: httpx.AsyncClient, library: Library) -> None:
    """It becomes open and has a request in circulation."""
    record = new_ones(library)[0]
    response = await client.post(CONFIRM, json=body_of(record))
    confirmed = response.json()
    request = library.requests[confirmed["confirmedRequestId"]]

    assert response.status_code == 201
    assert confirmed["id"] == record["id"]
    assert confirmed["status"] == "Open - Not yet filled"
    assert confirmed["mediatedRequestStatus"] == "Open"
    assert confirmed["mediatedRequestStep"] == "Not yet filled"
    assert confirmed["position"] == request["position"]
    assert confirmed["item"]["status"] == "Paged"
    assert request["requesterId"] == confirmed["requesterId"]
    assert library.mediated_requests[record["id"]]["confirmedRequestId"] == request["id"]


async def test_complete_request(client: httpx.AsyncClient, library: Library) -> None:
    """The item with the barcode 2000000161 is requested with every field."""
    item = library.item_by_barcode("2000000161")
    record = next(each for each in new_ones(library) if item and each["itemId"] == item["id"])
    response = await client.post(CONFIRM, json=body_of(record))
    assert leaves(response.json()) == set(DECLARED.split()) - {"requester.middleName"}


async def test_body_replaces_the_stored_record(client: httpx.AsyncClient, library: Library) -> None:
    """It is a PUT: a comment that is absent from the body is removed."""
    record = of_user(library, "1000000010")
    body = body_of(record)
    del body["patronComments"]
    assert "patronComments" not in (await client.post(CONFIRM, json=body)).json()


async def test_confirm_a_new_request(
    client: httpx.AsyncClient, library: Library, request_body: RequestBody
) -> None:
    """Without an id it is stored first."""
    confirmed = (await client.post(CONFIRM, json=request_body())).json()

    assert confirmed["mediatedWorkflow"] == "Private request"
    assert confirmed["id"] in library.mediated_requests
    assert confirmed["confirmedRequestId"] in library.requests


async def test_unknown_request(request_body: RequestBody, refuse: Refuse) -> None:
    """This module sends its 404 in JSON."""
    errors = await refuse("POST", CONFIRM, request_body(id=NOTHING.replace("-4", "-1")), status=404)
    assert errors[0]["message"].startswith("Mediated request was not found: ")


async def test_inactive_patrons(library: Library, request_body: RequestBody, refuse: Refuse) -> None:
    """A new record is not saved for them, and a stored one not confirmed."""
    (save,) = await refuse("POST", CONFIRM, request_body(user=INACTIVE))
    (confirm,) = await refuse("POST", CONFIRM, body_of(of_user(library, INACTIVE)))
    assert (save["code"], confirm["code"]) == ("100", "102")


async def test_confirm_twice(client: httpx.AsyncClient, library: Library, refuse: Refuse) -> None:
    """A request can be confirmed only once."""
    body = body_of(new_ones(library)[0])
    await client.post(CONFIRM, json=body)
    (error,) = await refuse("POST", CONFIRM, body)
    assert error["code"] == "-1"


async def test_record_stays_if_circulation_refuses(client: httpx.AsyncClient, library: Library) -> None:
    """Of the two writes the first one stays; no request is created."""
    record = of_user(library, "1000000003")
    before = len(library.requests)
    response = await client.post(CONFIRM, json=body_of(record) | {"patronComments": "Please"})

    assert response.status_code == 422
    assert [error["code"] for error in response.json()["errors"]] == ["USER_IS_BLOCKED_MANUALLY"]
    assert (record["patronComments"], record["status"]) == ("Please", NEW)
    assert len(library.requests) == before


@pytest.mark.parametrize(
    "change",
    [{"requestType": None}, {"requesterId": "jane"}, {"instance": {"title": "Emma"}}, {"instance": "Emma"}],
)
async def test_invalid_bodies_are_rejected(
    client: httpx.AsyncClient, request_body: RequestBody, change: Body
) -> None:
    """The BFF's framework rejects them."""
    response = await client.post(CONFIRM, json=request_body(**change))
    assert (response.status_code, response.json()["path"]) == (400, CONFIRM)


async def test_confirm_a_title_level_request(client: httpx.AsyncClient, request_body: RequestBody) -> None:
    """Without an assigned item it shows none."""
    body = request_body("2000000071", kind="Hold", requestLevel="Title", itemId=None, holdingsRecordId=None)
    confirmed = (await client.post(CONFIRM, json=body)).json()
    assert (confirmed["status"], "item" in confirmed) == ("Open - Not yet filled", False)


async def test_read_by_id(client: httpx.AsyncClient, library: Library) -> None:
    """mod-requests-mediated shows a record as the BFF does, without the search index."""
    record = new_ones(library)[0]
    confirmed = (await client.post(CONFIRM, json=body_of(record))).json()
    response = await client.get(f"{MEDIATED}/{record['id'].upper()}")

    assert response.status_code == 200
    del confirmed["searchIndex"], confirmed["metadata"]
    body = response.json()
    assert body.pop("metadata") == library.mediated_requests[record["id"]]["metadata"]
    assert body == confirmed
    assert body["confirmedRequestId"] in library.requests


@pytest.mark.parametrize(
    ("key", "token", "status", "text"),
    [
        (NOTHING, "sandbox:desk", 404, ""),
        ("first", "sandbox:desk", 400, '"error":"Bad Request"'),
        (NOTHING, "sandbox:nobody", 403, "requests-mediated.mediated-request.item.get"),
    ],
)
async def test_read_by_id_that_fails(
    client: httpx.AsyncClient, key: str, token: str, status: int, text: str
) -> None:
    """A missing record is a 404 without a body."""
    response = await client.get(f"{MEDIATED}/{key}", headers={"X-Okapi-Token": token})
    assert response.status_code == status
    assert text in response.text
    assert status != 404 or response.content == b""
