"""Blocks: what keeps a patron from borrowing, renewing and requesting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.page import Connection
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.metadata import Metadata
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.user import User

LATEST_BLOCKS_FIRST = (cql.SortKey("metadata.createdDate", descending=True),)


@strawberry.type(description="A block that staff put on a patron.")
class ManualBlock:
    id: strawberry.ID = field("The id, a UUID.")
    type: str | None = field("The kind of block; FOLIO writes `Manual`.")
    desc: str | None = field("Why, for the staff's lists.")
    code: str | None = field("The code of the template that it was made from.")
    staff_information: str | None = field("More about it, for staff only.")
    patron_message: str | None = field("What the patron is told.")
    expiration_date: DateTime | None = field("When it ends by itself. Null for a block without an end.")
    borrowing: bool | None = field("Whether it keeps the patron from borrowing.")
    renewals: bool | None = field("Whether it keeps the patron from renewing.")
    requests: bool | None = field("Whether it keeps the patron from requesting.")
    user: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who is blocked.", loader="user", key="userId"
    )
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of manual blocks.")
class ManualBlockConnection(Connection[ManualBlock]):
    pass


@strawberry.input(
    description="Which manual blocks. All conditions must hold. "
    "Those that keep from borrowing: `{ borrowing: true }`."
)
class ManualBlockFilter:
    borrowing: bool | None = condition(
        "Those that keep from borrowing, or the others.", "borrowing", arguments.flag
    )
    renewals: bool | None = condition(
        "Those that keep from renewing, or the others.", "renewals", arguments.flag
    )
    requests: bool | None = condition(
        "Those that keep from requesting, or the others.", "requests", arguments.flag
    )


@strawberry.type(
    description="A block that the library's limits put on a patron; it ends when its reason does."
)
class AutomatedPatronBlock:
    patron_block_condition_id: strawberry.ID | None = field(
        "Which limit was reached: an id of FOLIO's patron block conditions."
    )
    block_borrowing: bool | None = field("Whether it keeps the patron from borrowing.")
    block_renewals: bool | None = field("Whether it keeps the patron from renewing.")
    block_requests: bool | None = field("Whether it keeps the patron from requesting.")
    message: str | None = field("What to tell the patron.")
