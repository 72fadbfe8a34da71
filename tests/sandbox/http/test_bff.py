"""Versions of the BFF in the sandbox: absent routes, the sender of their 404, and pages that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.cli.sandbox import BFF_VERSIONS
from gateway.sandbox import Bff, create_sandbox
from gateway.sandbox.http.bff import VERSIONS, Responder

pytestmark = pytest.mark.anyio

LIST, DETAILS = "/circulation-bff/requests", "/requests-mediated/batch-mediated-requests/details"


async def read(bff: Bff, path: str = LIST, *, tags: bool = False) -> httpx.Response:
    """Read one record of a list, of a library whose requests all have tags or none."""
    sandbox = create_sandbox(bff=bff)
    for each in sandbox.library("diku").requests.values():
        each.pop("tags", None)
        if tags:
            each["tags"] = {"tagList": ["urgent"]}
    headers = {"X-Okapi-Tenant": "diku"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url="http://folio") as client:
        query = {"query": "cql.allRecords=1", "limit": "1"}
        return await client.get(path, params=query, headers=headers)


def test_the_command_has_every_version() -> None:
    """The option of the command names all versions, the latest first."""
    assert tuple(VERSIONS) == BFF_VERSIONS
    assert VERSIONS[BFF_VERSIONS[0]] == Bff()


@pytest.mark.parametrize(
    ("responder", "status", "part"),
    [
        ("okapi", 404, f"No suitable module found for path {LIST} for tenant diku"),
        ("sidecar", 404, '"code": "route_not_found_error"'),
        ("kong", 404, '{"message": "no Route matched with those values"}'),
        ("spring", 405, '"error": "Method Not Allowed"'),
    ],
)
async def test_an_absent_route(responder: Responder, status: int, part: str) -> None:
    """A route that a version lacks is a 404 of the proxy, or of Spring in the module."""
    response = await read(replace(VERSIONS["released"], absent_from=responder))

    assert response.status_code == status
    assert part in response.text


@pytest.mark.parametrize(
    ("version", "absent"),
    [
        ("latest", []),
        ("released", ["requests", "batch-requests"]),
        ("early", ["loans", "requests", "batch-requests"]),
    ],
)
async def test_routes_of_a_version(version: str, absent: list[str]) -> None:
    """Lists that a version has are served, and new requests and single loans in any version."""
    result: dict[str, Any] = {
        name: (await read(VERSIONS[version], f"/circulation-bff/{name}")).status_code
        for name in ("loans", "requests", "batch-requests")
    }

    assert [name for name, status in result.items() if status == 404] == absent
    assert [name for name, status in result.items() if status == 200] == sorted(
        set(result) - set(absent), key=list(result).index
    )
    assert VERSIONS[version].reject("POST", LIST, "diku") is None
    assert VERSIONS[version].reject("GET", "/circulation-bff/loans/1", "diku") is None


async def test_a_bff_without_mediated_requests() -> None:
    """It relays the 404 of the module that is absent, for a page that is not empty."""
    response = await read(VERSIONS["without-mediated-requests"])

    assert (response.status_code, response.text) == (
        404,
        f"No suitable module found for path {DETAILS} for tenant diku",
    )


@pytest.mark.parametrize(("tags", "status"), [(True, 500), (False, 200)])
async def test_a_bff_that_fails_on_tags(tags: bool, status: int) -> None:
    """It fails on a page with a request that has tags, and on no other."""
    assert (await read(VERSIONS["fails-on-tags"], tags=tags)).status_code == status
