"""A collection of the library: its indexes, and the records that a query matches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from gateway.sandbox.cql.clauses import Lookup
from gateway.sandbox.cql.parser import Query, SortKey, parse_query
from gateway.sandbox.cql.terms import CqlError, Scalar, fold, to_number, to_text
from gateway.sandbox.http.errors import BadRequest, NotFound
from gateway.sandbox.library import Library, Record, RecordsById, split_names

METADATA = (
    "metadata.createdDate metadata.createdByUserId metadata.createdByUsername "
    "metadata.updatedDate metadata.updatedByUserId metadata.updatedByUsername"
)

ComputedIndex = Callable[[Library, Record], Any]
View = Callable[[Library, Sequence[Record]], list[Record]]


def index_names(names: str) -> frozenset[str]:
    return frozenset(split_names(names))


def stored_view(library: Library, records: Sequence[Record]) -> list[Record]:
    return list(records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection of the library, as one service shows it.

    `computed` gives the values of an index, or of the first part of one, that the stored record lacks.
    """

    key: str
    records: Callable[[Library], RecordsById]
    indexes: frozenset[str]
    computed: Mapping[str, ComputedIndex] = field(default_factory=dict)
    view: View = stored_view
    record_view: Callable[[Library, Record], Record] | None = None
    """The view of a single record if it has more than a page."""
    forwards_total: bool = False
    """True if the service forwards `totalRecords` to its storage. Most of them do not."""
    min_limit: int = 0
    has_gone: bool = False  # serves what is gone from the library, as the index of a consortium does
    not_found: type[NotFound] = NotFound
    not_found_text: str = "Not found"

    def lookup(self, library: Library) -> Lookup:
        """Return the function that reads the values of an index from a record."""
        computed = self.computed

        def read_values(record: Record, index: str) -> Sequence[Scalar]:
            if index in computed:
                return scalar_values(computed[index](library, record), ())
            value = record.get(index)
            if isinstance(value, str):  # as nearly all of them
                return (value,)
            path = split_index(index)
            if path[0] in computed:
                return scalar_values(computed[path[0]](library, record), path[1:])
            return scalar_values(record, path)

        return read_values

    def find(self, library: Library, text: str) -> list[Record]:
        """Return the records that a query matches, in its order if it names one. Raises BadRequest."""
        query = self.parse(text)
        lookup = self.lookup(library)
        candidates = candidate_records(self.records(library), query)
        if library.gone and not self.has_gone:
            candidates = [record for record in candidates if record["id"] not in library.gone]
        records = query.where.select(candidates, lookup)
        # Services promise no order without sortby; the reversed id is a fixed shuffle.
        records.sort(key=lambda record: str(record["id"])[::-1])
        for key in reversed(query.sort):
            records = sort_records(records, key, lookup)
        return records

    def parse(self, text: str) -> Query:
        try:
            query = parse_query(text)
        except CqlError as error:
            raise BadRequest(f"CQL State Error for '{text}': {error}") from error
        unsupported = sorted(index for index in query.indexes if not self.supports(index))
        if unsupported:
            raise BadRequest(f"CQL State Error for '{text}': unsupported index {', '.join(unsupported)}")
        return query

    def supports(self, index: str) -> bool:
        return index in self.indexes or index.split(".")[0] + ".*" in self.indexes


def candidate_records(records: RecordsById, query: Query) -> Sequence[Record]:
    ids = query.ids()
    if ids is None:
        return list(records.values())
    return [records[key] for key in ids if key in records]


@lru_cache(maxsize=1024)
def split_index(index: str) -> tuple[str, ...]:
    return tuple(index.split("."))


def scalar_values(value: Any, path: tuple[str, ...]) -> list[Scalar]:  # Any: JSON of unknown shape
    """Return the scalars under a path, through lists."""
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return [scalar for element in value for scalar in scalar_values(element, path[depth:])]
        if not isinstance(value, dict):
            return []
        value = value.get(name)
    if value is None:
        return []
    if isinstance(value, list):
        return [scalar for element in value for scalar in scalar_values(element, ())]
    # Fields that hold objects are compared as JSON text, as PostgreSQL does for raml-module-builder.
    return [json.dumps(value, ensure_ascii=False)] if isinstance(value, dict) else [value]


def sort_records(records: list[Record], key: SortKey, lookup: Lookup) -> list[Record]:
    """Sort by one key; records without a value come last, or first if descending, as in PostgreSQL."""
    present: list[tuple[float | str, Record]] = []
    absent: list[Record] = []
    for record in records:
        values = lookup(record, key.index)
        if not values:
            absent.append(record)
        elif not key.number:
            value = values[0]
            present.append((fold(value if isinstance(value, str) else to_text(value)), record))
        elif (number := to_number(values[0])) is None:
            absent.append(record)
        else:
            present.append((number, record))
    present.sort(key=itemgetter(0), reverse=key.descending)
    ordered = [record for _, record in present]
    return absent + ordered if key.descending else ordered + absent
