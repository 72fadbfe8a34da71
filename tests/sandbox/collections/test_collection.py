"""The pages, totals, order and errors of every collection."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Library, create_sandbox
from gateway.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio

KEYS = {
    "/circulation-bff/loans": "loans",
    "/circulation-bff/requests": "requests",
    "/circulation/loans": "loans",
    "/circulation/requests": "requests",
    "/users": "users",
    "/groups": "usergroups",
    "/service-points": "servicepoints",
    "/locations": "locations",
    "/location-units/institutions": "locinsts",
    "/location-units/campuses": "loccamps",
    "/location-units/libraries": "loclibs",
    "/inventory/instances": "instances",
    "/inventory/items": "items",
    "/instance-storage/instances": "instances",
    "/item-storage/items": "items",
    "/holdings-storage/holdings": "holdingsRecords",
    "/material-types": "mtypes",
    "/loan-types": "loantypes",
    "/loan-policy-storage/loan-policies": "loanPolicies",
    "/manualblocks": "manualblocks",
    "/proxiesfor": "proxiesFor",
    "/cancellation-reason-storage/cancellation-reasons": "cancellationReasons",
    "/staff-slips-storage/staff-slips": "staffSlips",
    "/addresstypes": "addressTypes",
    "/departments": "departments",
}


@pytest.mark.parametrize(("path", "key"), KEYS.items())
async def test_default_page_has_ten_rows(client: httpx.AsyncClient, path: str, key: str) -> None:
    """Without a limit a page has at most ten rows, and the total counts all of them."""
    body = (await client.get(path, params={"query": "cql.allRecords=1"})).json()

    assert list(body) == [key, "totalRecords"]
    assert len(body[key]) == min(10, body["totalRecords"])
    assert body["totalRecords"] > 0


@pytest.mark.parametrize(("path", "key"), KEYS.items())
async def test_each_listed_record_can_be_read_by_id(client: httpx.AsyncClient, path: str, key: str) -> None:
    """Every listed record can be read by its id, in lower or upper case."""
    if path == "/circulation-bff/requests":
        return  # the BFF has no request by id
    row = (await client.get(path, params={"query": "cql.allRecords=1", "limit": "1"})).json()[key][0]

    alone = await client.get(f"{path}/{row['id'].upper()}")

    assert alone.status_code == 200
    assert alone.json() == row


async def test_bff_has_no_request_by_id(client: httpx.AsyncClient, library: Library) -> None:
    """A request by id has to be read from mod-circulation."""
    response = await client.get(f"/circulation-bff/requests/{next(iter(library.requests))}")

    assert response.status_code == 404
    assert response.text.startswith("No suitable module found for path /circulation-bff/requests/")


async def test_every_route_is_reachable(client: httpx.AsyncClient) -> None:
    """No route is shadowed by another one."""
    for served in ROUTES:
        path = served.path.replace("{id}", "0").replace("{user_id}", "0")
        response = await client.request(served.method, path, content=b"[")
        assert not response.text.startswith("No suitable module"), served.path


async def users(client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
    response = await client.get("/users", params=parameters)
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


async def test_pages_have_no_overlaps_or_gaps(client: httpx.AsyncClient) -> None:
    """Pages at successive offsets neither overlap nor leave gaps."""
    pages = [await users(client, limit="70", offset=str(offset)) for offset in range(0, 350, 70)]
    ids = [user["id"] for page in pages for user in page["users"]]

    assert [len(page["users"]) for page in pages] == [70, 70, 70, 70, 20]
    assert len(set(ids)) == 300


async def test_total_modes(client: httpx.AsyncClient, library: Library) -> None:
    """The total is exact, an estimate that is too high, or absent, as requested."""

    async def tags(**query: str) -> dict[str, Any]:
        page: dict[str, Any] = (await client.get("/tags", params={"limit": "2"} | query)).json()
        return page

    count = len(library.tags)
    for number in range(100):
        library.tags[f"{number:08}-0000-4000-8000-000000000000"] = {"id": str(number), "label": str(number)}
    assert (await tags(totalRecords="exact"))["totalRecords"] == count + 100
    assert (await tags())["totalRecords"] == count + 100
    assert (await tags(totalRecords="estimated"))["totalRecords"] == count + 100 + (count + 100) // 10
    assert (await tags(totalRecords="estimated", limit="1000"))["totalRecords"] == count + 100
    assert "totalRecords" not in await tags(totalRecords="none")


@pytest.mark.parametrize("mode", ["exact", "estimated", "none", "auto"])
async def test_most_services_ignore_the_mode(client: httpx.AsyncClient, library: Library, mode: str) -> None:
    """Users, loans, requests and most others have an estimate of many records, whatever is requested."""
    library.max_exact_count = 100
    assert (await users(client, totalRecords=mode, limit="2"))["totalRecords"] == 330
    assert (await users(client, totalRecords=mode, limit="300"))["totalRecords"] == 300
    assert (await users(client, totalRecords=mode, limit="0"))["totalRecords"] == 300


async def test_limit_zero_returns_the_total(client: httpx.AsyncClient) -> None:
    """A page without rows still has the total."""
    assert await users(client, limit="0") == {"users": [], "totalRecords": 300}


@pytest.mark.parametrize(
    "parameters", [{"limit": "-1"}, {"limit": "ten"}, {"offset": "2147483648"}, {"totalRecords": "maybe"}]
)
async def test_invalid_paging_is_rejected(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    """Modules reject it in plain text, the BFF in its framework's JSON."""
    query = {"query": "cql.allRecords=1"} | parameters
    module = await client.get("/users", params=query)
    bff = await client.get("/circulation-bff/loans", params=query)

    assert (module.status_code, module.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert bff.status_code == 400
    assert sorted(bff.json()) == ["error", "path", "status", "timestamp"]


async def test_order_without_sortby_is_arbitrary_but_stable(
    client: httpx.AsyncClient, library: Library
) -> None:
    """Rows do not follow the order of the requested ids, but are the same every time."""
    ids = list(library.users)[:20]
    query = f"id==({' or '.join(ids)})"
    first = [user["id"] for user in (await users(client, query=query, limit="20"))["users"]]
    second = [user["id"] for user in (await users(client, query=query, limit="20"))["users"]]

    assert first == second
    assert sorted(first) == sorted(ids)
    assert first not in (ids, sorted(ids), sorted(ids, reverse=True))


async def test_sorting(client: httpx.AsyncClient) -> None:
    """Text sorts as text, numbers need their modifier; missing values are last, or first if descending."""
    ascending = (await users(client, query="cql.allRecords=1 sortby personal.lastName id", limit="300"))[
        "users"
    ]
    descending = await users(client, query="cql.allRecords=1 sortby barcode/sort.descending", limit="3")
    requests = await client.get(
        "/circulation/requests", params={"query": 'status=="Open*" sortby position/number', "limit": "200"}
    )

    assert "personal" not in ascending[-1]
    assert ascending[0]["personal"]["lastName"] == "Abebe"
    assert ["barcode" in user for user in descending["users"]] == [False, False, True]
    positions = [request["position"] for request in requests.json()["requests"]]
    assert positions == sorted(positions)


async def test_unknown_ids_are_left_out(client: httpx.AsyncClient, library: Library) -> None:
    """A query for ids returns the records that exist."""
    existing_id = next(iter(library.users))
    query = f'id==("{existing_id}" or "00000000-0000-4000-8000-000000000000")'
    assert [user["id"] for user in (await users(client, query=query))["users"]] == [existing_id]


async def test_unknown_record_is_404_in_plain_text(client: httpx.AsyncClient) -> None:
    """Modules on raml-module-builder send `Not found`, mod-circulation more text without a content type."""
    nothing = "00000000-0000-4000-8000-000000000000"
    user = await client.get(f"/users/{nothing}")
    loan = await client.get(f"/circulation/loans/{nothing}")

    assert (user.status_code, user.text) == (404, "Not found")
    assert user.headers["content-type"] == "text/plain; charset=utf-8"
    assert (loan.status_code, loan.text) == (404, f'loan record with ID "{nothing}" cannot be found')
    assert "content-type" not in loan.headers


@pytest.mark.parametrize(
    ("accept", "label"), [("application/json, text/plain", "application/json"), ("*/*", "text/plain")]
)
async def test_bff_labels_plain_text_by_the_accept_header(
    client: httpx.AsyncClient, accept: str, label: str
) -> None:
    """Plain text may have the content type of JSON."""
    path = "/circulation-bff/loans/00000000-0000-4000-8000-000000000000"
    response = await client.get(path, headers={"Accept": accept})

    assert response.status_code == 404
    assert response.text == 'loan record with ID "00000000-0000-4000-8000-000000000000" cannot be found'
    assert response.headers["content-type"] == label


@pytest.mark.parametrize("query", ["nonsense=1", 'barcode=="', "barcode", "id==("])
async def test_invalid_query_is_400_in_plain_text(client: httpx.AsyncClient, query: str) -> None:
    """An unknown index and a syntax error differ only in their text."""
    response = await client.get("/users", params={"query": query})

    assert response.status_code == 400
    assert response.text.startswith("CQL State Error for ")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


async def test_invalid_id_is_rejected(client: httpx.AsyncClient) -> None:
    """A path id must be a UUID."""
    assert (await client.get("/users/jane")).status_code == 400
    assert (await client.get("/circulation-bff/loans/jane")).json()["path"] == "/circulation-bff/loans/jane"


async def test_bff_loans_require_a_query(client: httpx.AsyncClient) -> None:
    """The parameter may be empty but not absent."""
    response = await client.get("/circulation-bff/loans")

    assert response.status_code == 400
    assert response.json()["error"] == "Bad Request"


async def test_request_line_above_4096_bytes_is_414(client: httpx.AsyncClient) -> None:
    """Method, path, query and version all count."""
    rest = len("GET /users?query= HTTP/1.1")
    fits = await client.get("/users?query=" + "x" * (4096 - rest))
    overflows = await client.get("/users?query=" + "x" * (4097 - rest))

    assert fits.status_code == 400
    assert overflows.status_code == 414


async def test_routing_service_points_are_hidden(client: httpx.AsyncClient, library: Library) -> None:
    """They are listed only if requested, or through a top-level `or`."""
    (routing,) = [key for key, point in library.service_points.items() if point["ecsRequestRouting"]]
    every = {"includeRoutingServicePoints": "true", "limit": "100"}
    hidden = (await client.get("/service-points", params={"limit": "100"})).json()
    listed = (await client.get("/service-points", params=every)).json()
    escaped = (await client.get("/service-points", params={"query": f"code==cd1 or id=={routing}"})).json()

    assert routing not in [point["id"] for point in hidden["servicepoints"]]
    assert routing in [point["id"] for point in listed["servicepoints"]]
    assert routing in [point["id"] for point in escaped["servicepoints"]]
    assert (await client.get(f"/service-points/{routing}")).status_code == 200


@pytest.mark.parametrize(
    ("path", "name", "parameter"),
    [
        ("/locations", "locations", "includeShadowLocations"),
        ("/location-units/institutions", "institutions", "includeShadow"),
        ("/location-units/campuses", "campuses", "includeShadow"),
        ("/location-units/libraries", "libraries", "includeShadow"),
    ],
)
async def test_shadow_records_are_hidden(
    client: httpx.AsyncClient, library: Library, path: str, name: str, parameter: str
) -> None:
    """They are counted and listed only if requested, and can be read by id."""
    records = getattr(library, name)
    shadow = next(iter(records))
    records[shadow]["isShadow"] = True
    hidden = (await client.get(path)).json()
    listed = (await client.get(path, params={parameter: "true"})).json()

    assert (hidden["totalRecords"], listed["totalRecords"]) == (len(records) - 1, len(records))
    assert (await client.get(path, params={"query": f"id=={shadow}"})).json()["totalRecords"] == 0
    assert (await client.get(f"{path}/{shadow}")).status_code == 200


async def test_latency_delays_every_response() -> None:
    """A slow sandbox makes sequential calls visible."""
    slow = create_sandbox(latency=0.05)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=slow), base_url="http://sandbox"
    ) as client:
        response = await client.get("/groups", headers={"X-Okapi-Tenant": "diku"}, timeout=5)
    assert response.elapsed.total_seconds() >= 0.05


async def test_automated_blocks_of_a_user(client: httpx.AsyncClient, library: Library) -> None:
    """A user without blocks and an unknown user have an empty list."""
    blocked = library.user_by_barcode("1000000004")
    assert blocked is not None
    body = (await client.get(f"/automated-patron-blocks/{blocked['id']}")).json()

    assert body["totalRecords"] == 2
    assert sorted(body["automatedPatronBlocks"][0]) == [
        "blockBorrowing",
        "blockRenewals",
        "blockRequests",
        "message",
        "patronBlockConditionId",
    ]
    nothing = (await client.get("/automated-patron-blocks/00000000-0000-4000-8000-000000000000")).json()
    assert nothing == {"automatedPatronBlocks": [], "totalRecords": 0}
