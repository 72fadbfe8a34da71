"""The log has a line for each operation and mutation, with codes and counts and without personal data."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator

import httpx
import pytest

from gateway.app import create_app
from gateway.observability import logs
from gateway.observability.line_output import LineOutput
from gateway.settings import Settings
from tests.gateway_under_test import Gateway, open_gateway
from tests.http.held_upstream import MUTATION, held_upstream
from tests.observability.log_lines import LogLines, logged
from tests.server.edge import gateway_process, post
from tests.stories import test_screens as screens

pytestmark = pytest.mark.anyio

LOANS = "query Loans { loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
LOCK = "mutation { lockObject(input: { objectType: PATRON, objectId: %d }) { __typename } }"
CHECK_IN = """
  mutation CheckIn($item: String!, $point: ID!) {
    checkIn(input: { itemBarcode: $item, servicePointId: $point }) { __typename }
  }
"""


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with logged() as opened:
        yield opened


async def test_an_operation_is_one_line(gateway: Gateway, lines: LogLines) -> None:
    """Name, kind, outcome, time, calls by upstream, batches and hits are logged, with tenant and id."""
    await gateway.execute(LOANS, headers=gateway.as_staff() | {"X-Okapi-Request-Id": "123/loans"})

    (line,) = lines.all
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert re.fullmatch(r"123/loans;\d{6}/graphql", line.pop("requestId"))
    assert 0 < line.pop("upstreamMs") < line.pop("durationMs")
    assert line == {
        "level": "info",
        "logger": "gateway.operation",
        "event": "operation",
        "tenant": "diku",
        "kind": "query",
        "operation": "Loans",
        "outcome": "success",
        "upstreamCalls": {"bff": 1, "folio": 1},
        "batches": [2, 1],  # the keys of two patron groups, and the table that holds them
        "loaderHits": 3,
        "embeddedLinks": 5,
    }


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_counts_do_not_depend_on_the_kind_of_execution(execution: str, lines: LogLines) -> None:
    """Plans and graphql-core load the same keys and resolve the same links from embedded members."""
    async with open_gateway(execution=execution) as gateway:
        await gateway.data(LOANS)

    (line,) = lines.all
    counted = [line[name] for name in ("upstreamCalls", "batches", "loaderHits", "embeddedLinks")]
    assert counted == [{"bff": 1, "folio": 1}, [2, 1], 3, 5]


@pytest.mark.parametrize(
    ("query", "kind", "outcome", "codes"),
    [
        ("{ loans { nodes { dueDat } } }", "none", "refused", {"GRAPHQL_VALIDATION_FAILED": 1}),
        ("{ loans ", "none", "refused", {"GRAPHQL_PARSE_FAILED": 1}),
        ('query Q { loan(id: "no id") { id } }', "query", "partial", {"BAD_USER_INPUT": 1}),
        ("query Q($id: ID!) { loan(id: $id) { id } }", "none", "refused", {"BAD_USER_INPUT": 1}),
    ],
)
async def test_outcome_of_an_operation(
    gateway: Gateway, lines: LogLines, query: str, kind: str, outcome: str, codes: dict[str, int]
) -> None:
    """The line has the outcome and the number of errors by code, and nothing of the document."""
    response = await gateway.execute(query)

    (line,) = lines.all
    assert [error["extensions"]["code"] for error in response["errors"]] == list(codes)
    assert (line["kind"], line["outcome"], line["errors"]) == (kind, outcome, codes)
    assert "no id" not in lines.text
    assert "dueDat" not in lines.text


async def test_an_invalid_request_is_logged(gateway: Gateway, lines: LogLines) -> None:
    """A request without a valid caller is logged as well, with the request id of its response."""
    response = await gateway.http.put("/graphql", headers={"X-Okapi-Request-Id": "9/x"})

    (line,) = lines.all
    assert response.status_code == 405
    assert line["requestId"] == response.headers["x-okapi-request-id"]
    assert (line["tenant"], line["kind"], line["outcome"]) == (None, "none", "refused")
    assert line["errors"] == {"BAD_REQUEST": 1}


async def test_a_long_name_is_cut(gateway: Gateway, lines: LogLines) -> None:
    """The name of an operation is chosen by the client, and truncated to 64 characters."""
    await gateway.data(f"query {'Q' * 1000} {{ __typename }}")

    assert lines.all[0]["operation"] == "Q" * 64


async def test_a_mutation_is_a_separate_line(gateway: Gateway, lines: LogLines) -> None:
    """The line has mutation, upstream, outcome and request id, and no keys of records."""
    data = await gateway.data(LOCK % 29938, headers=gateway.as_staff())

    each, operation = lines.all
    assert data["lockObject"]["__typename"] == "ObjectLocked"
    assert each.pop("timestamp")
    assert each == {
        "level": "info",
        "logger": "gateway.mutation",
        "event": "mutation",
        "mutation": "lockObject",
        "upstream": "polaris",
        "outcome": "SUCCESS",
        "tenant": "diku",
        "requestId": operation["requestId"],
        "status": 200,
    }
    assert "29938" not in lines.text


async def test_a_lock_of_another_user_is_logged(gateway: Gateway, lines: LogLines) -> None:
    """A lock held by another user is a separate outcome, neither a success nor an error."""
    await gateway.data(LOCK % 29938, headers=gateway.as_staff("desk"))
    other = gateway.as_staff("head") | {"X-Polaris-Workstation": "8"}
    data = await gateway.data(LOCK % 29938, headers=other)

    assert data["lockObject"]["__typename"] == "ObjectLockConflict"
    assert [(each["outcome"], each["status"]) for each in lines.of("mutation")] == [
        ("SUCCESS", 200),
        ("LOCKED", 409),
    ]


@pytest.mark.parametrize(
    ("fault", "level", "outcome", "status"),
    [
        ({"kind": "status", "status": 422, "body": '{"errors":[]}'}, "info", "UPSTREAM_REJECTED", 422),
        ({"kind": "status", "status": 401, "body": "no"}, "info", "UNAUTHENTICATED", 401),
        ({"kind": "status", "status": 500, "body": "no"}, "warning", "OUTCOME_UNKNOWN", None),
        ({"kind": "html"}, "warning", "OUTCOME_UNKNOWN", 200),
        ({"kind": "wrong_shape"}, "warning", "OUTCOME_UNKNOWN", 200),
    ],
)
async def test_outcomes_of_mutations(
    gateway: Gateway, lines: LogLines, fault: dict[str, object], level: str, outcome: str, status: int | None
) -> None:
    """A refusal is logged with its code; an unknown outcome is a warning, even after a 200."""
    item, point = gateway.summary.item_barcode, gateway.summary.service_point_id
    gateway.sandbox.faults.add(path="/circulation-bff/loans/check-in", **fault)  # type: ignore[arg-type]  # by kind

    await gateway.execute(CHECK_IN, {"item": item, "point": point}, gateway.as_staff())

    (each,) = lines.of("mutation")
    assert (each["mutation"], each["upstream"]) == ("checkIn", "bff")
    assert (each["level"], each["outcome"], each.get("status")) == (level, outcome, status)
    assert str(item) not in lines.text


async def test_mutations_that_are_not_sent(lines: LogLines) -> None:
    """A mutation for an upstream without an address is logged as not sent."""
    app = create_app(Settings(okapi_url="http://127.0.0.1:1", polaris_url="http://127.0.0.1:1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        headers = {"X-Okapi-Tenant": "diku", "X-Okapi-Token": "a.b.c"}
        variables = {"item": "1", "point": "00000000-0000-4000-8000-000000000001"}
        await http.post("/graphql", json={"query": CHECK_IN, "variables": variables}, headers=headers)

    assert [(each["outcome"], each["level"]) for each in lines.of("mutation")] == [
        ("UPSTREAM_UNAVAILABLE", "info")
    ]


def test_a_mutation_of_a_disconnected_client_is_logged() -> None:
    """The outcome of a write is logged with the request id, even if the client has disconnected."""
    with held_upstream() as upstream, gateway_process("--okapi-url", upstream.url) as gateway:
        with gateway.client() as leaving:
            leaving.send(post(b"X-Okapi-Request-Id: 77/desk", body=MUTATION))
            upstream.wait_for(1)
        upstream.release()
        gateway.process.terminate()
        assert gateway.process.wait(60) == 0

        (line,) = [line for line in gateway.standard_error().splitlines() if '"event":"mutation"' in line]

    each = json.loads(line)
    assert (each["mutation"], each["outcome"], each["status"]) == ("changeDueDate", "SUCCESS", 204)
    assert re.fullmatch(r"77/desk;\d{6}/graphql", each["requestId"])


async def test_the_log_has_no_personal_data(lines: LogLines) -> None:
    """Nine screens, mutations, refusals and failures log no name, barcode or token of the library."""
    for name, screen in vars(screens).items():
        if name.startswith("test_w"):
            async with open_gateway() as gateway:
                await screen(gateway)
    async with open_gateway(breaker=False, look_up_timeout=0.01) as gateway:
        await failures(gateway)
        secrets = set(everything_of_patrons(gateway))
        tokens = {*gateway.summary.staff_tokens.values(), *gateway.summary.polaris_authorizations.values()}

    assert len(secrets) > 500
    assert len(lines.of("operation")) > 40
    assert {"SUCCESS", "UPSTREAM_REJECTED", "OUTCOME_UNKNOWN"} <= {
        each["outcome"] for each in lines.of("mutation")
    }
    assert {"UPSTREAM_ERROR", "UPSTREAM_BAD_RESPONSE"} <= {
        code for line in lines.of("operation") for code in line.get("errors", ())
    }
    words = set(re.findall(r"\w+", lines.text))
    assert {each for each in secrets if set(re.findall(r"\w+", each)) <= words} == set()
    assert [token for token in tokens if token in lines.text] == []


async def failures(gateway: Gateway) -> None:
    """Query all users by name and barcode, with literals and with variables; most of it fails."""
    staff, point = gateway.as_staff(), gateway.summary.service_point_id
    by_barcode = "query User($barcode: String!) { user(barcode: $barcode) { personal { lastName } } }"
    for kind in (None, "status", "html", "wrong_shape", "reset", "empty"):
        if kind is not None:
            gateway.sandbox.faults.add(kind=kind)
        people = [each for each in gateway.library.users.values() if "personal" in each]
        for user in people[:8]:
            barcode, name = user.get("barcode", "none"), user["personal"]["lastName"]
            await gateway.execute(by_barcode, {"barcode": barcode}, staff)
            by_name = f'{{ users(filter: {{ lastName: "{name}" }}) {{ nodes {{ id }} }} }}'
            await gateway.execute(by_name, headers=staff)
            await gateway.execute(f'{{ user(barcode: "{barcode}") {{ nope }} }}', headers=staff)
            await gateway.execute(CHECK_IN, {"item": barcode, "point": point}, staff)
        gateway.sandbox.faults.clear()


def everything_of_patrons(gateway: Gateway) -> Iterator[str]:
    """Return names, barcodes and addresses of all seeded users, and the barcodes of all items."""
    library = gateway.library
    for user in library.users.values():
        personal = user.get("personal", {})
        for text in (user.get("barcode"), personal.get("lastName"), personal.get("firstName")):
            if text:
                yield text
        if personal.get("email"):
            yield personal["email"]
    yield from (item["barcode"] for item in library.items.values() if "barcode" in item)


def test_text_lines_are_readable() -> None:
    """LOG_FORMAT=text writes a readable line with the same fields, followed by the traceback."""
    stream = io.StringIO()
    handler = logs.LineHandler(LineOutput(stream))
    handler.setFormatter(logs.TextFormatter())
    log = logging.Logger("gateway.test")
    log.addHandler(handler)

    logs.write(log, "operation", {"tenant": "diku", "batches": [2, 1]})
    try:
        raise KeyError("x")
    except KeyError:
        log.exception("Broken")

    first, second, *rest = stream.getvalue().splitlines()
    assert first[24:] == ' info    gateway.test: operation tenant="diku" batches=[2,1]'
    assert second[24:].rstrip() == " error   gateway.test: Broken"
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1] == "KeyError: 'x'"


def test_lines_of_other_loggers_are_json_too() -> None:
    """Records of libraries are JSON lines with their arguments and their traceback."""
    try:
        raise ValueError("x")
    except ValueError:
        problem = sys.exc_info()
    record = logging.LogRecord("lib", logging.ERROR, "", 0, "%s of %d", ("one", 2), problem)

    line = json.loads(logs.JsonFormatter().format(record))

    assert (line["level"], line["logger"], line["event"]) == ("error", "lib", "one of 2")
    assert line["exception"].splitlines()[-1] == "ValueError: x"


def test_below_the_level_nothing_is_written() -> None:
    """LOG_LEVEL=warning omits operations and mutations with a clear outcome; LOG_FORMAT sets the format."""
    mine = post(body=b'{"query": "query Mine { __typename }"}')
    for level, expected in (("warning", 0), ("info", 1)):
        with gateway_process(f"--log-level={level}", "--log-format=text") as gateway:
            assert gateway.execute(mine).status == 200
            gateway.process.terminate()
            assert gateway.process.wait(60) == 0
            lines = [line for line in gateway.standard_error().splitlines() if 'operation="Mine"' in line]
        assert len(lines) == expected
    assert ' info    gateway.operation: operation requestId="' in lines[0]
