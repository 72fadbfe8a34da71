"""Members that a parent may lack although the target has them: absent, they are loaded."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import open_gateway

pytestmark = pytest.mark.anyio

EXECUTIONS = pytest.mark.parametrize("execution", ["plan", "generic"])
REQUESTS = """{ requests(first: 50) { nodes {
    id pickupServicePoint { id name code }
    requestItem { retrievalServicePoint { id name } effectiveLocation { id name } loanType { id name } }
} } }"""
LOANS = """{ loans(first: 50) { nodes {
    id instance { id title hrid } item { id accessionNumber } loanItem { instance { hrid } }
} } }"""


@EXECUTIONS
async def test_missing_names_of_a_request_are_loaded(execution: str) -> None:
    """Names of service points, locations and loan types are loaded in one call for each collection."""
    async with open_gateway(execution=execution) as gateway:
        expected = await gateway.data(REQUESTS)
        embedded = gateway.paths()
        gateway.library.lost_names = True
        gateway.sandbox.calls.clear()
        data = await gateway.data(REQUESTS)
        loaded = gateway.paths()

    assert data == expected
    assert any(each["pickupServicePoint"] for each in data["requests"]["nodes"])
    assert embedded == ["GET /circulation-bff/requests"]
    assert loaded[0] == "GET /circulation-bff/requests"
    assert sorted(loaded[1:]) == ["GET /loan-types", "GET /locations", "GET /service-points"]


@EXECUTIONS
async def test_ids_alone_are_not_loaded(execution: str) -> None:
    """Without its name, the id of a service point still costs nothing."""
    async with open_gateway(execution=execution) as gateway:
        gateway.library.lost_names = True
        await gateway.data("{ requests(first: 50) { nodes { pickupServicePoint { id } } } }")

        assert gateway.paths() == ["GET /circulation-bff/requests"]


@EXECUTIONS
async def test_a_service_point_that_no_longer_exists_keeps_its_id(execution: str) -> None:
    """If neither the request nor inventory has the name, it is null, and the rest is there."""
    async with open_gateway(execution=execution) as gateway:
        request = next(each for each in gateway.library.requests.values() if each.get("pickupServicePointId"))
        gateway.library.lost_names = True
        gateway.sandbox.faults.add(
            kind="wrong_shape", path="/service-points", shape={"servicepoints": [], "totalRecords": 0}
        )
        data = await gateway.data(
            "query($id: ID!) { request(id: $id) { pickupServicePoint { id name } } }", {"id": request["id"]}
        )

    assert data["request"]["pickupServicePoint"] == {"id": request["pickupServicePointId"], "name": None}


@EXECUTIONS
async def test_a_name_that_cannot_be_loaded_is_an_error(execution: str) -> None:
    """If service points cannot be read, the name is null with an error."""
    async with open_gateway(execution=execution) as gateway:
        gateway.library.lost_names = True
        gateway.sandbox.faults.add(kind="status", path="/service-points", status=500)
        response = await gateway.execute(
            "{ requests(first: 1) { nodes { id pickupServicePoint { name } } } }"
        )

    (node,) = response["data"]["requests"]["nodes"]
    assert node["pickupServicePoint"] == {"name": None}
    (error,) = response["errors"]
    assert error["path"][:4] == ["requests", "nodes", 0, "pickupServicePoint"]
    assert error["extensions"]["code"] == "UPSTREAM_ERROR"


@EXECUTIONS
async def test_members_that_older_versions_do_not_embed_are_loaded(execution: str) -> None:
    """Without `instanceHrid` in a loan, it and the accession number are loaded."""
    async with open_gateway(execution=execution) as gateway:
        expected = await gateway.data(LOANS)
        embedded = gateway.paths()
        gateway.library.older_summaries = True
        gateway.sandbox.calls.clear()
        data = await gateway.data(LOANS)
        loaded = gateway.paths()

    assert data == expected
    assert any(each["item"]["accessionNumber"] for each in data["loans"]["nodes"])
    assert embedded == ["GET /circulation-bff/loans"]
    assert sorted(loaded) == [
        "GET /circulation-bff/loans",
        "GET /inventory/instances",
        "GET /inventory/items",
    ]


@EXECUTIONS
async def test_items_of_an_embedded_title_are_loaded(execution: str) -> None:
    """A loan does not embed if its title is bound with others; its items are loaded."""
    async with open_gateway(execution=execution) as gateway:
        data = await gateway.data(
            "{ loans(first: 2) { nodes { instance { title items(first: 1) { totalCount nodes { id } } } } } }"
        )
        paths = gateway.paths()

    for loan in data["loans"]["nodes"]:
        assert loan["instance"]["items"]["totalCount"] >= 1
        assert len(loan["instance"]["items"]["nodes"]) == 1
    assert "GET /inventory/instances" not in paths
