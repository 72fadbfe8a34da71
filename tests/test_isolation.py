"""Callers are isolated from each other: tenants, tokens and operations are separate."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.sandbox import Library, create_sandbox
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

CONCURRENT_OPERATIONS = 40
TENANTS = ("diku", "college")
# The barcodes are the same in both libraries, the records are not.
SCREEN = """query($user: String!, $item: String!, $after: String) {
    user(barcode: $user) {
        id externalSystemId personal { email } openLoans { nodes { id } } patronGroup { id group }
    }
    item(barcode: $item) { id instance { id title } openLoan { id borrower { id externalSystemId } } }
    loans(first: 5, after: $after) { nodes { id borrower { id personal { email } } instance { id hrid } } }
    servicePoints(first: 2) { nodes { id name } }
}"""


def ids_in_response(response: Json) -> set[str]:
    """Return every id in a response."""
    if isinstance(response, dict):
        own = {response["id"]} if isinstance(response.get("id"), str) else set()
        return own.union(*map(ids_in_response, response.values()))
    if isinstance(response, list):
        return set[str]().union(*map(ids_in_response, response))
    return set()


def ids_in_library(library: Library) -> set[str]:
    """Return every id in a library."""
    shelves = (getattr(library, name) for name in Library.__slots__)
    return {key for shelf in shelves if isinstance(shelf, dict) for key in shelf}


def marked(library: Library) -> str:
    """Put a mark of the library into all readable texts; return the mark."""
    mark = f"mark-of-{library.tenant}"
    for user in library.users.values():
        user["externalSystemId"] = mark
        user.setdefault("personal", {})["email"] = mark
    for instance in library.instances.values():
        instance["title"] = instance["hrid"] = mark
    for point in library.service_points.values():
        point["name"] = mark
    for group in library.groups.values():
        group["group"] = mark
    return mark


def values_of(response: Json, *names: str) -> set[Json]:
    """Return the values of these names anywhere in the response."""
    if isinstance(response, dict):
        own = {value for name, value in response.items() if name in names}
        return own.union(*(values_of(value, *names) for value in response.values()))
    if isinstance(response, list):
        return set().union(*(values_of(each, *names) for each in response))
    return set()


def headers_of(tenant: str, token: str | None = None) -> dict[str, str]:
    return {"X-Okapi-Tenant": tenant} | ({} if token is None else {"X-Okapi-Token": token})


def calls_by_caller(gateway: Gateway) -> Counter[tuple[str, str]]:
    return Counter((call.headers["x-okapi-token"], call.path) for call in gateway.calls)


async def test_concurrent_tenants_are_isolated() -> None:
    """Each of many concurrent operations has records of its own library and of no other."""
    sandbox = create_sandbox(latency=0.002)
    marks = {tenant: marked(sandbox.library(tenant)) for tenant in TENANTS}
    library_ids = {tenant: ids_in_library(sandbox.library(tenant)) for tenant in TENANTS}
    assert not library_ids["diku"] & library_ids["college"]

    async with open_gateway(sandbox) as gateway:

        async def visit(number: int) -> tuple[str, Json]:
            tenant = TENANTS[number % 2]
            variables = {"user": f"10000000{21 + number}", "item": f"20000000{31 + number}"}
            return tenant, await gateway.data(SCREEN, variables, headers_of(tenant))

        responses = await asyncio.gather(*map(visit, range(CONCURRENT_OPERATIONS)))

    for tenant, response in responses:
        assert response["user"] is not None
        assert response["item"]["openLoan"] is not None
        assert len(response["loans"]["nodes"]) == 5
        ids = ids_in_response(response)
        assert len(ids) > 12
        assert ids <= library_ids[tenant]
        names = ("externalSystemId", "email", "title", "hrid", "name", "group")
        assert values_of(response, *names) - {None} == {marks[tenant]}
    assert {call.tenant for call in sandbox.calls} == set(TENANTS)


async def test_the_same_query_of_two_tenants_is_sent_twice(gateway: Gateway) -> None:
    """One document of both tenants at once has two different items: only the document is shared."""
    query = '{ item(barcode: "2000000001") { id } }'
    diku, college = await asyncio.gather(*(gateway.data(query, None, headers_of(each)) for each in TENANTS))

    for tenant, response in zip(TENANTS, (diku, college), strict=True):
        item = gateway.sandbox.library(tenant).item_by_barcode("2000000001")
        assert item is not None
        assert response == {"item": {"id": item["id"]}}
    assert sorted(str(call.tenant) for call in gateway.calls) == ["college", "diku"]


async def test_a_mutation_changes_one_tenant(gateway: Gateway) -> None:
    """An item that is lent in one library is on the shelf of the other."""
    library = gateway.sandbox.library("college")
    checkout_input = {
        "itemBarcode": "2000000001",
        "userBarcode": "1000000001",
        "servicePointId": next(iter(library.service_points)),
    }
    await gateway.data(
        "mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan { id } } } }",
        {"input": checkout_input},
        headers_of("college"),
    )
    query = '{ item(barcode: "2000000001") { status { name } } }'
    states = {each: await gateway.data(query, None, headers_of(each)) for each in TENANTS}

    assert states == {
        "diku": {"item": {"status": {"name": "AVAILABLE"}}},
        "college": {"item": {"status": {"name": "CHECKED_OUT"}}},
    }


async def test_two_tokens_of_one_tenant_are_isolated() -> None:
    """A caller without permissions gets FORBIDDEN, while others of the same library are served."""
    refused = {"sandbox:nobody": "FORBIDDEN", "expired": "UNAUTHENTICATED"}
    callers = ("sandbox:head", *refused)
    variables = {"user": "1000000021", "item": "2000000031"}
    async with open_gateway(create_sandbox(latency=0.002)) as gateway:

        async def visit(caller: str) -> tuple[str, Json]:
            return caller, await gateway.execute(SCREEN, variables, headers_of("diku", caller))

        alone = [await visit(caller) for caller in callers]
        once = calls_by_caller(gateway)
        gateway.sandbox.calls.clear()
        responses = await asyncio.gather(
            *(visit(callers[number % 3]) for number in range(CONCURRENT_OPERATIONS))
        )

    allowed = alone[0][1]
    assert "errors" not in allowed
    assert len(ids_in_response(allowed)) > 12
    for caller, response in responses:
        if caller in refused:
            assert response["data"] == {"user": None, "item": None, "loans": None, "servicePoints": None}
            assert [error["extensions"]["code"] for error in response["errors"]] == [refused[caller]] * 4
        else:
            assert response == allowed
    # Each made the calls that it makes alone, with its own token: no call was shared.
    visits = Counter(caller for caller, _ in responses)
    assert calls_by_caller(gateway) == {
        (caller, path): times * visits[caller] for (caller, path), times in once.items()
    }


async def test_two_members_of_staff_have_separate_locks(gateway: Gateway) -> None:
    """Of many concurrent callers one gets the lock, and the others the holder."""
    lock = """mutation { lockObject(input: { objectType: PATRON, objectId: 480 }) {
        __typename
        ... on ObjectLocked { lock { polarisUserName } }
        ... on ObjectLockConflict { heldBy { polarisUserName } }
    } }"""
    responses = await asyncio.gather(
        *(gateway.data(lock, None, gateway.as_staff(name)) for name in ("desk", "head", "annex"))
    )

    lock_results = [response["lockObject"] for response in responses]
    assert sorted(each["__typename"] for each in lock_results) == [
        "ObjectLockConflict",
        "ObjectLockConflict",
        "ObjectLocked",
    ]
    holder = gateway.sandbox.locks.locks[27, 480].staff.name
    assert {(each.get("lock") or each["heldBy"])["polarisUserName"] for each in lock_results} == {holder}


async def test_nothing_is_cached_between_operations(gateway: Gateway) -> None:
    """The next operation, with the same document, has all changes since the last one."""
    query = """query($id: ID!) { item(id: $id) { status { name } materialType { name } openLoan { id } }
        user(barcode: "1000000021") { personal { lastName } patronGroup { group } } }"""
    item = gateway.library.item_by_barcode("2000000001")
    user = gateway.library.user_by_barcode("1000000021")
    assert item is not None
    assert user is not None
    before = await gateway.data(query, {"id": item["id"]})
    calls = gateway.paths()

    item["status"]["name"] = "Missing"
    user["personal"]["lastName"] = "Renamed"
    gateway.library.groups[user["patronGroup"]]["group"] = "alumni"
    gateway.sandbox.calls.clear()
    after = await gateway.data(query, {"id": item["id"]})

    assert before["item"]["status"] == {"name": "AVAILABLE"}
    assert after["item"]["status"] == {"name": "MISSING"}
    assert after["user"] == {"personal": {"lastName": "Renamed"}, "patronGroup": {"group": "alumni"}}
    assert before["user"] != after["user"]
    assert sorted(gateway.paths()) == sorted(calls)


async def test_an_error_is_not_cached(gateway: Gateway) -> None:
    """After an outage the next operation succeeds."""
    query = '{ item(barcode: "2000000001") { barcode } }'
    gateway.sandbox.faults.add(kind="status", status=500, path="/inventory/items")
    broken = await gateway.execute(query)
    gateway.sandbox.faults.clear()

    assert broken["data"] == {"item": None}
    assert await gateway.data(query) == {"item": {"barcode": "2000000001"}}
