"""The metadata of records: each write dates what it changed, with the time at which it was processed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, Sandbox
from gateway.sandbox.clock import Clock, format_timestamp
from gateway.sandbox.library import Record, RecordsById
from gateway.sandbox.metadata import COLLECTIONS
from gateway.sandbox.requests.request_queue import get_instance_queue

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
RequestBody = Callable[..., Body]
Changed = Callable[..., Awaitable[set[str]]]

AVAILABLE, READER = "2000000001", "1000000001"
LONG_AGO = "2020-01-01T00:00:00Z"


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def now() -> datetime:
    """The time in the resolution of FOLIO's timestamps."""
    return moment_of(format_timestamp(datetime.now(UTC)))


def dated_records(library: Library) -> Iterator[tuple[str, Record]]:
    for name in COLLECTIONS:
        records: RecordsById = getattr(library, name)
        for key, record in records.items():
            yield f"{name}/{key}", record


@pytest.fixture(name="changed")
def _changed(client: httpx.AsyncClient, library: Library) -> Changed:
    """Send a write, and return the records that it dated; none of those before the sending."""

    async def changed(method: str, path: str, body: Body | None = None, user: str = "desk") -> set[str]:
        await asyncio.sleep(0.002)  # no earlier write is of the same millisecond as this one
        before: dict[str, Body] = {key: dict(each["metadata"]) for key, each in dated_records(library)}
        sent_at = now()
        response = await client.request(method, path, json=body, headers={"X-Okapi-Token": f"sandbox:{user}"})
        assert response.is_success, response.text
        dated = {key for key, record in dated_records(library) if record["metadata"] != before.get(key)}
        author = library.user_by_name(user)
        assert author is not None
        for key, record in dated_records(library):
            if key in dated:
                metadata = record["metadata"]
                assert sent_at <= moment_of(metadata["updatedDate"]) <= now(), key
                assert metadata["updatedByUserId"] == author["id"], key
                is_new = key not in before
                assert (sent_at <= moment_of(metadata["createdDate"])) == is_new, key
                assert is_new or metadata["createdDate"] == before[key]["createdDate"], key
        return dated

    return changed


def item_with(library: Library, barcode: str) -> Record:
    item = library.item_by_barcode(barcode)
    assert item is not None
    return item


def loan_of(library: Library, barcode: str) -> Record:
    loan = library.open_loan_of_item(item_with(library, barcode)["id"])
    assert loan is not None
    return loan


async def test_the_clock_shows_the_time_of_the_machine(library: Library) -> None:
    """The time of the sandbox is that of its callers to the millisecond, and it is never rounded up."""
    before = now()
    shown = moment_of(library.now())
    assert before <= shown <= datetime.now(UTC)


def test_a_clock_can_start_and_be_advanced() -> None:
    """The clock of the seed starts at another time, and tests let time pass."""
    clock = Clock(datetime(2020, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(days=1))
    assert timedelta(0) <= clock.now() - datetime(2020, 1, 2, tzinfo=UTC) < timedelta(minutes=1)


async def test_check_out_and_check_in(changed: Changed, library: Library, circ_desk: str) -> None:
    """Check-out dates the loan and the item, check-in both again, whatever date the desk enters."""
    item = item_with(library, AVAILABLE)
    body = {"itemBarcode": AVAILABLE, "userBarcode": READER, "servicePointId": circ_desk}
    lent = await changed("POST", "/circulation-bff/loans/check-out-by-barcode", body)
    loan = loan_of(library, AVAILABLE)
    assert lent == {f"loans/{loan['id']}", f"items/{item['id']}"}

    sent_at = now()
    back = {"itemBarcode": AVAILABLE, "servicePointId": circ_desk, "checkInDate": LONG_AGO}
    returned = await changed("POST", "/circulation-bff/loans/check-in-by-barcode", back, "head")
    assert returned == lent
    assert loan["returnDate"] == "2020-01-01T00:00:00.000+00:00"
    head = library.user_by_name("head")
    assert head is not None
    assert item["lastCheckIn"] | {"dateTime": ""} == {
        "dateTime": "",
        "servicePointId": circ_desk,
        "staffMemberId": head["id"],
    }
    assert sent_at <= moment_of(item["lastCheckIn"]["dateTime"]) <= now()


async def test_a_check_in_of_an_item_that_is_not_lent(
    changed: Changed, library: Library, circ_desk: str
) -> None:
    """Only the item changes."""
    body = {"itemBarcode": AVAILABLE, "servicePointId": circ_desk, "checkInDate": LONG_AGO}
    dated = await changed("POST", "/circulation/check-in-by-barcode", body)
    assert dated == {f"items/{item_with(library, AVAILABLE)['id']}"}


@pytest.mark.parametrize(
    ("path", "body", "others"),
    [
        ("change-due-date", {"dueDate": "2031-01-01T00:00:00Z"}, set()),
        ("add-info", {"action": "staffInfoAdded", "actionComment": "called"}, set()),
        ("claim-item-returned", {"itemClaimedReturnedDateTime": LONG_AGO}, {"items"}),
        ("declare-item-lost", {"declaredLostDateTime": LONG_AGO}, {"items", "accounts"}),
    ],
)
async def test_writes_on_a_loan(
    changed: Changed, library: Library, circ_desk: str, path: str, body: Body, others: set[str]
) -> None:
    """The loan is dated, with the item and the accounts if they change too."""
    loan = loan_of(library, "2000000032")
    sent = body | {"servicePointId": circ_desk} if path == "declare-item-lost" else body
    dated = await changed("POST", f"/circulation/loans/{loan['id']}/{path}", sent)

    assert f"loans/{loan['id']}" in dated
    assert {key.partition("/")[0] for key in dated} == {"loans"} | others


async def test_renewal(changed: Changed, library: Library, circ_desk: str) -> None:
    """A renewal dates the loan alone."""
    lent = {"itemBarcode": AVAILABLE, "userBarcode": READER, "servicePointId": circ_desk}
    await changed("POST", "/circulation/check-out-by-barcode", lent)
    loan = loan_of(library, AVAILABLE)
    loan["dueDate"] = library.now()
    body = {"itemId": loan["itemId"], "userId": loan["userId"], "servicePointId": circ_desk}
    assert await changed("POST", "/circulation/renew-by-id", body) == {f"loans/{loan['id']}"}


async def test_missing_after_claim(changed: Changed, library: Library) -> None:
    """The closed loan and the item are dated."""
    loan = next(each for each in library.open_loans() if each["itemStatus"] == "Claimed returned")
    path = f"/circulation-bff/loans/{loan['id']}/declare-claimed-returned-item-as-missing"
    assert await changed("POST", path, {"comment": "searched"}) == {
        f"loans/{loan['id']}",
        f"items/{loan['itemId']}",
    }


async def test_requests(changed: Changed, library: Library, request_body: RequestBody) -> None:
    """A new request is dated with its item; a PUT dates it even if it changes nothing."""
    chosen = "22222222-2222-4222-8222-222222222222"
    item = item_with(library, AVAILABLE)
    created = await changed("POST", "/circulation-bff/requests", request_body(id=chosen))
    assert created == {f"requests/{chosen}", f"items/{item['id']}"}

    same = request_body() | {"status": "Open - Not yet filled"}
    assert await changed("PUT", f"/circulation/requests/{chosen}", same, "head") == {f"requests/{chosen}"}

    reason = next(iter(library.cancellation_reasons))
    cancelled = request_body() | {
        "status": "Closed - Cancelled",
        "cancellationReasonId": reason,
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": LONG_AGO,
    }
    assert await changed("PUT", f"/circulation/requests/{chosen}", cancelled) == created


async def test_reordered_queue(changed: Changed, library: Library, request_body: RequestBody) -> None:
    """Only the requests whose position changes are dated."""
    paged = item_with(library, "2000000231")
    for reader in ("1000000041", "1000000043"):
        await changed("POST", "/circulation/requests", request_body(paged["barcode"], reader, "Hold"))
    queue = get_instance_queue(library, library.holdings[paged["holdingsRecordId"]]["instanceId"])
    ids = [each["id"] for each in queue]
    assert len(ids) > 2
    order = [*ids[:-2], ids[-1], ids[-2]]
    rows = [{"id": key, "newPosition": position} for position, key in enumerate(order, 1)]
    path = f"/circulation/requests/queue/instance/{queue[0]['instanceId']}/reorder"

    assert await changed("POST", path, {"reorderedQueue": rows}) == {f"requests/{key}" for key in ids[-2:]}


async def test_printed_slips_are_no_change_of_the_request(
    client: httpx.AsyncClient, library: Library
) -> None:
    """Print events have a table of their own (mod-circulation-storage), so the request keeps its date."""
    request = next(each for each in library.requests.values() if each["status"].startswith("Open"))
    before = dict(request["metadata"])
    body = {
        "requestIds": [request["id"]],
        "requesterId": next(iter(library.users)),
        "requesterName": "desk",
        "printEventDate": LONG_AGO,
    }
    response = await client.post("/circulation/print-events-entry", json=body)

    assert response.status_code == 201
    assert request["printDetails"]["printEventDate"] == "2020-01-01T00:00:00.000+00:00"
    assert request["metadata"] == before


async def test_batch_request(
    changed: Changed, client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The batch and its rows are dated at their creation and at each step, the requests when they exist."""
    chosen = "33333333-3333-4333-8333-333333333333"
    item, reader = item_with(library, AVAILABLE), library.user_by_barcode(READER)
    assert reader is not None
    body = {
        "batchId": chosen,
        "requesterId": reader["id"],
        "mediatedWorkflow": "Multi-Item request",
        "itemRequests": [{"itemId": item["id"], "pickupServicePointId": circ_desk}],
    }
    created = await changed("POST", "/circulation-bff/batch-requests", body)
    assert sorted(key.partition("/")[0] for key in created) == ["batch_request_details", "batch_requests"]

    assert await changed("GET", f"/circulation-bff/batch-requests/{chosen}") == created
    finished = await changed("GET", f"/circulation-bff/batch-requests/{chosen}")
    detail = next(each for each in library.batch_request_details.values() if each["batchId"] == chosen)
    assert finished == created | {f"items/{item['id']}", f"requests/{detail['confirmedRequestId']}"}
    assert await changed("GET", f"/circulation-bff/batch-requests/{chosen}") == set()


async def test_mediated_request_that_is_saved_and_not_confirmed(
    client: httpx.AsyncClient, library: Library
) -> None:
    """The BFF saves before it confirms, so the record is dated although the write is refused."""
    blocked = library.user_by_barcode("1000000003")
    assert blocked is not None
    record = next(
        each
        for each in library.mediated_requests.values()
        if each["requesterId"] == blocked["id"] and each["status"] == "New - Awaiting confirmation"
    )
    sent = {name: value for name, value in record.items() if name not in ("metadata", "status")}
    sent_at = now()
    response = await client.post(
        "/circulation-bff/mediated-requests/confirm", json=sent | {"patronComments": "changed"}
    )

    assert response.status_code == 422
    assert record["patronComments"] == "changed"
    assert moment_of(record["metadata"]["updatedDate"]) >= sent_at


async def test_a_refused_write_dates_nothing(
    client: httpx.AsyncClient, library: Library, circ_desk: str
) -> None:
    """The metadata of all records stay as they are."""
    before = {key: dict(record["metadata"]) for key, record in dated_records(library)}
    body = {"itemBarcode": "2000000032", "userBarcode": READER, "servicePointId": circ_desk}
    response = await client.post("/circulation/check-out-by-barcode", json=body)

    assert response.status_code == 422
    assert {key: record["metadata"] for key, record in dated_records(library)} == before


async def test_reads_return_metadata(client: httpx.AsyncClient, library: Library) -> None:
    """Every read that could prove a write has the metadata of the stored record."""
    loan, request = next(library.open_loans()), next(iter(library.requests.values()))
    item, batch = item_with(library, AVAILABLE), next(iter(library.batch_requests.values()))
    mediated = next(iter(library.mediated_requests.values()))
    for path, record in (
        (f"/circulation/loans/{loan['id']}", loan),
        (f"/circulation-bff/loans/{loan['id']}", loan),
        (f"/circulation/loans?query=id=={loan['id']}", loan),
        (f"/circulation-bff/loans?query=id=={loan['id']}", loan),
        (f"/inventory/items/{item['id']}", item),
        (f"/inventory/items?query=barcode=={AVAILABLE}", item),
        (f"/circulation-bff/inventory/items?query=barcode=={AVAILABLE}", item),
        (f"/circulation/requests/{request['id']}", request),
        (f"/circulation/requests?query=id=={request['id']}", request),
        (f"/circulation-bff/requests?query=id=={request['id']}", request),
        (f"/circulation-bff/batch-requests/{batch['id']}", batch),
        (f"/requests-mediated/mediated-requests/{mediated['id']}", mediated),
    ):
        response = await client.get(path)
        assert response.status_code == 200, path
        body = response.json()
        view = next((each for each in body.values() if isinstance(each, list) and "query" in path), [body])[0]
        assert view["metadata"] == record["metadata"], path


async def test_the_date_of_a_lock_is_that_of_the_machine(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    """A lock has the time at which Polaris set it, in the zone of its server."""
    path = "/Polaris.ApplicationServices/api/v1/eng/20/polaris/3/9/objectlocks"
    headers = {"Authorization": sandbox.locks.authenticator.authorization("desk")}
    sent_at = now()
    response = await client.post(path, json={"ObjectTypeID": 2, "ObjectID": 4712}, headers=headers)

    assert sent_at <= moment_of(response.json()["LockDate"]) <= now()
