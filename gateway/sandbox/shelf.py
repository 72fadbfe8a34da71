"""How a collection is asked: its indexes, its pages, its totals, its single records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.sandbox.cql import CqlError, Query, SortKey, parse
from gateway.sandbox.cql_clause import Lookup, Scalar, fold, number_of, text_of
from gateway.sandbox.exchange import Endpoint, Exchange, answer
from gateway.sandbox.library import Library, Record, Shelved, fields
from gateway.sandbox.refusals import BadRequest, Malformed, NotFound

DEFAULT_LIMIT = 10
METADATA = "metadata.createdDate metadata.createdByUserId metadata.createdByUsername metadata.updatedDate \
metadata.updatedByUserId metadata.updatedByUsername"

Join = Callable[[Library, Record], Any]
View = Callable[[Library, Sequence[Record]], list[Record]]


def indexes(names: str) -> frozenset[str]:
    return frozenset(fields(names))


def as_stored(library: Library, records: Sequence[Record]) -> list[Record]:
    return list(records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One collection of the library.

    `joined` gives values for an index, or for the first part of one, that the stored record does not hold.
    """

    key: str
    records: Callable[[Library], Shelved]
    indexes: frozenset[str]
    joined: Mapping[str, Join] = field(default_factory=dict)
    view: View = as_stored
    missing: type[NotFound] = NotFound
    missing_text: str = "Not found"

    def lookup(self, library: Library) -> Lookup:
        joined = self.joined

        def values(record: Record, index: str) -> Sequence[Scalar]:
            path = split(index)
            if index in joined:
                return scalars(joined[index](library, record), ())
            if path[0] in joined:
                return scalars(joined[path[0]](library, record), path[1:])
            return scalars(record, path)

        return values

    def find(self, library: Library, text: str) -> list[Record]:
        """The records a query matches, in its order or in none that a caller could rely on."""
        query = self.understood(text)
        lookup = self.lookup(library)
        records = candidates(self.records(library), query)
        found = [record for record in records if query.where.matches(record, lookup)]
        # Services promise no order without sortby; the reversed id is a fixed shuffle.
        found.sort(key=lambda record: str(record["id"])[::-1])
        for key in reversed(query.sort):
            found = ordered(found, key, lookup)
        return found

    def understood(self, text: str) -> Query:
        try:
            query = parse(text)
        except CqlError as error:
            raise BadRequest(f"CQL State Error for '{text}': {error}") from error
        unknown = sorted(index for index in query.indexes if not self.knows(index))
        if unknown:
            raise BadRequest(f"CQL State Error for '{text}': unsupported index {', '.join(unknown)}")
        return query

    def knows(self, index: str) -> bool:
        return index in self.indexes or index.split(".")[0] + ".*" in self.indexes


def candidates(records: Shelved, query: Query) -> Sequence[Record]:
    ids = query.ids()
    if ids is None:
        return list(records.values())
    return [records[key] for key in ids if key in records]


@lru_cache(maxsize=1024)
def split(index: str) -> tuple[str, ...]:
    return tuple(index.split("."))


def scalars(value: Any, path: tuple[str, ...]) -> list[Scalar]:  # Any: walks through JSON of unknown shape
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return [found for each in value for found in scalars(each, path[depth:])]
        if not isinstance(value, dict):
            return []
        value = value.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return [found for each in value for found in scalars(each, ())]
    # Fields that hold objects are compared as JSON text, as PostgreSQL does for raml-module-builder.
    return [json.dumps(value, ensure_ascii=False)] if isinstance(value, dict) else [value]


def ordered(records: list[Record], key: SortKey, lookup: Lookup) -> list[Record]:
    """Sorted by one key; records without it come last, or first when descending, as in PostgreSQL."""
    present: list[tuple[float | str, Record]] = []
    absent: list[Record] = []
    for record in records:
        value = next(iter(lookup(record, key.index)), None)
        sortable = number_of(value) if key.number else None if value is None else fold(text_of(value))
        if sortable is None:
            absent.append(record)
        else:
            present.append((sortable, record))
    present.sort(key=lambda pair: pair[0], reverse=key.descending)
    found = [record for _, record in present]
    return absent + found if key.descending else found + absent


def total(mode: str, matches: int, offset: int, returned: int) -> int | None:
    """The count in the asked mode.

    An estimate is deliberately a tenth too high, like a query planner's, and then adjusted as
    raml-module-builder does: a page that is not full reveals the true end.
    """
    if mode == "none":
        return None
    if mode == "estimated" and returned:
        full = offset + returned < matches
        return max(matches + matches // 10, offset + returned) if full else matches
    return matches


def page(exchange: Exchange, key: str, found: Sequence[Record], view: View) -> Record:
    limit = exchange.number("limit", DEFAULT_LIMIT)
    offset = exchange.number("offset", 0)
    mode = exchange.query.get("totalRecords", "auto")
    if mode not in ("exact", "estimated", "none", "auto"):
        raise exchange.unreadable(f"'totalRecords' parameter is incorrect: {mode}")
    rows = view(exchange.library, found[offset : offset + limit])
    count = total(mode, len(found), offset, len(rows))
    return {key: rows} if count is None else {key: rows, "totalRecords": count}


def collection(shelf: Shelf, *, query_required: bool = False) -> Endpoint:
    """GET of many."""

    def serve(exchange: Exchange) -> Any:
        text = exchange.query.get("query", "")
        if query_required and "query" not in exchange.query:
            raise Malformed()
        found = shelf.find(exchange.library, text.strip() or "cql.allRecords=1")
        return answer(page(exchange, shelf.key, found, shelf.view))

    return serve


def single(shelf: Shelf) -> Endpoint:
    """GET of one by its id."""

    def serve(exchange: Exchange) -> Any:
        key = exchange.uuid()
        record = shelf.records(exchange.library).get(key)
        if record is None:
            raise shelf.missing(shelf.missing_text.format(id=key))
        return answer(shelf.view(exchange.library, [record])[0])

    return serve
