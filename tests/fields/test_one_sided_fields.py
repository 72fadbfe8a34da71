"""Members of loans and requests that only one interface sends: that one is called, instead of the other."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

BFF_LOANS, LOANS = "GET /circulation-bff/loans", "GET /circulation/loans"
BFF_REQUESTS, REQUESTS = "GET /circulation-bff/requests", "GET /circulation/requests"

OF_A_LOAN = "claimedReturnedDate forUseAtLocation { status statusDate } \
reminders { lastFeeBilled { number date } renewalBlocked }"


def held(library: Library) -> dict[str, Any]:
    """Return the loan with all members that the BFF drops."""
    return next(each for each in library.loans.values() if "forUseAtLocation" in each)


def printed(library: Library) -> dict[str, Any]:
    """Return the request with all members that the BFF drops, which was created in a batch."""
    return next(each for each in library.requests.values() if "printDetails" in each)


async def test_every_such_member_of_a_loan(reader: Gateway) -> None:
    """The members of a loan that the BFF drops are those of circulation's loan, in one call."""
    loan = held(reader.library)

    data = await reader.data(f"query($id: ID!) {{ loan(id: $id) {{ id {OF_A_LOAN} }} }}", {"id": loan["id"]})

    assert data["loan"] == {
        "id": loan["id"],
        "claimedReturnedDate": loan["claimedReturnedDate"].replace("+00:00", "Z"),
        "forUseAtLocation": {
            "status": "HELD",
            "statusDate": loan["forUseAtLocation"]["statusDate"].replace("+00:00", "Z"),
        },
        "reminders": {
            "lastFeeBilled": {
                "number": 1,
                "date": loan["reminders"]["lastFeeBilled"]["date"].replace("+00:00", "Z"),
            },
            "renewalBlocked": True,
        },
    }
    assert reader.paths() == [LOANS]
    assert reader.calls[0].query["query"] == f'id=="{loan["id"]}"'


# Queries of loans, and the calls before them. `%s` is the selection of each loan.
WAYS_TO_LOANS = {
    "root list": ("{ loans(first: 3) { nodes { id %s } } }", []),
    "edges": ("{ loans(first: 3) { edges { node { id %s } } } }", []),
    "fragment": (
        "{ loans(first: 3) { ...Page } } fragment Page on LoanConnection { nodes { ...Row } }"
        " fragment Row on Loan { id %s }",
        [],
    ),
    "loans of users": (
        "{ users(first: 2) { nodes { openLoans(first: 2) { nodes { id %s } } } } }",
        ["GET /users"],
    ),
    "loans of one user": (
        "{ users(first: 1) { nodes { loans { nodes { id %s } } } } }",
        ["GET /users"],
    ),
    "open loan of items": (
        "{ items(first: 5) { nodes { openLoan { id %s } } } }",
        ["GET /inventory/items"],
    ),
    "loans of a service point": (
        "{ servicePoints(first: 1) { nodes { openLoans { nodes { id %s } } } } }",
        ["GET /service-points"],
    ),
}


@pytest.mark.parametrize("way", WAYS_TO_LOANS)
async def test_loans_are_read_from_the_interface_with_the_selected_members(reader: Gateway, way: str) -> None:
    """On each path to loans the BFF is called if it sends all selected members, otherwise circulation."""
    query, before = WAYS_TO_LOANS[way]

    await reader.data(query % "dueDate")
    plain = reader.paths()
    reader.sandbox.calls.clear()
    await reader.data(query % "claimedReturnedDate")

    assert plain == [*before, BFF_LOANS]
    assert reader.paths() == [*before, LOANS]


async def test_a_member_that_is_left_out_changes_nothing(reader: Gateway) -> None:
    """A field that `@include` omits does not replace the call to the BFF."""
    query = "query($more: Boolean!) { loans { nodes { id claimedReturnedDate @include(if: $more) } } }"

    await reader.data(query, {"more": False})
    await reader.data(query, {"more": True})

    assert reader.paths() == [BFF_LOANS, LOANS]


async def test_the_page_around_the_loans_is_the_same(reader: Gateway) -> None:
    """Count, cursors and the filter are those of the BFF's list, from either interface."""
    query = """{ loans(first: 2, filter: { status: [OPEN] }, sort: [{ field: DUE_DATE }]) {
        totalCount pageInfo { hasNextPage endCursor } nodes { id %s } } }"""

    plain = await reader.data(query % "")
    more = await reader.data(query % "reminders { renewalBlocked }")

    for node in more["loans"]["nodes"]:
        del node["reminders"]
    assert more == plain
    assert reader.paths() == [BFF_LOANS, LOANS]
    assert reader.calls[0].query == reader.calls[1].query


async def test_held_loans_are_counted_through_the_bff(reader: Gateway) -> None:
    """A filter by a member that the BFF does not send is sent to the BFF, which passes queries on."""
    data = await reader.data(
        "{ loans(filter: { forUseAtLocationStatus: [HELD], status: [OPEN] }, first: 0) { totalCount } }"
    )

    assert data["loans"]["totalCount"] == 1
    assert reader.paths() == [BFF_LOANS]


async def test_every_such_member_of_a_request(reader: Gateway) -> None:
    """The members of a request that the BFF drops are those of circulation's request, in one call."""
    request = printed(reader.library)
    loan = reader.library.open_loan_of_item(request["itemId"])
    printer = reader.library.users[request["printDetails"]["requesterId"]]

    data = await reader.data(
        """query($id: ID!) { request(id: $id) { loan { dueDate } itemLocationCode isDcbReRequestCancellation
            printDetails { printCount isPrinted printEventDate requester {
                id personal { lastName } } } } }""",
        {"id": request["id"]},
    )

    assert data["request"] == {
        "loan": loan and {"dueDate": loan["dueDate"].replace("+00:00", "Z")},
        "itemLocationCode": request["itemLocationCode"],
        "isDcbReRequestCancellation": False,
        "printDetails": {
            "printCount": 1,
            "isPrinted": True,
            "printEventDate": request["printDetails"]["printEventDate"].replace("+00:00", "Z"),
            "requester": {"id": printer["id"], "personal": {"lastName": printer["personal"]["lastName"]}},
        },
    }
    assert reader.paths() == [REQUESTS]


WAYS_TO_REQUESTS = {
    "root list": ("{ requests(first: 3) { nodes { id %s } } }", []),
    "requests of users": (
        "{ users(first: 2) { nodes { openRequests { nodes { id %s } } } } }",
        ["GET /users"],
    ),
    "requests of loans": (
        "{ loans(first: 3) { nodes { openRequests { edges { node { id %s } } } } } }",
        [BFF_LOANS],
    ),
    "requests of a service point": (
        "{ servicePoints(first: 2) { nodes { pickupRequests { nodes { id %s } } } } }",
        ["GET /service-points"],
    ),
}


@pytest.mark.parametrize("way", WAYS_TO_REQUESTS)
async def test_requests_are_read_from_the_interface_with_the_selected_members(
    reader: Gateway, way: str
) -> None:
    """On each path to requests the BFF is called if it sends all selected members, otherwise circulation."""
    query, before = WAYS_TO_REQUESTS[way]

    await reader.data(query % "position")
    plain = reader.paths()
    reader.sandbox.calls.clear()
    await reader.data(query % "loan { dueDate }")

    assert plain == [*before, BFF_REQUESTS]
    assert reader.paths() == [*before, REQUESTS]


async def test_members_of_both_interfaces_cost_one_call_more(reader: Gateway) -> None:
    """Only the BFF sends the batch and only circulation the due date; a selection of both calls both."""
    request = printed(reader.library)
    query = "query($id: ID!) { requests(filter: { id: [$id] }) { nodes { id %s } } }"
    batch = "batchRequestInfo { batchRequest { id } }"

    alone = await reader.data(query % batch, {"id": request["id"]})
    both = await reader.data(query % f"{batch} itemLocationCode", {"id": request["id"]})

    (printed_request,) = alone["requests"]["nodes"]
    assert printed_request["batchRequestInfo"] is not None
    assert both["requests"]["nodes"] == [{**printed_request, "itemLocationCode": request["itemLocationCode"]}]
    assert reader.paths() == [BFF_REQUESTS, REQUESTS, BFF_REQUESTS]
    assert reader.calls[2].query["query"] == f'id=="{request["id"]}"'


async def test_a_queue_knows_no_batches(reader: Gateway) -> None:
    """A queue is read from circulation, due dates included; batches are one call for all of its requests."""
    request = printed(reader.library)

    data = await reader.data(
        """query($id: ID!) { requestQueue(instanceId: $id) { nodes {
            id loan { dueDate } batchRequestInfo { batchRequestSubmittedAt } } } }""",
        {"id": request["instanceId"]},
    )

    nodes = {node["id"]: node["batchRequestInfo"] for node in data["requestQueue"]["nodes"]}
    assert nodes[request["id"]] is not None
    assert reader.paths() == [
        f"GET /circulation/requests/queue/instance/{request['instanceId']}",
        BFF_REQUESTS,
    ]


CHECK_OUT = """mutation($in: CheckOutInput!) { checkOut(input: $in) { ... on CheckedOut { loan {
    dueDate forUseAtLocation { status } claimedReturnedDate } } } }"""
CHECK_IN = """mutation($in: CheckInInput!) { checkIn(input: $in) { ... on CheckedIn { loan {
    returnDate forUseAtLocation { status } } } } }"""


async def test_responses_of_check_outs_and_check_ins_are_complete() -> None:
    """A check-out and a check-in return circulation's own loan, so no read follows."""
    async with open_gateway() as gateway:
        known = gateway.summary
        given = {"itemBarcode": known.item_barcode, "servicePointId": known.service_point_id}
        await gateway.data(CHECK_OUT, {"in": given | {"userBarcode": known.patron_barcode}})
        data = await gateway.data(CHECK_IN, {"in": given})

        assert data["checkIn"]["loan"]["forUseAtLocation"] is None
        assert gateway.paths() == [
            "POST /circulation-bff/loans/check-out-by-barcode",
            "POST /circulation-bff/loans/check-in-by-barcode",
        ]
