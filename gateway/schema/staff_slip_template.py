"""What slips look like, and the queries that start at it."""

from __future__ import annotations

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import condition
from gateway.fields.page import Connection, connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.metadata import Metadata
from gateway.upstream import cql


@strawberry.type(description="What a kind of staff slip looks like: FOLIO's record of a staff slip.")
class StaffSlipTemplate:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The kind of slip: `Hold`, `Transit`, `Pick slip`, `Request delivery` or newer.")
    description: str | None = field("What the slip is for.")
    active: bool | None = field("Whether it is in use.")
    is_raw_html: bool | None = field("Whether people write it as HTML.")
    template: str | None = field(
        "HTML with tokens such as `{{item.title}}`, which the fields of a slip fill."
    )
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of staff slip templates.")
class StaffSlipTemplateConnection(Connection[StaffSlipTemplate]):
    pass


@strawberry.input(
    description="Which staff slip templates. All conditions must hold. Those in use: `{ active: true }`."
)
class StaffSlipTemplateFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    name: list[str] | None = condition("Any of these names.", "name", arguments.exact)
    active: bool | None = condition("Those in use, or the others.", "active", arguments.flag)


QUERIES = [
    root(
        "staff_slip_templates",
        StaffSlipTemplateConnection,
        connection(
            "Staff slip templates, a page at a time.",
            ask=lambda upstream: upstream.circulation_storage.staff_slips,
            filter=StaffSlipTemplateFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
