"""Who made a record and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime

if TYPE_CHECKING:
    from gateway.schema.user import User


@strawberry.type(description="Who made a record and when, and who changed it last.")
class Metadata:
    created_date: DateTime | None = field("When the record was made.")
    created_by_username: str | None = field("The user name of whoever made it, where upstream keeps it.")
    created_by: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Whoever made it; null for what the system made.",
        loader="user",
        key="createdByUserId",
    )
    updated_date: DateTime | None = field("When it was changed last.")
    updated_by_username: str | None = field(
        "The user name of whoever changed it last, where upstream keeps it."
    )
    updated_by: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Whoever changed it last.", loader="user", key="updatedByUserId"
    )


@strawberry.type(description="Free labels of a record.")
class Tags:
    tag_list: list[str | None] | None = field("The labels.")
