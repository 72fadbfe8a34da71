"""Cancellation reasons and their root field."""

import strawberry

from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.reference import ReferenceFilter
from gateway.upstream import cql


@strawberry.type(description="A reason for the cancellation of a request, configured by the library.")
class CancellationReason:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("The meaning, for staff.")
    public_description: str | None = field("The text shown to the patron.")
    requires_additional_information: bool | None = field("True if staff must add an explanation.")
    source: str | None = field("The source of the record.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of cancellation reasons.")
class CancellationReasonConnection(Connection[CancellationReason]):
    pass


QUERIES = [
    root(
        "cancellation_reasons",
        CancellationReasonConnection,
        connection(
            "A page of reasons for the cancellation of a request.",
            collection="circulation_storage.cancellation_reasons",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="cancellation_reasons",
        ),
    ),
]
