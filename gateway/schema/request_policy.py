"""Request policies and their root field."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import links
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.enums import RequestType
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.policy import PolicyFilter
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint


@strawberry.type(
    description="The only pickup service points that a request policy allows, by request type. Null for a "
    "request type with which all are allowed."
)
class RequestPolicyServicePoints:
    page: list[Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None] | None = (
        links("Service points for pages.", loader="service_point", key="Page")
    )
    hold: list[Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None] | None = (
        links("Service points for holds.", loader="service_point", key="Hold")
    )
    recall: list[Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None] | None = (
        links("Service points for recalls.", loader="service_point", key="Recall")
    )


@strawberry.type(description="The types of request that are allowed.")
class RequestPolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("A description of the policy.")
    request_types: list[RequestType | None] | None = field("The types that are allowed; none if empty.")
    request_types_text: list[str | None] | None = field(
        "Upstream's texts of `requestTypes`, to show if one is `UNKNOWN`.", key="requestTypes"
    )
    allowed_service_points: RequestPolicyServicePoints | None = field(
        "The pickup service points, if the policy restricts them."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of request policies.")
class RequestPolicyConnection(Connection[RequestPolicy]):
    pass


QUERIES = [
    root(
        "request_policies",
        RequestPolicyConnection,
        connection(
            "A page of request policies.",
            collection="circulation_storage.request_policies",
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
