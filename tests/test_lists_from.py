"""Lists that a BFF lacks or fails on are read from circulation."""

from __future__ import annotations

import pytest

from gateway.sandbox.http.proxy_errors import (
    ProxyError,
    kong_not_routed,
    okapi_not_routed,
    sidecar_forbidden,
    sidecar_not_routed,
    sidecar_unauthorized,
)
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

BFF, CIRCULATION = "/circulation-bff/requests", "/circulation/requests"
BOTH, ONE = [f"GET {BFF}", f"GET {CIRCULATION}"], [f"GET {CIRCULATION}"]
FIRST = "{ requests(first: 1) { nodes { id status } } }"
JSON = {"content-type": "application/json"}
ABSENT = {
    "Okapi": okapi_not_routed(BFF),
    "sidecar": sidecar_not_routed("GET", BFF),
    "Kong": kong_not_routed(),
    "Spring, by method": ProxyError(405, '{"status":405,"error":"Method Not Allowed"}', JSON),
    "Spring, by path": ProxyError(404, '{"status":404,"error":"Not Found","path":"/requests"}', JSON),
    "the servlet container": ProxyError(405, "", {}),
    "relayed, of another route": okapi_not_routed("/requests-mediated/batch-mediated-requests/details"),
}


def requests_of_batches(gateway: Gateway) -> list[str]:
    """Return the ids of requests that were created by batch requests."""
    return [
        each["confirmedRequestId"]
        for each in gateway.library.batch_request_details.values()
        if "confirmedRequestId" in each
    ]


def break_bff(gateway: Gateway, error: ProxyError, path: str = BFF) -> None:
    gateway.sandbox.faults.add(kind="status", path=path, method="GET", **error._asdict())


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("form", ABSENT)
async def test_an_absent_list_is_read_from_circulation(form: str, execution: str) -> None:
    """The first operation of a tenant makes one call more and later ones none, for any 404 of the route."""
    async with open_gateway(execution=execution) as gateway:
        usual = await gateway.data(FIRST)
    async with open_gateway(execution=execution) as gateway:
        break_bff(gateway, ABSENT[form])

        first, paths = await gateway.data(FIRST), gateway.paths()
        gateway.sandbox.calls.clear()
        second = await gateway.data(FIRST)

    assert first == second == usual
    assert paths == BOTH
    assert gateway.paths() == ONE


async def test_loans_are_read_from_circulation(gateway: Gateway) -> None:
    """Early releases of the BFF have no list of loans; the state of one list is independent of others."""
    usual = await gateway.data("{ loans(first: 3) { nodes { id dueDate item { title } } } }")
    gateway.sandbox.calls.clear()
    break_bff(gateway, okapi_not_routed("/circulation-bff/loans"), "/circulation-bff/loans")

    assert await gateway.data("{ loans(first: 3) { nodes { id dueDate item { title } } } }") == usual
    await gateway.data(FIRST)

    assert gateway.paths() == ["GET /circulation-bff/loans", "GET /circulation/loans", f"GET {BFF}"]


@pytest.mark.parametrize("status", [404, 500])
async def test_lists_of_one_operation_make_one_call_more(status: int) -> None:
    """Five concurrent lists share one attempt at the BFF."""
    fields = " ".join(f"r{number}: requests(first: {number}) {{ totalCount }}" for number in range(5))
    async with open_gateway() as gateway:
        break_bff(gateway, ProxyError(status, "", {}))

        await gateway.data(f"{{ {fields} }}")

    assert sorted(gateway.paths()) == sorted([f"GET {BFF}", *ONE * 5])


async def test_links_and_lookups_are_read_from_circulation_too() -> None:
    """Lists of a user and of an item, and requests by id, come from circulation after one attempt."""
    async with open_gateway() as gateway:
        break_bff(gateway, ABSENT["Okapi"])
        request = next(
            each for each in gateway.library.requests.values() if each["status"] == "Open - Not yet filled"
        )

        data = await gateway.data(
            """query($id: ID!, $user: ID!) {
                request(id: $id) { id status }
                user(id: $user) { openRequests { nodes { id status requestDate } } }
            }""",
            {"id": request["id"], "user": request["requesterId"]},
        )

    assert data["request"] == {"id": request["id"], "status": "OPEN_NOT_YET_FILLED"}
    assert request["id"] in [each["id"] for each in data["user"]["openRequests"]["nodes"]]
    assert gateway.paths().count(f"GET {BFF}") == 1
    assert gateway.paths().count(f"GET {CIRCULATION}") == 2


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_members_that_only_an_absent_list_sends_are_null(execution: str) -> None:
    """A BFF without the list has no batch requests: no request is of one, and no call is made."""
    query = "{ requests(first: 1000) { nodes { id batchRequestInfo { batchRequest { id } } } } }"
    async with open_gateway(execution=execution) as gateway:
        break_bff(gateway, ABSENT["Okapi"])

        data = await gateway.data(query)

    assert {node["batchRequestInfo"] is None for node in data["requests"]["nodes"]} == {True}
    assert gateway.paths() == BOTH


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_members_that_only_the_bff_sends_are_read_after_a_failure(execution: str) -> None:
    """A BFF that fails on one page still has the batch of each request, which circulation does not send."""
    query = """query($ids: [ID!]) {
        requests(filter: { id: $ids }) { nodes { id batchRequestInfo { batchRequest { id } } } }
    }"""
    async with open_gateway(execution=execution) as gateway:
        ids = {"ids": list(gateway.library.requests)[:5] + requests_of_batches(gateway)[:3]}
        usual = await gateway.data(query, ids)
    async with open_gateway(execution=execution) as gateway:
        gateway.sandbox.faults.add(kind="status", path=BFF, status=500, times=1)

        data = await gateway.data(query, ids)

    assert data == usual
    assert any(node["batchRequestInfo"] for node in data["requests"]["nodes"])
    assert gateway.paths() == [*BOTH, f"GET {BFF}"]


async def test_a_repeated_failure_of_the_bff_is_an_error() -> None:
    """If the BFF fails again, each batch is an error and not null; the requests stay."""
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", path=BFF, status=500)

        response = await gateway.execute(
            "{ requests(first: 3) { nodes { id batchRequestInfo { batchRequest { id } } } } }"
        )

    assert [len(node["id"]) for node in response["data"]["requests"]["nodes"]] == [36] * 3
    assert [each["path"] for each in response["errors"]] == [
        ["requests", "nodes", place, "batchRequestInfo"] for place in range(3)
    ]
    assert {each["extensions"]["code"] for each in response["errors"]} == {"UPSTREAM_ERROR"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sidecar_unauthorized(), "UNAUTHENTICATED"),
        (sidecar_forbidden(), "FORBIDDEN"),
        (ProxyError(400, "Query is invalid", {}), "UPSTREAM_REJECTED"),
        (ProxyError(429, "", {"retry-after": "9"}), "RATE_LIMITED"),
        (ProxyError(503, "", {}), "UPSTREAM_UNAVAILABLE"),
        (ProxyError(408, "", {}), "UPSTREAM_TIMEOUT"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, ProxyError) else value,
)
async def test_no_other_error_is_retried(error: ProxyError, code: str) -> None:
    """An error unrelated to the list is returned, and circulation is not called."""
    async with open_gateway(read_attempts=1) as gateway:
        break_bff(gateway, error)

        response = await gateway.execute(FIRST)

    assert [each["extensions"]["code"] for each in response["errors"]] == [code]
    assert "bffStatus" not in response["errors"][0]["extensions"]
    assert gateway.paths() == [f"GET {BFF}"]


async def test_no_timeout_is_retried() -> None:
    """A BFF that does not respond in time used up the time of the list."""
    async with open_gateway(read_attempts=1, read_timeout=0.1) as gateway:
        gateway.sandbox.faults.add(kind="slow", path=BFF, delay=5)

        response = await gateway.execute(FIRST)

    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_TIMEOUT"]
    assert gateway.paths() == [f"GET {BFF}"]


@pytest.mark.parametrize("status", [404, 500])
async def test_the_error_of_both_is_circulations(status: int) -> None:
    """If circulation fails too, its error is returned, with the status of the BFF."""
    async with open_gateway() as gateway:
        break_bff(gateway, ProxyError(status, "", {}))
        break_bff(gateway, sidecar_forbidden(), CIRCULATION)

        (error,) = (await gateway.execute(FIRST))["errors"]

    assert error["extensions"] | {"requestId": ""} == {
        "code": "FORBIDDEN",
        "retryable": False,
        "upstream": "folio",
        "status": 403,
        "bffStatus": status,
        "requestId": "",
    }
    assert gateway.paths() == BOTH


async def test_the_bff_serves_users_without_permission_for_circulation() -> None:
    """While a failure is cached, the BFF serves users without permission for circulation's list."""
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", path=BFF, status=500, times=1)
        await gateway.data(FIRST)
        break_bff(gateway, sidecar_forbidden(), CIRCULATION)
        gateway.sandbox.calls.clear()

        data = await gateway.data(FIRST)

    assert len(data["requests"]["nodes"]) == 1
    assert gateway.paths() == list(reversed(BOTH))


async def test_a_cached_failure_opens_no_circuit_breaker() -> None:
    """Many reads of a page on which the BFF fails are one call to it, and check-outs are still sent."""
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", path=BFF, status=500)

        for _ in range(30):
            await gateway.data(FIRST)

    assert gateway.paths() == [f"GET {BFF}", *ONE * 30]


async def test_each_tenant_has_its_own_bff() -> None:
    """The state of one tenant's BFF is independent of others."""
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", path=BFF, status=404, times=1)
        await gateway.data(FIRST)
        gateway.sandbox.calls.clear()

        await gateway.data(FIRST, headers={"X-Okapi-Tenant": "college"})
        await gateway.data(FIRST)

    assert gateway.paths() == BOTH


async def test_bff_alone() -> None:
    """With LISTS_FROM=bff an absent list is an error, and circulation is not called."""
    async with open_gateway(lists_from="bff") as gateway:
        break_bff(gateway, ABSENT["Okapi"])

        (error,) = (await gateway.execute(FIRST))["errors"]

    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert gateway.paths() == [f"GET {BFF}"]


async def test_lists_are_read_from_circulation_by_setting() -> None:
    """With LISTS_FROM=circulation no list of loans or requests is read from the BFF."""
    async with open_gateway(lists_from="circulation") as gateway:
        gateway.sandbox.faults.add(kind="status", path="/circulation-bff", status=500)

        data = await gateway.data(
            "{ loans { nodes { id openRequests { totalCount } } } requests { nodes { id openLoan { id } } } }"
        )

    assert len(data["loans"]["nodes"]) == len(data["requests"]["nodes"]) == 10
    assert all(not path.startswith("GET /circulation-bff") for path in gateway.paths())


async def test_members_that_only_the_bff_sends_are_still_read_there() -> None:
    """The batch of a request is read from the BFF, with any source of lists."""
    query = "{ requests(first: 1000) { nodes { id batchRequestInfo { batchRequest { id } } } } }"
    async with open_gateway() as gateway:
        usual = await gateway.data(query)
    async with open_gateway(lists_from="circulation") as gateway:
        other = await gateway.data(query)

    assert usual == other
    assert any(node["batchRequestInfo"] for node in other["requests"]["nodes"])


async def test_labels_are_read_from_circulation(gateway: Gateway) -> None:
    """The BFF reads labels of a request as one id: a selection of them is read from circulation."""
    data = await gateway.data("{ requests(first: 1000) { nodes { id tags { tagList } } } }")

    labelled = {
        each["id"]: each["tags"]["tagList"] for each in gateway.library.requests.values() if "tags" in each
    }
    assert labelled
    assert {
        node["id"]: node["tags"]["tagList"] for node in data["requests"]["nodes"] if node["tags"]
    } == labelled
    assert gateway.paths() == ["GET /circulation/requests"]
