"""The events of the library: those that FOLIO's modules publish to Kafka when records change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.live.folio_events import changes_of
from gateway.sandbox import Event, Library, Sandbox

pytestmark = pytest.mark.anyio

AVAILABLE, LENT, LENT_TWICE = "2000000001", "2000000031", "2000000032"
READER = "1000000001"

Body = dict[str, Any]
RequestBody = Callable[..., Body]


@pytest.fixture(name="events")
def _events(sandbox: Sandbox) -> list[Event]:
    events: list[Event] = []
    sandbox.publish = events.append
    return events


def topics(events: list[Event]) -> list[tuple[str, str]]:
    """Return the topic and the type of each event."""
    return [(each.topic, each.value.get("type", "")) for each in events]


async def check_in(client: httpx.AsyncClient, barcode: str, desk: str) -> None:
    body = {"itemBarcode": barcode, "servicePointId": desk, "checkInDate": "2026-11-21T10:00:00Z"}
    response = await client.post("/circulation/check-in-by-barcode", json=body)
    assert response.status_code == 200, response.text


async def test_a_loan_has_an_event_of_storage(
    client: httpx.AsyncClient, library: Library, events: list[Event], circ_desk: str
) -> None:
    """A check-out is the creation of a loan and a change of its item, in the shapes of the two modules."""
    before = time.time_ns() // 1_000_000
    body = {"itemBarcode": AVAILABLE, "userBarcode": READER, "servicePointId": circ_desk}
    loan = (await client.post("/circulation/check-out-by-barcode", json=body)).json()

    assert topics(events) == [("circulation.loan", "CREATED"), ("inventory.item", "UPDATE")]
    created, changed = events
    assert (created.tenant, created.key) == ("diku", loan["id"])
    assert created.value.keys() == {"id", "type", "tenant", "timestamp", "data"}
    assert created.value["data"] == {"new": library.loans[loan["id"]]}
    assert before <= created.timestamp == created.value["timestamp"] <= time.time_ns() // 1_000_000
    item = library.items[loan["itemId"]]
    assert changed.key == item["id"]
    assert changed.value.keys() == {"eventId", "eventTs", "type", "tenant", "old", "new"}
    old, new = changed.value["old"], changed.value["new"]
    assert (old["status"]["name"], new["status"]["name"]) == ("Available", "Checked out")
    assert new["instanceId"] == library.holdings[item["holdingsRecordId"]]["instanceId"]


async def test_events_have_the_records_of_their_time(
    client: httpx.AsyncClient, library: Library, events: list[Event], circ_desk: str
) -> None:
    """A later change of a record does not change the events that were published before it."""
    await check_in(client, LENT, circ_desk)
    loan = next(each for each in events if each.topic == "circulation.loan")
    assert loan.value["data"]["old"]["status"] == {"name": "Open"}
    assert loan.value["data"]["new"]["action"] == "checkedin"

    library.loans[loan.key]["action"] = "changed later"

    assert loan.value["data"]["new"]["action"] == "checkedin"


async def test_a_check_in_has_an_event(
    client: httpx.AsyncClient, library: Library, events: list[Event], circ_desk: str
) -> None:
    """Each scan of an item at a desk is a check-in, also if the item was not on loan."""
    item = library.item_by_barcode(AVAILABLE)
    assert item is not None

    await check_in(client, AVAILABLE, circ_desk)

    assert topics(events) == [("inventory.item", "UPDATE"), ("circulation.check-in", "CREATED")]
    scan = events[1].value["data"]["new"]
    assert events[1].key == scan["id"]
    assert scan == {
        "id": scan["id"],
        "occurredDateTime": item["lastCheckIn"]["dateTime"],
        "itemId": item["id"],
        "itemStatusPriorToCheckIn": "Available",
        "requestQueueSize": 0,
        "itemLocationId": scan["itemLocationId"],
        "servicePointId": circ_desk,
        "performedByUserId": item["lastCheckIn"]["staffMemberId"],
    }


async def test_moved_positions_are_one_event_of_the_queue(
    client: httpx.AsyncClient, library: Library, events: list[Event]
) -> None:
    """Positions are written by batch: the queue has an event, and the moved requests have none."""
    item = library.item_by_barcode(LENT_TWICE)
    assert item is not None
    title = library.holdings[item["holdingsRecordId"]]["instanceId"]
    path = f"/circulation/requests/queue/instance/{title}"
    first, second = [each["id"] for each in (await client.get(path)).json()["requests"]]

    order = {"reorderedQueue": [{"id": second, "newPosition": 1}, {"id": first, "newPosition": 2}]}
    assert (await client.post(f"{path}/reorder", json=order)).status_code == 200

    assert topics(events) == [("circulation.request-queue-reordering", "CREATED")]
    assert events[0].key == title
    request = library.requests[second]
    assert events[0].value["data"] == {
        "new": {
            "instanceId": title,
            "itemId": request["itemId"],
            "requestLevel": request["requestLevel"],
            "requestIds": [second, first],
        }
    }


async def test_a_closed_request_moves_those_behind_it(
    client: httpx.AsyncClient, library: Library, events: list[Event]
) -> None:
    """A cancellation is a change of the request, and the others move up in the queue."""
    item = library.item_by_barcode(LENT_TWICE)
    assert item is not None
    queue = [
        each for each in library.requests.values() if each.get("itemId") == item["id"] and "position" in each
    ]
    first, second = sorted(queue, key=lambda each: each["position"])
    path = f"/circulation/requests/{first['id']}"
    request = (await client.get(path)).json()

    cancellation = {
        "status": "Closed - Cancelled",
        "cancellationReasonId": next(iter(library.cancellation_reasons)),
        "cancelledByUserId": next(iter(library.users)),
        "cancelledDate": library.now(),
    }
    response = await client.put(path, json=request | cancellation)

    assert response.status_code == 204, response.text
    assert topics(events) == [
        ("circulation.request", "UPDATED"),
        ("circulation.request-queue-reordering", "CREATED"),
    ]
    assert events[0].value["data"]["new"]["status"] == "Closed - Cancelled"
    assert events[1].value["data"]["new"]["requestIds"] == [second["id"]]


async def test_the_balance_of_an_account_has_an_event(
    client: httpx.AsyncClient, library: Library, events: list[Event], circ_desk: str
) -> None:
    """A payment publishes the new balance, without an envelope and by the name of the event."""
    account = next(each for each in library.accounts.values() if each["remaining"] > 1)
    body = {
        "amount": "1.00",
        "notifyPatron": False,
        "servicePointId": circ_desk,
        "userName": "desk",
        "paymentMethod": "Cash",
    }

    assert (await client.post(f"/accounts/{account['id']}/pay", json=body)).status_code == 201

    (event,) = events
    assert (event.topic, event.key) == ("feesfines.FEE_FINE_BALANCE_CHANGED", "FEE_FINE_BALANCE_CHANGED")
    assert event.value == {
        name: value
        for name, value in {
            "userId": account["userId"],
            "feeFineId": account["id"],
            "feeFineTypeId": account["feeFineId"],
            "balance": account["remaining"],
            "loanId": account.get("loanId"),
        }.items()
        if value is not None
    }


async def test_reads_and_refusals_publish_nothing(
    client: httpx.AsyncClient, events: list[Event], circ_desk: str
) -> None:
    """Only records that were changed have events."""
    body = {"itemBarcode": LENT, "userBarcode": READER, "servicePointId": circ_desk}
    assert (await client.get("/circulation/loans")).status_code == 200
    assert (await client.post("/circulation/check-out-by-barcode", json=body)).status_code == 422

    assert events == []


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
def test_changes_of_any_record_can_be_published(
    sandbox: Sandbox, library: Library, events: list[Event], kind: str
) -> None:
    """What is changed directly, as another client of the services would, has events that are understood."""
    changed = {
        "loans": "loan",
        "requests": "request",
        "items": "item",
        "users": "user",
        "accounts": "accounts",
    }
    with sandbox.changes("diku"):
        for name in changed:
            records = getattr(library, name)
            key = next(iter(records))
            if kind == "created":
                records["new"] = records[key] | {"id": "new"}
            elif kind == "updated":
                records[key] = records[key] | ({"remaining": 0.5} if name == "accounts" else {"_version": 7})
            else:
                del records[key]

    found = [
        (change.subject, change.kind)
        for each in events
        for change in changes_of(each.topic, each.key, each.value, each.tenant, each.timestamp)
        if change.subject in changed.values()
    ]
    of_accounts = "resync" if kind == "deleted" else "updated"  # the event names no user
    expected = [(each, of_accounts if each == "accounts" else kind) for each in changed.values()]
    assert found == expected
