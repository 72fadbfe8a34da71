"""Each entry of the page on troubleshooting quotes the text of its cause, or has a test here."""

from __future__ import annotations

import asyncio
import errno
import json
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path

import click
import httpx
import pytest

from gateway.app import create_app
from gateway.cli.serve import require_upstream_or_sandbox
from gateway.cli.startup import CannotStart, explain_listen_error, sandbox_notice
from gateway.http.graphiql.example_operations import Examples
from gateway.http.graphiql.page import render_page
from gateway.sandbox import create_sandbox
from gateway.sandbox.http.bff import VERSIONS
from gateway.server.names import HostCheck
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.manual.pages import PAGES, blocks, section
from tests.store_server import free_port

pytestmark = pytest.mark.anyio

PAGE = PAGES["troubleshooting"]
ENTRIES = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
TENANT = {"X-Okapi-Tenant": "diku"}
LOANS = "{ loans(first: 1) { nodes { id } } }"
CHECK_OUT = """mutation { checkOut(input: {
  itemBarcode: "2000000001" userBarcode: "1000000001" servicePointId: "1df88d03-62ee-575e-8f87-51a3e14c5dd1"
}) { __typename } }"""
Cause = Callable[[Path], Awaitable[str]]


def message(response: Json, code: str) -> str:
    """Return the text of the first error, which must have this code."""
    error = response["errors"][0]
    assert error["extensions"]["code"] == code
    text: str = error["message"]
    return text


async def post(gateway: Gateway, query: str, **headers: str) -> httpx.Response:
    sent = {"X-Okapi-Tenant": "diku"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.post("/graphql", json={"query": query}, headers=sent)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is sent upstream")


async def with_settings(settings: Settings, query: str, code: str, **headers: str) -> str:
    app = create_app(settings, transport=lambda limits: httpx.MockTransport(unreachable))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        response = await http.post("/graphql", json={"query": query}, headers=headers)
    return message(response.json(), code)


async def no_upstream(_: Path) -> str:
    with pytest.raises(CannotStart) as raised:
        require_upstream_or_sandbox(Settings(require_upstream=True))
    return raised.value.message


async def port_in_use(_: Path) -> str:
    return explain_listen_error(OSError(errno.EADDRINUSE, ""), "127.0.0.1", 8081)


async def embedded_library(_: Path) -> str:
    return click.unstyle(sandbox_notice(None))


async def tenant_missing(_: Path) -> str:
    return await with_settings(Settings(okapi_url="http://folio"), LOANS, "BAD_REQUEST")


async def media_type_refused(_: Path) -> str:
    async with open_gateway() as gateway:
        response = await post(gateway, LOANS, Accept="application/xml")
    assert response.status_code == 406
    return message(response.json(), "BAD_REQUEST")


async def body_refused(_: Path) -> str:
    async with open_gateway() as gateway:
        response = await gateway.http.post("/graphql", content=LOANS, headers=TENANT)
    assert response.status_code == 415
    return message(response.json(), "BAD_REQUEST")


async def upstream_status(status: int, code: str) -> str:
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", status=status, path="/circulation-bff/loans")
        return message(await gateway.execute(LOANS), code)


async def token_refused(_: Path) -> str:
    return await upstream_status(401, "UNAUTHENTICATED")


async def permission_missing(_: Path) -> str:
    return await upstream_status(403, "FORBIDDEN")


async def list_replaced(_: Path) -> str:
    async with open_gateway(create_sandbox(bff=VERSIONS["released"])) as gateway:
        gateway.sandbox.faults.add(kind="status", status=403, path="/circulation/requests")
        response = await gateway.execute("{ requests { nodes { id } } }")
    assert response["errors"][0]["extensions"]["bffStatus"] == 404
    return message(response, "FORBIDDEN")


async def no_polaris_login(_: Path) -> str:
    settings = Settings(okapi_url="http://folio", polaris_url="http://polaris")
    return await with_settings(settings, "{ objectLocks { totalCount } }", "UNAUTHENTICATED", **TENANT)


async def not_configured(_: Path) -> str:
    return await with_settings(
        Settings(polaris_url="http://polaris"), LOANS, "UPSTREAM_UNAVAILABLE", **TENANT
    )


async def no_connection(_: Path) -> str:
    settings = Settings(okapi_url=f"http://127.0.0.1:{free_port()}", read_attempts=1, lists_from="bff")
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        response = await http.post("/graphql", json={"query": LOANS}, headers=TENANT)
    return message(response.json(), "UPSTREAM_UNAVAILABLE")


async def circuit_open(_: Path) -> str:
    async with open_gateway(read_attempts=1, lists_from="bff") as gateway:
        gateway.sandbox.faults.add(kind="status", status=503, path="/circulation-bff/loans")
        for _n in range(25):
            response = await gateway.execute(LOANS)
    return message(response, "UPSTREAM_UNAVAILABLE")


async def upstream_busy(_: Path) -> str:
    async with open_gateway(upstream_concurrency=1, operation_timeout=0.2) as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=0.5, path="/circulation-bff/loans/check-out-by-barcode")
        running = asyncio.create_task(gateway.execute(CHECK_OUT, headers=gateway.as_staff()))
        await asyncio.sleep(0.05)
        response = await gateway.execute(LOANS)
        await running
    return message(response, "UPSTREAM_TIMEOUT")


async def slow_upstream(_: Path) -> str:
    async with open_gateway(read_attempts=1, first_byte_timeout=0.1, read_timeout=0.1) as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=1.0, path="/circulation-bff/loans")
        return message(await gateway.execute(LOANS), "UPSTREAM_TIMEOUT")


async def outcome_unknown(_: Path) -> str:
    async with open_gateway() as gateway:
        gateway.sandbox.faults.add(kind="status", status=504, method="POST")
        return message(await gateway.execute(CHECK_OUT, headers=gateway.as_staff()), "OUTCOME_UNKNOWN")


async def key_reused(_: Path) -> str:
    async with open_gateway() as gateway:
        for query in (CHECK_OUT, f"{CHECK_OUT} "):
            response = await post(gateway, query, Idempotency_Key="1")
    return message(response.json(), "IDEMPOTENCY_KEY_REUSED")


async def key_not_stored(_: Path) -> str:
    async with open_gateway(redis_url=f"redis://127.0.0.1:{free_port()}/0") as gateway:
        response = await post(gateway, CHECK_OUT, Idempotency_Key="1")
        assert gateway.calls == []
    return message(response.json(), "UPSTREAM_UNAVAILABLE")


async def too_expensive(_: Path) -> str:
    query = "{ requests(first: 200) { nodes { requester { automatedBlocks { message } } } } }"
    async with open_gateway() as gateway:
        return message(await gateway.execute(query), "LIMIT_EXCEEDED")


async def page_too_large(_: Path) -> str:
    async with open_gateway() as gateway:
        return message(await gateway.execute("{ loans(first: 5000) { totalCount } }"), "LIMIT_EXCEEDED")


async def not_trusted(folder: Path) -> str:
    manifest = folder / "persisted-documents.json"
    manifest.write_text(json.dumps({"1f40fc92da241694750979ee6cf582f2d5d7d28e": "{ __typename }"}))
    async with open_gateway(documents=manifest, documents_mode="enforce") as gateway:
        return message(await gateway.execute(LOANS), "DOCUMENT_NOT_TRUSTED")


async def no_bundle(_: Path) -> str:
    page = render_page(None, Examples()).decode()
    (text,) = re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)
    return unescape(" ".join(text.split()))


async def foreign_name(_: Path) -> str:
    hosts = HostCheck([], is_loopback=True)
    assert not hosts.permits(b"graphql.example.org", ("127.0.0.1", 8081))
    return hosts.refusal


CAUSES: dict[str, Cause] = {
    "The container exits at once": no_upstream,
    "The port is in use": port_in_use,
    "The records are not those of our library": embedded_library,
    "Every request has status 400": tenant_missing,
    "Requests have status 406": media_type_refused,
    "Requests have status 415": body_refused,
    "Requests have status 421": foreign_name,
    "Queries worked and now fail with `UNAUTHENTICATED`": token_refused,
    "One user gets `FORBIDDEN`": permission_missing,
    "Lists of requests fail with `bffStatus`": list_replaced,
    "Object locks fail with `UNAUTHENTICATED`": no_polaris_login,
    "Fields of one service are always `UPSTREAM_UNAVAILABLE`": not_configured,
    "An upstream cannot be reached": no_connection,
    "Calls fail at once with `UPSTREAM_UNAVAILABLE` and `retryAfter`": circuit_open,
    "Calls fail because an upstream was busy": upstream_busy,
    "Fields are `UPSTREAM_TIMEOUT`": slow_upstream,
    "A mutation ends with `OUTCOME_UNKNOWN`": outcome_unknown,
    "A mutation is refused with `IDEMPOTENCY_KEY_REUSED`": key_reused,
    "Mutations with a key are refused with `UPSTREAM_UNAVAILABLE`": key_not_stored,
    "A large query is refused with `MAX_COST`": too_expensive,
    "A page size is refused": page_too_large,
    "Queries from GraphiQL or curl are refused with `DOCUMENT_NOT_TRUSTED`": not_trusted,
    "GraphiQL does not appear": no_bundle,
}


def test_every_entry_has_a_cause_and_a_cure() -> None:
    """Each entry has a cause and a cure, and is shown by a test."""
    assert len(ENTRIES) == 28
    for heading in ENTRIES:
        text = section("troubleshooting", heading)
        assert len(re.findall(r"^\*\*Cause\.\*\* ", text, re.MULTILINE)) == 1
        assert len(re.findall(r"^\*\*Cure\.\*\* ", text, re.MULTILINE)) == 1
    assert set(CAUSES) == {each for each in ENTRIES if blocks("text", section("troubleshooting", each))}


@pytest.mark.parametrize("heading", CAUSES)
async def test_a_cause_produces_the_quoted_text(heading: str, tmp_path: Path) -> None:
    """The text below the heading is the one that a user sees if the cause applies."""
    assert blocks("text", section("troubleshooting", heading)) == [f"{await CAUSES[heading](tmp_path)}\n"]


async def test_failed_documents_have_status_200() -> None:
    """Entry "Failed queries have status 200": the status depends on the accepted media type."""
    async with open_gateway() as gateway:
        legacy = await post(gateway, "{ nonsense }")
        modern = await post(gateway, "{ nonsense }", Accept="application/graphql-response+json")

    assert (legacy.status_code, modern.status_code) == (200, 400)


async def test_lists_end_after_ten_records() -> None:
    """Entry "A list has ten records": `first` defaults to 10, and `hasNextPage` says that there are more."""
    async with open_gateway() as gateway:
        data = await gateway.data("{ loans { nodes { id } pageInfo { hasNextPage } } }")

    assert len(data["loans"]["nodes"]) == 10
    assert data["loans"]["pageInfo"]["hasNextPage"] is True


async def test_other_origins_are_refused_until_named() -> None:
    """Entry "A web application cannot read responses": the CORS header is sent for named origins only."""
    origin = "https://folio.example.org"
    headers = []
    for origins in ("", origin):
        async with open_gateway(cors_origins=origins) as gateway:
            response = await post(gateway, LOANS, Origin=origin)
            headers.append(response.headers.get("Access-Control-Allow-Origin"))

    assert headers == [None, origin]
