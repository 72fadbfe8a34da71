"""Events of FOLIO's topics are changes of the records that subscribers watch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.live.changes import ALL_KEYS, Change, Subject
from gateway.live.folio_events import NO_RECORD, SUBJECT_TOPICS, TOPICS, changes_of, changes_of_unreadable

TENANT = "college"
SENT = 1706684034764
STORED = SENT + 12  # the timestamp of Kafka's record
OCCURRED = datetime(2024, 1, 31, 6, 53, 54, 764000, tzinfo=UTC)


def event(type: str, *, old: object = None, new: object = None, tenant: str = TENANT) -> dict[str, Any]:
    """An event in the shape of mod-circulation-storage and mod-users."""
    data = {name: record for name, record in (("old", old), ("new", new)) if record is not None}
    return {"id": "e1", "type": type, "tenant": tenant, "timestamp": SENT, "data": data}


def inventory_event(type: str, *, old: object = None, new: object = None) -> dict[str, Any]:
    records = {name: record for name, record in (("old", old), ("new", new)) if record is not None}
    return {"eventId": "e1", "eventTs": SENT, "type": type, "tenant": TENANT, **records}


def changes(
    topic: str, value: object, *, key: str | None = None, tenant: str | None = TENANT
) -> list[Change]:
    return changes_of(topic, key, value, tenant, STORED)


def brief(each: Change) -> tuple[str, str, str, dict[str, set[str]]]:
    keys: dict[str, set[str]] = {}
    for name, value in each.keys:
        keys.setdefault(name, set()).add(value)
    return each.subject, each.kind, each.id, keys


def request(**members: object) -> dict[str, object]:
    return {
        "id": "r1",
        "requestType": "Page",
        "requesterId": "u1",
        "instanceId": "t1",
        "itemId": "i1",
        "status": "Open - Not yet filled",
        "pickupServicePointId": "s1",
        **members,
    }


REQUEST_KEYS = {
    "id": {"r1"},
    "requesterId": {"u1"},
    "instanceId": {"t1"},
    "itemId": {"i1"},
    "pickupServicePointId": {"s1"},
}
QUEUE = ("requestQueue", "updated", "t1", {"instanceId": {"t1"}, "itemId": {"i1"}})
SLIPS = ("slips", "updated", "", {"": {""}})


def test_a_filled_request_is_a_change_of_the_request_its_queue_and_the_slips() -> None:
    """It has the time of the event, the position of Kafka's record, and the date of the record."""
    filled = request(status="Open - In transit", metadata={"updatedDate": "2024-01-31T06:53:54.533+00:00"})

    first, queue, slips = changes("circulation.request", event("UPDATED", old=request(), new=filled))

    assert first == Change(
        tenant=TENANT,
        subject="request",
        kind="updated",
        id="r1",
        keys=frozenset((name, value) for name, values in REQUEST_KEYS.items() for value in values),
        occurred_at=OCCURRED,
        position=STORED,
        updated_at=datetime(2024, 1, 31, 6, 53, 54, 533000, tzinfo=UTC),
    )
    assert [brief(queue), brief(slips)] == [QUEUE, SLIPS]
    assert slips.keys == {ALL_KEYS}
    assert {queue.occurred_at, slips.occurred_at} == {OCCURRED}
    assert {queue.updated_at, slips.updated_at} == {None}


@pytest.mark.parametrize(
    ("old", "new", "is_on_slips"),
    [
        (None, request(), True),
        (None, request(requestType="Hold"), True),
        (None, request(requestType="Recall"), False),
        (request(), request(patronComments="soon"), True),
        (request(status="Open - In transit"), request(status="Open - Awaiting pickup"), False),
        (request(), None, True),
    ],
    ids=["page", "hold", "recall", "edited", "arrived", "deleted"],
)
def test_slips_change_with_requests_that_are_not_yet_filled(
    old: object, new: object, is_on_slips: bool
) -> None:
    """Page and hold requests that are, or were, not yet filled change the slips; others do not."""
    result = changes("circulation.request", event("UPDATED", old=old, new=new))

    assert ("slips" in {each.subject for each in result}) is is_on_slips


def test_ids_are_in_lower_case() -> None:
    """A stream has its id in lower case, and FOLIO accepts both."""
    loan = {"id": "L1", "userId": "U1", "itemId": "I1"}
    moved = {"instanceId": "T1", "requestIds": ["R1"]}

    (loan_change,) = changes("circulation.loan", event("CREATED", new=loan))
    _, request_change = changes("circulation.request-queue-reordering", event("CREATED", new=moved), key="T1")

    keys = {"id": {"l1"}, "userId": {"u1"}, "itemId": {"i1"}}
    assert brief(loan_change) == ("loan", "created", "l1", keys)
    assert brief(request_change) == ("request", "updated", "r1", {"id": {"r1"}})


def test_a_moved_request_concerns_the_keys_before_and_after() -> None:
    """A request that moves to another title changes both queues, and has the keys of both."""
    moved = request(instanceId="t2", itemId="i2", pickupServicePointId="s2", status="Open - In transit")

    result = changes("circulation.request", event("UPDATED", old={**moved, **request()}, new=moved))

    assert [brief(each) for each in result if each.subject != "slips"] == [
        (
            "request",
            "updated",
            "r1",
            {
                "id": {"r1"},
                "requesterId": {"u1"},
                "instanceId": {"t1", "t2"},
                "itemId": {"i1", "i2"},
                "pickupServicePointId": {"s1", "s2"},
            },
        ),
        QUEUE,
        ("requestQueue", "updated", "t2", {"instanceId": {"t2"}, "itemId": {"i2"}}),
    ]


def test_a_title_request_without_an_item_has_a_queue() -> None:
    """A request of a title has no item until one is assigned."""
    result = changes("circulation.request", event("CREATED", new=request(itemId=None)))

    assert brief(result[1]) == ("requestQueue", "updated", "t1", {"instanceId": {"t1"}})


def test_a_loan_has_its_borrower_and_item() -> None:
    """An anonymized loan still concerns the one who had borrowed it."""
    loan = {"id": "l1", "userId": "u1", "itemId": "i1", "action": "checkedin"}
    anonymized = {"id": "l1", "itemId": "i1", "metadata": {"updatedDate": "2024-01-31T06:53:54Z"}}

    created = changes("circulation.loan", event("CREATED", new=loan))
    updated = changes("circulation.loan", event("UPDATED", old=loan, new=anonymized))
    deleted = changes("circulation.loan", event("DELETED", old=loan))

    keys = {"id": {"l1"}, "userId": {"u1"}, "itemId": {"i1"}}
    assert [brief(each) for each in created] == [("loan", "created", "l1", keys)]
    assert [brief(each) for each in updated] == [("loan", "updated", "l1", keys)]
    assert [brief(each) for each in deleted] == [("loan", "deleted", "l1", keys)]
    assert [each.updated_at for each in updated] == [datetime(2024, 1, 31, 6, 53, 54, tzinfo=UTC)]


def test_a_check_in_is_one_at_its_service_point_and_a_change_of_its_item() -> None:
    """Each check-in counts, of an item without a loan too."""
    check_in = {
        "id": "c1",
        "itemId": "i1",
        "servicePointId": "s1",
        "occurredDateTime": "2020-02-12T16:17:25Z",
    }

    result = changes("circulation.check-in", event("CREATED", new=check_in))

    assert [brief(each) for each in result] == [
        ("checkIn", "created", "c1", {"servicePointId": {"s1"}, "itemId": {"i1"}}),
        ("item", "updated", "i1", {"id": {"i1"}}),
    ]


def test_a_reordering_concerns_the_queue_and_each_request_in_it() -> None:
    """The event is always of type CREATED, and the positions of all its requests have moved."""
    moved = {"instanceId": "t1", "itemId": "i1", "requestLevel": "Title", "requestIds": ["r2", "r1"]}

    result = changes("circulation.request-queue-reordering", event("CREATED", new=moved), key="t1")

    assert [brief(each) for each in result] == [
        QUEUE,
        ("request", "updated", "r2", {"id": {"r2"}}),
        ("request", "updated", "r1", {"id": {"r1"}}),
    ]


def test_an_item_is_watched_by_its_title_before_and_after() -> None:
    """An item that moves to the holdings of another title concerns both."""
    old, new = {"id": "i1", "instanceId": "t1"}, {"id": "i1", "instanceId": "t2"}

    result = changes("inventory.item", inventory_event("UPDATE", old=old, new=new), key="i1")

    assert [brief(each) for each in result] == [
        ("item", "updated", "i1", {"id": {"i1"}, "instanceId": {"t1", "t2"}})
    ]
    assert result[0].occurred_at == OCCURRED


def test_a_deletion_without_a_record_has_the_key_of_the_event() -> None:
    """An event whose old record is a text is about the record of its key."""
    result = changes("inventory.item", inventory_event("DELETE", old='{"id": "i1"}'), key="i1")

    assert [brief(each) for each in result] == [("item", "deleted", "i1", {"id": {"i1"}})]


@pytest.mark.parametrize("type", ["REINDEX", "ITERATE", "MIGRATION"])
def test_events_about_no_change_are_skipped(type: str) -> None:
    """Reading all items again for the search index changes none of them."""
    assert changes("inventory.item", inventory_event(type, new={"id": "job"}), key="i1") == []


@pytest.mark.parametrize(
    ("topic", "subjects"),
    [
        ("circulation.loan", ["loan"]),
        ("circulation.request", ["request", "requestQueue", "slips"]),
        ("circulation.check-in", []),
        ("users.users", ["user"]),
        ("inventory.item", ["item"]),
    ],
)
def test_the_deletion_of_all_records_is_a_resync(topic: str, subjects: list[str]) -> None:
    """All who watch such records are to read again."""
    deleted = inventory_event("DELETE_ALL") if topic.startswith("inventory") else event("ALL_DELETED")

    result = changes(topic, deleted, key=NO_RECORD)

    assert [brief(each) for each in result] == [(subject, "resync", "", {"": {""}}) for subject in subjects]


def test_a_user_is_watched_by_id() -> None:
    """An edited user is a change with the date of the record."""
    user = {"id": "u1", "barcode": "111", "metadata": {"updatedDate": "2024-11-18T23:59:59.000Z"}}

    (result,) = changes("users.users", event("UPDATED", old=user, new={**user, "barcode": "112"}))

    assert brief(result) == ("user", "updated", "u1", {"id": {"u1"}})
    assert result.updated_at == datetime(2024, 11, 18, 23, 59, 59, tzinfo=UTC)


def test_a_balance_is_a_change_of_the_accounts_of_its_user() -> None:
    """Events of fees are bare payloads: tenant and time are those of Kafka's record."""
    balance = {"userId": "u1", "feeFineId": "f1", "balance": 3.5, "loanId": "l1"}

    (result,) = changes("feesfines.FEE_FINE_BALANCE_CHANGED", balance, key="FEE_FINE_BALANCE_CHANGED")

    assert brief(result) == ("accounts", "updated", "u1", {"userId": {"u1"}})
    assert result.occurred_at == datetime.fromtimestamp(STORED / 1000, UTC)
    assert changes("feesfines.FEE_FINE_BALANCE_CHANGED", balance, tenant=None) == []


def test_a_deleted_account_names_no_user() -> None:
    """All who watch accounts of the tenant are to read again."""
    (result,) = changes("feesfines.FEE_FINE_BALANCE_CHANGED", {"feeFineId": "f1", "balance": 0})

    assert brief(result) == ("accounts", "resync", "", {"": {""}})


def test_closed_fees_concern_their_loan() -> None:
    """Closing the last fee of a lost item closes its loan."""
    result = changes("feesfines.LOAN_RELATED_FEE_FINE_CLOSED", {"loanId": "l1"})

    assert [brief(each) for each in result] == [("loan", "updated", "l1", {"id": {"l1"}})]


def test_the_tenant_is_that_of_the_payload_or_of_the_header() -> None:
    """In a topic of several tenants the payload says it; an event that contradicts its header is foreign."""
    created = event("CREATED", new={"id": "l1"})
    unnamed = {name: value for name, value in created.items() if name != "tenant"}

    assert [each.tenant for each in changes("circulation.loan", created, tenant=None)] == [TENANT]
    assert [each.tenant for each in changes("circulation.loan", unnamed)] == [TENANT]
    assert changes("circulation.loan", unnamed, tenant=None) == []
    assert changes("circulation.loan", created, tenant="university") == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [],
        {},
        {"type": "CREATED", "tenant": TENANT},
        event("RENAMED", new={"id": "x1"}),
        {**event("CREATED", new={"id": 5}), "data": []},
    ],
    ids=["null", "text", "list", "empty", "no-record", "type", "no-data"],
)
@pytest.mark.parametrize("topic", [*TOPICS, "circulation.rules", ""])
def test_malformed_and_unknown_events_are_skipped(topic: str, value: object) -> None:
    """They are no changes, and no errors."""
    assert changes(topic, value) == []


@pytest.mark.parametrize("time", [10**30, -(10**30), SENT * 1_000_000, "soon", 1.5, True, None])
def test_an_event_whose_time_is_none_has_that_of_kafka(time: object) -> None:
    """A time in another unit or form does not make a change of the record disappear."""
    created = {**event("CREATED", new={"id": "l1"}), "timestamp": time}
    item = {**inventory_event("CREATE", new={"id": "i1"}), "eventTs": time}

    for topic, value in (("circulation.loan", created), ("inventory.item", item)):
        (result,) = changes(topic, value)
        assert result.occurred_at == datetime.fromtimestamp(STORED / 1000, UTC)


def test_an_event_that_cannot_be_read_concerns_all_subjects_of_its_topic() -> None:
    """Which record has changed is not known, so that all who watch such records are to read again."""
    result = changes_of_unreadable("circulation.request", TENANT, STORED)

    assert [brief(each) for each in result] == [
        (subject, "resync", "", {"": {""}}) for subject in ("request", "requestQueue", "slips")
    ]
    assert {(each.tenant, each.position) for each in result} == {(TENANT, STORED)}
    assert changes_of_unreadable("circulation.request", TENANT, 10**30) == []


@pytest.mark.parametrize("subject", sorted(SUBJECT_TOPICS))
def test_each_subject_has_the_topics_that_change_it(subject: Subject) -> None:
    """A stream that resumes reads the topics of its subject again, and no others."""
    record = {**request(), "requestIds": ["r1"], "servicePointId": "s1", "userId": "u1", "loanId": "l1"}
    wrapped = {**event("UPDATED", new=record), **record}
    flat = {**inventory_event("UPDATE", new=record)}

    topics = {
        topic
        for topic in TOPICS
        for value in (wrapped, flat)
        if subject in {each.subject for each in changes(topic, value, key="r1")}
    }

    assert topics == set(SUBJECT_TOPICS[subject])


def test_a_date_that_is_none_is_ignored() -> None:
    """The change is reported without the date of the record."""
    new = {"id": "l1", "metadata": {"updatedDate": "yesterday"}}

    assert [each.updated_at for each in changes("circulation.loan", event("CREATED", new=new))] == [None]
