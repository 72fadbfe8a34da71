"""The seeded libraries: the same every time, consistent, and varied enough for every other test."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from gateway.sandbox import Library, Sandbox, create_sandbox

STATUSES = {
    "Aged to lost",
    "Available",
    "Awaiting delivery",
    "Awaiting pickup",
    "Checked out",
    "Claimed returned",
    "Declared lost",
    "Lost and paid",
    "Long missing",
    "Missing",
    "In process",
    "In process (non-requestable)",
    "In transit",
    "Intellectual item",
    "On order",
    "Order closed",
    "Paged",
    "Restricted",
    "Unavailable",
    "Unknown",
    "Withdrawn",
}
COLLECTIONS = (
    "users",
    "groups",
    "service_points",
    "locations",
    "instances",
    "holdings",
    "items",
    "loans",
    "requests",
)


def test_seed_is_the_same_every_time() -> None:
    """Ids, barcodes and relations do not change from one start to the next."""
    first, second = (create_sandbox().library("diku") for _ in range(2))
    for name in COLLECTIONS:
        assert list(getattr(first, name)) == list(getattr(second, name))
    assert [item.get("barcode") for item in first.items.values()] == [
        item.get("barcode") for item in second.items.values()
    ]


def test_records_are_appended_before_and_after_their_collection_is_read() -> None:
    """They come after those of the seed in either case."""
    library, other = (create_sandbox().library("diku") for _ in range(2))
    library.append("loan_history", {"id": "before"})
    assert list(library.loan_history) == [*other.loan_history, "before"]

    library.append("loan_history", {"id": "after"})

    assert list(library.loan_history) == [*other.loan_history, "before", "after"]


@pytest.mark.parametrize("tenant", Sandbox.TENANTS)
def test_ids_are_uuids_of_version_five(sandbox: Sandbox, tenant: str) -> None:
    """Every key is a lower-case UUID and the id of its record."""
    for name in COLLECTIONS:
        for key, record in getattr(sandbox.library(tenant), name).items():
            assert record["id"] == key == key.lower()
            assert uuid.UUID(key).version == 5


def test_sizes(sandbox: Sandbox) -> None:
    """Large enough to page, small enough to start at once."""
    assert sandbox.summary("diku").counts == {
        "users": 300,
        "groups": 5,
        "service_points": 8,
        "locations": 8,
        "instances": 160,
        "holdings": 170,
        "items": 320,
        "loans": 220,
        "requests": 184,
        "loan_policies": 4,
        "manual_blocks": 3,
    }


def test_loans_are_spread(library: Library) -> None:
    """Open loans have many borrowers, titles and service points, so that batching has an effect."""
    loans = list(library.open_loans())
    titles = {
        library.holdings[library.items[loan["itemId"]]["holdingsRecordId"]]["instanceId"] for loan in loans
    }

    assert len(loans) == 125
    assert len({loan["userId"] for loan in loans}) >= 40
    assert len(titles) >= 60
    assert len({loan["checkoutServicePointId"] for loan in loans}) == 6
    assert len({loan["itemId"] for loan in loans}) == 125
    assert any(loan["dueDate"] < library.now() for loan in loans)
    assert any(loan["dueDate"] > library.now() for loan in loans)


def test_one_patron_has_many_loans(sandbox: Sandbox, library: Library) -> None:
    """A page of one patron's open loans is full."""
    patron = library.user_by_barcode("1000000002")
    assert patron is not None
    assert len(library.open_loans_of_user(patron["id"])) == 30


def test_requests_are_spread(library: Library) -> None:
    """Every type, level, status and fulfilment occurs; open ones have a hundred requesters."""
    requests = list(library.requests.values())
    opened = [request for request in requests if request["status"].startswith("Open")]

    assert {request["requestType"] for request in requests} == {"Hold", "Recall", "Page"}
    assert {request["requestLevel"] for request in requests} == {"Item", "Title"}
    assert {request["fulfillmentPreference"] for request in requests} == {"Hold Shelf", "Delivery"}
    assert len({request["status"] for request in requests}) == 8
    assert len({request["requesterId"] for request in opened}) >= 100


def test_every_item_status_occurs(library: Library) -> None:
    """All twenty-one statuses occur."""
    assert {item["status"]["name"] for item in library.items.values()} == STATUSES


def test_items_agree_with_their_loans(library: Library) -> None:
    """An item is checked out exactly if it has an open loan."""
    lent = {loan["itemId"]: loan["itemStatus"] for loan in library.open_loans()}
    for key, item in library.items.items():
        if key in lent:
            assert item["status"]["name"] == lent[key]
        else:
            assert item["status"]["name"] != "Checked out"


def test_queues_are_numbered_without_gaps(library: Library) -> None:
    """The open requests of an instance have the positions from one on."""
    queues: dict[str, list[int]] = {}
    for request in library.requests.values():
        if request["status"].startswith("Open"):
            queues.setdefault(request["instanceId"], []).append(request["position"])
        else:
            assert "position" not in request
    for positions in queues.values():
        assert sorted(positions) == list(range(1, len(positions) + 1))


def test_references_resolve(library: Library) -> None:
    """No reference dangles except the intended ones."""
    dangling = Counter[str]()
    for loan in library.loans.values():
        dangling["user"] += "userId" in loan and loan["userId"] not in library.users
        dangling["item"] += loan["itemId"] not in library.items
        dangling["service point"] += loan["checkoutServicePointId"] not in library.service_points
    for request in library.requests.values():
        dangling["requester"] += "requesterId" in request and request["requesterId"] not in library.users
        dangling["copy"] += "itemId" in request and request["itemId"] not in library.items
    for item in library.items.values():
        dangling["holdings"] += item["holdingsRecordId"] not in library.holdings
    for user in library.users.values():
        dangling["group"] += "patronGroup" in user and user["patronGroup"] not in library.groups

    assert +dangling == {"user": 1, "item": 1}


def test_special_patrons(library: Library) -> None:
    """The special patrons have the documented barcodes."""
    users = list(library.users.values())

    assert [user["username"] for user in users if user.get("type") == "staff"] == [
        "head",
        "desk",
        "annex",
        "nobody",
    ]
    assert sum("personal" not in user for user in users) == 1
    assert sum("barcode" not in user for user in users) == 2
    assert {user.get("type") for user in users} == {"patron", "staff", "system"}


def test_summary_contains_the_examples(sandbox: Sandbox, circ_desk: str) -> None:
    """The startup message shows the keys that the examples use."""
    summary = sandbox.summary("diku")

    assert (summary.patron_barcode, summary.item_barcode) == ("1000000001", "2000000001")
    assert (summary.service_point_id, summary.service_point_name) == (circ_desk, "Circ Desk 1")
    assert summary.staff_tokens["desk"] == "sandbox:desk"
    assert summary.polaris_authorizations["head"] == "PAS polaris:head-token:head-secret"


def test_unknown_tenant_is_an_error(sandbox: Sandbox) -> None:
    """A misspelt tenant is an error in a test."""
    with pytest.raises(KeyError):
        sandbox.library("nowhere")
