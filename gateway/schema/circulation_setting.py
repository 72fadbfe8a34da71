"""Circulation settings and their root field."""

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.fields.scalars import JSON
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql


@strawberry.type(description="One setting of circulation.")
class CirculationSetting:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name, such as `generalTlr` or `printEventLogFeature`.")
    value: JSON | None = field("The value: an object with members that depend on the name.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of circulation settings.")
class CirculationSettingConnection(Connection[CirculationSetting]):
    pass


@strawberry.input(
    description='Conditions on settings. The setting for title-level requests: `{ name: ["generalTlr"] }`.'
)
class CirculationSettingFilter:
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)


QUERIES = [
    root(
        "circulation_settings",
        CirculationSettingConnection,
        connection(
            "A page of circulation settings. A setting that was never set is absent.",
            collection="circulation.settings",
            filter=CirculationSettingFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
