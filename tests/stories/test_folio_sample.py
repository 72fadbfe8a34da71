"""FOLIO's sample records, read, lent and returned through the gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.sandbox import create_sandbox
from tests.clients.test_records import WIDE, wide_queries
from tests.gateway_under_test import Gateway, open_gateway
from tests.semantic_nulls import unexplained_nulls

pytestmark = pytest.mark.anyio

Json = Any  # records and responses of the shape that each test expects

SAMPLE = Path(__file__).parents[3] / "shared" / "folio-sample"
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample records are not available")

CIRC_DESK_1 = {"id": "3a40852d-49fd-4df2-a1f9-6e2641a6e91f", "name": "Circ Desk 1"}
CIRC_DESK_2 = {"id": "c4c90014-c8c9-4ade-8f24-b5e313319f4b", "name": "Circ Desk 2"}

LOANS = """{ loans(first: 10, filter: { status: [OPEN] }, sort: [{ field: LOAN_DATE }]) {
    totalCount
    nodes {
        id loanDate dueDate action renewalCount status { name }
        borrower { id barcode personal { lastName firstName email } patronGroup { group } expirationDate }
        item { id barcode title status { name } effectiveLocation { name } materialType { name } }
        instance { id title hrid contributors { name } }
        checkoutServicePoint { id name } checkinServicePoint { name }
    }
} }"""
CHECK_OUT = """mutation($input: CheckOutInput!) { checkOut(input: $input) {
    __typename
    ... on CheckedOut { loan { id dueDate } }
    ... on Refusal { reasons { code message parameters { key value } } }
} }"""
CHECK_IN = """mutation($input: CheckInInput!) { checkIn(input: $input) { ... on CheckedIn {
    loan { id status { name } returnDate checkinServicePoint { id name } }
    item { status { name } inTransitDestinationServicePoint { id } }
    staffSlipContext { item { title barcode effectiveLocationSpecific effectiveLocationInstitution } }
} } }"""


def records(name: str) -> dict[str, Json]:
    """Return the records of one file of the sample by id."""
    return {each["id"]: each for each in json.loads((SAMPLE / f"{name}.json").read_text(encoding="utf-8"))}


@pytest.fixture(name="sample")
async def _sample() -> AsyncIterator[Gateway]:
    async with open_gateway(create_sandbox(SAMPLE)) as opened:
        yield opened


async def lend(sample: Gateway, item: str, user: str, desk: Json = CIRC_DESK_1, **fields: Json) -> Json:
    check_out_input = {"itemBarcode": item, "userBarcode": user, "servicePointId": desk["id"], **fields}
    result = await sample.data(CHECK_OUT, {"input": check_out_input})
    return result["checkOut"]


def format_date(text: str) -> str:
    """Format a date of the files as the gateway does."""
    return f"{text}T00:00:00.000Z" if len(text) == 10 else text.replace("Z", ".000Z")


def expected_loan(loan: Json) -> Json:
    """Return an open loan of the files with its linked records, as the query selects them."""
    user, item = records("users")[loan["userId"]], records("items")[loan["itemId"]]
    holdings = records("holdings")[item["holdingsRecordId"]]
    instance = records("instances")[holdings["instanceId"]]
    location = item.get("permanentLocationId") or holdings["permanentLocationId"]
    return {
        "id": loan["id"],
        "loanDate": format_date(loan["loanDate"]),
        "dueDate": format_date(loan["dueDate"]),
        "action": loan["action"],
        "renewalCount": loan.get("renewalCount"),
        "status": {"name": "OPEN"},
        "borrower": {
            "id": user["id"],
            "barcode": user["barcode"],
            "personal": {name: user["personal"][name] for name in ("lastName", "firstName", "email")},
            "patronGroup": {"group": records("groups")[user["patronGroup"]]["group"]},
            "expirationDate": format_date(user["expirationDate"]),
        },
        "item": {
            "id": item["id"],
            "barcode": item["barcode"],
            "title": instance["title"],
            "status": {"name": "CHECKED_OUT"},
            "effectiveLocation": {"name": records("locations")[location]["name"]},
            "materialType": {"name": records("material-types")[item["materialTypeId"]]["name"]},
        },
        "instance": {
            "id": instance["id"],
            "title": instance["title"],
            "hrid": instance["hrid"],
            "contributors": [{"name": each["name"]} for each in instance["contributors"]],
        },
        # The loans of the sample predate FOLIO's service points.
        "checkoutServicePoint": None,
        "checkinServicePoint": None,
    }


@needs_sample
async def test_loans_with_every_linked_record(sample: Gateway) -> None:
    """Every link of the sample's three open loans, and of two new ones, resolves to its record."""
    open_loans = [each for each in records("loans").values() if each["status"]["name"] == "Open"]
    loans = (await sample.data(LOANS))["loans"]

    assert loans["totalCount"] == 3
    assert loans["nodes"] == [
        expected_loan(loan) for loan in sorted(open_loans, key=lambda each: str(each["loanDate"]))
    ]
    assert [each["item"]["title"] for each in loans["nodes"]] == [
        "Interesting Times",
        "Nod",
        "Bridget Jones's Baby: the diaries",
    ]

    first = await lend(sample, "10101", "456", loanDate="2026-01-02T03:04:05Z")
    second = await lend(sample, "4539876054383", "789", CIRC_DESK_2, loanDate="2026-01-03T03:04:05Z")
    sample.sandbox.calls.clear()
    after = (await sample.data(LOANS))["loans"]

    assert after["totalCount"] == 5
    assert after["nodes"][:3] == loans["nodes"]
    assert after["nodes"][3:] == [
        {
            "id": first["loan"]["id"],
            "loanDate": "2026-01-02T03:04:05.000Z",
            "dueDate": "2026-01-02T04:04:05.000Z",
            "action": "checkedout",
            "renewalCount": 0,
            "status": {"name": "OPEN"},
            "borrower": {
                "id": "bec20636-fb68-41fd-84ea-2cf910673599",
                "barcode": "456",
                "personal": {"lastName": "morty", "firstName": "panic", "email": "morty@example.com"},
                "patronGroup": {"group": "staff"},
                "expirationDate": None,
            },
            "item": {
                "id": "7212ba6a-8dcf-45a1-be9a-ffaa847c4423",
                "barcode": "10101",
                "title": "A semantic web primer",
                "status": {"name": "CHECKED_OUT"},
                "effectiveLocation": {"name": "Main Library"},
                "materialType": {"name": "book"},
            },
            "instance": {
                "id": "5bf370e0-8cca-4d9c-82e4-5170ab2a0a39",
                "title": "A semantic web primer",
                "hrid": "inst000000000022",
                "contributors": [{"name": "Antoniou, Grigoris"}, {"name": "Van Harmelen, Frank"}],
            },
            "checkoutServicePoint": CIRC_DESK_1,
            "checkinServicePoint": None,
        },
        {
            "id": second["loan"]["id"],
            "loanDate": "2026-01-03T03:04:05.000Z",
            "dueDate": "2026-01-03T04:04:05.000Z",
            "action": "checkedout",
            "renewalCount": 0,
            "status": {"name": "OPEN"},
            "borrower": {
                "id": "b4cee18d-f862-4ef1-95a5-879fdd619603",
                "barcode": "789",
                "personal": {
                    "lastName": "sheldon",
                    "firstName": "bazinga",
                    "email": "sheldon@example.com",
                },
                "patronGroup": {"group": "staff"},
                "expirationDate": None,
            },
            "item": {
                "id": "d6f7c1ba-a237-465e-94ed-f37e91bc64bd",
                "barcode": "4539876054383",
                "title": "Bridget Jones's Baby: the diaries",
                "status": {"name": "CHECKED_OUT"},
                "effectiveLocation": {"name": "Annex"},
                "materialType": {"name": "book"},
            },
            "instance": after["nodes"][2]["instance"],
            "checkoutServicePoint": CIRC_DESK_2,
            "checkinServicePoint": None,
        },
    ]
    assert sorted(sample.paths()) == [
        "GET /circulation-bff/loans",
        "GET /groups",
        "GET /inventory/instances",
        "GET /users",
    ]


@needs_sample
async def test_check_out_and_check_in(sample: Gateway) -> None:
    """A sample item is lent to a sample patron, refused to another one, and checked in."""
    item = "A14811392645"
    check_out = await lend(sample, item, "123")
    second_check_out = await lend(sample, item, "456")
    check_in_input = {
        "itemBarcode": item,
        "servicePointId": CIRC_DESK_1["id"],
        "checkInDate": "2026-11-22T10:00:00Z",
    }
    result = (await sample.data(CHECK_IN, {"input": check_in_input}))["checkIn"]
    loan = await sample.data(
        """query($id: ID!, $item: String!) {
            loan(id: $id) { status { name } borrower { username } }
            item(barcode: $item) { status { name } openLoan { id } lastCheckIn { servicePoint { name } } }
        }""",
        {"id": check_out["loan"]["id"], "item": item},
    )

    assert check_out["__typename"] == "CheckedOut"
    assert second_check_out == {
        "__typename": "Refusal",
        "reasons": [
            {
                "code": "OTHER",
                "message": "Item is already checked out",
                "parameters": [{"key": "itemBarcode", "value": item}],
            }
        ],
    }
    assert result == {
        "loan": {
            "id": check_out["loan"]["id"],
            "status": {"name": "CLOSED"},
            "returnDate": "2026-11-22T10:00:00.000Z",
            "checkinServicePoint": CIRC_DESK_1,
        },
        "item": {"status": {"name": "AVAILABLE"}, "inTransitDestinationServicePoint": None},
        "staffSlipContext": {
            "item": {
                "title": "ABA Journal",
                "barcode": item,
                "effectiveLocationSpecific": "Main Library",
                "effectiveLocationInstitution": "Københavns Universitet",
            }
        },
    }
    assert loan == {
        "loan": {"status": {"name": "CLOSED"}, "borrower": {"username": "rick"}},
        "item": {
            "status": {"name": "AVAILABLE"},
            "openLoan": None,
            "lastCheckIn": {"servicePoint": {"name": "Circ Desk 1"}},
        },
    }


@needs_sample
async def test_expired_patron_is_refused(sample: Gateway) -> None:
    """Most patrons of the sample expired years ago, and a check-out is refused."""
    assert await lend(sample, "A14811392645", "344058867767195") == {
        "__typename": "Refusal",
        "reasons": [
            {
                "code": "OTHER",
                "message": "Cannot check out to inactive user",
                "parameters": [{"key": "userBarcode", "value": "344058867767195"}],
            }
        ],
    }
    assert len(list(sample.library.open_loans())) == 3


@needs_sample
async def test_every_record_of_the_sample_is_returned(sample: Gateway) -> None:
    """Each page has all records of its file, with their dates and links."""
    user_page = await sample.data(
        """{ users(first: 1000) { totalCount nodes {
            id username enrollmentDate expirationDate personal { dateOfBirth } patronGroup { id }
        } } }"""
    )
    record_pages = await sample.data(
        """{
            instances(first: 100) { totalCount nodes { id title } }
            items(first: 100) { totalCount nodes { id barcode instance { id } } }
            locations(first: 100) { totalCount nodes { id library { name } primaryServicePoint { id } } }
            servicePoints(first: 100) { totalCount nodes { id name holdShelfExpiryPeriod { duration } } }
        }"""
    )

    on_disk = records("users")
    assert user_page["users"]["totalCount"] == len(on_disk) == 303
    for user in user_page["users"]["nodes"]:
        record = on_disk[user["id"]]
        assert user["username"] == record.get("username")
        assert user["patronGroup"] == {"id": record["patronGroup"]}
        assert (user["expirationDate"] or "")[:10] == record.get("expirationDate", "")
        assert (user["enrollmentDate"] or "")[:10] == record.get("enrollmentDate", "")[:10]
        assert (user["personal"]["dateOfBirth"] or "")[:10] == record["personal"].get("dateOfBirth", "")
    for name, file in {"instances": 29, "items": 17, "locations": 6, "servicePoints": 4}.items():
        on_disk = records("service-points" if name == "servicePoints" else name)
        assert record_pages[name]["totalCount"] == file
        assert {each["id"] for each in record_pages[name]["nodes"]} == set(on_disk)
    holdings = records("holdings")
    for item in record_pages["items"]["nodes"]:
        record = records("items")[item["id"]]
        assert item["barcode"] == record["barcode"]
        assert item["instance"] == {"id": holdings[record["holdingsRecordId"]]["instanceId"]}


# These tests do not need the sample.


async def test_date_in_a_file_becomes_a_timestamp(tmp_path: Path) -> None:
    """mod-users stores timestamps, so the sandbox does not return the plain dates of the file."""
    user = {
        "id": "2205005b-ca51-4a04-87fd-938eefa8f6de",
        "enrollmentDate": "2016-12-31",
        "expirationDate": "2019-11-27T04:00:00.000+0000",
        "personal": {"dateOfBirth": "1951-03-17"},
    }
    (tmp_path / "users.json").write_text(json.dumps([user]), encoding="utf-8")
    async with open_gateway(create_sandbox(tmp_path)) as gateway:
        data = await gateway.data(
            "{ users { nodes { enrollmentDate expirationDate personal { dateOfBirth } } } }"
        )

    assert data["users"]["nodes"] == [
        {
            "enrollmentDate": "2016-12-31T00:00:00.000Z",
            "expirationDate": "2019-11-27T04:00:00.000Z",
            "personal": {"dateOfBirth": "1951-03-17T00:00:00.000+00:00"},
        }
    ]


@pytest.mark.parametrize("date", ["soon", 2019])
def test_invalid_date_names_its_file(tmp_path: Path, date: object) -> None:
    """An invalid date is an error that names the file."""
    user = {"id": "2205005b-ca51-4a04-87fd-938eefa8f6de", "expirationDate": date}
    (tmp_path / "users.json").write_text(json.dumps([user]), encoding="utf-8")

    with pytest.raises(ValueError, match=r"users\.json: record 2205005b-.* has an invalid date"):
        create_sandbox(tmp_path)


async def test_visit_to_the_embedded_library(gateway: Gateway) -> None:
    """A requested item is checked in after a day and lent to the next requester."""
    summary = gateway.summary
    request = next(
        each
        for each in gateway.library.requests.values()
        if each["requestType"] == "Hold" and each.get("position") == 1 and each.get("pickupServicePointId")
    )
    item = gateway.library.items[request["itemId"]]
    pickup = request["pickupServicePointId"]
    requester = gateway.library.users[request["requesterId"]]
    queue = """query($id: ID!) { item(id: $id) {
        status { name } openLoan { borrower { barcode } }
        openRequests { nodes { id status position requester { barcode } } }
    } }"""
    before = (await gateway.data(queue, {"id": item["id"]}))["item"]
    gateway.library.clock.advance(timedelta(days=1))
    returned = await gateway.data(
        CHECK_IN, {"input": {"itemBarcode": item["barcode"], "servicePointId": pickup}}
    )
    shelf = (await gateway.data(queue, {"id": item["id"]}))["item"]
    lent = await gateway.data(
        CHECK_OUT,
        {
            "input": {
                "itemBarcode": item["barcode"],
                "userBarcode": requester["barcode"],
                "servicePointId": pickup,
            }
        },
    )
    after = (await gateway.data(queue, {"id": item["id"]}))["item"]

    assert summary.tenant == "diku"
    assert before["status"] == {"name": "CHECKED_OUT"}
    assert before["openRequests"]["nodes"][0]["id"] == request["id"]
    assert returned["checkIn"]["loan"]["status"] == {"name": "CLOSED"}
    assert shelf["status"] == {"name": "AWAITING_PICKUP"}
    assert shelf["openLoan"] is None
    assert shelf["openRequests"]["nodes"][0] == {
        "id": request["id"],
        "status": "OPEN_AWAITING_PICKUP",
        "position": 1,
        "requester": {"barcode": requester["barcode"]},
    }
    assert lent["checkOut"]["__typename"] == "CheckedOut"
    assert after["openLoan"] == {"borrower": {"barcode": requester["barcode"]}}
    assert request["id"] not in [each["id"] for each in after["openRequests"]["nodes"]]


@needs_sample
async def test_promised_values_are_in_the_sample() -> None:
    """In all lists of FOLIO's own records, no field with `@semanticNonNull` is null without an error."""
    async with open_gateway(create_sandbox(SAMPLE), **WIDE) as sample:
        staff, records = sample.as_staff("head"), 0
        for written, query in wide_queries():
            response = await sample.execute(query, headers=staff)
            assert unexplained_nulls(query, response) == [], (written, response.get("errors"))
            (page,) = response["data"].values()
            records += len(page["nodes"]) if page else 0

    assert records > 150
