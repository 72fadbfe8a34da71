"""What is sent and what comes back: keeps deadlines and the size cap, translates every failure.

Reads (`GET`) may be cancelled at any time, and asked again. Acts (everything else) are sent exactly once: no
layer below repeats them, and when no conclusive answer comes the outcome is `OutcomeUnknown`, never a guess.
"""

from __future__ import annotations

import asyncio
import logging
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
import httpx
import msgspec

from gateway import errors
from gateway.upstream.breaker import Breakers, NoBreaker
from gateway.upstream.deadline import Deadline
from gateway.upstream.error_body import kept_out_of_bff, not_routed, reasons_in, token_missing
from gateway.upstream.retries import Passing, Retries, passing
from gateway.upstream.transport import Limits, Transport

Record = dict[str, Any]
"""A JSON object as upstream sent it. `Any` because this is where JSON becomes a record."""

Headers = Sequence[tuple[str, str]]

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every URL, CQL and all

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act as the caller knows it, so that an unknown outcome can be looked up.

    `keys` are the caller's own (barcodes, ids); `verify` names the query that tells what happened.
    `looks_up_afterwards` is true where upstream acts first and looks up afterwards, so that its 403 and 404
    do not mean that nothing happened (mod-circulation-bff, CheckInServiceImpl).
    """

    operation: str
    keys: Mapping[str, str | int]
    verify: str
    looks_up_afterwards: bool = False


def keys_in(body: Record, *names: str) -> dict[str, str]:
    """The caller's own keys in the body of an act, as far as they were given."""
    return {name: body[name] for name in names if name in body}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status the caller of `Client` asked to see, with its body, and when the question or act was sent."""

    status: int
    body: bytes
    sent_at: datetime


@dataclass(slots=True)
class _Sent:
    """How far a call has come."""

    out: bool = False
    body_began: bool = False


@dataclass(frozen=True, slots=True)
class _Cut:
    """How long a read may take, and by whose limit."""

    seconds: float
    limit: float
    by_operation: bool


class NotConfigured:
    """Stands where a service has no address: every question and act is refused before it is sent."""

    base_path = ""

    def __init__(self, name: str, setting: str) -> None:
        self.name = name
        self._error = f"{name} is not configured here; an operator sets {setting}."

    def fail(self) -> errors.UpstreamNotConfigured:
        return errors.UpstreamNotConfigured(self._error, upstream=self.name)

    async def get(
        self,
        path: str,
        query: str,
        headers: Headers,
        expected: frozenset[int],
        tenant: str | None,
        deadline: Deadline | None,
    ) -> Answer:
        raise self.fail()

    async def act(
        self,
        act: Act,
        method: str,
        path: str,
        body: object,
        headers: Headers,
        expected: frozenset[int],
        tenant: str | None,
    ) -> Answer:
        raise self.fail()

    async def aclose(self) -> None:
        return None


class Client:
    """One upstream service for the life of the process. Holds nothing of any caller."""

    def __init__(self, name: str, base_url: str, transport: Transport, limits: Limits) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self.base_path = httpx.URL(self._base_url).raw_path.decode().rstrip("/")
        self._limits = limits
        self._free = asyncio.Semaphore(limits.concurrency)
        self._retries = Retries(limits.attempts, limits.pauses)
        self._breakers = Breakers(name) if limits.breaker else NoBreaker()
        self._http = httpx.AsyncClient(
            transport=transport,
            headers={"Accept-Encoding": "gzip"},  # what `_body` decodes
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),  # stores and sends nothing
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(limits.first_byte, connect=limits.connect, pool=limits.connect),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def get(
        self,
        path: str,
        query: str,
        headers: Headers,
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
        deadline: Deadline | None = None,
    ) -> Answer:
        """Ask. `query` is percent-encoded already. A status that is neither 2xx nor `expected` raises."""
        url = f"{self._base_url}{path}?{query}" if query else f"{self._base_url}{path}"
        try:
            request = self._http.build_request("GET", url, headers=list(headers))
        except httpx.InvalidURL as problem:  # beyond 65536 characters; what it says is encoded
            raise _too_long(self.name) from problem
        cut = self._cut(deadline)
        until = asyncio.get_running_loop().time() + cut.seconds
        return await self._retries.of(lambda: self._ask(request, expected, tenant, cut, until), until)

    async def _ask(
        self, request: httpx.Request, expected: frozenset[int], tenant: str | None, cut: _Cut, until: float
    ) -> Answer:
        """Ask once. Raises `Passing` where another attempt may fare better."""
        with self._breakers.call(tenant, read=True) as verdict:
            sent = _Sent()
            try:
                async with asyncio.timeout_at(until):
                    await self._take_slot()
                    try:
                        sent.out = True
                        answer, head = await self._exchange(request, sent)
                    finally:
                        self._free.release()
            except TimeoutError as problem:
                if sent.out and not cut.by_operation:  # a rest of an operation is too short to blame upstream
                    verdict.failed = True
                raise self._timeout(cut) from problem
            except FOREIGN as problem:
                verdict.failed = True
                error = self._read_failure(problem)
                if isinstance(problem, BROKEN_OFF) and not sent.body_began:
                    raise Passing(error) from problem
                raise error from problem
            verdict.failed = answer.status >= 500
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        error = self._read_refusal(answer, head)
        after = _retry_after(head)
        raise Passing(error, after or 0.0) if passing(answer.status, after) else error

    def _cut(self, deadline: Deadline | None) -> _Cut:
        """The time of a read: its own, or what is left of the operation's. Raises where that is nothing."""
        left = math.inf if deadline is None else deadline.left()
        if deadline is None or left > self._limits.read:
            return _Cut(self._limits.read, self._limits.read, by_operation=False)
        cut = _Cut(left, deadline.seconds, by_operation=True)
        if left <= 0:
            raise self._timeout(cut)
        return cut

    def _timeout(self, cut: _Cut) -> errors.UpstreamTimeout:
        whose = "the operation's " if cut.by_operation else ""
        return errors.UpstreamTimeout(
            f"{self.name} did not answer within {whose}{cut.limit:g} s.", upstream=self.name
        )

    async def act(
        self,
        act: Act,
        method: str,
        path: str,
        body: object,
        headers: Headers,
        expected: frozenset[int] = frozenset(),
        tenant: str | None = None,
    ) -> Answer:
        """Send an act, once. A refusal raises `Refused`, an inconclusive end raises `OutcomeUnknown`."""
        content = None if body is None else _encode(body)
        sent_headers = list(headers)
        if content is not None:
            sent_headers.append(("Content-Type", "application/json"))
        request = self._http.build_request(
            method, f"{self._base_url}{path}", content=content, headers=sent_headers
        )
        with self._breakers.call(tenant, read=False) as verdict:
            await self._take_slot()
            sent_at = datetime.now(UTC)
            try:
                async with asyncio.timeout(self._limits.act):
                    answer, head = await self._exchange(request, _Sent(), first_byte=self._limits.act)
            except TimeoutError as problem:
                verdict.failed = True
                raise outcome_unknown(self.name, act, sent_at) from problem
            except FOREIGN as problem:
                verdict.failed = True
                if _never_sent(problem):
                    raise errors.UpstreamUnavailable(
                        f"{self.name} cannot be reached; nothing was sent.", upstream=self.name
                    ) from problem
                raise outcome_unknown(self.name, act, sent_at) from problem
            except errors.UpstreamBadResponse as problem:
                raise outcome_unknown(self.name, act, sent_at) from problem
            finally:
                self._free.release()
            verdict.failed = answer.status >= 500
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        raise self._act_refusal(act, sent_at, answer, head)

    async def _take_slot(self) -> None:
        # An own semaphore, because httpcore loses the slots of calls that are cancelled in its queue (#1093).
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._limits.queue):
                await self._free.acquire()
        except TimeoutError as problem:
            raise errors.UpstreamUnavailable(
                f"{self.name} is busy; nothing was sent.", upstream=self.name
            ) from problem

    async def _exchange(
        self, request: httpx.Request, sent: _Sent, *, first_byte: float | None = None
    ) -> tuple[Answer, httpx.Headers]:
        if first_byte is not None:
            request.extensions["timeout"] = {**request.extensions["timeout"], "read": first_byte}
        sent_at = datetime.now(UTC)
        response = await self._http.send(request, stream=True)
        try:
            body = await self._body(response, sent)
        finally:
            await response.aclose()
        return Answer(response.status_code, body, sent_at), response.headers

    async def _body(self, response: httpx.Response, sent: _Sent) -> bytes:
        """The decoded body. Nothing is decoded beyond the cap, because 300 KB of gzip can be 300 MB."""
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - httpx types both kinds as one
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        gunzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        if gunzip is None and encoding != "identity":
            raise self._not_decompressed()
        chunks: list[bytes] = []
        left = self._limits.max_bytes
        async for raw in response.stream:
            if not raw:
                continue
            sent.body_began = True
            chunk = raw if gunzip is None else self._gunzipped(gunzip, raw, left + 1)
            left -= len(chunk)
            if left < 0:
                raise errors.UpstreamBadResponse(
                    f"{self.name} sent more than {self._limits.max_bytes} bytes.", upstream=self.name
                )
            chunks.append(chunk)
        if gunzip is not None and chunks and (gunzip.unused_data or not gunzip.eof):
            raise self._not_decompressed()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _gunzipped(self, gunzip: zlib._Decompress, raw: bytes, most: int) -> bytes:
        if gunzip.eof:
            raise self._not_decompressed()
        try:
            return gunzip.decompress(raw, most)
        except zlib.error as problem:
            raise self._not_decompressed() from problem

    def _not_decompressed(self) -> errors.UpstreamBadResponse:
        return errors.UpstreamBadResponse(
            f"{self.name} sent an answer that cannot be decompressed.", upstream=self.name
        )

    def _read_failure(self, problem: Exception) -> errors.GatewayError:
        kind, said = _translation(problem)
        return kind(f"{self.name} {said}.", upstream=self.name)

    def _read_refusal(self, answer: Answer, head: httpx.Headers) -> errors.GatewayError:
        if answer.status == 414:
            return _too_long(self.name, status=414)
        known = self._refusal(answer, head, errors.UpstreamRejected)
        return known or self._failed(answer, head)

    def _act_refusal(
        self, act: Act, sent_at: datetime, answer: Answer, head: httpx.Headers
    ) -> errors.GatewayError:
        if answer.status in (409, 412):  # from a service behind, when another may have written already
            return outcome_unknown(self.name, act, sent_at)
        if act.looks_up_afterwards and answer.status in (403, 404) and not kept_out_of_bff(answer.body):
            return outcome_unknown(self.name, act, sent_at)
        if not_routed(answer.body) and answer.status == 404:
            return errors.UpstreamUnavailable(
                f"{self.name} is not there for this tenant; nothing was done.", upstream=self.name, status=404
            )
        return self._refusal(answer, head, errors.Refused) or outcome_unknown(self.name, act, sent_at)

    def _refusal(
        self, answer: Answer, head: httpx.Headers, rejected: type[errors.GatewayError]
    ) -> errors.GatewayError | None:
        """The error for a status that says for certain: refused. None for the others."""
        status = answer.status
        if status == 401 or (status == 400 and token_missing(answer.body)):
            return errors.Unauthenticated(
                f"{self.name} does not accept the token, or none was sent.", upstream=self.name, status=status
            )
        if status in (400, 422):
            reasons = reasons_in(answer.body)
            return rejected(f"{self.name} refused.", upstream=self.name, status=status, reasons=reasons)
        if status == 403:
            return errors.Forbidden(
                f"{self.name} says that this user may not do this.", upstream=self.name, status=status
            )
        if status == 404 and not not_routed(answer.body):
            return errors.NotFound(f"{self.name} has no such record.", upstream=self.name, status=status)
        if status in (409, 412):
            return errors.Conflict(
                f"{self.name} says that the record changed or is in use.", upstream=self.name, status=status
            )
        if status == 429:
            return errors.RateLimited(
                f"{self.name} wants fewer requests.",
                upstream=self.name,
                status=status,
                retry_after=_retry_after(head),
            )
        return None

    def _failed(self, answer: Answer, head: httpx.Headers) -> errors.GatewayError:
        status = answer.status
        if status == 408:  # the sidecar's read_timeout_error
            return errors.UpstreamTimeout(
                f"{self.name} did not answer in time.", upstream=self.name, status=status
            )
        if status in (502, 503, 504):
            return errors.UpstreamUnavailable(
                f"{self.name} is not ready.",
                upstream=self.name,
                status=status,
                retry_after=_retry_after(head),
            )
        if status >= 500:
            return errors.UpstreamError(f"{self.name} failed.", upstream=self.name, status=status)
        return _not_served(self.name, status)


class CallerClient:
    """A client that asks in one caller's name; lives as long as one operation."""

    __slots__ = ("_client", "_deadline", "_headers", "_tenant")

    def __init__(
        self,
        client: Client | NotConfigured,
        headers: Headers,
        tenant: str | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self._client = client
        self._headers = headers
        self._tenant = tenant
        self._deadline = deadline

    @property
    def name(self) -> str:
        return self._client.name

    @property
    def base_path(self) -> str:
        return self._client.base_path

    async def one(self, path: str) -> Record | None:
        """The record at this path; None where upstream says 404."""
        try:
            answer = await self._get(path, "")
        except errors.NotFound:
            return None
        return self._object(answer.body)

    async def question(self, path: str, query: Mapping[str, str]) -> Record:
        """One JSON object that a question with parameters gives."""
        return self._object((await self.asked(path, encoded(query))).body)

    async def asked(self, path: str, query: str) -> Answer:
        """The answer to a question that names no record, so that a 404 is about the question."""
        try:
            return await self._get(path, query)
        except errors.NotFound as problem:
            raise _not_served(self.name, 404) from problem

    async def _get(self, path: str, query: str, expected: frozenset[int] = frozenset()) -> Answer:
        return await self._client.get(path, query, self._headers, expected, self._tenant, self._deadline)

    async def list_of(self, path: str, key: str) -> list[Record]:
        """A list that upstream never pages, whole."""
        body = await self.question(path, {})
        records = body.get(key)
        if not isinstance(records, list) or any(type(record) is not dict for record in records):
            raise self.bad_shape()
        return records

    async def answer(self, path: str, query: Mapping[str, str], expected: frozenset[int]) -> Answer:
        """The answer as it is, for services whose statuses mean more than HTTP says."""
        return await self._get(path, encoded(query), expected)

    async def act(
        self,
        act: Act,
        method: Literal["POST", "PUT", "DELETE"],
        path: str,
        body: object,
        expected: frozenset[int] = frozenset(),
    ) -> Answer:
        try:
            return await self._client.act(act, method, path, body, self._headers, expected, self._tenant)
        finally:
            if self._deadline is not None:
                self._deadline.renew()  # for the links below the answer

    async def act_for_record(self, act: Act, path: str, body: object, *, proof: str | None = None) -> Record:
        """Post an act whose success is one JSON object; without its member `proof` it proves nothing."""
        answer = await self.act(act, "POST", path, body)
        record = decoded(answer.body)
        if not isinstance(record, dict) or not record or (proof is not None and not record.get(proof)):
            raise self.unreadable(act, answer)
        return record

    async def act_without_record(
        self, act: Act, method: Literal["POST", "PUT"], path: str, body: object
    ) -> None:
        """Send an act whose success is a bare 201 or 204: the page of a proxy in its place tells nothing."""
        answer = await self.act(act, method, path, body)
        if answer.status not in (201, 204):
            raise self.unreadable(act, answer)

    def unreadable(self, act: Act, answer: Answer) -> errors.OutcomeUnknown:
        """The error for an act whose 2xx answer cannot be read."""
        return outcome_unknown(self.name, act, answer.sent_at)

    def _object(self, body: bytes) -> Record:
        record = decoded(body)
        if not isinstance(record, dict):
            raise self.bad_shape()
        return record

    def bad_shape(self) -> errors.UpstreamBadResponse:
        return errors.UpstreamBadResponse(f"{self.name} sent an answer of another shape.", upstream=self.name)


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a collection; `total` only where it was asked for and upstream told."""

    records: list[Record]
    total: int | None


class Collection:
    """A question that takes CQL and answers a page: `await users(query, limit=50)`."""

    __slots__ = ("_client", "_extra", "_key", "_mark", "path", "tie_break")

    def __init__(
        self,
        client: CallerClient,
        path: str,
        key: str,
        extra: str = "",
        tie_break: str = "id",
        mark: str | None = None,
    ) -> None:
        self._client = client
        self.path = path
        self._key = key
        self._extra = extra
        self._mark = mark  # a member that every record gets, where it matters who sent it
        self.tie_break = tie_break  # the index whose value no two records share

    async def __call__(self, query: str | None, *, limit: int, offset: int = 0, total: bool = False) -> Page:
        answer = await self._client.asked(self.path, self._query_string(query, limit, offset, total))
        page = self._page(decoded(answer.body))
        return page if total else Page(page.records, None)

    def request_line_length(self, query: str, *, limit: int) -> int:
        """Bytes of the request line that `query` would make, HTTP version and blanks included."""
        path = self._client.base_path + self.path
        return len(f"GET {path}?{self._query_string(query, limit, 0, False)} HTTP/1.1")

    def _query_string(self, query: str | None, limit: int, offset: int, total: bool) -> str:
        parts = [] if query is None else [f"query={quote(query, safe='')}"]
        parts.append(f"limit={limit}")
        if offset:
            parts.append(f"offset={offset}")
        parts.append("totalRecords=exact" if total else "totalRecords=none")
        if self._extra:
            parts.append(self._extra)
        return "&".join(parts)

    def _page(self, body: object) -> Page:
        records = body.get(self._key) if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(records, list):
            raise self._client.bad_shape()
        if any(type(record) is not dict for record in records):
            raise self._client.bad_shape()
        if self._mark is not None:
            for record in records:
                record[self._mark] = True
        total = body.get("totalRecords")
        return Page(records, total if type(total) is int else None)


def outcome_unknown(upstream: str, act: Act, sent_at: datetime) -> errors.OutcomeUnknown:
    """The error for an act that was sent and got no conclusive answer: how to look is part of it."""
    return errors.OutcomeUnknown(
        f"{act.operation} was sent to {upstream}, but no clear answer came. "
        "It may or may not have happened. Check before repeating.",
        upstream=upstream,
        details={
            "operation": act.operation,
            "keys": dict(act.keys),
            "sentAt": sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "verify": act.verify,
        },
    )


def encoded(query: Mapping[str, str]) -> str:
    """A query string, every value percent-encoded."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())


def segment(value: str) -> str:
    """One path segment, percent-encoded. The dots that walk up a path are refused (httpx resolves them)."""
    if value in ("", ".", ".."):
        raise errors.BadUserInput("An empty or dotted id cannot be asked for.")
    return quote(value, safe="")


def decoded(body: bytes) -> object:
    """The JSON in `body`, whatever its label said; None where it is not JSON."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _retry_after(head: httpx.Headers) -> float | None:
    try:
        seconds = float(head.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _not_served(upstream: str, status: int) -> errors.UpstreamBadResponse:
    return errors.UpstreamBadResponse(
        f"{upstream} does not serve this question here.", upstream=upstream, status=status
    )


def _too_long(upstream: str, status: int | None = None) -> errors.LimitExceeded:
    return errors.LimitExceeded(
        f"The question is too long for {upstream}; ask for less at once.", upstream=upstream, status=status
    )


# All that a transport may raise. httpx-aiohttp lets aiohttp's ClientResponseError (an answer that is no HTTP)
# through as it is, and an application in this process breaks off with the OSError itself.
FOREIGN = (httpx.HTTPError, aiohttp.ClientError, OSError)


# The connection was not made or did not last. Whether the question may be asked again is then a matter of how
# much of the answer had come.
BROKEN_OFF = (
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.ConnectTimeout,
    aiohttp.ClientError,
    OSError,
)


# From their exceptions to ours; the most specific row wins. Checked for completeness by a test.
TRANSLATIONS: dict[type[Exception], tuple[type[errors.GatewayError], str]] = {
    httpx.ConnectTimeout: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.PoolTimeout: (errors.UpstreamUnavailable, "is busy"),
    httpx.TimeoutException: (errors.UpstreamTimeout, "did not answer in time"),
    httpx.ConnectError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.NetworkError: (errors.UpstreamUnavailable, "closed the connection"),
    httpx.ProtocolError: (errors.UpstreamUnavailable, "broke off its answer"),
    httpx.ProxyError: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.UnsupportedProtocol: (errors.UpstreamUnavailable, "cannot be reached"),
    httpx.DecodingError: (errors.UpstreamBadResponse, "sent an answer that cannot be decompressed"),
    httpx.TooManyRedirects: (errors.UpstreamBadResponse, "redirects"),
    httpx.HTTPStatusError: (errors.UpstreamBadResponse, "gave an unexpected status"),
    httpx.HTTPError: (errors.UpstreamUnavailable, "could not be asked"),
    aiohttp.ClientError: (errors.UpstreamUnavailable, "broke off its answer"),
    OSError: (errors.UpstreamUnavailable, "closed the connection"),
}


def _translation(problem: Exception) -> tuple[type[errors.GatewayError], str]:
    if isinstance(problem, httpx.ConnectTimeout) and not _never_sent(problem):
        # httpx-aiohttp files a connection that was made and then lost under ConnectTimeout.
        return TRANSLATIONS[httpx.NetworkError]
    return next(TRANSLATIONS[kind] for kind in type(problem).__mro__ if kind in TRANSLATIONS)


def _never_sent(problem: Exception) -> bool:
    """Whether it is certain that not a byte of the request went out."""
    cause = problem.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    certain = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    return isinstance(problem, certain)
