"""The client of one upstream: its requests, and the error for each status, body and exception."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import errors
from gateway.settings import Settings, UpstreamSettings
from gateway.upstream.caller import CallerClient
from gateway.upstream.client import Client, NotConfigured
from gateway.upstream.collection import BoundCollection, Collection, Page
from gateway.upstream.record_types import decode_json
from gateway.upstream.routes import Route
from gateway.upstream.services.inventory import Inventory
from gateway.upstream.statuses import Write
from gateway.upstream.transport.exceptions import TRANSLATIONS, TRANSPORT_ERRORS
from gateway.upstream.transport.transports import RenewedTransport, in_process_transport

pytestmark = pytest.mark.anyio

CHECK_OUT = Write(operation="checkOut", keys={"itemBarcode": "653285216743"}, verify="item(barcode:) { id }")
CHECK_IN = Write(
    operation="checkIn",
    keys={"itemBarcode": "653285216743"},
    verify="item(barcode:)",
    reads_afterwards=True,
)
NOT_ROUTED = b"No suitable module found for path /users for tenant diku"
SIDECAR_NOT_ROUTED = (
    b'{"errors":[{"type":"NotFoundException","code":"route_not_found_error","message":"Route is not found"}]}'
)
TOKEN_MISSING = b"Token missing, access requires permission: users.collection.get"
PERMISSION = "circulation-bff.loans.post"
KEPT_OUT = b"Access for user 'jdoe' (1) requires permission: circulation-bff.loans.post"
TRACE = b"java.lang.NullPointerException: secret\n\tat org.folio.Loan.of(Loan.java:7)"
SPRING = (
    b'{"timestamp":"2026-01-01T10:00:00Z","status":400,"error":"Bad Request","path":"/circulation-bff/x"}'
)
REFUSED = json.dumps(
    {
        "errors": [
            {
                "message": "Patron blocked",
                "code": "USER_IS_BLOCKED_MANUALLY",
                "parameters": [{"key": "reason", "value": None}],
            }
        ]
    }
).encode()

Handler = Callable[[httpx.Request], httpx.Response]


class Upstream:
    """A client over a function in place of the network, and the requests that it received."""

    def __init__(self, response: httpx.Response | Exception, limits: UpstreamSettings | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.response = response
        transport = httpx.MockTransport(self._handle)
        once = limits or Settings(read_attempts=1)  # retries have a separate file
        self.client = CallerClient(Client("folio", "http://folio", transport, once), ())

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    @property
    def users(self) -> BoundCollection:
        return Collection(Route("GET", "/users"), "users").bind(self.client)

    async def read_failure(self) -> errors.GatewayError:
        """Return the error of a read, which was sent once."""
        with pytest.raises(errors.GatewayError) as caught:
            await self.users(None, limit=10)
        assert [each.method for each in self.requests] == ["GET"]
        return caught.value

    async def write_failure(self, write: Write = CHECK_OUT) -> errors.GatewayError:
        """Return the error of a write, which was sent once."""
        with pytest.raises(errors.GatewayError) as caught:
            await self.client.write_for_record(write, Route("POST", "/write", None, PERMISSION), {})
        assert [each.method for each in self.requests] == ["POST"]
        return caught.value


def over(status: int, body: bytes = b"", **headers: str) -> Upstream:
    return Upstream(
        httpx.Response(
            status, content=body, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )
    )


# Statuses


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (400, b"", "UPSTREAM_REJECTED", False),
        (400, TOKEN_MISSING, "UNAUTHENTICATED", False),
        (401, b"", "UNAUTHENTICATED", False),
        (403, b"", "FORBIDDEN", False),
        (404, b"Not found", "UPSTREAM_BAD_RESPONSE", False),
        (404, NOT_ROUTED, "UPSTREAM_BAD_RESPONSE", False),
        (404, SIDECAR_NOT_ROUTED, "UPSTREAM_BAD_RESPONSE", False),
        (405, b"", "UPSTREAM_BAD_RESPONSE", False),
        (408, b"", "UPSTREAM_TIMEOUT", True),
        (409, b"", "CONFLICT", False),
        (412, b"", "CONFLICT", False),
        (414, b"", "LIMIT_EXCEEDED", False),
        (418, b"", "UPSTREAM_BAD_RESPONSE", False),
        (422, REFUSED, "UPSTREAM_REJECTED", False),
        (429, b"", "RATE_LIMITED", True),
        (500, TRACE, "UPSTREAM_ERROR", True),
        (501, b"", "UPSTREAM_ERROR", True),
        (502, b"", "UPSTREAM_UNAVAILABLE", True),
        (503, b"", "UPSTREAM_UNAVAILABLE", True),
        (504, b"", "UPSTREAM_UNAVAILABLE", True),
        (302, b"", "UPSTREAM_BAD_RESPONSE", False),
    ],
)
async def test_the_status_of_a_read(status: int, body: bytes, code: str, retryable: bool) -> None:
    """Each status has its code, which says if another attempt may succeed."""
    problem = await over(status, body).read_failure()

    extensions = {name: value for name, value in problem.extensions.items() if name != "reasons"}
    assert extensions == {"code": code, "retryable": retryable, "upstream": "folio", "status": status}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"", errors.Refused),
        (400, TOKEN_MISSING, errors.Unauthenticated),
        (401, b"", errors.Unauthenticated),
        (403, b"", errors.Forbidden),
        (404, b"Not found", errors.NotFound),
        (404, NOT_ROUTED, errors.UpstreamUnavailable),
        (404, SIDECAR_NOT_ROUTED, errors.UpstreamUnavailable),
        (409, b"", errors.OutcomeUnknown),
        (412, b"", errors.OutcomeUnknown),
        (422, REFUSED, errors.Refused),
        (429, b"", errors.RateLimited),
        (302, b"", errors.OutcomeUnknown),
        (405, b"", errors.OutcomeUnknown),
        (408, b"", errors.OutcomeUnknown),
        (418, b"", errors.OutcomeUnknown),
        (500, TRACE, errors.OutcomeUnknown),
        (502, b"", errors.OutcomeUnknown),
        (503, b"", errors.OutcomeUnknown),
        (504, b"", errors.OutcomeUnknown),
    ],
)
async def test_the_status_of_a_write(status: int, body: bytes, kind: type[errors.GatewayError]) -> None:
    """Only a status that proves that nothing was written is reported as a rejection."""
    problem = await over(status, body).write_failure()

    assert type(problem) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"Access Denied", errors.OutcomeUnknown),
        (403, KEPT_OUT.replace(b"circulation-bff.loans.post", b"users.item.get"), errors.OutcomeUnknown),
        (403, b"secret" + KEPT_OUT, errors.OutcomeUnknown),
        (403, KEPT_OUT, errors.Forbidden),
        (404, b"Not found", errors.OutcomeUnknown),
        (404, NOT_ROUTED, errors.OutcomeUnknown),
        (404, NOT_ROUTED.replace(b"/users", b"/write"), errors.UpstreamUnavailable),
        (404, SIDECAR_NOT_ROUTED, errors.OutcomeUnknown),
        (400, b"", errors.OutcomeUnknown),
        (400, TOKEN_MISSING, errors.OutcomeUnknown),
        (400, REFUSED, errors.Refused),
        (401, b"", errors.Unauthenticated),
        (422, REFUSED, errors.Refused),
        (429, b"", errors.OutcomeUnknown),
    ],
)
async def test_the_status_of_a_write_that_reads_afterwards(
    status: int, body: bytes, kind: type[errors.GatewayError]
) -> None:
    """Most statuses of a check-in may be those of a record that was read after the check-in.

    Only if the body names the route itself is it certain that the BFF was never called.
    """
    problem = await over(status, body).write_failure(CHECK_IN)

    assert type(problem) is kind
    if kind is errors.OutcomeUnknown:
        assert problem.details["operation"] == "checkIn"
        assert problem.details["verify"] == "item(barcode:)"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("1e999", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 0.0),
        ("Wed Oct 21 07:28:00 2015", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("1 " * 30_000, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_forwarded(status: int, header: str, seconds: float | None) -> None:
    """`Retry-After` reaches the client if it is a date or a number of seconds that JSON can hold."""
    problem = await over(status, Retry_After=header).read_failure()

    assert problem.extensions.get("retryAfter") == seconds


@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
)
@pytest.mark.parametrize("call", ["read", "write"])
async def test_retry_after_as_a_date(call: str, form: str) -> None:
    """A date, in the three forms of HTTP, is passed on as the seconds until then."""
    upstream = over(429, Retry_After=(datetime.now(UTC) + timedelta(seconds=90)).strftime(form))
    problem = await (upstream.read_failure() if call == "read" else upstream.write_failure())

    assert type(problem) is errors.RateLimited
    assert problem.extensions["retryAfter"] in range(60, 91)


async def test_a_rate_limited_write_has_retry_after() -> None:
    """A 429 is a definite rejection, so the write may be repeated later."""
    problem = await over(429, Retry_After="3").write_failure()

    assert problem.extensions == {
        "code": "RATE_LIMITED",
        "retryable": True,
        "upstream": "folio",
        "status": 429,
        "retryAfter": 3.0,
    }


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_reasons_are_complete(kind: str) -> None:
    """The library's reasons reach the caller: message, code and parameters, null values too."""
    upstream = over(422, REFUSED)
    problem = await (upstream.read_failure() if kind == "read" else upstream.write_failure())

    assert problem.extensions["reasons"] == [
        {
            "message": "Patron blocked",
            "code": "USER_IS_BLOCKED_MANUALLY",
            "parameters": [{"key": "reason", "value": None}],
        }
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
async def test_free_text_is_not_forwarded(status: int) -> None:
    """No word of a stack trace, a page or a text of a service is part of an error."""
    for body in (TRACE, b"<html><title>secret</title></html>", b"secret", b'"secret"'):
        for problem in (await over(status, body).read_failure(), await over(status, body).write_failure()):
            assert "secret" not in problem.message
            assert "secret" not in json.dumps(problem.extensions)


async def test_an_error_of_spring_has_its_reason_and_no_path() -> None:
    """Spring's own JSON names the kind of error; its path is not forwarded."""
    problem = await over(400, SPRING).read_failure()

    assert problem.extensions["reasons"] == [{"message": "Bad Request"}]


# Records and pages


async def test_a_record_by_its_path() -> None:
    """The record is returned as upstream sent it."""
    upstream = over(200, b'{"id":"a","unknown":[1,null]}')

    assert await upstream.client.read_record(Route("GET", "/loans/{id}"), "a") == {
        "id": "a",
        "unknown": [1, None],
    }
    assert [str(each.url) for each in upstream.requests] == ["http://folio/loans/a"]


@pytest.mark.parametrize("body", [b"", b"loan record with ID a cannot be found", b"{}", b"<html>"])
async def test_an_absent_record_is_none(body: bytes) -> None:
    """A 404 to a read by id is a result, in any form."""
    assert await over(404, body).client.read_record(Route("GET", "/loans/{id}"), "a") is None


@pytest.mark.parametrize("body", [NOT_ROUTED, SIDECAR_NOT_ROUTED])
async def test_an_absent_interface_is_no_absent_record(body: bytes) -> None:
    """A 404 about the path is an error: as a missing record it would mean that no loan exists."""
    with pytest.raises(errors.UpstreamBadResponse) as caught:
        await over(404, body).client.read_record(Route("GET", "/loans/{id}"), "a")

    assert caught.value.message == "folio does not serve this request here."


async def test_an_absent_collection_is_no_absent_record() -> None:
    """An older BFF sends 404 for a list that it does not serve; no record was named, so none is absent."""
    upstream = over(404, b"Not Found")

    with pytest.raises(errors.UpstreamBadResponse, match="does not serve this request here"):
        await upstream.client.read_object(
            Route("GET", "/circulation-bff/requests/search-instances"), {"query": "id==a"}
        )


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"a"', b"", b"<html>"])
async def test_a_record_must_be_an_object(body: bytes) -> None:
    """Any other JSON is no record."""
    with pytest.raises(errors.UpstreamBadResponse, match=r"^folio sent a response of an unexpected shape\.$"):
        await over(200, body).client.read_record(Route("GET", "/loans/{id}"), "a")


@pytest.mark.parametrize(
    ("requested", "body", "total"),
    [
        (True, b'{"users":[],"totalRecords":7}', 7),
        (True, b'{"users":[]}', None),
        (True, b'{"users":[],"totalRecords":"7"}', None),
        (True, b'{"users":[],"totalRecords":true}', None),
        (True, b'{"users":[],"totalRecords":99999999999999999999}', 99999999999999999999),
        (False, b'{"users":[],"totalRecords":7}', 7),
    ],
)
async def test_the_total_of_a_page(requested: bool, body: bytes, total: int | None) -> None:
    """A total is returned if it was sent: unless it was requested, it may be an estimate."""
    upstream = over(200, body)

    assert await upstream.users(None, limit=5, total=requested) == Page([], total)
    mode = "exact" if requested else "none"
    assert str(upstream.requests[0].url) == f"http://folio/users?limit=5&totalRecords={mode}"


class User(msgspec.Struct):
    id: str


class UserPage(msgspec.Struct):
    users: list[User]


async def test_a_page_may_be_decoded_by_its_caller() -> None:
    """The body is returned as it was sent, for a typed decoder; the generic one reads what that rejects."""
    of_types = msgspec.json.Decoder(UserPage)
    body = b'{"users":[{"id":"a","more":1}],"totalRecords":7}'
    upstream = over(200, body)

    came = await upstream.users('id=="a"', limit=5, offset=10, total=True)
    assert came == Page([{"id": "a", "more": 1}], 7)
    assert await upstream.users.read_body('id=="a"', limit=5, offset=10, total=True) == body
    assert of_types.decode(body).users == [User("a")]
    first, second = upstream.requests
    assert (first.url, first.headers) == (second.url, second.headers)

    odd = over(200, b'{"users":[{"id":7}],"totalRecords":7}')
    undecoded = await odd.users.read_body(None, limit=5)
    with pytest.raises(msgspec.ValidationError):
        of_types.decode(undecoded)
    assert odd.users.page(undecoded) == Page([{"id": 7}], 7)
    assert len(odd.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"users":null}', b'{"users":['])
async def test_a_body_that_is_no_page(body: bytes) -> None:
    """An undecoded body may be anything; decoded it is None, and a call raises an error."""
    upstream = over(200, body)

    assert await upstream.users.read_body(None, limit=5) == body
    with pytest.raises(errors.UpstreamBadResponse, match="an unexpected shape"):
        await upstream.users(None, limit=5)
    assert upstream.users.page(body) is None


@pytest.mark.parametrize("status", [401, 404, 422, 500])
async def test_no_body_of_an_error_is_returned_undecoded(status: int) -> None:
    """A status other than success raises here as in other calls."""
    with pytest.raises(errors.GatewayError) as decoded_way:
        await over(status, b"{}").users(None, limit=1)
    with pytest.raises(errors.GatewayError) as undecoded_way:
        await over(status, b"{}").users.read_body(None, limit=1)

    assert type(undecoded_way.value) is type(decoded_way.value)


async def test_a_path_with_and_without_a_record() -> None:
    """None if upstream has no record, an error if the path is not served or has no object."""
    assert await over(200, b'{"id":"a"}').client.read_record(Route("GET", "/loans/{id}"), "a") == {"id": "a"}
    assert await over(404, b"{}").client.read_record(Route("GET", "/loans/{id}"), "a") is None
    with pytest.raises(errors.UpstreamBadResponse):
        await over(404, NOT_ROUTED).client.read_record(Route("GET", "/loans/{id}"), "a")
    with pytest.raises(errors.UpstreamBadResponse):
        await over(200, b"[]").client.read_record(Route("GET", "/loans/{id}"), "a")


USERS = b'{"users":[{"id":"a"}]}'
ZIPPED = gzip.compress(USERS)


def in_pieces(*pieces: bytes, encoding: str = "gzip") -> Upstream:
    """Return a client whose response body arrives in these pieces."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return Upstream(httpx.Response(200, content=body(), headers={"Content-Encoding": encoding}))


@pytest.mark.parametrize(
    ("pieces", "encoding"),
    [
        ([ZIPPED], "gzip"),
        ([ZIPPED[:20], b"", ZIPPED[20:]], "gzip"),
        ([ZIPPED[at : at + 1] for at in range(len(ZIPPED))], "GZip"),
        ([USERS[:9], USERS[9:]], "identity"),
    ],
    ids=["whole", "halves", "bytes", "plain"],
)
async def test_a_body_is_decoded_in_any_pieces(pieces: list[bytes], encoding: str) -> None:
    """It makes no difference how the network splits a compressed response."""
    page = await in_pieces(*pieces, encoding=encoding).users(None, limit=1)

    assert page.records == [{"id": "a"}]


@pytest.mark.parametrize(
    ("pieces", "encoding"),
    [
        ([ZIPPED[:-1]], "gzip"),
        ([ZIPPED, b"x"], "gzip"),
        ([ZIPPED + b"x"], "gzip"),
        ([ZIPPED, ZIPPED], "gzip"),
        ([USERS], "gzip"),
        ([gzip.compress(ZIPPED)], "gzip, gzip"),
        ([USERS], "br"),
    ],
    ids=["cut", "more later", "more at once", "two", "plain", "nested", "unknown"],
)
async def test_a_body_that_cannot_be_decompressed_is_not_used(pieces: list[bytes], encoding: str) -> None:
    """No part of it is used, even if its first part is readable."""
    problem = await in_pieces(*pieces, encoding=encoding).read_failure()

    assert type(problem) is errors.UpstreamBadResponse
    assert problem.message == "folio sent a response that cannot be decompressed."


async def test_an_empty_response_may_be_labelled_as_compressed() -> None:
    """Servers label bodies that they never compressed; an absent record is still absent."""
    assert (
        await over(404, Content_Encoding="gzip").client.read_record(Route("GET", "/loans/{id}"), "a") is None
    )


async def test_the_query_string_of_a_page() -> None:
    """The limit is always sent, the offset if there is one, and the constant parameters of the collection."""
    upstream = over(200, b'{"servicepoints":[]}')
    points = Inventory.service_points.bind(upstream.client)

    await points('name=="a b"', limit=50, offset=100)

    assert upstream.requests[0].url.raw_path == (
        b"/service-points?query=name%3D%3D%22a%20b%22&limit=50&offset=100&totalRecords=none"
        b"&includeRoutingServicePoints=true"
    )


async def test_a_read_beyond_every_limit_is_not_sent() -> None:
    """An address that no server would read is rejected here."""
    upstream = over(200, b'{"users":[]}')

    with pytest.raises(errors.LimitExceeded) as caught:
        await upstream.users("a" * 70_000, limit=1)

    assert caught.value.message == "The request is too long for folio; request less at once."
    assert upstream.requests == []


@given(st.binary())
def test_any_bytes_can_be_decoded(body: bytes) -> None:
    """Bytes that are not JSON are None, and nothing is raised."""
    try:
        expected = json.loads(body.decode(), parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        expected = None
    if expected is None:
        assert decode_json(body) is None


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_all_json_can_be_decoded(value: object) -> None:
    """JSON is returned as it was written."""
    assert decode_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("body", [b"9" * 5000, b'"\\ud800', b"[" * 100_000, b"NaN", b"\xef\xbb\xbf{}"])
def test_hostile_json_is_no_json(body: bytes) -> None:
    """Huge numbers, truncated texts and endless nesting are not decoded."""
    assert decode_json(body) is None


# Writes


async def test_a_write_as_it_is_sent() -> None:
    """The body is JSON and labelled so; the response is parsed by its content."""
    upstream = over(201, b'{"id":"a"}')

    assert await upstream.client.write_for_record(CHECK_OUT, Route("POST", "/write"), {"a": "é"}) == {
        "id": "a"
    }
    assert upstream.requests[0].content == '{"a":"é"}'.encode()
    assert upstream.requests[0].headers["Content-Type"] == "application/json"


async def test_a_write_without_a_body_has_no_type() -> None:
    """A release has no body and no Content-Type."""
    upstream = over(204)

    response = await upstream.client.write(CHECK_OUT, Route("DELETE", "/locks/27/1"), None)

    assert (response.status, response.body) == (204, b"")
    assert upstream.requests[0].content == b""
    assert "Content-Type" not in upstream.requests[0].headers


async def test_an_expected_status_is_returned() -> None:
    """If a status means more than HTTP says, the caller of the client handles it."""
    upstream = over(409, b'{"Data":{}}')

    response = await upstream.client.write(CHECK_OUT, Route("POST", "/locks"), {}, expected=frozenset({409}))

    assert (response.status, response.body) == (409, b'{"Data":{}}')
    assert (
        await upstream.client.read_response(Route("GET", "/locks"), "", expected=frozenset({409}))
    ).status == 409


async def test_a_write_whose_response_is_cut_is_unknown() -> None:
    """Even a status of success is no success until its body has arrived."""

    async def broken() -> AsyncIterator[bytes]:
        yield b'{"id":'
        raise httpx.ReadError("reset")

    problem = await Upstream(httpx.Response(200, content=broken())).write_failure()

    assert type(problem) is errors.OutcomeUnknown


# Exceptions


def exceptions_of_httpx() -> list[type[httpx.HTTPError]]:
    return [
        kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, httpx.HTTPError)
    ]


def raised(kind: type[httpx.HTTPError]) -> httpx.HTTPError:
    request = httpx.Request("GET", "http://folio")
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("secret", request=request, response=httpx.Response(500, request=request))
    return kind("secret")


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: kind.__name__)
async def test_every_exception_of_httpx_is_translated(kind: type[httpx.HTTPError]) -> None:
    """Each public exception has a row, its own or a parent's; only the roots may use the root's."""
    row = next(each for each in kind.__mro__ if each in TRANSLATIONS)
    expected, message = TRANSLATIONS[row]

    problem = await Upstream(raised(kind)).read_failure()

    assert (type(problem), problem.message) == (expected, f"folio {message}.")
    assert isinstance(problem.__cause__, kind)
    assert row is not httpx.HTTPError or kind in (httpx.HTTPError, httpx.RequestError, httpx.TransportError)


def test_the_walk_finds_the_exceptions() -> None:
    """The test above covers something: httpx exports this many, and the leaves that matter are among them."""
    exceptions = set(exceptions_of_httpx())

    assert len(exceptions) >= 20
    assert {
        httpx.ConnectError,
        httpx.ReadTimeout,
        httpx.RemoteProtocolError,
        httpx.DecodingError,
    } <= exceptions


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (httpx.ConnectTimeout, errors.UpstreamUnavailable),
        (httpx.PoolTimeout, errors.UpstreamUnavailable),
        (httpx.ReadTimeout, errors.UpstreamTimeout),
        (httpx.WriteTimeout, errors.UpstreamTimeout),
        (httpx.ConnectError, errors.UpstreamUnavailable),
        (httpx.ReadError, errors.UpstreamUnavailable),
        (httpx.RemoteProtocolError, errors.UpstreamUnavailable),
        (httpx.DecodingError, errors.UpstreamBadResponse),
    ],
)
async def test_the_most_specific_row_wins(
    kind: type[httpx.HTTPError], expected: type[errors.GatewayError]
) -> None:
    """A connection that takes too long is no slow response."""
    assert type(await Upstream(raised(kind)).read_failure()) is expected


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: kind.__name__)
async def test_the_outcome_of_a_write_by_exception(kind: type[httpx.HTTPError]) -> None:
    """Only the exceptions of connecting prove that nothing was sent; all others leave the outcome unknown."""
    unsent = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol}

    problem = await Upstream(raised(kind)).write_failure()

    assert type(problem) is (errors.UpstreamUnavailable if kind in unsent else errors.OutcomeUnknown)
    assert "secret" not in problem.message


@pytest.mark.parametrize(
    "problem",
    [
        ConnectionResetError(),
        BrokenPipeError(),
        OSError(),
    ],
    ids=lambda problem: type(problem).__name__,
)
async def test_exceptions_below_httpx_are_translated(problem: Exception) -> None:
    """An application in this process fails as a socket does, and that is a failure of upstream."""
    assert isinstance(problem, TRANSPORT_ERRORS)
    assert type(await Upstream(problem).read_failure()) is errors.UpstreamUnavailable
    assert type(await Upstream(problem).write_failure()) is errors.OutcomeUnknown


async def test_an_exception_of_the_gateway_is_not_translated() -> None:
    """An exception that no transport raises stays as it is."""
    with pytest.raises(KeyError, match="ours"):
        await Upstream(KeyError("ours")).users(None, limit=1)


async def test_an_application_in_this_process_may_reset() -> None:
    """A reset on a network is a reset in this process, too."""

    async def app(scope: object, receive: object, send: object) -> None:
        raise ConnectionResetError

    client = CallerClient(Client("folio", "http://sandbox", in_process_transport(app), Settings()), ())

    with pytest.raises(errors.UpstreamUnavailable):
        await client.read_object(Route("GET", "/users"), {})
    with pytest.raises(errors.OutcomeUnknown):
        await client.write(CHECK_OUT, Route("POST", "/write"), {})


# Slots


async def settle() -> None:
    """Run everything that needs no time."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_a_slot_is_released_after_every_end() -> None:
    """Success, rejection, failure and cancellation each release the only slot."""
    limits = Settings(upstream_concurrency=1, read_timeout=0.05, act_timeout=0.05, operation_timeout=1)
    upstream = Upstream(httpx.Response(200, content=b'{"users":[]}'), limits)

    async def forever(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    slow = CallerClient(Client("folio", "http://folio", httpx.MockTransport(forever), limits), ())
    for _ in range(2):
        with pytest.raises(errors.UpstreamTimeout):
            await slow.read_object(Route("GET", "/users"), {})
        with pytest.raises(errors.OutcomeUnknown):
            await slow.write(CHECK_OUT, Route("POST", "/write"), {})
        waiting = asyncio.create_task(slow.read_object(Route("GET", "/users"), {}))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    for response in (
        httpx.Response(200, content=b'{"users":[]}'),
        httpx.Response(422),
        httpx.Response(500),
        httpx.ReadError("reset"),
        KeyError("ours"),
        httpx.Response(200, content=b'{"users":[]}'),
    ):
        upstream.response = response
        for call in (
            upstream.users(None, limit=1),
            upstream.client.write(CHECK_OUT, Route("POST", "/write"), {}),
        ):
            await asyncio.gather(call, return_exceptions=True)
    assert (await upstream.users(None, limit=1)).records == []


async def test_a_waiting_call_may_be_cancelled() -> None:
    """A caller that leaves the queue takes no slot."""
    gate = asyncio.Event()

    async def gated(request: httpx.Request) -> httpx.Response:
        await gate.wait()
        return httpx.Response(200, content=b"{}")

    limits = Settings(upstream_concurrency=1)
    client = CallerClient(Client("folio", "http://folio", httpx.MockTransport(gated), limits), ())
    running, leaving, staying = (
        asyncio.create_task(client.read_object(Route("GET", "/users"), {})) for _ in range(3)
    )
    await settle()
    leaving.cancel()
    await asyncio.sleep(0)
    gate.set()

    assert await running == await staying == {}
    assert leaving.cancelled()


async def test_sent_at_is_utc_to_the_millisecond() -> None:
    """The time in an unknown outcome can be compared with upstream's."""
    before = datetime.now(UTC)
    problem = await over(500).write_failure()

    text = problem.details["sentAt"]
    assert text.endswith("Z")
    assert len(text) == len("2026-11-22T20:45:00.123Z")
    assert 0 <= (datetime.fromisoformat(text) - before).total_seconds() + 0.001 < 1


class Slow(httpx.AsyncBaseTransport):
    """A transport whose calls never end, and that counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_pool_is_replaced_after_cancelled_calls() -> None:
    """The pool that lost connections is closed with its last call, and every pool with the transport."""
    pools: list[Slow] = []

    def create() -> Slow:
        pools.append(Slow())
        return pools[-1]

    transport = RenewedTransport(create, 2)

    def call() -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(transport.handle_async_request(httpx.Request("GET", "http://folio")))

    first, second, last = call(), call(), call()
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert len(pools) == 1

    second.cancel()
    await asyncio.wait([second])
    newer = call()
    await settle()
    assert [each.closed for each in pools] == [0, 0]

    last.cancel()
    await asyncio.wait([last])
    await settle()
    assert [each.closed for each in pools] == [1, 0]

    newer.cancel()
    await asyncio.wait([newer])
    await transport.aclose()
    assert [each.closed for each in pools] == [1, 1]


class Stubborn(httpx.AsyncByteStream):
    """A body that waits in one of the two places in which a call may be cancelled."""

    def __init__(self, place: str) -> None:
        self.place = place

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        if self.place == "in the body":
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        if self.place == "at the end":
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("place", "count"), [("in the body", 2), ("at the end", 2), ("nowhere", 1)], ids=lambda value: value
)
async def test_a_call_may_be_cancelled_after_its_response_began(place: str, count: int) -> None:
    """A connection is lost as easily while the body is read or closed; a complete one loses none."""
    pools: list[httpx.MockTransport] = []

    def pool() -> httpx.MockTransport:
        pools.append(httpx.MockTransport(lambda request: httpx.Response(200, stream=Stubborn(place))))
        return pools[-1]

    transport = RenewedTransport(pool, 1)
    client = CallerClient(Client("folio", "http://folio", transport, Settings()), ())
    call = asyncio.create_task(client.read_response(Route("GET", "/users"), ""))
    await settle()
    call.cancel()
    await asyncio.wait([call])

    assert call.cancelled() is (count == 2)
    assert len(pools) == count


# No address


async def test_a_service_without_an_address_is_not_called() -> None:
    """Reads and writes fail with the setting that the operator has to set; a retry does not help."""
    missing = NotConfigured("polaris", "POLARIS_URL")
    client = CallerClient(missing, ())
    calls = (
        client.read_record(Route("GET", "/locks/{id}"), "1"),
        client.read_object(Route("GET", "/locks"), {}),
        Collection(Route("GET", "/locks"), "locks").bind(client)(None, limit=1),
        client.write(CHECK_OUT, Route("POST", "/locks"), {}),
    )

    for call in calls:
        with pytest.raises(errors.UpstreamNotConfigured) as caught:
            await call
        assert caught.value.message == "polaris is not configured: the operator has to set POLARIS_URL."
        assert caught.value.extensions == {
            "code": "UPSTREAM_UNAVAILABLE",
            "retryable": False,
            "upstream": "polaris",
        }
    await missing.aclose()
