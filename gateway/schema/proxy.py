"""Proxies: who may act for whom."""

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

if TYPE_CHECKING:
    from gateway.schema.user import User


@strawberry.type(description="That one user, the proxy, may act for another, the sponsor.")
class ProxyRelation:
    id: strawberry.ID = field("The id, a UUID.")
    user: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "The sponsor: who is acted for. Its id costs no upstream call.", loader="user", key="userId"
    )
    proxy_user: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "The proxy: who acts. Its id costs no upstream call.", loader="user", key="proxyUserId"
    )
    request_for_sponsor: str | None = field("Whether the proxy may request for the sponsor: `Yes` or `No`.")
    notifications_to: str | None = field("Who gets the notices: `Proxy` or `Sponsor`.")
    accrue_to: str | None = field("Who owes the fees and fines: `Proxy` or `Sponsor`.")
    status: str | None = field("`Active` or `Inactive`. An active relation may have run out all the same.")
    expiration_date: DateTime | None = field("When the relation ends. Null for one without an end.")
    created_date: DateTime | None = field("When it was made, in older records; else see `metadata`.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of proxy relations.")
class ProxyRelationConnection(Connection[ProxyRelation]):
    pass


@strawberry.input(
    description='Which proxy relations. All conditions must hold. Those in force: `{ status: ["Active"] }`.'
)
class ProxyRelationFilter:
    status: list[str] | None = condition("`Active` or `Inactive`.", "status", arguments.exact)
