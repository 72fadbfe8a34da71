"""Blocks on borrowing, renewals and requests of a patron, and their root field."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.fields.scalars import DateTime
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.patron_block_limit import PatronBlockCondition
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.user import User

LATEST_BLOCKS_FIRST = (cql.SortKey("metadata.createdDate", descending=True),)


@strawberry.type(description="A block that staff placed on a patron.")
class ManualBlock:
    id: strawberry.ID = field("The id, a UUID.")
    type: str | None = field("The type of the block; FOLIO writes `Manual`.")
    desc: str | None = field("The reason, for staff.")
    code: str | None = field("The code of the template that the block was created from.")
    staff_information: str | None = field("Additional text for staff only.")
    patron_message: str | None = field("The text shown to the patron.")
    expiration_date: DateTime | None = field("The expiration date. Null for a block without one.")
    borrowing: bool | None = field("True if it blocks borrowing.")
    renewals: bool | None = field("True if it blocks renewals.")
    requests: bool | None = field("True if it blocks requests.")
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The blocked user.", loader="user", key="userId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of manual blocks.")
class ManualBlockConnection(Connection[ManualBlock]):
    pass


@strawberry.input(
    description="Conditions on manual blocks. All must hold. Blocks on borrowing: `{ borrowing: true }`."
)
class ManualBlockFilter:
    borrowing: bool | None = condition(
        "True for blocks on borrowing, false for the others.", "borrowing", filters.flag
    )
    renewals: bool | None = condition(
        "True for blocks on renewals, false for the others.", "renewals", filters.flag
    )
    requests: bool | None = condition(
        "True for blocks on requests, false for the others.", "requests", filters.flag
    )


@strawberry.type(
    description="A block that follows from the library's limits, for as long as the limit is exceeded."
)
class AutomatedPatronBlock:
    patron_block_condition: PatronBlockCondition | None = link(
        "The condition whose limit is exceeded. Its id costs no upstream call.",
        loader="patron_block_condition",
        key="patronBlockConditionId",
    )
    block_borrowing: bool | None = field("True if it blocks borrowing.")
    block_renewals: bool | None = field("True if it blocks renewals.")
    block_requests: bool | None = field("True if it blocks requests.")
    message: str | None = field("The message for the patron.")


QUERIES = [
    root(
        "manual_block",
        ManualBlock,
        lookup(
            "One manual block. Null if it does not exist.",
            id=("manual_block", strawberry.ID, "The id, a UUID."),
        ),
    ),
]
