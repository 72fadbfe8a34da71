"""Relations between proxies and sponsors."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema import filters
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection

if TYPE_CHECKING:
    from gateway.schema.user import User


@strawberry.type(
    description="A relation between a proxy and a sponsor: the proxy may borrow and request on the "
    "sponsor's behalf."
)
class ProxyRelation:
    id: strawberry.ID = field("The id, a UUID.")
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The sponsor. The id costs no upstream call.", loader="user", key="userId"
    )
    proxy_user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The proxy. The id costs no upstream call.", loader="user", key="proxyUserId"
    )
    request_for_sponsor: str | None = field(
        "`Yes` if the proxy may request on the sponsor's behalf, otherwise `No`."
    )
    notifications_to: str | None = field("The recipient of notices: `Proxy` or `Sponsor`.")
    accrue_to: str | None = field("The user charged with fees and fines: `Proxy` or `Sponsor`.")
    status: str | None = field("`Active` or `Inactive`. An active relation may nevertheless have expired.")
    expiration_date: DateTime | None = field("The expiration date. Null for a relation without one.")
    created_date: DateTime | None = field("The creation date, in older records; otherwise see `metadata`.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of proxy relations.")
class ProxyRelationConnection(Connection[ProxyRelation]):
    pass


@strawberry.input(
    description='Conditions on proxy relations. All must hold. Active relations: `{ status: ["Active"] }`.'
)
class ProxyRelationFilter:
    status: list[str] | None = condition("`Active` or `Inactive`.", "status", filters.exact)
