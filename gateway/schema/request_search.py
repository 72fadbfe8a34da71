"""Which requests, and in which order: the arguments of every list of requests."""

from __future__ import annotations

from enum import Enum

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import DateTimeRange, SortDirection, condition
from gateway.fields.enums import member
from gateway.schema.enums import RequestLevel, RequestStatus, RequestType


@strawberry.input(
    description="Which requests. All conditions must hold; a list matches any of its values. "
    "What waits on the hold shelf: `{ status: [OPEN_AWAITING_PICKUP] }`."
)
class RequestFilter:
    id: list[strawberry.ID] | None = condition("Ids of requests.", "id", arguments.ids)
    requester_id: list[strawberry.ID] | None = condition("Ids of requesters.", "requesterId", arguments.ids)
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "itemId", arguments.ids)
    instance_id: list[strawberry.ID] | None = condition("Ids of titles.", "instanceId", arguments.ids)
    request_type: list[RequestType] | None = condition(
        "Kinds of wish: `PAGE`, `HOLD` or `RECALL`.", "requestType", arguments.members
    )
    request_level: list[RequestLevel] | None = condition(
        "For an item or a title.", "requestLevel", arguments.members
    )
    status: list[RequestStatus] | None = condition(
        "Where they stand, such as `OPEN_NOT_YET_FILLED`.", "status", arguments.members
    )
    pickup_service_point_id: list[strawberry.ID] | None = condition(
        "Where they are to be picked up.", "pickupServicePointId", arguments.ids
    )
    request_date: DateTimeRange | None = condition("When they were made.", "requestDate", arguments.span)
    item_barcode: list[str] | None = condition(
        "Barcodes of items, such as `2000000001`.", "item.barcode", arguments.exact
    )
    requester_barcode: list[str] | None = condition(
        "Library cards of requesters, such as `1000000001`.", "requester.barcode", arguments.exact
    )
    title: str | None = condition(
        "Words of the title in any order, all of them: `history bridges`.", "instance.title", arguments.words
    )
    cancellation_reason_id: list[strawberry.ID] | None = condition(
        "Why they were cancelled.", "cancellationReasonId", arguments.ids
    )
    item_effective_location_id: list[strawberry.ID] | None = condition(
        "Where the item belongs.", "item.itemEffectiveLocationId", arguments.ids
    )
    retrieval_service_point_id: list[strawberry.ID] | None = condition(
        "Where the item is to be fetched.", "item.retrievalServicePointId", arguments.ids
    )


@strawberry.enum(description="What requests can be sorted by.")
class RequestSortField(Enum):
    REQUEST_DATE = member("requestDate", "When it was made.")
    POSITION = member("position/number", "The place in the queue.")
    STATUS = member("status", "Where it stands.")
    REQUEST_TYPE = member("requestType", "The kind.")
    TITLE = member("instance.title", "The title.")
    REQUESTER_LAST_NAME = member("requester.lastName", "The requester's family name.")
    PICKUP_SERVICE_POINT = member("searchIndex.pickupServicePointName", "The name of the pickup point.")
    SHELVING_ORDER = member("searchIndex.shelvingOrder", "The place on the shelf.")


@strawberry.input(
    description="One key to sort requests by; of several, the first counts most. "
    "The last first: `{ field: REQUEST_DATE, direction: DESCENDING }`."
)
class RequestSort:
    field: RequestSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )
