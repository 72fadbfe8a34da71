"""The creator, last editor and labels of a record."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime

if TYPE_CHECKING:
    from gateway.schema.user import User


@strawberry.type(description="The dates and users of the creation and the last change of a record.")
class Metadata:
    created_date: DateTime | None = field("The date of the creation.")
    created_by_username: str | None = field(
        "The user name of the creator. Null if upstream does not record it."
    )
    created_by: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The creator. Null for records created by the system.",
        loader="user",
        key="createdByUserId",
    )
    updated_date: DateTime | None = field("The date of the last change.")
    updated_by_username: str | None = field(
        "The user name of the last editor. Null if upstream does not record it."
    )
    updated_by: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The last editor.", loader="user", key="updatedByUserId"
    )


@strawberry.type(description="Free-text labels of a record.")
class Tags:
    tag_list: list[str | None] | None = field("The labels.")
