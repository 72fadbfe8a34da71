"""Subscriptions at the level of the engine: results, upstream calls, and what a token may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.engine.plans.cache import FALLBACKS
from gateway.engine.response_body import GraphQLResponse
from gateway.engine.subscriptions import EventStreamRequired
from gateway.live.changes import Change
from gateway.sandbox import Event
from tests.live.live_library import LiveLibrary, idle, live_library

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000000"
LOAN = "subscription($id: ID!) { loanChanged(id: $id) { kind loan { id renewalCount } } }"
LOANS_OF_USER = "subscription($id: ID!) { loanChanged(userId: $id) { kind loan { id renewalCount } } }"
REFUSED_CALL = {"kind": "status", "status": 403, "body": "Access requires permission"}


@pytest.fixture(name="live")
async def _live() -> AsyncIterator[LiveLibrary]:
    async with live_library() as opened:
        yield opened


@pytest.fixture(params=["plan", "generic"], name="either")
async def _either(request: pytest.FixtureRequest) -> AsyncIterator[LiveLibrary]:
    """By compiled plans, and by graphql-core."""
    async with live_library(execution=request.param) as opened:
        yield opened


async def test_a_result_has_the_record_after_the_change(either: LiveLibrary) -> None:
    """A stream reads the watched record once, and again for each change; links cost what they always cost."""
    loan_id = either.summary.loan_id
    assert loan_id is not None
    loan = either.library.loans[loan_id]
    before = FALLBACKS.counts["not planned"]
    stream = await either.subscribe(
        "subscription($id: ID!) { changed: loanChanged(id: $id) { __typename kind occurredAt loan { id "
        "renewalCount item { barcode } borrower { barcode username } } } }",
        {"id": loan_id.upper()},
    )
    assert either.calls() == []

    waiting = await stream.begin()
    assert either.calls() == [f'GET /circulation-bff/loans?id=="{loan_id}"']
    either.update("loans", loan_id, renewalCount=7)
    result = await waiting

    occurred_at = result.data["changed"].pop("occurredAt")
    assert abs(datetime.fromisoformat(occurred_at) - datetime.now(UTC)) < timedelta(seconds=30)
    assert result.data == {
        "changed": {
            "__typename": "LoanChange",
            "kind": "UPDATED",
            "loan": {
                "id": loan_id,
                "renewalCount": 7,
                "item": {"barcode": either.library.items[loan["itemId"]]["barcode"]},
                "borrower": {"barcode": "1000000002", "username": "reader1"},
            },
        }
    }
    assert either.calls() == [
        f'GET /circulation-bff/loans?id=="{loan_id}"',
        f'GET /users?id=="{loan["userId"]}"',
    ]
    assert FALLBACKS.counts["not planned"] == before
    await stream.response.aclose()


async def test_members_that_the_bff_drops_cost_no_further_call(either: LiveLibrary) -> None:
    """A loan of which such a member is selected is read from circulation itself, at once."""
    loan_id = either.summary.loan_id
    stream = await either.subscribe(
        "subscription($id: ID!) { loanChanged(id: $id) { loan { reminders { __typename } } } }",
        {"id": loan_id},
    )
    waiting = await stream.begin()
    either.calls()

    either.update("loans", loan_id or "", renewalCount=7)

    assert (await waiting).data == {"loanChanged": {"loan": {"reminders": None}}}
    assert either.calls() == [f'GET /circulation/loans?id=="{loan_id}"']


def _request_of(live: LiveLibrary, member: str) -> tuple[str, str]:
    """Return the id of an open request with a member, and the member."""
    return next(
        (request["id"], request[member])
        for request in live.library.requests.values()
        if request.get(member) and request["status"].startswith("Open")
    )


@pytest.mark.parametrize(
    ("argument", "member", "first"),
    [
        ("requesterId", "requesterId", "/users"),
        ("instanceId", "instanceId", "/inventory/instances"),
        ("itemId", "itemId", "/inventory/items"),
        ("pickupServicePointId", "pickupServicePointId", "/service-points"),
    ],
)
async def test_a_request_is_watched_by_its_keys(
    live: LiveLibrary, argument: str, member: str, first: str
) -> None:
    """The record of the key is read at the beginning, and the request alone for each of its changes."""
    request_id, key = _request_of(live, member)
    stream = await live.subscribe(
        f"subscription($key: ID!) {{ requestChanged({argument}: $key) "
        "{ kind request { id patronComments } } }",
        {"key": key},
    )
    waiting = await stream.begin()
    assert live.calls() == [f'GET {first}?id=="{key}"']

    live.update("requests", request_id, patronComments="Soon, please")

    request = {"id": request_id, "patronComments": "Soon, please"}
    assert (await waiting).data == {"requestChanged": {"kind": "UPDATED", "request": request}}
    assert live.calls() == [f'GET /circulation-bff/requests?id=="{request_id}"']


async def test_the_queue_is_read_once_for_each_change(either: LiveLibrary) -> None:
    """A result about a queue has the queue, by the same call that shows whether the token may see it."""
    instance_id = either.summary.requested_instance_id
    stream = await either.subscribe(
        "subscription($id: ID!) { requestQueueChanged(instanceId: $id) { kind requestQueue { totalCount "
        "nodes { id position } } } }",
        {"id": instance_id},
    )
    waiting = await stream.begin()
    assert either.calls() == [f'GET /inventory/instances?id=="{instance_id}"']
    queue = sorted(
        (
            each
            for each in either.library.requests.values()
            if each["instanceId"] == instance_id and "position" in each
        ),
        key=lambda each: each["position"],
    )
    first, second = queue

    with either.sandbox.changes("diku"):
        first["position"], second["position"] = 2, 1

    assert (await waiting).data == {
        "requestQueueChanged": {
            "kind": "UPDATED",
            "requestQueue": {
                "totalCount": 2,
                "nodes": [{"id": second["id"], "position": 1}, {"id": first["id"], "position": 2}],
            },
        }
    }
    assert either.calls() == [f"GET /circulation/requests/queue/instance/{instance_id}"]


@pytest.mark.parametrize(
    ("field", "argument", "selection", "calls"),
    [
        ("itemChanged", "id", "item { id }", ["/inventory/items"]),
        ("itemChanged", "instanceId", "item { id }", ["/inventory/items"]),
        ("userChanged", "id", "user { id }", ["/users"]),
        ("accountsChanged", "userId", "user { id }", ["/users"]),
        ("accountsChanged", "userId", "user { accounts { nodes { id } } }", ["/users", "/accounts"]),
        ("slipsChanged", "servicePointId", "servicePoint { id }", ["/service-points"]),
        (
            "slipsChanged",
            "servicePointId",
            "pickSlips { totalCount } searchSlips { totalCount }",
            ["/service-points", "/circulation-bff/pick-slips/", "/circulation-bff/search-slips/"],
        ),
        ("itemCheckedIn", "servicePointId", "item { id } servicePoint { id }", ["/inventory/items"]),
        ("itemCheckedIn", "servicePointId", "kind", ["/inventory/items"]),
    ],
)
async def test_the_calls_of_each_field(
    either: LiveLibrary, field: str, argument: str, selection: str, calls: list[str]
) -> None:
    """Each result reads what it is about, whatever is selected, and is executed by its plan."""
    summary, library = either.summary, either.library
    item = library.items[summary.item_id or ""]
    user_id, service_point_id = summary.user_id or "", summary.service_point_id or ""
    instance_id = library.holdings[item["holdingsRecordId"]]["instanceId"]
    keys = {
        "itemChanged": item["id"] if argument == "id" else instance_id,
        "userChanged": user_id,
        "accountsChanged": user_id,
        "slipsChanged": service_point_id,
        "itemCheckedIn": service_point_id,
    }
    before = dict(FALLBACKS.counts)
    stream = await either.subscribe(
        f"subscription($key: ID!) {{ {field}({argument}: $key) {{ kind {selection} }} }}",
        {"key": keys[field]},
    )
    waiting = await stream.begin()
    assert len(either.calls()) == 1

    account = next(iter(library.accounts))
    scan = {"dateTime": library.now(), "servicePointId": service_point_id}
    slip = {"requestType": "Page", "status": "Open - Not yet filled"}
    changed: dict[str, tuple[str, str, Any]] = {
        "itemChanged": ("items", item["id"], {"volume": "2"}),
        "userChanged": ("users", user_id, {"active": True}),
        "accountsChanged": ("accounts", account, {"userId": user_id, "remaining": 1.5}),
        "slipsChanged": ("requests", summary.request_id or "", slip),
        "itemCheckedIn": ("items", item["id"], {"lastCheckIn": scan}),
    }
    collection, key, members = changed[field]
    either.update(collection, key, **members)
    result = await waiting

    assert result.data[field]["kind"] == ("CREATED" if field == "itemCheckedIn" else "UPDATED")
    made = either.calls()
    assert len(made) == len(calls)
    for call, path in zip(made, calls, strict=True):
        assert call.startswith(f"GET {path}")
    assert dict(FALLBACKS.counts) == before


async def test_a_check_in_reaches_all_who_watch(live: LiveLibrary) -> None:
    """After one check-in by a mutation, the queue, the request and the desk each receive a result."""
    library = live.library
    request = next(
        each
        for each in library.requests.values()
        if each.get("position") == 1
        and each["status"] == "Open - Not yet filled"
        and each.get("itemId")
        and each.get("pickupServicePointId")
        and library.items[each["itemId"]]["status"]["name"] == "Checked out"
    )
    item, desk = library.items[request["itemId"]], request["pickupServicePointId"]
    streams = [
        await live.subscribe(
            "subscription($id: ID!) { requestQueueChanged(instanceId: $id) "
            "{ requestQueue { nodes { id status } } } }",
            {"id": request["instanceId"]},
        ),
        await live.subscribe(
            "subscription($id: ID!) { requestChanged(id: $id) { request { status } } }", {"id": request["id"]}
        ),
        await live.subscribe(
            "subscription($id: ID!) { itemCheckedIn(servicePointId: $id) "
            "{ item { barcode status { name } } } }",
            {"id": desk},
        ),
    ]
    waiting = [await each.begin() for each in streams]

    await live.mutate(
        f'mutation {{ checkIn(input: {{itemBarcode: "{item["barcode"]}", servicePointId: "{desk}"}}) '
        "{ __typename } }"
    )

    queue, changed, scanned = [(await each).data for each in waiting]
    assert {"id": request["id"], "status": "OPEN_AWAITING_PICKUP"} in queue["requestQueueChanged"][
        "requestQueue"
    ]["nodes"]
    assert changed == {"requestChanged": {"request": {"status": "OPEN_AWAITING_PICKUP"}}}
    expected = {"barcode": item["barcode"], "status": {"name": "AWAITING_PICKUP"}}
    assert scanned == {"itemCheckedIn": {"item": expected}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "Exactly one of `id`, `userId`, `itemId` must be given; got 0."),
        (
            f'(id: "{UNKNOWN}", userId: "{UNKNOWN}")',
            "Exactly one of `id`, `userId`, `itemId` must be given; got 2.",
        ),
        ('(userId: "reader")', "`userId` must be a UUID such as 7c9e6679-7425-40de-944b-e07fc1f90ae7."),
    ],
)
async def test_exactly_one_valid_key_is_watched(live: LiveLibrary, arguments: str, message: str) -> None:
    """Other arguments are refused before anything is read."""
    (error,) = await live.refused(f"subscription {{ loanChanged{arguments} {{ kind }} }}")

    assert error["message"] == message
    assert error["path"] == ["loanChanged"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(live.operations.subscriptions) == 0


@pytest.mark.parametrize(
    "document",
    [
        'subscription { a: userChanged(id: "1") { kind } b: userChanged(id: "1") { kind } }',
        'subscription($no: Boolean!) { userChanged(id: "1") @skip(if: $no) { kind } }',
        'subscription { ... @include(if: true) { userChanged(id: "1") { kind } } }',
        "subscription { __typename }",
        'subscription { userChanged(id: "1") { kind ... @defer { user { id } } } }',
        'subscription($d: Boolean!) { userChanged(id: "1") { kind ... @defer(if: $d) { user { id } } } }',
    ],
)
async def test_documents_that_are_not_valid(live: LiveLibrary, document: str) -> None:
    """A subscription has one field, no condition on it, and no parts."""
    errors = await live.refused(document)

    assert {each["extensions"]["code"] for each in errors} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_a_subscription_without_an_event_stream(live: LiveLibrary) -> None:
    """A request that accepts no event stream is refused, and nothing is read."""
    with pytest.raises(EventStreamRequired):
        await live.execute(LOAN, {"id": live.summary.loan_id}, event_stream=False)

    assert live.calls() == []


async def test_the_estimate_of_a_result_is_limited() -> None:
    """A result may cost no more than a query."""
    async with live_library(max_cost=5) as live:
        (error,) = await live.refused(
            f'subscription {{ userChanged(id: "{UNKNOWN}") {{ user {{ loans {{ nodes {{ '
            "circulationLog { totalCount } } } } } }"
        )

    assert error["extensions"]["limit"] == "MAX_COST"


@pytest.mark.parametrize(
    ("options", "key", "code", "calls"),
    [
        ({"user": "nobody"}, None, "FORBIDDEN", 1),
        ({"token": "expired"}, None, "UNAUTHENTICATED", 1),
        ({}, UNKNOWN, "NOT_FOUND", 1),
    ],
)
async def test_what_may_not_be_read_is_not_watched(
    either: LiveLibrary, options: dict[str, str], key: str | None, code: str, calls: int
) -> None:
    """A refusal of the first read, or an absent record, is the only result of a stream."""
    stream = await either.subscribe(LOANS_OF_USER, {"id": key or either.summary.user_id}, **options)

    result = await stream.next()

    assert result.id is None
    assert result.codes == [code]
    assert "data" not in result.response
    assert len(either.calls()) == calls
    assert await stream.has_ended()
    assert len(either.operations.subscriptions) == 0


async def test_a_withdrawn_permission_ends_the_data(either: LiveLibrary) -> None:
    """A read that is refused later is a result with FORBIDDEN, without the kind and the record."""
    loan_id = either.summary.loan_id or ""
    stream = await either.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()
    beginning = stream.response.resume_id
    either.sandbox.faults.add(path="/circulation-bff/loans", times=1, **REFUSED_CALL)  # type: ignore[arg-type]

    either.update("loans", loan_id, renewalCount=7)
    refused = await waiting

    assert refused.response["data"] == {"loanChanged": None}
    assert refused.codes == ["FORBIDDEN"]
    assert refused.response["errors"][0]["path"] == ["loanChanged"]
    assert loan_id not in str(refused.response)
    assert refused.id == beginning
    either.update("loans", loan_id, renewalCount=8)
    assert (await stream.next()).data["loanChanged"]["loan"]["renewalCount"] == 8


async def test_an_expired_token_ends_the_stream(live: LiveLibrary) -> None:
    """A 401 ends the stream; with a new token and the last id, the change that it could not read follows."""
    loan_id = live.summary.loan_id or ""
    first = await live.subscribe(LOAN, {"id": loan_id}, user="desk")
    waiting = await first.begin()
    live.update("loans", loan_id, renewalCount=7)
    seen = await waiting
    waiting = await first.begin()
    expired = {"kind": "status", "status": 401, "body": "Invalid token: Access token has expired"}
    live.sandbox.faults.add(path="/circulation-bff/loans", times=1, **expired)  # type: ignore[arg-type]

    live.update("loans", loan_id, renewalCount=8)
    end = await waiting

    assert (end.id, end.codes, "data" in end.response) == (None, ["UNAUTHENTICATED"], False)
    assert await first.has_ended()
    second = await live.subscribe(LOAN, {"id": loan_id}, user="head", resume_after=seen.id)
    assert (await second.next()).data == {
        "loanChanged": {"kind": "UPDATED", "loan": {"id": loan_id, "renewalCount": 8}}
    }
    assert await idle(await second.begin())


async def test_a_failed_read_is_an_error_of_its_result(live: LiveLibrary) -> None:
    """A result whose record cannot be read has the error, and the stream goes on."""
    loan_id = live.summary.loan_id or ""
    stream = await live.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()
    live.sandbox.faults.add(kind="html", path="/circulation-bff/loans", times=1)

    live.update("loans", loan_id, renewalCount=7)

    failed = await waiting
    assert failed.codes == ["UPSTREAM_BAD_RESPONSE"]
    assert failed.response["data"] == {"loanChanged": None}
    live.update("loans", loan_id, renewalCount=8)
    assert (await stream.next()).data["loanChanged"]["loan"]["renewalCount"] == 8
    again = await live.subscribe(LOAN, {"id": loan_id}, resume_after=failed.id)
    assert (await again.next()).data["loanChanged"]["loan"]["renewalCount"] == 8


async def test_a_deleted_record_was_seen_before(live: LiveLibrary) -> None:
    """The deletion is sent to a token that has read the record, and nothing is sent to others."""
    loan_id = live.summary.loan_id or ""
    user_id = live.library.loans[loan_id]["userId"]
    by_id = await live.subscribe(LOAN, {"id": loan_id}, user="head")
    of_user = await live.subscribe(LOANS_OF_USER, {"id": user_id}, user="desk")
    waiting = [await by_id.begin(), await of_user.begin()]
    live.calls()

    live.delete("loans", loan_id)

    assert (await waiting[0]).data == {"loanChanged": {"kind": "DELETED", "loan": None}}
    assert await idle(waiting[1])
    assert live.calls() == 2 * [f'GET /circulation-bff/loans?id=="{loan_id}"']


async def test_a_record_that_is_gone_is_deleted(live: LiveLibrary) -> None:
    """A record that no longer exists when it is read is deleted, whatever the change said."""
    loan_id = live.summary.loan_id or ""
    stream = await live.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()
    del live.library.loans[loan_id]
    live.calls()

    live.changes.publish(_change(loan_id))

    assert (await waiting).data == {"loanChanged": {"kind": "DELETED", "loan": None}}
    assert len(live.calls()) == 2  # a new record may not have reached a replica


def _change(loan_id: str, *, position: int = 1, updated_at: datetime | None = None) -> Change:
    return Change(
        tenant="diku",
        subject="loan",
        kind="updated",
        id=loan_id,
        keys=frozenset({("id", loan_id)}),
        occurred_at=datetime.now(UTC),
        position=position,
        updated_at=updated_at,
    )


@pytest.mark.parametrize(("age", "calls"), [(-1, 2), (0, 1), (1, 1)])
async def test_a_lagging_replica_is_read_once_more(live: LiveLibrary, age: int, calls: int) -> None:
    """A record that is older than its change is read again, once; the result has what is there then."""
    loan_id = live.summary.loan_id or ""
    live.update("loans", loan_id, renewalCount=1)
    updated_at = datetime.fromisoformat(live.library.loans[loan_id]["metadata"]["updatedDate"])
    stream = await live.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()
    live.calls()

    live.changes.publish(_change(loan_id, updated_at=updated_at - timedelta(seconds=age)))

    assert (await waiting).data["loanChanged"]["loan"] == {"id": loan_id, "renewalCount": 1}
    assert live.calls() == calls * [f'GET /circulation-bff/loans?id=="{loan_id}"']


async def test_identical_streams_share_their_reads(live: LiveLibrary) -> None:
    """Streams with the same token, document and variables read once for a change; another token once more."""
    loan_id = live.summary.loan_id or ""
    streams = [
        await live.subscribe(LOAN, {"id": loan_id}, user="head", request_id=f"{n}/x") for n in range(5)
    ]
    streams.append(await live.subscribe(LOAN, {"id": loan_id}, user="desk"))
    waiting = [await each.begin() for each in streams]
    assert live.calls() == 2 * [f'GET /circulation-bff/loans?id=="{loan_id}"']

    live.update("loans", loan_id, renewalCount=7)

    results = [await each for each in waiting]
    assert {each.data["loanChanged"]["loan"]["renewalCount"] for each in results} == {7}
    assert live.calls() == 2 * [f'GET /circulation-bff/loans?id=="{loan_id}"']
    for each in streams:
        await each.response.aclose()
    assert len(live.operations.subscriptions) == 0


async def test_two_thousand_streams_of_one_record(live: LiveLibrary) -> None:
    """A change is one upstream read for each of their four tokens, and a result of each stream."""
    loan_id = live.summary.loan_id or ""
    streams = [await live.subscribe(LOAN, {"id": loan_id}, token=f"t.{number % 4}") for number in range(2000)]
    waiting = [asyncio.create_task(each.next()) for each in streams]
    await idle(*waiting)
    assert live.calls() == 4 * [f'GET /circulation-bff/loans?id=="{loan_id}"']

    live.update("loans", loan_id, renewalCount=7)

    results = await asyncio.gather(*waiting)
    assert {each.data["loanChanged"]["loan"]["renewalCount"] for each in results} == {7}
    assert live.calls() == 4 * [f'GET /circulation-bff/loans?id=="{loan_id}"']
    for each in streams:
        await each.response.aclose()


async def test_the_end_of_one_stream_leaves_the_others(live: LiveLibrary) -> None:
    """A stream that is closed while its result is read does not cancel the read of an identical one."""
    loan_id = live.summary.loan_id or ""
    streams = [await live.subscribe(LOAN, {"id": loan_id}) for _ in range(2)]
    waiting = [await each.begin() for each in streams]
    live.sandbox.faults.add(kind="slow", path="/circulation-bff/loans", times=1, delay=0.05)

    live.update("loans", loan_id, renewalCount=7)
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    await streams[0].response.aclose()

    assert (await waiting[1]).data["loanChanged"]["loan"]["renewalCount"] == 7


async def test_a_burst_is_two_results(live: LiveLibrary) -> None:
    """The first change of a burst is sent at once, and the others as one result with the latest state."""
    loan_id = live.summary.loan_id or ""
    stream = await live.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()
    live.calls()

    live.update("loans", loan_id, renewalCount=1)
    assert (await waiting).data["loanChanged"]["loan"]["renewalCount"] == 1
    for number in range(2, 9):
        live.update("loans", loan_id, renewalCount=number)

    assert (await stream.next()).data["loanChanged"]["loan"]["renewalCount"] == 8
    assert len(live.calls()) == 2
    assert await idle(await stream.begin())


async def test_no_change_crosses_tenants(live: LiveLibrary) -> None:
    """A record of another tenant with the same id is not what a stream watches."""
    loan_id = live.summary.loan_id or ""
    live.sandbox.library("college").loans[loan_id] = dict(live.library.loans[loan_id])
    streams = [await live.subscribe(LOAN, {"id": loan_id}, tenant=each) for each in ("diku", "college")]
    diku, college = [await each.begin() for each in streams]
    live.calls()

    live.update("loans", loan_id, renewalCount=7)

    assert (await diku).data["loanChanged"]["loan"]["renewalCount"] == 7
    assert await idle(college)
    assert {call.tenant for call in live.sandbox.calls} == {"diku"}


async def test_resuming_replays_what_was_missed(either: LiveLibrary) -> None:
    """A stream with the id of the last result receives each record that has changed since, once."""
    loans = list(
        either.library.open_loans_of_user(either.library.loans[either.summary.loan_id or ""]["userId"])
    )
    user_id, loan_id = loans[0]["userId"], loans[0]["id"]
    stream = await either.subscribe(LOANS_OF_USER, {"id": user_id})
    waiting = await stream.begin()
    either.update("loans", loan_id, renewalCount=1)
    last = await waiting
    await stream.response.aclose()
    either.update("loans", loan_id, renewalCount=2)
    either.update("loans", loan_id, renewalCount=3)
    either.calls()

    resumed = await either.subscribe(LOANS_OF_USER, {"id": user_id}, resume_after=last.id)
    missed = await resumed.next()

    assert missed.data == {"loanChanged": {"kind": "UPDATED", "loan": {"id": loan_id, "renewalCount": 3}}}
    assert await idle(await resumed.begin())
    again = await either.subscribe(LOANS_OF_USER, {"id": user_id}, resume_after=missed.id)
    assert await idle(await again.begin())


async def test_a_stream_can_be_resumed_before_its_first_result(live: LiveLibrary) -> None:
    """The id of the beginning leads to the changes since then, and to none before."""
    loan_id = live.summary.loan_id or ""
    live.update("loans", loan_id, renewalCount=1)
    stream = await live.subscribe(LOAN, {"id": loan_id})
    id = stream.response.resume_id
    await asyncio.sleep(0.002)
    live.update("loans", loan_id, renewalCount=2)
    await stream.response.aclose()

    unchanged = await live.subscribe(LOAN, {"id": loan_id}, resume_after=id)

    assert (await unchanged.next()).data["loanChanged"]["loan"]["renewalCount"] == 2
    assert await idle(await unchanged.begin())


@pytest.mark.parametrize("id", ["", "no id", "tenant", "document", "age"])
async def test_resuming_without_a_valid_id_is_a_resync(live: LiveLibrary, id: str) -> None:
    """An id that is none, of another tenant or document, or too old, makes the first result a resync."""
    user_id = live.summary.user_id
    if id == "tenant":
        other = await live.subscribe(LOANS_OF_USER, {"id": user_id}, tenant="college")
        id = other.response.resume_id
    elif id == "document":
        other = await live.subscribe(LOANS_OF_USER + " ", {"id": user_id})
        id = other.response.resume_id
    elif id == "age":
        other = await live.subscribe(LOANS_OF_USER, {"id": user_id})
        id = other.response.resume_id
        live.changes.start(10)
    live.calls()

    stream = await live.subscribe(LOANS_OF_USER, {"id": user_id}, resume_after=id)
    result = await stream.next()

    assert result.data == {"loanChanged": {"kind": "RESYNC", "loan": None}}
    assert result.id == stream.response.resume_id
    assert live.calls() == 2 * [f'GET /users?id=="{user_id}"']
    assert await idle(await stream.begin())


async def test_a_resync_has_the_record_that_is_watched_by_its_id(live: LiveLibrary) -> None:
    """After a gap of the source, a stream of one record receives the record as it is now."""
    loan_id = live.summary.loan_id or ""
    stream = await live.subscribe(LOAN, {"id": loan_id})
    waiting = await stream.begin()

    live.changes.resync(datetime.now(UTC), 5)

    count = live.library.loans[loan_id].get("renewalCount")
    expected = {"kind": "RESYNC", "loan": {"id": loan_id, "renewalCount": count}}
    assert (await waiting).data == {"loanChanged": expected}


async def test_results_are_recorded(live: LiveLibrary) -> None:
    """Each read at a beginning and each result is an operation of its own, with its calls."""
    loan_id = live.summary.loan_id or ""
    stream = await live.subscribe("subscription Desk" + LOAN.removeprefix("subscription"), {"id": loan_id})
    waiting = await stream.begin()
    live.update("loans", loan_id, renewalCount=7)
    await waiting

    assert [(each.kind, each.name, each.tenant, len(each.calls)) for each in live.records] == [
        ("subscription", "Desk", "diku", 1),
        ("subscription", "Desk", "diku", 1),
    ]


async def test_closing_the_changes_ends_all_streams(live: LiveLibrary) -> None:
    """At the shutdown each stream ends without an error."""
    stream = await live.subscribe(LOAN, {"id": live.summary.loan_id})
    waiting = asyncio.create_task(stream.has_ended())
    await idle(waiting)

    live.changes.close()

    assert await waiting


async def test_events_of_the_library_are_those_of_folio(live: LiveLibrary) -> None:
    """A mutation that the library refuses publishes nothing."""
    events: list[Event] = []
    live.sandbox.publish = events.append

    desk = live.summary.service_point_id
    response = await live.execute(
        f'mutation {{ checkIn(input: {{itemBarcode: "none", servicePointId: "{desk}"}}) {{ __typename }} }}'
    )

    assert isinstance(response, GraphQLResponse)
    assert events == []
