"""Why requests are cancelled, and the queries that start at it."""

from __future__ import annotations

import strawberry

from gateway.fields.page import Connection, connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.metadata import Metadata
from gateway.schema.reference import ReferenceFilter
from gateway.upstream import cql


@strawberry.type(description="A reason that the library gives for cancelling a request.")
class CancellationReason:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What it means, for staff.")
    public_description: str | None = field("What the patron is told.")
    requires_additional_information: bool | None = field("Whether staff must write more about it.")
    source: str | None = field("Where the record comes from.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of cancellation reasons.")
class CancellationReasonConnection(Connection[CancellationReason]):
    pass


QUERIES = [
    root(
        "cancellation_reasons",
        CancellationReasonConnection,
        connection(
            "Reasons for cancelling a request, a page at a time.",
            ask=lambda upstream: upstream.circulation_storage.cancellation_reasons,
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="cancellation_reasons",
        ),
    ),
]
