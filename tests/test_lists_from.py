"""A BFF that breaks on a record must not keep a library from its loans and requests."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio


async def test_circulation_is_asked_where_the_bff_cannot_read() -> None:
    """With LISTS_FROM=circulation no list of loans or requests passes the BFF."""
    async with open_gateway(lists_from="circulation") as gateway:
        gateway.sandbox.faults.add(kind="status", path="/circulation-bff", status=500)

        data = await gateway.data(
            "{ loans { nodes { id openRequests { totalCount } } } requests { nodes { id openLoan { id } } } }"
        )

    assert len(data["loans"]["nodes"]) == len(data["requests"]["nodes"]) == 10
    assert all(not path.startswith("GET /circulation-bff") for path in gateway.paths())


async def test_what_only_the_bff_sends_is_still_asked_there() -> None:
    """The batch that a request was born in comes from the BFF, wherever the lists come from."""
    query = "{ requests(first: 1000) { nodes { id batchRequestInfo { batchRequest { id } } } } }"
    async with open_gateway() as gateway:
        usual = await gateway.data(query)
    async with open_gateway(lists_from="circulation") as gateway:
        other = await gateway.data(query)

    assert usual == other
    assert any(node["batchRequestInfo"] for node in other["requests"]["nodes"])


async def test_labels_are_asked_of_circulation(gateway: Gateway) -> None:
    """The BFF takes the labels of a request for one id: who selects them gets circulation's answer."""
    data = await gateway.data("{ requests(first: 1000) { nodes { id tags { tagList } } } }")

    labelled = {
        each["id"]: each["tags"]["tagList"] for each in gateway.library.requests.values() if "tags" in each
    }
    assert labelled
    assert {
        node["id"]: node["tags"]["tagList"] for node in data["requests"]["nodes"] if node["tags"]
    } == labelled
    assert gateway.paths() == ["GET /circulation/requests"]
