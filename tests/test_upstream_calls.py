"""The number of upstream calls of common queries."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter

import pytest
from graphql import GraphQLField, get_named_type, is_composite_type, is_required_argument

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway, Json, estimated_calls, open_gateway
from tests.schema.graph_walk import object_types

pytestmark = pytest.mark.anyio


def lend(library: Library, *, loans: int, users: int, service_points: int, instances: int) -> None:
    """Put exactly so many open loans into the library, with so many distinct linked records."""
    by_instance: dict[str, list[str]] = {}
    for item in library.items.values():
        holdings = library.holdings[item["holdingsRecordId"]]
        by_instance.setdefault(holdings["instanceId"], []).append(item["id"])
    titles = sorted(by_instance.values(), key=len, reverse=True)[:instances]
    # First one copy of each title, then second copies and so on.
    items = [item for copies in itertools.zip_longest(*titles) for item in copies if item][:loans]
    assert len(items) == loans
    borrowers = [each["id"] for each in library.users.values() if each.get("type") == "patron"][:users]
    points = list(library.service_points)[:service_points]
    library.loans.clear()
    for number, item_id in enumerate(items):
        loan: dict[str, Json] = {
            "id": str(uuid.UUID(int=number + 1, version=4)),
            "userId": borrowers[number % users],
            "itemId": item_id,
            "checkoutServicePointId": points[number % service_points],
            "status": {"name": "Open"},
            "loanDate": "2026-11-01T10:00:00.000+00:00",
            "dueDate": "2026-12-01T10:00:00.000+00:00",
            "action": "checkedout",
        }
        library.loans[loan["id"]] = loan
        library.items[item_id]["status"] = {"name": "Checked out", "date": loan["loanDate"]}


def keep_requests_of_distinct_requesters(library: Library, count: int) -> None:
    """Leave exactly so many open requests in the library, each of another requester."""
    kept = {
        request["requesterId"]: request
        for request in library.requests.values()
        if request["status"].startswith("Open") and request.get("requesterId")
    }
    assert len(kept) >= count
    chosen = list(kept.values())[:count]
    library.requests.clear()
    for request in chosen:
        library.requests[request["id"]] = request


async def test_embedded_members_of_loans_cost_one_call(gateway: Gateway) -> None:
    """100 loans with borrower names and barcode, service point name and item title are one call."""
    lend(gateway.library, loans=100, users=40, service_points=5, instances=60)

    data = await gateway.data(
        """{ loans(first: 100) { nodes {
            id dueDate
            borrower { id barcode personal { lastName firstName } }
            checkoutServicePoint { name }
            item { title barcode status { name } }
        } } }"""
    )

    nodes = data["loans"]["nodes"]
    assert len(nodes) == 100
    assert all(node["borrower"]["personal"]["lastName"] for node in nodes)
    assert all(node["checkoutServicePoint"]["name"] and node["item"]["title"] for node in nodes)
    assert gateway.paths() == ["GET /circulation-bff/loans"]


async def test_three_links_of_100_loans_cost_at_most_4_calls(gateway: Gateway) -> None:
    """100 loans with 40 full users, 5 service points and 60 titles: one call, and one per 75 ids."""
    lend(gateway.library, loans=100, users=40, service_points=5, instances=60)

    data = await gateway.data(
        """{ loans(first: 100) { nodes {
            id
            borrower { id personal { lastName email } expirationDate }
            checkoutServicePoint { id name holdShelfExpiryPeriod { duration } }
            instance { id title hrid source }
        } } }"""
    )

    nodes = data["loans"]["nodes"]
    assert len({node["borrower"]["id"] for node in nodes}) == 40
    assert len({node["checkoutServicePoint"]["id"] for node in nodes}) == 5
    assert len({node["instance"]["id"] for node in nodes}) == 60
    assert all(node["instance"]["source"] for node in nodes)
    assert Counter(gateway.paths()) == {
        "GET /circulation-bff/loans": 1,
        "GET /users": 1,
        "GET /service-points": 1,
        "GET /inventory/instances": 1,
    }


async def test_four_links_of_100_requests_cost_at_most_9_calls(gateway: Gateway) -> None:
    """100 requests with their distinct requesters, pickup points, titles and loans: 1 + 4 x 2 at most."""
    keep_requests_of_distinct_requesters(gateway.library, 100)

    data = await gateway.data(
        """{ requests(first: 100) { nodes {
            id
            requester { personal { email } }
            pickupServicePoint { name holdShelfExpiryPeriod { duration } }
            instance { source }
            openLoan { dueDate }
        } } }"""
    )

    nodes = data["requests"]["nodes"]
    assert {node["id"] for node in nodes} == set(gateway.library.requests)
    assert len(gateway.calls) <= 9
    assert Counter(gateway.paths())["GET /users"] == 2


async def test_an_id_is_requested_once_in_an_operation(gateway: Gateway) -> None:
    """The same user three times in one operation is one call with one id."""
    user = gateway.summary.user_id

    data = await gateway.data(
        "query($id: ID!) { a: user(id: $id) { id } b: user(id: $id) { barcode } c: user(id: $id) { type } }",
        {"id": user},
    )

    assert data["a"]["id"] == user
    assert gateway.paths() == ["GET /users"]
    assert gateway.calls[0].query["query"] == f'id=="{user}"'
    assert gateway.calls[0].query["limit"] == "1"


async def test_an_id_is_requested_once_in_any_case(gateway: Gateway) -> None:
    """Upper and lower case of an id are the same id, and both return the record."""
    user = gateway.summary.user_id
    assert user

    data = await gateway.data(
        "query($a: ID!, $b: ID!) { a: user(id: $a) { barcode } b: user(id: $b) { barcode } }",
        {"a": user.upper(), "b": user},
    )

    assert data["a"] == data["b"] != {"barcode": None}
    assert gateway.paths() == ["GET /users"]


async def test_totals_are_counted_only_when_selected(gateway: Gateway) -> None:
    """With `totalCount` upstream is requested to count exactly, and otherwise not to count."""
    await gateway.data("{ loans { nodes { id } } }")
    await gateway.data("{ loans { totalCount } }")

    assert [call.query["totalRecords"] for call in gateway.calls] == ["none", "exact"]


async def test_a_group_link_of_many_parents_is_one_call(gateway: Gateway) -> None:
    """The open requests of 30 items are one call, for any page of them."""
    items = [each["itemId"] for each in gateway.library.requests.values() if each.get("itemId")]
    chosen = list(dict.fromkeys(items))[:30]

    data = await gateway.data(
        "query($ids: [ID!]) { items(first: 30, filter: { id: $ids }) { nodes {"
        " id openRequests(first: 1) { totalCount nodes { id } } } } }",
        {"ids": chosen},
    )

    assert len(data["items"]["nodes"]) == 30
    expected = Counter(
        each["itemId"]
        for each in gateway.library.requests.values()
        if each["status"].startswith("Open") and each.get("itemId")
    )
    assert {node["id"]: node["openRequests"]["totalCount"] for node in data["items"]["nodes"]} == {
        each: expected[each] for each in chosen
    }
    assert gateway.paths() == ["GET /inventory/items", "GET /circulation-bff/requests"]


async def test_skipped_fields_cost_nothing() -> None:
    """A field that `@skip` omits is not requested."""
    async with open_gateway() as gateway:
        query = """query($more: Boolean!) { loans { nodes { borrower {
            barcode externalSystemId @include(if: $more) ... on User @skip(if: true) { username }
        } } } }"""

        await gateway.data(query, {"more": False})
        few = gateway.paths()
        gateway.sandbox.calls.clear()
        await gateway.data(query, {"more": True})

        assert few == ["GET /circulation-bff/loans"]
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /users"]


async def test_a_filter_too_long_for_upstream_is_refused_before_it_is_sent(gateway: Gateway) -> None:
    """Upstream reads request lines of 4096 bytes; a longer filter is a clear error and no call."""
    ids = [str(uuid.uuid4()) for _ in range(100)]

    response = await gateway.execute(
        "query($ids: [ID!]) { loans(filter: { id: $ids }) { nodes { id } } }", {"ids": ids}
    )

    assert response["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "at most 4000 are allowed" in response["errors"][0]["message"]
    assert gateway.calls == []


async def test_120_loans_with_everything_cost_at_most_16_calls(gateway: Gateway) -> None:
    """120 open loans with item, title, service point, open request count and fees: 601 calls one by one."""
    lend(gateway.library, loans=120, users=40, service_points=5, instances=80)

    data = await gateway.data(
        """{ loans(first: 120) { nodes {
            id
            item { hrid }
            instance { source }
            checkoutServicePoint { holdShelfExpiryPeriod { duration } }
            openRequests(first: 0) { totalCount }
            accounts(first: 0) { totalCount amountRemaining }
        } } }"""
    )

    nodes = data["loans"]["nodes"]
    assert len(nodes) == 120
    assert all(node["item"]["hrid"] and node["instance"]["source"] for node in nodes)
    assert all(node["openRequests"]["totalCount"] is not None for node in nodes)
    assert len(gateway.calls) <= 16


async def test_200_items_in_transit_with_their_links_cost_8_calls(gateway: Gateway) -> None:
    """200 items on their way, with inventory's record, requests and service points: 601 calls one by one."""
    items = gateway.library.items.values()
    others = [each for each in items if each["status"]["name"] != "In transit"]
    for each in others[: 200 - (len(items) - len(others))]:
        each["status"] = {"name": "In transit"}
        each["inTransitDestinationServicePointId"] = gateway.summary.service_point_id

    data = await gateway.data(
        """{ itemsInTransit { totalCount nodes {
            title item { hrid openRequests { totalCount } } inTransitDestinationServicePoint { code }
        } } }"""
    )

    nodes = data["itemsInTransit"]["nodes"]
    assert len(nodes) == data["itemsInTransit"]["totalCount"] == 200
    assert all(node["item"]["hrid"] and node["inTransitDestinationServicePoint"]["code"] for node in nodes)
    assert Counter(gateway.paths()) == {
        "GET /inventory-reports/items-in-transit": 1,
        "GET /inventory/items": 3,
        "GET /circulation-bff/requests": 3,
        "GET /service-points": 1,
    }


async def test_200_pick_slips_with_their_requests_cost_4_calls(gateway: Gateway) -> None:
    """200 slips of a service point, each followed to its request: 201 calls one by one."""
    library = gateway.library
    slips = await gateway.data(
        "query($id: ID!) { pickSlips(servicePointId: $id) { nodes { request { requestId } } } }",
        {"id": gateway.summary.service_point_id},
    )
    paged = library.requests[slips["pickSlips"]["nodes"][0]["request"]["requestId"]]
    for number in range(200 - len(slips["pickSlips"]["nodes"])):
        again = {**paged, "id": str(uuid.UUID(int=number + 1, version=4))}
        library.requests[again["id"]] = again
    gateway.sandbox.calls.clear()

    data = await gateway.data(
        """query($id: ID!) { pickSlips(servicePointId: $id) { totalCount nodes {
            request { requestId request { status position } }
        } } }""",
        {"id": gateway.summary.service_point_id},
    )

    nodes = data["pickSlips"]["nodes"]
    assert len(nodes) == data["pickSlips"]["totalCount"] == 200
    assert all(node["request"]["request"]["status"] == "OPEN_NOT_YET_FILLED" for node in nodes)
    assert Counter(gateway.paths()) == {
        f"GET /circulation-bff/pick-slips/{gateway.summary.service_point_id}": 1,
        "GET /circulation-bff/requests": 3,
    }


@pytest.mark.parametrize("kind", ["User", "Loan", "Request", "Item", "Instance", "ServicePoint"])
async def test_fields_without_members_take_no_more_calls_than_estimated(gateway: Gateway, kind: str) -> None:
    """Whether there is an object, or how many, may need a call: `{ __typename }` alone is estimated, too."""
    summary = gateway.summary
    key = {
        "User": summary.user_id,
        "Loan": summary.loan_id,
        "Request": summary.request_id,
        "Item": summary.item_id,
        "Instance": summary.instance_id,
        "ServicePoint": summary.service_point_id,
    }[kind]
    root = f'{kind[0].lower()}{kind[1:]}(id: "{key}")'
    fields = [
        name for name, field in object_types()[kind].fields.items() if is_object_without_arguments(field)
    ]
    await gateway.data("{ loans(first: 1) { nodes { id } } }")  # from now on it is known what the BFF serves

    barcode = f'"{summary.patron_barcode}"'
    given = {
        "allowedServicePoints": f"(requesterBarcode: {barcode})",
        "appliedPolicies": f"(userBarcode: {barcode})",
    }
    more: dict[str, tuple[int, int]] = {}
    for name in fields:
        query = f"{{ {root} {{ {name}{given.get(name, '')} {{ __typename }} }} }}"
        before = len(gateway.calls)
        await gateway.data(query)
        sent, estimated = len(gateway.calls) - before, estimated_calls(query, {})
        if sent > estimated:
            more[name] = sent, estimated

    assert len(fields) > 1
    assert more == {}


def is_object_without_arguments(field: GraphQLField) -> bool:
    """Return True for a field that `{ __typename }` can be selected of, without an argument."""
    required = any(is_required_argument(each) for each in field.args.values())
    return is_composite_type(get_named_type(field.type)) and not required


ALLOWED = "allowedServicePoints(requesterBarcode: $patron) { hold { id } }"
ITEM = f'item(barcode: "2000000001") {{ {ALLOWED} }}'
ADD_INFO = (
    """addLoanInfo(input: { loanId: "%s", action: STAFF_INFO_ADDED, comment: "Call back." }) {
    ... on LoanInfoAdded { loan { instance { """
    + ALLOWED
    + """ } } }
}"""
)


@pytest.mark.parametrize(
    ("selection", "sent", "estimated"),
    [
        (ITEM, 3, 3),
        (f"user(barcode: $patron) {{ active }} {ITEM}", 3, 3),
        (f"{ITEM} user(barcode: $patron) {{ active }}", 3, 3),
        (f"user(barcode: $patron) @skip(if: true) {{ active }} {ITEM}", 3, 3),
        (f"user(barcode: $other) {{ active }} {ITEM}", 4, 4),
        (f"user(id: $id) {{ active }} {ITEM}", 4, 4),
        (f"user(id: $none, barcode: $patron) {{ active }} {ITEM}", 3, 4),
        (f"user(id: $id, barcode: $none) {{ active }} {ITEM}", 4, 4),
        (f'user(barcode: "1000000002") {{ active }} {ITEM}', 3, 4),
        (f"user(barcode: $patron) {{ active }} items(first: 2) {{ nodes {{ {ALLOWED} }} }}", 4, 4),
        (f"user(barcode: $patron) {{ active }} a: {ITEM} b: {ITEM}", 3, 5),
    ],
)
async def test_a_user_is_estimated_once_for_an_argument_and_a_look_up(
    gateway: Gateway, selection: str, sent: int, estimated: int
) -> None:
    """A barcode among the arguments costs a call, unless the operation also looks the user up by it."""
    variables: dict[str, Json] = {
        "patron": "1000000002",
        "other": "1000000003",
        "id": next(
            each["id"] for each in gateway.library.users.values() if each.get("barcode") == "1000000003"
        ),
        "none": None,
    }
    kinds = {"patron": "String!", "other": "String!", "id": "ID!"}
    kinds["none"] = "ID" if "id: $none" in selection else "String"
    declared = ", ".join(f"${name}: {kind}" for name, kind in kinds.items() if f"${name}" in selection)
    query = f"query({declared}) {{ {selection} }}"
    given = {name: value for name, value in variables.items() if f"${name}" in selection}

    data = await gateway.data(query, given)

    assert None not in data.values()
    assert (len(gateway.calls), estimated_calls(query, given)) == (sent, estimated)


async def test_a_user_is_estimated_for_each_mutation(gateway: Gateway) -> None:
    """Each mutation drops what was read before it, and reads the user of its own arguments again."""
    loans = [each["id"] for each in gateway.library.loans.values() if each["status"]["name"] == "Open"][:2]
    a, b = (ADD_INFO % each for each in loans)
    query = f"mutation($patron: String!) {{ a: {a} b: {b} }}"
    variables = {"patron": "1000000002"}

    data = await gateway.data(query, variables, gateway.as_staff("head"))

    assert all(each["loan"]["instance"]["allowedServicePoints"] for each in data.values())
    assert Counter(gateway.paths())["GET /users"] == 2
    assert len(gateway.calls) == estimated_calls(query, variables) == 8
