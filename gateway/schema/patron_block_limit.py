"""The limits that block patrons automatically, the conditions that they are for, and their root fields."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.reference import ReferenceFilter
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.user import PatronGroup


@strawberry.type(description="A condition that blocks patrons for as long as they exceed a limit.")
class PatronBlockCondition:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name, such as `Maximum number of overdue items`.")
    block_borrowing: bool | None = field("True if it blocks borrowing.")
    block_renewals: bool | None = field("True if it blocks renewals.")
    block_requests: bool | None = field("True if it blocks requests.")
    value_type: str | None = field(
        "The type of its limits: `Integer` for counts, `Double` for amounts of money."
    )
    message: str | None = field("The message for the patron.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="The limit of a condition for the patrons of one group.")
class PatronBlockLimit:
    id: strawberry.ID = field("The id, a UUID.")
    value: float | None = field("The limit: a count, or an amount in the library's currency.")
    condition: PatronBlockCondition | None = link(
        "The condition.", loader="patron_block_condition", key="conditionId"
    )
    patron_group: Annotated["PatronGroup", strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron group.", loader="patron_group", key="patronGroupId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of conditions of automated patron blocks.")
class PatronBlockConditionConnection(Connection[PatronBlockCondition]):
    pass


@strawberry.type(description="A page of limits of automated patron blocks.")
class PatronBlockLimitConnection(Connection[PatronBlockLimit]):
    pass


@strawberry.input(
    description="Conditions on limits. All must hold. Those of a group: `{ patronGroupId: "
    '["503a81cd-6c26-400f-b620-14c08943697c"] }`.'
)
class PatronBlockLimitFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    patron_group_id: list[strawberry.ID] | None = condition(
        "Ids of patron groups.", "patronGroupId", filters.ids
    )
    condition_id: list[strawberry.ID] | None = condition(
        "Ids of patron block conditions.", "conditionId", filters.ids
    )


QUERIES = [
    root(
        "patron_block_conditions",
        PatronBlockConditionConnection,
        connection(
            "A page of conditions of automated patron blocks.",
            collection="patron_blocks.conditions",
            filter=ReferenceFilter,
            default_sort=[cql.SortKey("name")],
            table="patron_block_conditions",
        ),
    ),
    root(
        "patron_block_limits",
        PatronBlockLimitConnection,
        connection(
            "A page of limits of automated patron blocks.",
            collection="patron_blocks.limits",
            filter=PatronBlockLimitFilter,
            default_sort=[cql.SortKey("conditionId")],
            table="patron_block_limits",
        ),
    ),
]
