"""Inputs that filters and sort orders share, and the conditions that values of filters become."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum

import strawberry

from gateway import errors
from gateway.fields.arguments import check_text, check_uuid, enum_value
from gateway.fields.scalars import DateTime
from gateway.schema.enums import member
from gateway.upstream import cql


@strawberry.enum(description="The direction of a sort order.")
class SortDirection(Enum):
    ASCENDING = member("ascending", "Smallest, earliest or alphabetically first values first.")
    DESCENDING = member("descending", "Largest, latest or alphabetically last values first.")


@strawberry.input(
    description="A period of time. Either end may be omitted. One day in UTC: `{ from: "
    '"2026-11-26T00:00:00Z", before: "2026-11-27T00:00:00Z" }`.'
)
class DateTimeRange:
    from_: DateTime | None = strawberry.field(
        name="from", default=None, description="The start, inclusive, such as `2026-11-01T00:00:00Z`."
    )
    before: DateTime | None = strawberry.field(
        default=None, description="The end, exclusive, such as `2026-12-01T00:00:00Z`."
    )


def ids(index: str, name: str, values: Iterable[str]) -> cql.Cql | None:
    return _any_of(index, name, [check_uuid(value, name) for value in values])


def exact(index: str, name: str, values: Iterable[str]) -> cql.Cql | None:
    return _any_of(index, name, [check_text(value, name) for value in values])


def members(index: str, name: str, values: Iterable[Enum]) -> cql.Cql | None:
    return _any_of(index, name, [enum_value(value, name) for value in values])


def words(index: str, name: str, value: str) -> cql.Cql:
    return cql.words(index, check_text(value, name), "all")


def phrases(index: str, name: str, values: Iterable[str]) -> cql.Cql | None:
    """Build a clause for a text with the words of any of the values, in a row."""
    return _any_phrase(index, name, [check_text(value, name) for value in values])


def ids_as_words(index: str, name: str, values: Iterable[str]) -> cql.Cql | None:
    """Build the same for ids in an index that is a text."""
    return _any_phrase(index, name, [check_uuid(value, name) for value in values])


def pattern(index: str, name: str, value: str) -> cql.Cql:
    return cql.matches(index, check_text(value, name))


def flag(index: str, name: str, value: bool) -> cql.Cql:
    """Build a clause; `false` matches every record without `true`, because FOLIO omits false members."""
    yes = cql.equal(index, "true")
    return yes if value else cql.but_not(cql.EVERYTHING, yes)


def span(index: str, name: str, value: DateTimeRange) -> cql.Cql | None:
    return cql.all_of(
        cql.compare(index, ">=", cql.timestamp(value.from_)) if value.from_ else None,
        cql.compare(index, "<", cql.timestamp(value.before)) if value.before else None,
    )


def local_span(index: str, name: str, value: DateTimeRange) -> cql.Cql | None:
    """Build the same as `span` for a service that accepts no offset, and reads dates as UTC.

    (folio-spring-support, Cql2JpaCriteria.queryBySql)
    """
    return cql.all_of(
        cql.compare(index, ">=", _local(value.from_)) if value.from_ else None,
        cql.compare(index, "<", _local(value.before)) if value.before else None,
    )


def _local(when: datetime) -> str:
    return cql.timestamp(when).removesuffix("+00:00")


def _any_of(index: str, name: str, values: Sequence[str]) -> cql.Cql:
    _check_not_empty(name, values)
    return cql.any_of(index, values)


def _any_phrase(index: str, name: str, values: Sequence[str]) -> cql.Cql | None:
    _check_not_empty(name, values)
    return cql.one_of(*(cql.words(index, value) for value in values))


def _check_not_empty(name: str, values: Sequence[str]) -> None:
    if not values:
        raise errors.BadUserInput(f"`{name}` must not be empty; omit it to read all records.")
