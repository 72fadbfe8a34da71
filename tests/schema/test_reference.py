"""Reference data: small tables, read once per operation for records and lists."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

# The root, its path upstream, and the field that names a row.
TABLES = {
    "patronGroups": ("/groups", "group"),
    "addressTypes": ("/addresstypes", "addressType"),
    "departments": ("/departments", "name"),
    "materialTypes": ("/material-types", "name"),
    "loanTypes": ("/loan-types", "name"),
    "cancellationReasons": ("/cancellation-reason-storage/cancellation-reasons", "name"),
    "feeFineTypes": ("/feefines", "feeFineType"),
    "paymentMethods": ("/payments", "nameMethod"),
    "waiveReasons": ("/waives", "nameReason"),
    "transferAccounts": ("/transfers", "accountName"),
    "refundReasons": ("/refunds", "nameReason"),
    "patronBlockConditions": ("/patron-block-conditions", "name"),
}
LISTS = {
    "tags": ("/tags", "label"),
    "staffSlipTemplates": ("/staff-slips-storage/staff-slips", "name"),
    "circulationSettings": ("/circulation/settings", "name"),
    "loanPolicies": ("/loan-policy-storage/loan-policies", "name"),
    "overdueFinePolicies": ("/overdue-fines-policies", "name"),
    "lostItemFeePolicies": ("/lost-item-fees-policies", "name"),
    "requestPolicies": ("/request-policy-storage/request-policies", "name"),
    "patronNoticePolicies": ("/patron-notice-policy-storage/patron-notice-policies", "name"),
}


@pytest.mark.parametrize("root", TABLES)
async def test_a_table_is_read_once_and_sorted(reader: Gateway, root: str) -> None:
    """A page of a small table is cut from the complete table, read in one call with its count."""
    path, name = TABLES[root]

    data = await reader.data(
        f"{{ {root}(first: 2) {{ totalCount pageInfo {{ hasNextPage }} nodes {{ id {name} }} }} }}"
    )
    all_of_it = await reader.data(f"{{ {root}(first: 1000) {{ nodes {{ id {name} }} }} }}")

    rows = all_of_it[root]["nodes"]
    assert rows == sorted(rows, key=lambda row: row[name].casefold())
    assert len(rows) > 2
    assert data[root] == {
        "totalCount": len(rows),
        "pageInfo": {"hasNextPage": True},
        "nodes": rows[:2],
    }
    assert reader.paths() == [f"GET {path}"] * 2
    assert reader.calls[0].query == {
        "query": f"cql.allRecords=1 sortby {name} id",
        "limit": "1000",
        "totalRecords": "exact",
    }


@pytest.mark.parametrize("root", sorted(root for root, (_, name) in TABLES.items() if name == "name"))
async def test_a_filtered_table_is_filtered_upstream(reader: Gateway, root: str) -> None:
    """With a filter, only the matching records are read."""
    path, _ = TABLES[root]

    data = await reader.data(f'{{ {root}(filter: {{ name: ["no such name"] }}) {{ nodes {{ id }} }} }}')

    assert data == {root: {"nodes": []}}
    assert reader.paths() == [f"GET {path}"]
    assert reader.calls[0].query["query"] == 'name=="no such name" sortby name id'
    assert reader.calls[0].query["limit"] == "10"


@pytest.mark.parametrize("root", LISTS)
async def test_a_list_is_a_page(reader: Gateway, root: str) -> None:
    """A table that may be large is read in pages."""
    path, name = LISTS[root]

    data = await reader.data(f"{{ {root} {{ totalCount nodes {{ id {name} }} }} }}")

    nodes = data[root]["nodes"]
    assert 0 < len(nodes) <= 10
    assert data[root]["totalCount"] >= len(nodes)
    assert reader.paths() == [f"GET {path}"]
    assert reader.calls[0].query == {
        "query": f"cql.allRecords=1 sortby {name} id",
        "limit": "10",
        "totalRecords": "exact",
    }


async def test_rows_at_several_levels_and_the_list_are_one_call(reader: Gateway) -> None:
    """Groups of users, of the members of those groups, and the list of groups take one call."""
    data = await reader.data(
        """{ patronGroups { nodes { group } } users(first: 20) { nodes { patronGroup {
            group users(first: 1) { nodes { patronGroup { desc } } }
        } } } }"""
    )

    groups = {each["group"] for each in data["patronGroups"]["nodes"]}
    assert {
        node["patronGroup"]["group"] for node in data["users"]["nodes"] if node["patronGroup"] is not None
    } <= groups
    assert reader.paths().count("GET /groups") == 1


async def test_the_address_types_of_a_request_are_one_call(reader: Gateway) -> None:
    """A request's delivery address and the addresses of its requester read one table, once."""
    data = await reader.data(
        """{ requests(first: 200, filter: { status: [OPEN_NOT_YET_FILLED, OPEN_AWAITING_DELIVERY] }) { nodes {
            deliveryAddressType { addressType }
            deliveryAddress { city addressType { addressType } }
            requester { personal { addresses { addressType { addressType desc } } } }
        } } }"""
    )

    assert any(node["deliveryAddress"] for node in data["requests"]["nodes"])
    assert reader.paths().count("GET /addresstypes") == 1


async def test_cancellation_reasons_of_requests(reader: Gateway) -> None:
    """The id of a reason is embedded in the request; the names take one call for all requests."""
    stored = {
        each["id"]: each["cancellationReasonId"]
        for each in reader.library.requests.values()
        if "cancellationReasonId" in each
    }
    query = (
        "query($ids: [ID!]) { requests(first: 100, filter: { id: $ids }) { nodes { id cancellationReason {"
        " id %s } } } }"
    )

    ids = await reader.data(query % "", {"ids": list(stored)})
    names = await reader.data(query % "name publicDescription", {"ids": list(stored)})

    assert {node["id"]: node["cancellationReason"]["id"] for node in ids["requests"]["nodes"]} == stored
    assert len(stored) > 0
    for node in names["requests"]["nodes"]:
        reason = reader.library.cancellation_reasons[stored[node["id"]]]
        assert node["cancellationReason"] == {
            name: reason[name] for name in ("id", "name", "publicDescription")
        }
    assert reader.paths() == [
        "GET /circulation-bff/requests",
        "GET /circulation-bff/requests",
        "GET /cancellation-reason-storage/cancellation-reasons",
    ]


async def test_embedded_types_of_an_item_cost_no_call(reader: Gateway) -> None:
    """Id and name of material and loan type are embedded in the item; other members take one call each."""
    query = "{ items(first: 20) { nodes { materialType { id name %s } permanentLoanType { name %s } } } }"

    free = await reader.data(query % ("", ""))
    more = await reader.data(query % ("source", "source"))

    for before, after in zip(free["items"]["nodes"], more["items"]["nodes"], strict=True):
        assert after["materialType"].pop("source") == "folio"
        assert after["permanentLoanType"].pop("source") == "folio"
        assert before == after
    assert reader.paths()[:2] == ["GET /inventory/items"] * 2
    assert sorted(reader.paths()[2:]) == ["GET /loan-types", "GET /material-types"]


async def test_a_setting_by_name(reader: Gateway) -> None:
    """A setting has its stored value; one that was never set is absent."""
    data = await reader.data(
        '{ circulationSettings(filter: { name: ["generalTlr", "never set"] }) { nodes { name value } } }'
    )

    stored = next(
        each for each in reader.library.circulation_settings.values() if each["name"] == "generalTlr"
    )
    assert data["circulationSettings"]["nodes"] == [{"name": "generalTlr", "value": stored["value"]}]
    assert reader.calls[0].query["query"] == 'name==("generalTlr" or "never set") sortby name id'


async def test_labels_by_prefix(reader: Gateway) -> None:
    """Labels can be filtered by prefix."""
    data = await reader.data('{ tags(filter: { label: "urg*" }) { nodes { label description } } }')

    assert data["tags"]["nodes"] == [{"label": "urgent", "description": "Marked as urgent"}]


async def test_an_outage_of_a_table_costs_one_call(gateway: Gateway) -> None:
    """If a table cannot be read, every record of it is an error, and it is read only once."""
    gateway.sandbox.faults.add(kind="status", status=503, path="/groups", headers={"Retry-After": "60"})

    response = await gateway.execute("{ users(first: 5) { nodes { id patronGroup { group } } } }")

    assert all(node["id"] and node["patronGroup"] is None for node in response["data"]["users"]["nodes"])
    assert {problem["extensions"]["code"] for problem in response["errors"]} == {"UPSTREAM_UNAVAILABLE"}
    assert gateway.paths().count("GET /groups") == 1


@pytest.mark.parametrize("root", LISTS)
async def test_a_total_alone(reader: Gateway, root: str) -> None:
    """A total alone is one call, with the least limit that the service accepts."""
    path, name = LISTS[root]
    total = await reader.data(f"{{ {root} {{ totalCount }} }}")
    calls = reader.calls
    rows = await reader.data(f"{{ {root}(first: 1000) {{ nodes {{ {name} }} }} }}")

    assert total[root] == {"totalCount": len(rows[root]["nodes"])}
    assert [(call.path, call.query["limit"]) for call in calls] == [(path, "1" if root == "tags" else "0")]
