"""Templates of staff slips and their root field."""

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql


@strawberry.type(description="The template of a staff slip.")
class StaffSlipTemplate:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field(
        "The type of slip: `Hold`, `Transit`, `Pick slip`, `Request delivery`, or a newer value."
    )
    description: str | None = field("A description of the slip.")
    active: bool | None = field("True if it is in use.")
    is_raw_html: bool | None = field("True if it is edited as HTML.")
    template: str | None = field(
        "HTML with tokens such as `{{item.title}}`, to be replaced with the fields of a slip."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of staff slip templates.")
class StaffSlipTemplateConnection(Connection[StaffSlipTemplate]):
    pass


@strawberry.input(
    description="Conditions on staff slip templates. All must hold. Those in use: `{ active: true }`."
)
class StaffSlipTemplateFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)
    active: bool | None = condition("True for those in use, false for the others.", "active", filters.flag)


QUERIES = [
    root(
        "staff_slip_templates",
        StaffSlipTemplateConnection,
        connection(
            "A page of staff slip templates.",
            collection="circulation_storage.staff_slips",
            filter=StaffSlipTemplateFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
