"""Service points that allow pickup, by request type."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, cast

import strawberry
from graphql import FieldNode

from gateway import errors
from gateway.context import Context, Info
from gateway.fields import arguments
from gateway.fields.arguments import Key
from gateway.fields.base import Arguments, Cost, Declared, Load, Selected
from gateway.fields.link import Link, link
from gateway.fields.record import field
from gateway.fields.root import query
from gateway.loaders.request import AllowedFor
from gateway.schema.enums import member

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint


@strawberry.enum(description="The purpose of the pickup service point.")
class AllowedServicePointsOperation(Enum):
    CREATE = member("create", "A new request: pass the requester, and the item or the title.")
    REPLACE = member("replace", "A change of an existing request: pass the request.")
    MOVE = member(
        "move",
        "A move of an existing request to another item: pass the request and the item. Read from "
        "circulation, which knows only this library's service points.",
    )


@strawberry.type(description="A service point that offers pickup of requested items.")
class AllowedServicePoint:
    id: strawberry.ID = field("The id of the service point, a UUID.")
    name: str | None = field("The name.")
    discovery_display_name: str | None = field("The name shown to patrons.")
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The full service point. Its id and names cost no upstream call.",
        loader="service_point",
        key="id",
        embedded={"name!": "name", "discoveryDisplayName!": "discoveryDisplayName"},
    )


@strawberry.type(
    description="Pickup service points by request type. Null for a request type that is not allowed."
)
class AllowedServicePoints:
    page: list[AllowedServicePoint | None] | None = field("Service points for pages.", key="Page")
    hold: list[AllowedServicePoint | None] | None = field("Service points for holds.", key="Hold")
    recall: list[AllowedServicePoint | None] | None = field("Service points for recalls.", key="Recall")


_KEYS_OF_CHANGES = {
    AllowedServicePointsOperation.REPLACE: ("requestId",),
    AllowedServicePointsOperation.MOVE: ("requestId", "itemId"),
}


@query(
    "The service points that allow pickup of a request. One upstream call each; not batched.",
    calls=[("circulation_bff.allowed_service_points", "circulation.allowed_service_points")],
)
async def allowed_service_points(
    info: Info,
    operation: Annotated[
        AllowedServicePointsOperation,
        strawberry.argument(description="A new request, or a change or move of an existing one."),
    ],
    requester_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The id of the requester of a new request.")
    ] = None,
    patron_group_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="The id of a patron group, instead of a requester."),
    ] = None,
    item_id: Annotated[strawberry.ID | None, strawberry.argument(description="The id of one item.")] = None,
    instance_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The id of a title, for any of its items.")
    ] = None,
    request_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The id of the request to change or move.")
    ] = None,
) -> AllowedServicePoints:
    given = {
        "requesterId": requester_id,
        "patronGroupId": patron_group_id,
        "itemId": item_id,
        "instanceId": instance_id,
        "requestId": request_id,
    }
    if operation is AllowedServicePointsOperation.CREATE:
        if request_id is not None:
            raise errors.BadUserInput("`requestId` requires another operation; a new request has no id.")
        keys = dict(
            [
                arguments.exactly_one(requesterId=requester_id, patronGroupId=patron_group_id),
                arguments.exactly_one(itemId=item_id, instanceId=instance_id),
            ]
        )
    else:
        names = _KEYS_OF_CHANGES[operation]
        keys = {name: value for name, value in given.items() if value is not None}
        if keys.keys() != set(names):
            accepted = " and ".join(f"`{name}`" for name in names)
            raise errors.BadUserInput(
                f"`operation: {operation.name}` requires {accepted} and accepts nothing else."
            )
    query = {name: arguments.check_uuid(value, name) for name, value in keys.items()}
    upstream = info.context.upstream
    if operation is AllowedServicePointsOperation.MOVE:  # the BFF does not have it
        record = await upstream.circulation.allowed_service_points({"operation": operation.value, **query})
    else:
        record = await upstream.circulation_bff.allowed_service_points(
            {"operation": operation.value, **query}
        )
    return cast(AllowedServicePoints, record)


REQUESTER = {
    "requesterId": Key(strawberry.ID, "The id of the requester, a UUID."),
    "requesterBarcode": Key(
        str,
        "The requester's library card number, such as `1000000001`. No extra call if the operation also has "
        "the `user` with this barcode.",
    ),
}


class AllowedServicePointsOf(Link):
    """The service points that allow pickup of a new request for a record."""

    batched = False
    parameter: str

    def parse(self, given: Arguments, selected: Selected) -> tuple[str, str]:
        return arguments.given_key(given, REQUESTER)

    def load(self, context: Context, requester: tuple[str, str], selected: Selected) -> Load:
        loader = context.loaders.allowed_service_points
        return Load(loader, lambda record_id: AllowedFor(self.parameter, record_id, *requester))

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        user = {"requesterBarcode": "user_by_barcode"}  # read first, for the id
        return super().cost(selected, rows, node)._replace(once=1, keys=user)


def allowed_for(description: str, parameter: str) -> Declared:
    """Declare the service points that allow pickup of a new request; `parameter` names the id upstream."""
    declared = AllowedServicePointsOf(description=description)
    declared.loader, declared.key = "allowed_service_points", ("id",)
    declared.parameter = parameter
    declared.arguments = arguments.key_arguments(REQUESTER)
    return declared


QUERIES = [
    allowed_service_points,
]
