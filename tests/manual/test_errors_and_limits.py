"""The page on errors states the statuses that clients receive, and the codes and limits of the code."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway import errors
from gateway.settings import Settings
from tests.gateway_under_test import Json, open_gateway
from tests.manual.pages import documented_codes, section

pytestmark = pytest.mark.anyio

LEGACY = "application/json"
MODERN = "application/graphql-response+json"
HASH = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
TENANT = {"X-Okapi-Tenant": "diku", "Content-Type": "application/json"}

REQUESTS: dict[str, dict[str, Json]] = {
    "Executed without errors": {"json": {"query": "{ loans(first: 1) { nodes { id } } }"}},
    "Executed, with errors in some fields": {"json": {"query": '{ loan(id: "42") { id } }'}},
    "Syntax error": {"json": {"query": "{"}},
    "Validation error": {"json": {"query": "{ nonsense }"}},
    "Invalid variables": {
        "json": {"query": "query ($n: Int) { loans(first: $n) { totalCount } }", "variables": {"n": "x"}}
    },
    "Limit exceeded": {"json": {"query": "{ loans(first: 300) { nodes { openRequests { totalCount } } } }"}},
    "Unknown persisted document": {"json": {"extensions": HASH}},
    "Body is not a GraphQL request": {"json": []},
    "Missing or malformed header": {
        "json": {"query": "{ __typename }"},
        "headers": TENANT | {"X-Okapi-Tenant": "A tenant"},
    },
    "Other method than GET and POST": {"method": "PUT"},
    "Body is not `application/json`": {"content": "{}", "headers": TENANT | {"Content-Type": "text/plain"}},
    "Body larger than `MAX_BODY_BYTES`": {"json": {"query": "{ __typename }", "operationName": "x" * 2000}},
}


def rows(page_section: str) -> list[list[str]]:
    """Return the cells of the rows of a table, without its two header lines."""
    lines = [line for line in section("errors-and-limits", page_section).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


async def status(http: httpx.AsyncClient, accept: str, request: dict[str, Json]) -> int:
    arguments: dict[str, Json] = {"method": "POST", "headers": TENANT, **request}
    arguments["headers"] = {**arguments["headers"], "Accept": accept}
    return (await http.request(url="/graphql", **arguments)).status_code


async def test_statuses_are_those_of_the_table() -> None:
    """Each kind of request has the status of its row, for both media types."""
    table = {row[0]: row[1:] for row in rows("HTTP statuses") if len(row) == 3 and row[1].isdigit()}
    async with open_gateway(max_cost=5, max_body_bytes=1000) as gateway:
        statuses = {
            name: [str(await status(gateway.http, accept, request)) for accept in (LEGACY, MODERN)]
            for name, request in REQUESTS.items()
        }

    assert statuses == table


async def test_other_statuses_are_documented() -> None:
    """A refused media type and a full gateway have the status of the second table."""
    others = {row[0] for row in rows("HTTP statuses") if len(row) == 2}
    async with open_gateway() as gateway:
        refused = await status(gateway.http, "text/plain", {"json": {"query": "{ __typename }"}})

    assert refused == 406
    assert others >= {"406", "408", "429", "431", "500", "503"}


async def test_the_error_shown_is_one() -> None:
    """The example has the message and the members of the gateway's error."""
    async with open_gateway() as gateway:
        response = await gateway.execute('{ loan(id: "42") { id } }')
    (error,) = response["errors"]
    shown = section("errors-and-limits", "Error format")

    assert error["message"] in shown
    assert all(f'"{name}"' in shown for name in [*error, *error["extensions"]])


def classes() -> list[type[errors.GatewayError]]:
    """Return the root of the error classes and all its subclasses."""
    tree = [errors.GatewayError]
    for each in tree:
        tree += each.__subclasses__()
    return tree


def test_every_code_is_documented() -> None:
    """The table has each code once, in the order of the code, and begins with the description there."""
    table = {row[0].strip("`"): row[1] for row in rows("Error codes") if row[0].startswith("`")}

    assert documented_codes() == list(errors.ErrorCode)
    for code in errors.ErrorCode:
        assert table[code].startswith(code.description)


def test_retryable_codes_are_marked() -> None:
    """The last column says "yes" for the codes whose class is retryable."""
    marked = {row[0].strip("`") for row in rows("Error codes") if row[-1] == "yes"}

    assert marked == {each.code for each in classes() if each.retryable}


def test_the_extensions_are_documented() -> None:
    """The table names each member that an error may have in addition to its details."""
    error = errors.GatewayError(
        "", upstream="folio", status=500, retry_after=1.0, reasons=[errors.Reason(message="")]
    )
    listed = {row[0].strip("`") for row in rows("Error format")}

    assert listed - {"Extension", "---|---"} == {*error.extensions, "requestId"}


def test_the_limits_are_settings() -> None:
    """The table of limits names the settings that limit documents."""
    listed = set(re.findall(r"^\| `(\w+)` \|", section("errors-and-limits", "Limits"), re.MULTILINE))
    document_limits = {
        name.upper()
        for name in Settings.declarations()
        if name.startswith("max_")
        and not re.search("bytes|headers|connections|operations|subscriptions|bodies|line", name)
    }

    assert listed == document_limits | {"RATE_LIMIT"}
