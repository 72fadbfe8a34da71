"""Look-ups of unknown outcomes: clocks, permissions, failing reads, and the operation around them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.app import create_app
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.http import proxy_errors
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.gateway_over import gateway_over
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.look_up_cases import LOOK_UP_CASES, LookUpCase
from tests.mutations.seeded import ITEM, PATRON, record, service_point

pytestmark = pytest.mark.anyio

Json = Any  # inputs and responses are JSON

CHECK_OUT = next(case for case in LOOK_UP_CASES if str(case) == "checkOut")
CHECK_IN = next(case for case in LOOK_UP_CASES if str(case) == "checkIn")
SIDECAR = proxy_errors.sidecar_forbidden()


@pytest.fixture(name="gateway")
async def _gateway() -> AsyncIterator[Gateway]:
    """With the usual time for look-ups."""
    async with open_gateway() as opened:
        yield opened


def lose(gateway: Gateway, case: LookUpCase, *, after: bool = True) -> None:
    gateway.sandbox.faults.add(kind="reset", method=case.method, path=case.path, after=after)


async def send(gateway: Gateway, case: LookUpCase, inputs: Json, **headers: str) -> Json:
    return await gateway.execute(case.short_document, {"input": inputs}, gateway.as_staff("head") | headers)


# Clocks


class Dated:
    """The sandbox behind a server that dates its responses by the sandbox's clock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = self.sandbox.library("diku").clock.now()
                date = format_datetime(now, usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self.sandbox(scope, receive, send_dated)


async def check_out_at(shift: timedelta, *, since: timedelta | None) -> tuple[Json, Sandbox]:
    """Check an item out over a sandbox with this clock; a `since` lends it before, and loses the write."""
    sandbox = create_sandbox()
    sandbox.library("diku").clock.advance(shift)
    app: ASGIApp = Dated(sandbox)
    gateway_app = create_app(
        Settings(sandbox=True, look_up_timeout=0.2), transport=lambda limits: in_process_transport(app)
    )
    async with (
        gateway_app.router.lifespan_context(gateway_app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=gateway_app), base_url="http://gateway") as http,
    ):
        gateway = Gateway(http, sandbox)
        inputs = CHECK_OUT.prepare(gateway)
        if since is not None:
            await send(gateway, CHECK_OUT, inputs)
            (loan,) = (
                each
                for each in sandbox.library("diku").loans.values()
                if each["renewalCount"] == 0
                and each["itemId"] == record(sandbox.library("diku").item_by_barcode(ITEM))["id"]
                and each["status"]["name"] == "Open"
            )
            moment = (sandbox.library("diku").clock.now() - since).isoformat(timespec="milliseconds")
            loan["metadata"] = {"createdDate": moment, "updatedDate": moment}
            sandbox.writes.clear()
        lose(gateway, CHECK_OUT, after=since is None)
        return await send(gateway, CHECK_OUT, inputs), sandbox


SHIFTS = [timedelta(), timedelta(hours=1), timedelta(hours=-1)]


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
async def test_write_is_confirmed_by_the_clock_of_upstream(shift: timedelta) -> None:
    """An hour ahead or behind, the record was written after the sending."""
    response, sandbox = await check_out_at(shift, since=None)

    assert response == {
        "data": {"checkOut": {"__typename": "CheckedOut"}},
        "extensions": {"outcome": "confirmed"},
    }
    assert sum(sandbox.writes.applied.values()) == 1


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
async def test_record_before_the_sending_proves_nothing(shift: timedelta) -> None:
    """An hour ahead or behind, a record of ten seconds before the sending is not taken for the write."""
    response, sandbox = await check_out_at(shift, since=timedelta(seconds=10))

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert error["extensions"]["seen"] == "The open loan of the item was created before this write was sent."
    assert sum(sandbox.writes.applied.values()) == 0


async def test_former_record_that_was_changed_since_proves_no_creation(gateway: Gateway) -> None:
    """A loan of the same item to the same patron that was renewed after the sending is not a new one."""
    inputs = CHECK_OUT.prepare(gateway)
    await send(gateway, CHECK_OUT, inputs)
    item = record(gateway.library.item_by_barcode(ITEM))
    loan = record(gateway.library.open_loan_of_item(item["id"]))
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="milliseconds")
    loan["metadata"] = {"createdDate": "2026-11-01T00:00:00.000+00:00", "updatedDate": later}
    lose(gateway, CHECK_OUT, after=False)
    response = await send(gateway, CHECK_OUT, inputs)

    assert response["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({"checkoutServicePointId": "7c9e6679-7425-40de-944b-000000000001"}, "`checkoutServicePointId`"),
        ({"userId": None}, "`borrower.barcode`"),
    ],
)
async def test_record_with_other_values_proves_nothing(members: Json, names: str) -> None:
    """A loan that was created after the sending, and not by it, is shown and not taken for it."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        inputs = CHECK_OUT.prepare(gateway)
        await send(gateway, CHECK_OUT, inputs)
        item = record(gateway.library.item_by_barcode(ITEM))
        loan = record(gateway.library.open_loan_of_item(item["id"]))
        loan |= members
        later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="milliseconds")
        loan["metadata"] = {"createdDate": later, "updatedDate": later}
        lose(gateway, CHECK_OUT, after=False)
        response = await send(gateway, CHECK_OUT, inputs)

    assert response["errors"][0]["extensions"]["seen"] == (
        "The open loan of the item was written after this write was sent, but has other values: " + names
    )


async def test_check_in_that_is_not_complete(gateway: Gateway) -> None:
    """An item with the check-in whose loan is still open is looked at again, until the loan is closed."""
    inputs = CHECK_IN.prepare(gateway)
    item = record(gateway.library.item_by_barcode(inputs["itemBarcode"]))
    loan = record(gateway.library.open_loan_of_item(item["id"]))
    lose(gateway, CHECK_IN)
    sent: list[str] = []
    called = gateway.sandbox.log_call

    def log_call(scope: Scope) -> None:
        called(scope)
        sent.append(scope["path"])
        if sent.count("/circulation/loans") == 1 and scope["path"] == "/circulation/loans":
            closed.update(loan)
            loan["status"] = {"name": "Open"}
        elif sent.count("/circulation/loans") == 2:
            loan.update(closed)

    closed: Json = {}
    gateway.sandbox.log_call = log_call  # type: ignore[method-assign]  # the moment between two writes
    response = await send(gateway, CHECK_IN, inputs)

    assert response["extensions"] == {"outcome": "confirmed"}
    assert sent == [
        "/circulation-bff/loans/check-in-by-barcode",
        *["/inventory/items", "/circulation/loans"] * 2,
    ]


# A sidecar's 403


def own_user(*permissions: str, keycloak: bool) -> Callable[[httpx.Request], httpx.Response]:
    """Respond to the check-in with a sidecar's 403, and show these permissions of the user."""
    path = "/users-keycloak/_self" if keycloak else "/bl-users/_self"
    names: Json = [*permissions] if keycloak else [{"permissionName": each} for each in permissions]

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(SIDECAR.status, text=SIDECAR.body, headers=dict(SIDECAR.headers))
        if request.url.path == path:
            return httpx.Response(200, json={"user": {}, "permissions": {"permissions": names}})
        return httpx.Response(404, text=f"No suitable module found for path {request.url.path}")

    return respond


GIVEN = {"itemBarcode": "1", "servicePointId": "7c9e6679-7425-40de-944b-000000000001"}
PERMISSION = "circulation-bff.loans.check-in-by-barcode.execute"
SELF = {False: ["GET /bl-users/_self"], True: ["GET /bl-users/_self", "GET /users-keycloak/_self"]}


@pytest.mark.parametrize("keycloak", [False, True])
async def test_user_without_the_permission(keycloak: bool) -> None:
    """After a sidecar's 403 the user's permissions are read: without that of the route it is FORBIDDEN."""
    upstream = own_user("users.item.get", keycloak=keycloak)
    async with gateway_over(upstream, look_up_timeout=0.2) as gateway:
        response = await gateway.execute(CHECK_IN.short_document, GIVEN)

    (error,) = response["errors"]
    assert (error["extensions"]["code"], error["extensions"]["status"]) == ("FORBIDDEN", 403)
    assert error["message"] == "bff does not permit this to the user."
    assert gateway.lines() == [CHECK_IN.sent, *SELF[keycloak]]


@pytest.mark.parametrize("keycloak", [False, True])
async def test_user_with_the_permission(keycloak: bool) -> None:
    """The 403 is about a later read then, so that the outcome is unknown and looked up."""
    upstream = own_user("users.item.get", PERMISSION, keycloak=keycloak)
    async with gateway_over(upstream, look_up_timeout=0.2) as gateway:
        response = await gateway.execute(CHECK_IN.short_document, GIVEN)

    assert response["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert gateway.lines() == [CHECK_IN.sent, *SELF[keycloak], "GET /inventory/items"]


@pytest.mark.parametrize("status", [200, 403, 404, 500])
async def test_permissions_that_cannot_be_read(status: int) -> None:
    """Without the permissions the outcome stays unknown."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(SIDECAR.status, text=SIDECAR.body, headers=dict(SIDECAR.headers))
        return httpx.Response(status, json={})

    async with gateway_over(respond, look_up_timeout=0.2) as gateway:
        response = await gateway.execute(CHECK_IN.short_document, GIVEN)

    assert response["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert gateway.lines()[:3] == [CHECK_IN.sent, *SELF[True]]


async def test_confirmed_after_a_403(gateway: Gateway) -> None:
    """A check-in whose later read was forbidden is confirmed."""
    inputs = CHECK_IN.prepare(gateway)
    gateway.sandbox.faults.add(
        kind="status", method="POST", path=CHECK_IN.path, after=True, **SIDECAR._asdict()
    )
    response = await send(gateway, CHECK_IN, inputs)

    assert response["extensions"] == {"outcome": "confirmed"}
    assert gateway.paths()[1] == "GET /bl-users/_self"


# Reads that fail


LISTS = (
    "items",
    "loans",
    "requests",
    "users",
    "mediatedRequests",
    "holdingsRecords",
    "accounts",
    "feefineactions",
)
ROWS: list[Json] = [
    [None, 1, {}],
    [{"id": 1, "metadata": 1}],
    [{"id": "x", "metadata": {"createdDate": 1, "updatedDate": "soon"}}],
]
READ_FIRST = {"cancelRequest", "updateRequest", "updateManualBlock"}  # the same record as the look-up
BROKEN: list[Json] = [
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 500},
    {"kind": "html"},
    {"kind": "wrong_shape", "shape": [1, None, {}]},
    *({"kind": "wrong_shape", "shape": dict.fromkeys(LISTS, rows)} for rows in ROWS),
]


@pytest.mark.parametrize(
    "case", [each for each in LOOK_UP_CASES if each.reads_in_vain and each.name not in READ_FIRST], ids=str
)
@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: " ".join(map(str, fault.values()))[:60])
async def test_look_up_that_fails(case: LookUpCase, fault: Json) -> None:
    """The outcome stays unknown whatever the reads return, with its keys."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        inputs = case.prepare(gateway)
        lose(gateway, case)
        for read in case.reads_in_vain:
            gateway.sandbox.faults.add(method="GET", path=read.split()[1].split("{")[0], **fault)
        response = await send(gateway, case, inputs)

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert error["extensions"]["operation"] == case.name
    assert error["extensions"]["seen"]


async def test_look_up_ends_in_time() -> None:
    """A read that hangs ends with LOOK_UP_TIMEOUT, and the outcome stays unknown."""
    async with open_gateway(look_up_timeout=0.3) as gateway:
        inputs = CHECK_OUT.prepare(gateway)
        lose(gateway, CHECK_OUT)
        gateway.sandbox.faults.add(kind="slow", delay=60.0, method="GET")
        began = time.monotonic()
        response = await send(gateway, CHECK_OUT, inputs)

        assert time.monotonic() - began < 3
        assert response["errors"][0]["extensions"]["seen"] == "The look-up failed: UPSTREAM_TIMEOUT."


async def test_a_look_that_fails_hides_nothing_seen_before() -> None:
    """The error says what the first look has seen, although the second one fails."""
    async with open_gateway(look_up_timeout=0.6) as gateway:
        inputs = CHECK_OUT.prepare(gateway)
        lose(gateway, CHECK_OUT, after=False)
        first_look = 1 + len(CHECK_OUT.reads_in_vain)
        sending = asyncio.create_task(send(gateway, CHECK_OUT, inputs))
        while len(gateway.calls) < first_look:  # noqa: ASYNC110 - the library has no event for it
            await asyncio.sleep(0.001)
        gateway.sandbox.faults.add(kind="status", status=503, method="GET")
        response = await sending

    assert len(gateway.calls) > first_look
    assert response["errors"][0]["extensions"]["seen"] == CHECK_OUT.seen_in_vain


# The operation


THREE = """mutation($out: CheckOutInput!, $in: CheckInInput!) {
    first: checkOut(input: $out) { __typename }
    second: checkIn(input: $in) { __typename }
    third: checkOut(input: $out) { __typename }
}"""


def three(gateway: Gateway) -> Json:
    point = service_point(gateway.library)
    return {
        "out": {"itemBarcode": ITEM, "userBarcode": PATRON, "servicePointId": point},
        "in": {"itemBarcode": ITEM, "servicePointId": point},
    }


async def test_mutations_go_on_after_a_confirmed_one(gateway: Gateway) -> None:
    """The extension stands once for the response, and later mutations are sent."""
    gateway.sandbox.faults.add(kind="reset", method="POST", after=True, times=2)
    response = await gateway.execute(THREE, three(gateway))

    assert response == {
        "data": {
            "first": {"__typename": "CheckedOut"},
            "second": {"__typename": "CheckedIn"},
            "third": {"__typename": "CheckedOut"},
        },
        "extensions": {"outcome": "confirmed"},
    }
    assert sum(gateway.sandbox.writes.applied.values()) == 3


async def test_mutations_are_not_attempted_after_an_unknown_one() -> None:
    """A confirmed mutation keeps its result, and those after an unknown one are not sent."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        gateway.sandbox.faults.add(kind="reset", method="POST", after=True, times=1)
        gateway.sandbox.faults.add(kind="reset", method="POST", times=1)
        response = await gateway.execute(THREE, three(gateway))

        assert response["data"] == {"first": {"__typename": "CheckedOut"}, "second": None, "third": None}
        assert response["extensions"] == {"outcome": "confirmed"}
        second, third = response["errors"]
        assert second["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert third["extensions"]["reason"] == "notAttempted"
        assert sum(gateway.sandbox.writes.applied.values()) == 1


async def test_deferred_response_has_the_extension_first(gateway: Gateway) -> None:
    """With `@defer` the extension is in the initial part."""
    lose(gateway, CHECK_OUT)
    document = """mutation($input: CheckOutInput!) { checkOut(input: $input) { ... on CheckedOut { loan {
        id ... @defer { borrower { externalSystemId } }
    } } } }"""
    response = await gateway.http.post(
        "/graphql",
        json={"query": document, "variables": {"input": CHECK_OUT.prepare(gateway)}},
        headers={"X-Okapi-Tenant": "diku", "Accept": "multipart/mixed;incrementalSpec=v0.2,application/json"},
    )

    parts = [
        json.loads(part.partition("\r\n\r\n")[2])
        for part in response.text.split("\r\n---")
        if "\r\n\r\n" in part
    ]
    assert len(parts) >= 2
    assert parts[0]["extensions"] == {"outcome": "confirmed"}
    assert all("extensions" not in part for part in parts[1:])


async def test_long_response_has_the_extension(gateway: Gateway) -> None:
    """A response that is encoded in pieces has it too."""
    library = gateway.library
    holdings = library.holdings[record(library.item_by_barcode(ITEM))["holdingsRecordId"]]
    library.instances[holdings["instanceId"]]["title"] = "x" * 2_000_000
    lose(gateway, CHECK_OUT)
    response = await gateway.execute(
        CHECK_OUT.document, {"input": CHECK_OUT.prepare(gateway)}, gateway.as_staff("head")
    )

    assert len(response["data"]["checkOut"]["loan"]["item"]["title"]) == 2_000_000
    assert response["extensions"] == {"outcome": "confirmed"}


async def test_outcome_is_recorded(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """The log has a warning for the unknown outcome and a line for the proof."""
    caplog.set_level("INFO", logger="gateway.mutation")
    lose(gateway, CHECK_OUT)
    await send(gateway, CHECK_OUT, CHECK_OUT.prepare(gateway))

    outcomes = [getattr(each, "fields", each.__dict__).get("outcome") for each in caplog.records]
    assert [each for each in outcomes if each] == ["OUTCOME_UNKNOWN", "CONFIRMED"]
