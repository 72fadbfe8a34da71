"""What the README tells the users of mod-graphql."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from gateway.graph import schema
from tests.gateway_under_test import Gateway

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture(name="page")
def _page() -> str:
    page = re.search(r"^## From mod-graphql\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert page is not None
    return page[1]


@pytest.mark.anyio
async def test_titles_with_holdings_take_three_calls(gateway: Gateway, page: str) -> None:
    """One upstream call for each level, as the page says, and each title has what the library has of it."""
    (query,) = re.findall(r"```graphql\n(query TitlesWithHoldings .*?)```", page, re.DOTALL)

    data = await gateway.data(query)

    assert gateway.paths() == [
        "GET /inventory/instances",
        "GET /holdings-storage/holdings",
        "GET /inventory/items",
    ]
    assert [len(each["holdings"]["nodes"]) > 0 for each in data["instances"]["nodes"]] == [True] * 5


def test_each_pair_has_a_query_of_ours(page: str) -> None:
    """Three questions of mod-graphql stand there, each followed by ours."""
    fences = re.findall(r"^```(\w*)\n.*?^```$", page, re.DOTALL | re.MULTILINE)

    assert fences == ["", "graphql"] * 3


def test_the_queries_that_are_named_are_there(page: str) -> None:
    """The right column of the table names questions of this graph."""
    named = set(re.findall(r"`(\w+)\((?:cql|filter|id|barcode):\)`", page))
    query = schema._schema.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)

    assert named == {"instance", "instances", "item", "items", "searchInstance"}
    assert named <= set(query.fields)
