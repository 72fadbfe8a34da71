"""The upstream calls for a selection of a connection and of a record, in every form."""

from __future__ import annotations

from typing import Any

import graphql
import pytest
from graphql import DocumentNode

from gateway.context import Context
from gateway.graph import schema
from tests.engine.plans.compiled import Table
from tests.gateway_under_test import Gateway

pytestmark = pytest.mark.anyio

TOTALS = {
    "plain": ("{ loans { totalCount } }", "exact"),
    "alias": ("{ loans { count: totalCount } }", "exact"),
    "inline fragment": ("{ loans { ... on LoanConnection { totalCount } } }", "exact"),
    "fragment of a fragment": (
        "{ loans { ...A } } fragment A on LoanConnection { ...B }"
        " fragment B on LoanConnection { totalCount }",
        "exact",
    ),
    "merged": ("{ loans { nodes { id } } loans { totalCount } }", "exact"),
    "included": ("{ loans { nodes { id } totalCount @include(if: true) } }", "exact"),
    "not skipped": ("{ loans { nodes { id } totalCount @skip(if: false) } }", "exact"),
    "not there": ("{ loans { nodes { id } } }", "none"),
    "skipped": ("{ loans { nodes { id } totalCount @skip(if: true) } }", "none"),
    "skipped fragment": ("{ loans { nodes { id } ... @skip(if: true) { totalCount } } }", "none"),
    "skipped by default": (
        "query($less: Boolean = true) { loans { nodes { id } totalCount @skip(if: $less) } }",
        "none",
    ),
    "included by default": (
        "query($more: Boolean = true) { loans { nodes { id } totalCount @include(if: $more) } }",
        "exact",
    ),
    "skipped and included": (
        "{ loans { nodes { id } totalCount @include(if: true) @skip(if: true) } }",
        "none",
    ),
    "below the nodes": ("{ loans { nodes { openRequests { nodes { id } } } } }", "none"),
}


@pytest.mark.parametrize("shape", TOTALS)
async def test_a_total_is_counted_where_it_is_selected(reader: Gateway, shape: str) -> None:
    """Upstream counts if `totalCount` is included in the selection, and only then."""
    text, mode = TOTALS[shape]

    await reader.data(text)

    assert reader.calls[0].query["totalRecords"] == mode


PAGES = {
    "plain": ("pageInfo { hasNextPage }", "4"),
    "alias": ("page: pageInfo { more: hasNextPage }", "4"),
    "fragment": ("... { ... { pageInfo { endCursor } } }", "4"),
    "skipped": ("pageInfo @skip(if: true) { hasNextPage }", "3"),
    "not there": ("edges { cursor }", "3"),
}


@pytest.mark.parametrize("shape", PAGES)
async def test_one_more_record_is_requested_for_the_page_info(reader: Gateway, shape: str) -> None:
    """One more record is requested to know if there is a next page, and only if that is selected."""
    selection, limit = PAGES[shape]

    await reader.data(f"{{ loans(first: 3) {{ nodes {{ id }} {selection} }} }}")

    assert [call.query["limit"] for call in reader.calls] == [limit]


async def test_nodes_and_edges_are_the_same_records(reader: Gateway) -> None:
    """The page is fetched once for all of its selected views."""
    data = await reader.data(
        "{ loans { nodes { id } edges { node { id } } both: edges { cursor node { id } } } }"
    )

    nodes = data["loans"]["nodes"]
    assert [each["node"] for each in data["loans"]["edges"]] == nodes
    assert [each["node"] for each in data["loans"]["both"]] == nodes
    assert reader.paths() == ["GET /circulation-bff/loans"]


async def test_typename_needs_nothing(reader: Gateway) -> None:
    """`__typename` needs no record; a link exists if its key does."""
    data = await reader.data(
        "{ __typename loans(first: 1) { __typename nodes { __typename item { __typename } } } }"
    )

    assert data == {
        "__typename": "Query",
        "loans": {
            "__typename": "LoanConnection",
            "nodes": [{"__typename": "Loan", "item": {"__typename": "Item"}}],
        },
    }
    assert reader.paths() == ["GET /circulation-bff/loans"]


async def test_an_object_that_may_be_absent_is_loaded(gateway: Gateway) -> None:
    """A loan does not show if its item was ever checked in, so the item is loaded."""
    loan = next(gateway.library.open_loans())
    gateway.library.items[loan["itemId"]].pop("lastCheckIn", None)

    data = await gateway.data(
        "query($id: ID!) { loan(id: $id) { item { title lastCheckIn { __typename } } } }", {"id": loan["id"]}
    )

    assert data["loan"]["item"]["lastCheckIn"] is None
    assert gateway.paths() == ["GET /circulation-bff/loans", "GET /inventory/items"]


def shared_context(users: list[dict[str, Any]]) -> tuple[Table, Context]:
    """A context for several operations, over upstream loans of one borrower."""
    loans = [{"id": "1", "userId": "u1", "borrower": {"barcode": "b"}}]
    table = Table({"/circulation-bff/loans": {"loans": loans}, "/users": {"users": users}})
    return table, table.context()


async def execute(document: DocumentNode, context: Context, name: str, **variables: bool) -> Any:
    """Execute an operation of a document field by field, and return the first loan's borrower."""
    result: Any = await graphql.experimental_execute_incrementally(  # type: ignore[misc]  # never at once
        schema._schema,
        document,
        context_value=context,
        variable_values=variables,
        operation_name=name,
        executor_class=schema.execution_context_class,
    )
    assert result.errors is None
    return result.data["loans"]["nodes"][0]["borrower"]


async def test_values_of_conditions_change_what_is_needed() -> None:
    """In one context, an operation that includes more members loads what it did not need before."""
    document = graphql.parse(
        "query A($wide: Boolean!) { loans { nodes { borrower { barcode type @include(if: $wide) } } } }"
    )
    table, context = shared_context([{"id": "u1", "type": "patron"}])

    assert await execute(document, context, "A", wide=False) == {"barcode": "b"}
    assert await execute(document, context, "A", wide=True) == {"barcode": None, "type": "patron"}
    assert await execute(document, context, "A", wide=False) == {"barcode": "b"}
    assert table.calls == [
        "/circulation-bff/loans",
        "/circulation-bff/loans",
        "/users",
        "/circulation-bff/loans",
    ]


async def test_operations_that_share_a_fragment_have_separate_needs() -> None:
    """Two operations of one document spread one fragment under different values of its condition."""
    document = graphql.parse(
        "query A($wide: Boolean = false) { loans { ...Borrowers } } "
        "query B($wide: Boolean = true) { loans { ...Borrowers } } "
        "fragment Borrowers on LoanConnection { nodes { borrower { barcode type @include(if: $wide) } } }"
    )
    _, context = shared_context([{"id": "u1", "type": "patron"}])

    assert await execute(document, context, "A") == {"barcode": "b"}
    assert await execute(document, context, "B") == {"barcode": None, "type": "patron"}
