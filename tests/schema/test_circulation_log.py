"""The circulation log: as FOLIO's screen reads it, and of a user, a loan and an item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.sandbox import create_sandbox
from gateway.sandbox.library import Record
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

LOG = "GET /audit-data/circulation/logs"
LATEST_FIRST = " sortby date/sort.descending id"
BORROWER = "1000000002"

Json = Any  # a response is JSON of the shape that each test expects


def stored(gateway: Gateway, keep: Callable[[Record], bool] = lambda record: True) -> list[Record]:
    """Return the records of the sandbox, latest first."""
    records = [each for each in gateway.library.circulation_log.values() if keep(each)]
    records.sort(key=lambda each: str(each["id"]))
    records.sort(key=lambda each: str(each["date"]), reverse=True)
    return records


async def test_a_page_is_one_call_latest_first(reader: Gateway) -> None:
    """Records have their texts, the barcodes of their time, and the ids of all that they are about."""
    data = await reader.data(
        """{ circulationLog(first: 1000) { totalCount nodes {
            id date objectText actionText description source userBarcode servicePoint { id }
            items { itemBarcode item { id } instance { id } holdings { id } loan { id } }
            user { id } request { id } account { id } notice { templateId noticePolicy { id } }
        } } }"""
    )

    records = stored(reader)
    assert data["circulationLog"]["totalCount"] == len(records)
    for node, record in zip(data["circulationLog"]["nodes"], records, strict=True):
        links = record["linkToIds"]
        assert node["date"][:19] == record["date"][:19]
        assert {name: node[name] for name in ("id", "description", "source", "userBarcode")} == {
            name: record.get(name) for name in ("id", "description", "source", "userBarcode")
        }
        assert (node["objectText"], node["actionText"]) == (record["object"], record["action"])
        assert node["servicePoint"] == target(record.get("servicePointId"))
        assert node["items"] == [
            {
                "itemBarcode": item.get("itemBarcode"),
                "item": target(item.get("itemId")),
                "instance": target(item.get("instanceId")),
                "holdings": target(item.get("holdingId")),
                "loan": target(item.get("loanId")),
            }
            for item in record["items"]
        ]
        assert node["user"] == target(links.get("userId"))
        assert node["request"] == target(links.get("requestId"))
        assert node["account"] == target(links.get("feeFineId"))
        assert node["notice"] == {
            "templateId": links.get("templateId"),
            "noticePolicy": target(links.get("noticePolicyId")),
        }
    assert reader.paths() == [LOG]
    assert reader.calls[0].query["query"] == "cql.allRecords=1" + LATEST_FIRST


def target(key: str | None) -> Json:
    return None if key is None else {"id": key}


def first_item(record: Record) -> Record:
    return next(iter(record["items"]), {})


FILTERS: list[tuple[str, str, Callable[[Record], bool]]] = [
    (
        "action: [CHECKED_OUT, RENEWED]",
        'action==("Checked out" or "Renewed")',
        lambda record: record["action"] in ("Checked out", "Renewed"),
    ),
    ("object: [FEE_FINE]", 'object=="Fee/Fine"', lambda record: record["object"] == "Fee/Fine"),
    (
        f'userBarcode: ["{BORROWER}"]',
        f'userBarcode=="{BORROWER}"',
        lambda record: record.get("userBarcode") == BORROWER,
    ),
    (
        'itemBarcode: ["2000000031", "2000000032"]',
        '(items="2000000031" or items="2000000032")',
        lambda record: first_item(record).get("itemBarcode") in ("2000000031", "2000000032"),
    ),
    ('source: ["System"]', 'source=="System"', lambda record: record["source"] == "System"),
    (
        'description: "pickup template"',
        'description all "pickup template"',
        lambda record: record["description"] == "Template: Awaiting pickup.",
    ),
]


@pytest.mark.parametrize(("written", "query", "keep"), FILTERS, ids=[query for _, query, _ in FILTERS])
async def test_a_filter_is_applied_upstream(
    reader: Gateway, written: str, query: str, keep: Callable[[Record], bool]
) -> None:
    """The filters of FOLIO's own screen match the same records."""
    data = await reader.data(
        f"{{ circulationLog(first: 1000, filter: {{ {written} }}) {{ nodes {{ id }} }} }}"
    )

    expected = [each["id"] for each in stored(reader, keep)]
    assert [node["id"] for node in data["circulationLog"]["nodes"]] == expected
    assert expected
    assert reader.calls[0].query["query"] == query + LATEST_FIRST
    assert reader.paths() == [LOG]


async def test_the_log_of_a_day_at_a_desk_by_ids(reader: Gateway) -> None:
    """Ids of service points, loans, items, patrons, requests and fees narrow the log, and so do dates."""
    record = next(each for each in stored(reader) if each["object"] == "Fee/Fine")
    loan = reader.library.loans[record["items"][0]["loanId"]]
    variables = {
        "account": record["linkToIds"]["feeFineId"],
        "user": record["linkToIds"]["userId"],
        "loan": loan["id"],
        "item": loan["itemId"],
        "from": record["date"],
    }

    data = await reader.data(
        """query($account: ID!, $user: ID!, $loan: ID!, $item: ID!, $from: DateTime!) {
            circulationLog(first: 100, filter: {
                accountId: [$account], userId: [$user], loanId: [$loan], itemId: [$item]
                date: { from: $from }
            }) { nodes { account { id } } }
        }""",
        variables,
    )

    nodes = data["circulationLog"]["nodes"]
    assert {node["account"]["id"] for node in nodes} == {variables["account"]}
    query = reader.calls[0].query["query"]
    for clause in (
        f'linkToIds.feeFineId=="{variables["account"]}"',
        f'linkToIds.userId=="{variables["user"]}"',
        f'items="{loan["id"]}"',
        f'items="{loan["itemId"]}"',
        f'date>="{record["date"]}"',
    ):
        assert clause in query


async def test_links_are_one_call_for_each_kind(reader: Gateway) -> None:
    """Further members of users, items, loans and service points take one call each for all records."""
    data = await reader.data(
        """{ circulationLog(first: 50, filter: { action: [RENEWED] }) { nodes {
            user { username } servicePoint { name } items { item { copyNumber title } loan { dueDate } }
        } } }"""
    )

    nodes = data["circulationLog"]["nodes"]
    assert len(nodes) == 50
    assert all(node["items"][0]["loan"]["dueDate"] and node["servicePoint"]["name"] for node in nodes)
    assert reader.paths()[0] == LOG
    assert sorted(reader.paths()[1:]) == [
        "GET /circulation-bff/loans",
        "GET /inventory/items",
        "GET /service-points",
        "GET /users",
    ]


async def test_the_logs_of_many_users_are_one_call(reader: Gateway) -> None:
    """Users have the records with their barcodes; one without a barcode has none and costs no call."""
    barcodes = [BORROWER, "1000000041", "1000000042"]
    data = await reader.data(
        """query($b: [String!]) { users(filter: { barcode: $b }) { nodes {
            barcode circulationLog(first: 3) { nodes { id } }
        } } }""",
        {"b": barcodes},
    )

    for node in data["users"]["nodes"]:
        own = stored(reader, lambda record, of=node["barcode"]: record.get("userBarcode") == of)  # type: ignore[misc]
        assert [each["id"] for each in node["circulationLog"]["nodes"]] == [each["id"] for each in own[:3]]
        assert own
    assert reader.paths() == ["GET /users", LOG]


async def test_a_user_without_a_barcode_has_an_empty_log(reader: Gateway) -> None:
    """Nothing is read for it."""
    user = next(each for each in reader.library.users.values() if "barcode" not in each)

    data = await reader.data(
        "query($id: ID!) { user(id: $id) { circulationLog { totalCount nodes { id } } } }", {"id": user["id"]}
    )

    assert data["user"]["circulationLog"] == {"totalCount": 0, "nodes": []}
    assert reader.paths() == ["GET /users"]


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_log_of_a_loan_and_its_item(execution: str) -> None:
    """Each is one call by the id, latest first, and can be filtered."""
    async with open_gateway(execution=execution) as gateway:
        loan = next(each for each in gateway.library.loans.values() if each["renewalCount"] == 2)
        data = await gateway.data(
            """query($id: ID!) { loan(id: $id) {
                circulationLog { totalCount nodes { action items { loan { id } } } }
                item { circulationLog(first: 1, filter: { action: [CHECKED_OUT] }) { nodes { action } } }
            } }""",
            {"id": loan["id"]},
        )

        def of_loan(record: Record) -> bool:
            return bool(first_item(record).get("loanId") == loan["id"])

        log = data["loan"]["circulationLog"]
        assert log["totalCount"] == len(stored(gateway, of_loan)) == len(log["nodes"])
        assert log["nodes"][-1] == {"action": "CHECKED_OUT", "items": [{"loan": {"id": loan["id"]}}]}
        assert data["loan"]["item"]["circulationLog"]["nodes"] == [{"action": "CHECKED_OUT"}]
        queries = sorted(call.query["query"] for call in gateway.calls if call.path.startswith("/audit-data"))
    assert queries == sorted(
        [
            f'items="{loan["id"]}"' + LATEST_FIRST,
            f'(items="{loan["itemId"]}" and action=="Checked out")' + LATEST_FIRST,
        ]
    )


async def test_without_the_permission_the_loan_stays() -> None:
    """The log is null with an error, and all else is there."""
    sandbox = create_sandbox()
    sandbox.faults.add(kind="status", status=403, path="/audit-data/circulation/logs")
    async with open_gateway(sandbox) as gateway:
        loan = next(iter(gateway.library.loans.values()))
        response = await gateway.execute(
            "query($id: ID!) { loan(id: $id) { id circulationLog { nodes { id } } } }", {"id": loan["id"]}
        )

    assert response["data"] == {"loan": {"id": loan["id"], "circulationLog": None}}
    assert [each["extensions"]["code"] for each in response["errors"]] == ["FORBIDDEN"]


async def test_a_large_total_is_counted_by_a_second_call() -> None:
    """mod-audit estimates the totals of pages of more than 1000 matches."""
    sandbox = create_sandbox()
    log = sandbox.library("diku").circulation_log
    template = next(iter(log.values()))
    for number in range(len(log), 1234):
        key = f"00000000-0000-4000-8000-{number:012}"
        log[key] = template | {"id": key}
    async with open_gateway(sandbox) as gateway:
        data = await gateway.data("{ circulationLog(first: 5) { totalCount nodes { id } } }")
        limits = [(call.query["limit"], call.query["query"]) for call in gateway.calls]

    assert data["circulationLog"]["totalCount"] == 1234
    assert limits == [("5", "cql.allRecords=1" + LATEST_FIRST), ("0", "cql.allRecords=1")]


async def test_an_empty_list_of_ids_is_refused(reader: Gateway) -> None:
    """It would match every record; nothing is sent."""
    response = await reader.execute("{ circulationLog(filter: { loanId: [] }) { nodes { id } } }")

    assert [each["extensions"]["code"] for each in response["errors"]] == ["BAD_USER_INPUT"]
    assert reader.calls == []
