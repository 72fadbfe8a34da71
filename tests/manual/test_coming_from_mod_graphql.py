"""The page for users of mod-graphql names fields that exist and pairs each query with one of this gateway."""

from __future__ import annotations

import re

import pytest
from graphql import GraphQLObjectType

from gateway.graph import schema
from tests.gateway_under_test import Gateway
from tests.manual.pages import EXAMPLES, PAGES

PAGE = PAGES["coming-from-mod-graphql"]


@pytest.mark.anyio
async def test_each_title_has_its_holdings(gateway: Gateway) -> None:
    """The titles of the example have holdings, so the comparison of calls is a fair one."""
    (example,) = (each for each in EXAMPLES if each.name.endswith("-TitlesWithHoldings"))

    data = await gateway.data(example.query)

    assert example.calls is not None
    assert len(example.calls) == 4
    assert [len(each["holdings"]["nodes"]) > 0 for each in data["instances"]["nodes"]] == [True] * 5


def test_each_query_of_mod_graphql_has_a_counterpart() -> None:
    """Three queries of mod-graphql are each followed by one of this gateway."""
    fences = re.findall(r"^```(\w*)\n.*?^```$", PAGE, re.DOTALL | re.MULTILINE)

    assert [name for name in fences if name != "text"] == ["", "graphql"] * 3


def test_the_named_fields_exist() -> None:
    """The right column of the table names fields of `Query`."""
    named = set(re.findall(r"`(\w+)\((?:cql|filter|id|barcode):\)`", PAGE))
    query = schema._schema.type_map["Query"]
    assert isinstance(query, GraphQLObjectType)

    assert named == {"instance", "instances", "item", "items", "searchInstance"}
    assert named <= set(query.fields)
