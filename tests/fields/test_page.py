"""Pages: every record once in a stable order, correct page info, and the same page in every kind of query."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from graphql import GraphQLObjectType, get_named_type
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fields.arguments import cursor
from gateway.fields.page import ConnectionField, ConnectionLink
from gateway.sandbox import Sandbox
from tests.gateway_under_test import Gateway, open_gateway
from tests.schema.graph_walk import CORE, definition, object_types

pytestmark = pytest.mark.anyio

PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"


def roots() -> dict[str, ConnectionField]:
    assert CORE.query_type is not None
    result = {name: definition(each) for name, each in CORE.query_type.fields.items()}
    return {name: each for name, each in result.items() if isinstance(each, ConnectionField)}


ROOTS = sorted(roots())
# Lists of more than one page in the sandbox.
LONG = ["instances", "items", "loans", "locations", "patronGroups", "requests", "servicePoints", "users"]


async def page(gateway: Gateway, root: str, first: int, after: str | None, more: str = "") -> Any:
    """Return one page of ids with all its members. Any: JSON."""
    text = (
        f"query($first: Int!, $after: String) {{ {root}(first: $first, after: $after{more})"
        f" {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}"
    )
    return (await gateway.data(text, {"first": first, "after": after}))[root]


@pytest.mark.parametrize("root", LONG)
async def test_a_walk_gives_every_record_once(reader: Gateway, root: str) -> None:
    """Pages from `endCursor` to `endCursor` have every record exactly once, in the order of one long page."""
    complete = await page(reader, root, 1000, None)
    ids = [edge["node"]["id"] for edge in complete["edges"]]
    step = max(2, len(ids) // 4)

    walked: list[str] = []
    after, pages = None, 0
    while True:
        result = await page(reader, root, step, after)
        walked += [edge["node"]["id"] for edge in result["edges"]]
        pages += 1
        assert result["totalCount"] == len(ids)
        assert result["pageInfo"]["hasPreviousPage"] is (pages > 1)
        assert result["pageInfo"]["startCursor"] == result["edges"][0]["cursor"]
        assert result["pageInfo"]["endCursor"] == result["edges"][-1]["cursor"]
        after = result["pageInfo"]["endCursor"]
        if not result["pageInfo"]["hasNextPage"]:
            break

    assert walked == ids
    assert len(set(ids)) == len(ids) == complete["totalCount"]
    assert pages == -(-len(ids) // step)


@pytest.mark.parametrize("root", ROOTS)
async def test_the_last_page_has_no_next(reader: Gateway, root: str) -> None:
    """A page that ends exactly at the end of its list has no next page; with one record less it has."""
    total = (await page(reader, root, 0, None))["totalCount"]
    assert total >= 1

    exact = await page(reader, root, total, None)
    short = await page(reader, root, total - 1, None)

    assert len(exact["edges"]) == total
    assert exact["pageInfo"]["hasNextPage"] is False
    assert short["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize("root", ROOTS)
async def test_beyond_the_end_is_empty(reader: Gateway, root: str) -> None:
    """The page after the last record is empty; it has the total and a previous page."""
    total = (await page(reader, root, 0, None))["totalCount"]

    result = await page(reader, root, 5, cursor(total + 7))

    assert result == {
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": True,
            "startCursor": None,
            "endCursor": None,
        },
        "totalCount": total,
    }


async def test_first_0_only_counts(reader: Gateway) -> None:
    """`first: 0` with a total requests no record from upstream."""
    data = await reader.data("{ loans(first: 0) { totalCount nodes { id } edges { cursor } } }")

    assert data["loans"] == {"totalCount": len(reader.library.loans), "nodes": [], "edges": []}
    assert [(call.query["limit"], call.query["totalRecords"]) for call in reader.calls] == [("0", "exact")]


async def test_a_total_alone_requests_no_record(reader: Gateway) -> None:
    """A selection of only the total is a count upstream for any `first`; `pageInfo` needs more."""
    query = """query($nodes: Boolean!) {
        loans { totalCount nodes @include(if: $nodes) { id } }
        users(first: 5) { __typename totalCount }
        items(first: 5) { totalCount pageInfo { hasNextPage } }
    }"""

    data = await reader.data(query, {"nodes": False})

    assert data["loans"] == {"totalCount": len(reader.library.loans)}
    assert data["items"] == {
        "totalCount": len(reader.library.items),
        "pageInfo": {"hasNextPage": True},
    }
    limits = {call.path: call.query["limit"] for call in reader.calls}
    assert limits == {"/circulation-bff/loans": "0", "/users": "0", "/inventory/items": "6"}


async def test_first_is_10_unless_given(reader: Gateway) -> None:
    """Without `first` a page has ten records, and the limit is always sent."""
    data = await reader.data("{ users { nodes { id } } }")

    assert len(data["users"]["nodes"]) == 10
    assert reader.calls[0].query["limit"] == "10"
    assert "offset" not in reader.calls[0].query


async def test_any_edge_has_a_cursor(reader: Gateway) -> None:
    """The cursor of an edge in the middle of a page is as good as `endCursor`."""
    first = await page(reader, "users", 6, None)

    second = await page(reader, "users", 3, first["edges"][2]["cursor"])

    assert second["edges"] == first["edges"][3:]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: -1", "BAD_USER_INPUT"),
        ("first: 1001", "LIMIT_EXCEEDED"),
        ('after: ""', "BAD_USER_INPUT"),
        ('after: "offset:3"', "BAD_USER_INPUT"),
        ('after: "b2Zmc2V0Oi0x"', "BAD_USER_INPUT"),  # offset:-1
        ('after: "b2Zmc2V0OjIxNDc0ODM2NDc="', "BAD_USER_INPUT"),  # the maximum of FOLIO
        ('after: "b2Zmc2V0OjMgYW5kIG1vcmU="', "BAD_USER_INPUT"),  # offset:3 and more
        ('after: "ü"', "BAD_USER_INPUT"),
    ],
)
async def test_invalid_pages_are_rejected(reader: Gateway, arguments: str, code: str) -> None:
    """A negative or too large page size and a foreign cursor are rejected before anything is sent."""
    response = await reader.execute(f"{{ loans({arguments}) {{ nodes {{ id }} }} }}")

    assert [each["extensions"]["code"] for each in response["errors"]] == [code]
    assert response["data"] == {"loans": None}
    assert reader.calls == []


@pytest.mark.parametrize("field", ["loans", 'user(barcode: "1000000001") { loans'])
async def test_a_refused_page_size_names_what_it_may_be(field: str) -> None:
    """The error of a page beyond the maximum names the setting, that of a negative one the minimum."""
    rest = " { totalCount }" + " }" * field.count("{")
    async with open_gateway(max_page_size=50) as gateway:
        large = await gateway.execute(f"{{ {field}(first: 51){rest} }}")
        negative = await gateway.execute(f"{{ {field}(first: -1){rest} }}")
        calls = gateway.paths()

    ((too_large,), (too_small,)) = (large["errors"], negative["errors"])
    assert too_large["message"] == "`first` must be between 0 and 50; got 51."
    assert {**too_large["extensions"], "requestId": ""} == {
        "code": "LIMIT_EXCEEDED",
        "retryable": False,
        "limit": "MAX_PAGE_SIZE",
        "maximum": 50,
        "requestId": "",
    }
    assert too_small["message"] == "`first` must not be less than 0; got -1."
    assert too_small["extensions"]["code"] == "BAD_USER_INPUT"
    assert calls == ["GET /users"] * 2 * field.count("user")  # nothing is sent for the list itself


@pytest.mark.parametrize(
    "query",
    [
        "query($ids: [ID!]) { calendars(filter: { id: $ids }) { totalCount } }",
        "query($ids: [ID!]) { items(filter: { id: $ids }) { totalCount } }",
        'query($ids: [ID!]) { user(barcode: "1000000001") { loans(filter: { id: $ids }) { totalCount } } }',
    ],
)
async def test_a_query_that_is_too_long_names_the_setting(reader: Gateway, query: str) -> None:
    """The error for conditions that do not fit into a request line has the setting that limits it."""
    response = await reader.execute(query, {"ids": [str(uuid5(NAMESPACE_OID, str(n))) for n in range(100)]})

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert (error["extensions"]["limit"], error["extensions"]["maximum"]) == ("MAX_REQUEST_LINE", 4000)
    assert reader.paths() == (["GET /users"] if "user(" in query else [])


# Lists below records.


def connection_links() -> list[tuple[str, str, str]]:
    return [
        (name, field, definition(each).loader)
        for name, parent in object_types().items()
        for field, each in parent.fields.items()
        if isinstance(definition(each), ConnectionLink)
    ]


# Queries of the parents of lists.
PARENTS = {
    "Loan": "loans",
    "User": "users",
    "PatronGroup": "patronGroups",
    "Item": "items",
    "Instance": "instances",
    "ServicePoint": "servicePoints",
}
OWNED = ("loans_of", "requests_of", "items_of", "holdings_of", "users_of")
LISTS = [
    (PARENTS[parent], field)
    for parent, field, loader in connection_links()
    if parent in PARENTS and loader.startswith(OWNED)
]
Window = tuple[int, str | None]


async def lists(gateway: Gateway, root: str, field: str, windows: list[Window], ids: list[str]) -> Any:
    """Return the page of each window for the parents with these ids. Any: JSON."""
    pages = " ".join(
        f"w{at}: {field}(first: {first}, after: {json.dumps(after)})"
        f" {{ edges {{ cursor node {{ id }} }} {PAGE} }}"
        for at, (first, after) in enumerate(windows)
    )
    data = await gateway.data(
        f"query($ids: [ID!]) {{ {root}(first: {len(ids)}, filter: {{ id: $ids }})"
        f" {{ nodes {{ id {pages} }} }} }}",
        {"ids": ids},
    )
    return {node.pop("id"): node for node in data[root]["nodes"]}


async def parents(gateway: Gateway, root: str, field: str) -> tuple[list[str], int]:
    """Return four parents, the one with the longest list first, and the length of that list."""
    data = await gateway.data(
        f"{{ {root}(first: 50) {{ nodes {{ id {field}(first: 0) {{ totalCount }} }} }} }}"
    )
    nodes = sorted(data[root]["nodes"], key=lambda node: -int(node[field]["totalCount"]))
    return [node["id"] for node in nodes[:4]], int(nodes[0][field]["totalCount"])


WINDOWS = st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 12).map(cursor)))


@pytest.mark.slow
@pytest.mark.parametrize(("root", "field"), LISTS)
def test_a_list_is_the_same_for_one_and_for_many_parents(unchanged: Sandbox, root: str, field: str) -> None:
    """The page of a list is the same for a single parent and for one of several, for any window."""

    @given(st.lists(WINDOWS, min_size=3, max_size=3, unique=True))
    @settings(max_examples=2, deadline=None, derandomize=True)
    def same(windows: list[Window]) -> None:
        async def both() -> None:
            async with open_gateway(unchanged, max_cost=100_000, max_result_nodes=10_000_000) as gateway:
                (fullest, *others), total = await parents(gateway, root, field)
                assert total >= 1
                among = await lists(gateway, root, field, windows, [fullest, *others])
                for at, window in enumerate(windows):
                    alone = await lists(gateway, root, field, [window], [fullest])
                    assert alone[fullest]["w0"] == among[fullest][f"w{at}"]

        asyncio.run(both())

    same()


@pytest.mark.parametrize(("root", "field"), LISTS)
async def test_adjacent_windows_join(reader: Gateway, root: str, field: str) -> None:
    """Two adjacent windows are the two halves of one, with correct page info."""
    ids, total = await parents(reader, root, field)
    half = total // 2
    halves: list[Window] = [(1000, None), (half, None), (1000, cursor(half - 1) if half else None)]

    result = await lists(reader, root, field, halves, ids)

    assert len(result) >= 1
    for node in result.values():
        complete, head, tail = node["w0"], node["w1"], node["w2"]
        keys = [edge["node"]["id"] for edge in complete["edges"]]
        assert (
            len(set(keys)) == len(keys) == complete["totalCount"] == head["totalCount"] == tail["totalCount"]
        )
        assert head["edges"] == complete["edges"][:half]
        assert tail["edges"] == complete["edges"][half:]
        assert complete["pageInfo"]["hasNextPage"] is tail["pageInfo"]["hasNextPage"] is False
        assert head["pageInfo"]["hasNextPage"] is (len(keys) > half)
        assert tail["pageInfo"]["hasPreviousPage"] is (half > 0)


async def test_a_parent_without_a_key_has_an_empty_list(reader: Gateway) -> None:
    """A loan without an item has no requests, and none are fetched."""
    loan = {"id": reader.summary.loan_id}
    reader.sandbox.faults.add(kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": [loan]})

    data = await reader.data(
        f"query($id: ID!) {{ loan(id: $id) {{ openRequests {{ nodes {{ id }} {PAGE} }} }} }}",
        {"id": loan["id"]},
    )

    assert data["loan"]["openRequests"] == {
        "nodes": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "totalCount": 0,
    }
    assert reader.paths() == ["GET /circulation-bff/loans"]


async def test_a_failed_list_nulls_only_its_lists(reader: Gateway) -> None:
    """If requests cannot be read the items stay, with one error each and one call to each source in all."""
    for path in ("/circulation-bff/requests", "/circulation/requests"):
        reader.sandbox.faults.add(kind="status", path=path, status=500)

    response = await reader.execute("{ items(first: 4) { nodes { id openRequests { totalCount } } } }")

    assert [node["openRequests"] for node in response["data"]["items"]["nodes"]] == [None] * 4
    assert all(node["id"] for node in response["data"]["items"]["nodes"])
    assert sorted(each["path"][2] for each in response["errors"]) == [0, 1, 2, 3]
    assert reader.paths() == [
        "GET /inventory/items",
        "GET /circulation-bff/requests",
        "GET /circulation/requests",
    ]


# Orders.


async def test_positions_are_sorted_as_numbers(gateway: Gateway) -> None:
    """The tenth in a queue comes after the second, and position is the default order of a queue."""
    requests = [each for each in gateway.library.requests.values() if each["status"].startswith("Open")][:12]
    for place, each in enumerate(requests, 1):
        each["position"] = place
        each["instanceId"] = requests[0]["instanceId"]
    sort = "sort: { field: POSITION, direction: %s }"
    text = f"requests(filter: {{ id: $ids }}, first: 12, {sort}) {{ nodes {{ position }} }}"

    data = await gateway.data(
        f"query($ids: [ID!]) {{ up: {text % 'ASCENDING'} down: {text % 'DESCENDING'} }}",
        {"ids": [each["id"] for each in requests]},
    )

    assert [node["position"] for node in data["up"]["nodes"]] == list(range(1, 13))
    assert [node["position"] for node in data["down"]["nodes"]] == list(range(12, 0, -1))


async def test_ties_are_broken_by_id(gateway: Gateway) -> None:
    """Records that are equal in every sort key are in the order of their ids, ascending or descending."""
    for each in gateway.library.loans.values():
        each["dueDate"] = "2026-12-01T10:00:00.000+00:00"

    data = await gateway.data(
        """{ up: loans(first: 1000, sort: { field: DUE_DATE }) { nodes { id } }
             down: loans(first: 1000, sort: { field: DUE_DATE, direction: DESCENDING }) { nodes { id } } }"""
    )

    ids = sorted(gateway.library.loans)
    assert [node["id"] for node in data["up"]["nodes"]] == ids
    assert [node["id"] for node in data["down"]["nodes"]] == ids


def sorts() -> list[tuple[str, str]]:
    result = []
    for root in ROOTS:
        assert CORE.query_type is not None
        taken = CORE.query_type.fields[root].args.get("sort")
        if taken is not None:
            kind = get_named_type(get_named_type(taken.type).fields["field"].type)
            result += [(root, name) for name in kind.values]
    return result


@pytest.mark.parametrize(("root", "key"), sorts())
async def test_every_sort_key_can_be_sorted_by(reader: Gateway, root: str, key: str) -> None:
    """Upstream knows every index of every sort key, in both directions."""
    text = f"{root}(first: 1000, sort: {{ field: {key}, direction: %s }}) {{ nodes {{ id }} totalCount }}"

    data = await reader.data(f"{{ up: {text % 'ASCENDING'} down: {text % 'DESCENDING'} }}")

    up, down = ([node["id"] for node in data[way]["nodes"]] for way in ("up", "down"))
    assert sorted(up) == sorted(down)
    assert len(up) == data["up"]["totalCount"]
    for call, direction in zip(reader.calls, ("", "/sort.descending"), strict=True):
        assert re.search(rf"{direction}(/number)? (id|batchId)$", call.query["query"])


def test_connections_are_alike() -> None:
    """Every connection has nodes, edges, page info and a total."""
    shapes = {
        frozenset(each.fields)
        for name, each in object_types().items()
        if name.endswith("Connection") and isinstance(each, GraphQLObjectType)
    }

    assert frozenset({"nodes", "edges", "pageInfo", "totalCount"}) in shapes
    assert all({"nodes", "edges", "pageInfo", "totalCount"} <= shape for shape in shapes)
