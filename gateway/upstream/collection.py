"""Collections of records that take CQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gateway.observability.operation import OperationRecord
from gateway.upstream.caller import CallerClient
from gateway.upstream.request_target import percent_encoded
from gateway.upstream.response import Record, decoded


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a collection; `total` only where it was asked for and upstream told."""

    records: list[Record]
    total: int | None


class Collection:
    """A question that takes CQL and answers a page: `await users(query, limit=50)`.

    Whoever has a decoder of their own does it in two steps: `undecoded` asks, and `page` is the ordinary way
    to read what came, for when theirs cannot. Nothing is asked twice.
    """

    __slots__ = ("_client", "_extra", "key", "mark", "path", "tie_break")

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
        self.key = key  # the member of the answer that holds the records
        self._extra = extra
        self.mark = mark  # a member that `page` gives every record, where it matters who sent it
        self.tie_break = tie_break  # the index whose value no two records share

    @property
    def operation(self) -> OperationRecord:
        """Where the calls are noted."""
        return self._client.operation

    async def __call__(self, query: str | None, *, limit: int, offset: int = 0, total: bool = False) -> Page:
        return self.page(await self.undecoded(query, limit=limit, offset=offset, total=total), total=total)

    async def undecoded(
        self, query: str | None, *, limit: int, offset: int = 0, total: bool = False
    ) -> bytes:
        """The body of a page as it came with a 2xx, decompressed and below the cap; it may be no JSON.

        Raises what a call of the collection raises, except for `UpstreamBadResponse` about the shape.
        """
        target = _query_string(query, limit, offset, total, self._extra)
        answer = await self._client.asked(self.path, target)
        return answer.body

    def page(self, body: bytes, *, total: bool = False) -> Page:
        """The page in an undecoded body. Raises `UpstreamBadResponse` where it holds no list of records."""
        found = decoded(body)
        records = found.get(self.key) if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(records, list):
            raise self._client.bad_shape()
        if any(type(record) is not dict for record in records):
            raise self._client.bad_shape()
        if self.mark is not None:
            for record in records:
                record[self.mark] = True
        told = found.get("totalRecords") if total else None
        return Page(records, told if type(told) is int else None)

    def request_line_length(self, query: str, *, limit: int) -> int:
        """Bytes of the request line that `query` would make, HTTP version and blanks included."""
        return _request_line_length(self._client.base_path + self.path, query, limit, self._extra)


@lru_cache(maxsize=256)  # most are asked of the same few queries, by every batch
def _request_line_length(path: str, query: str, limit: int, extra: str) -> int:
    return len(f"GET {path}?{_query_string(query, limit, 0, False, extra)} HTTP/1.1")


def _query_string(query: str | None, limit: int, offset: int, total: bool, extra: str) -> str:
    parts = [] if query is None else [f"query={percent_encoded(query)}"]
    parts.append(f"limit={limit}")
    if offset:
        parts.append(f"offset={offset}")
    parts.append("totalRecords=exact" if total else "totalRecords=none")
    if extra:
        parts.append(extra)
    return "&".join(parts)
