"""Collections: lists of records that upstream pages, selected by CQL."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol, overload

import msgspec

from gateway import errors
from gateway.upstream.budget import LARGE_BODY
from gateway.upstream.caller import CallerClient, Service, percent_encode
from gateway.upstream.record_types import (
    FROM_CIRCULATION,
    INVALID,
    Decoded,
    DecodedFromCirculation,
    Members,
    Record,
    decode_object,
    rows_of,
)
from gateway.upstream.routes import Route
from gateway.upstream.turns import Turn


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a collection; `total` if upstream sent it, requested or not."""

    records: list[Record]
    total: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """The declaration of a collection as an attribute of its service.

    On the class it is the declaration, `Users.users`; on an instance the collection as its caller may read
    it, `await upstream.users.users(query, limit=50)`.
    """

    route: Route
    key: str
    """The member of the response that holds the records."""
    extra: str = ""
    """Constant parameters of the query string, percent-encoded."""
    tie_break: str | None = "id"
    """The index whose value no two records share; None if the route takes no query."""
    forwards_total: bool = False
    """True if totals are exact on request, or always. Most modules ignore `totalRecords`, so that
    raml-module-builder estimates large totals (`PgUtil.get` and `streamGet` without it, `CQLWrapper`)."""
    mark: str | None = None
    """A member that is added to every record, if it matters which interface sent it."""
    min_limit: int = 0
    """The least `limit` that the service accepts; 0 only counts."""
    complete: Callable[[BoundCollection, Page, PageArguments], Coroutine[Any, Any, Page]] | None = None
    """Reads what the service may leave out of the records of a page; of coroutines Any as below."""

    @overload
    def __get__(self, service: None, owner: type[Service]) -> Collection: ...
    @overload
    def __get__(self, service: Service, owner: type[Service]) -> BoundCollection: ...
    def __get__(self, service: Service | None, owner: type[Service]) -> Collection | BoundCollection:
        return self if service is None else self.bind(service._client)

    def bind(self, client: CallerClient, *keys: str) -> BoundCollection:
        """Return the collection for one caller, with these values of the route's parameters."""
        return BoundCollection(client, self, *keys)


class PageArguments(msgspec.Struct, frozen=True):
    """The arguments of a page beside its query."""

    limit: int
    offset: int
    total: bool
    decoder: RecordDecoder | None


class ListState(Protocol):
    """The state of a list: `is_served` once its service is known to have it, until that fails."""

    is_served: bool


class Alternative(Protocol):
    """Another collection of the same records, for a list that its service may not have."""

    @property
    def list_state(self) -> ListState: ...

    async def choose(self, collection: BoundCollection, query: str | None, page: PageArguments) -> Page:
        """Return a page of the collection, or of the other one, while the list is not known to be served."""

    def replaces(self, error: errors.GatewayError) -> bool:
        """Record the failure of a page of the list; return True if the other collection is to be read."""

    async def read(self, query: str | None, page: PageArguments) -> Page:
        """Return the page of the other collection, after `replaces` returned True."""

    def request_line_length(self, query: str, limit: int, offset: int) -> int:
        """Return the bytes of the request line of the other collection; zero while it is not read."""


class BoundCollection:
    """A collection for one caller: `await users(query, limit=50)` returns a page.

    `page` is the generic decoder, also for bodies that the decoder of an operation rejects.
    """

    __slots__ = (
        "_keys",
        "alternative",
        "client",
        "declaration",
        "key",
        "mark",
        "operation",
        "path",
        "tie_break",
    )

    def __init__(self, client: CallerClient, declaration: Collection, *keys: str) -> None:
        self.client = client
        self.alternative: Alternative | None = None
        self._keys = keys
        self.declaration = declaration
        self.key = declaration.key
        self.mark = declaration.mark
        self.tie_break = declaration.tie_break
        self.operation = client.operation  # the record that the calls are added to
        self.path = (
            client.path_of(declaration.route, keys) if keys else client.path + declaration.route.template
        )

    def __call__(
        self,
        query: str | None,
        *,
        limit: int,
        offset: int = 0,
        total: bool = False,
        decoder: RecordDecoder | None = None,
    ) -> Coroutine[Any, Any, Page]:  # Any: what coroutines send and receive
        """Return a page, its records decoded by the decoder if they fit; the query is CQL.

        Raises `UpstreamBadResponse` if it is none.
        """
        page = PageArguments(limit, offset, total, decoder)
        if self.alternative is None:
            return self.read(query, page)
        return self._read_either(self.alternative, query, page)

    async def _read_either(self, alternative: Alternative, query: str | None, page: PageArguments) -> Page:
        if not alternative.list_state.is_served:
            return await alternative.choose(self, query, page)
        try:
            return await self.read(query, page)
        except (errors.UpstreamBadResponse, errors.UpstreamError) as error:
            if not alternative.replaces(error):
                raise
        return await alternative.read(query, page)

    async def read(self, query: str | None, arguments: PageArguments) -> Page:
        """Return a page of this collection, whatever its alternative."""
        decoder = arguments.decoder
        body = await self.read_body(
            query, limit=arguments.limit, offset=arguments.offset, total=arguments.total
        )
        if len(body) > LARGE_BODY:
            body = bytes(body)
            async with Turn():
                excess = self.client.count_objects(body, as_dictionaries=decoder is None)
                if excess is not None:
                    del body
                    raise excess
                page = self.page(body) if decoder is None else decoder.decode_page(self, body)
        else:
            page = self.page(body) if decoder is None else decoder.decode_page(self, body)
        if page is None:
            del body  # which the frame of the error would hold
            raise self.bad_shape()
        complete = self.declaration.complete
        return page if complete is None else await complete(self, page, arguments)

    async def read_body(
        self, query: str | None, *, limit: int, offset: int = 0, total: bool = False
    ) -> bytes | memoryview:
        """Return the body of a 2xx response, decompressed and below the cap; it may not be JSON.

        Raises as a call of the collection, except for `UpstreamBadResponse` about the shape.
        """
        declaration = self.declaration
        limit = max(limit, declaration.min_limit)
        target = _query_string(query, limit, offset, total, declaration.extra)
        return (await self.client.read(declaration.route, target, *self._keys)).content

    def page(self, body: bytes | memoryview) -> Page | None:
        """Decode the body of a page; None if it contains no list of records.

        It does not raise, because an error would hold the body: see `errors.without_frames`.
        """
        page = decode_object(bytes(body))
        records = None if page is None else rows_of(page.get(self.key))
        if page is None or records is None:
            return None
        if self.mark is not None:
            for record in records:
                record[self.mark] = True
        total = page.get("totalRecords")
        return Page(records, total if type(total) is int else None)

    def bad_shape(self) -> errors.UpstreamBadResponse:
        """Return the error for a page that contains no list of records."""
        return self.client.bad_shape()

    def incomplete(self) -> errors.UpstreamBadResponse:
        """Return the error for records that are missing although the total of upstream includes them."""
        return self.client.incomplete()

    def request_line_length(self, query: str, *, limit: int, offset: int = 0) -> int:
        """Return the bytes of the request line for `query` with a total, HTTP version and blanks included."""
        path = self.client.base_path + self.path
        length = _request_line_length(path, query, limit, offset, self.declaration.extra)
        if self.alternative is None or self.alternative.list_state.is_served:
            return length
        return max(length, self.alternative.request_line_length(query, limit, offset))


class RecordDecoder:
    """The decoder of the records of one collection for one operation, into Structs of the members it reads.

    A record that does not fit stays the dictionary that the generic way makes of it.
    """

    def __init__(self, members: Members, *, from_circulation: bool) -> None:
        """`from_circulation` if circulation itself sends the records, and the BFF sends others."""
        self.members = members
        self._decode: Callable[[bytes | memoryview], Any] | None = None
        self._of_circulation: RecordDecoder | None = self if from_circulation else None

    @cached_property
    def struct(self) -> type[Decoded]:
        """The type of the records, from its first use on: no members can be added to it."""
        return self.members.struct(DecodedFromCirculation if self._of_circulation is self else Decoded)

    @property
    def of_circulation(self) -> RecordDecoder:
        """The decoder of the same members of records that circulation sends in place of the BFF."""
        if self._of_circulation is None:
            self._of_circulation = RecordDecoder(self.members, from_circulation=True)
        return self._of_circulation

    def convert(self, record: Record) -> Any:  # Any: a Struct
        """Convert a record that is a dictionary; return it as it is if a member is of another type."""
        if INVALID in record:
            return record
        decoder = self.of_circulation if FROM_CIRCULATION in record else self
        try:
            return msgspec.convert(record, decoder.struct)
        except (msgspec.ValidationError, RecursionError):
            return record

    def decode_page(self, collection: BoundCollection, body: bytes | memoryview) -> Page | None:
        """Decode the body of a page of a collection; None if it contains no list of records."""
        decode = self._decode or self._page_decoder(collection.key)
        try:
            page = decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            generic = collection.page(body)
            return generic and Page([*map(self.convert, generic.records)], generic.total)
        total = page.totalRecords
        return Page(page.records, total if type(total) is int else None)

    def _page_decoder(self, key: str) -> Callable[[bytes | memoryview], Any]:
        record: Any = self.struct
        page = msgspec.defstruct(
            "Page",
            [("records", list[record]), ("totalRecords", Any, None)],
            rename={"records": key},
            gc=False,
        )
        self._decode = msgspec.json.Decoder(page).decode
        return self._decode


@lru_cache(maxsize=256)  # batches repeat the same few queries
def _request_line_length(path: str, query: str, limit: int, offset: int, extra: str) -> int:
    return len(f"GET {path}?{_query_string(query, limit, offset, True, extra)} HTTP/1.1")


def _query_string(query: str | None, limit: int, offset: int, total: bool, extra: str) -> str:
    parts = [] if query is None else [f"query={percent_encode(query)}"]
    parts.append(f"limit={limit}")
    if offset:
        parts.append(f"offset={offset}")
    parts.append("totalRecords=exact" if total else "totalRecords=none")
    if extra:
        parts.append(extra)
    return "&".join(parts)
