"""Filter and sort arguments of lists of requests."""

from enum import Enum

import strawberry

from gateway.fields.arguments import condition
from gateway.schema import filters
from gateway.schema.enums import RequestLevel, RequestStatus, RequestType, member
from gateway.schema.filters import DateTimeRange, SortDirection


@strawberry.input(
    description="Conditions on requests. All must hold; a list matches any of its values. Items on the "
    "hold shelf: `{ status: [OPEN_AWAITING_PICKUP] }`."
)
class RequestFilter:
    id: list[strawberry.ID] | None = condition("Ids of requests.", "id", filters.ids)
    requester_id: list[strawberry.ID] | None = condition("Ids of requesters.", "requesterId", filters.ids)
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "itemId", filters.ids)
    instance_id: list[strawberry.ID] | None = condition("Ids of titles.", "instanceId", filters.ids)
    request_type: list[RequestType] | None = condition(
        "Request types: `PAGE`, `HOLD` or `RECALL`.", "requestType", filters.members
    )
    request_level: list[RequestLevel] | None = condition("Request levels.", "requestLevel", filters.members)
    status: list[RequestStatus] | None = condition(
        "Statuses, such as `OPEN_NOT_YET_FILLED`.", "status", filters.members
    )
    pickup_service_point_id: list[strawberry.ID] | None = condition(
        "Ids of pickup service points.", "pickupServicePointId", filters.ids
    )
    request_date: DateTimeRange | None = condition("The creation date.", "requestDate", filters.span)
    item_barcode: list[str] | None = condition(
        "Barcodes of items, such as `2000000001`.", "item.barcode", filters.exact
    )
    requester_barcode: list[str] | None = condition(
        "Library card numbers of requesters, such as `1000000001`.", "requester.barcode", filters.exact
    )
    title: str | None = condition(
        "Words of the title in any order; all must match: `history bridges`.",
        "instance.title",
        filters.words,
    )
    cancellation_reason_id: list[strawberry.ID] | None = condition(
        "Ids of cancellation reasons.", "cancellationReasonId", filters.ids
    )
    item_effective_location_id: list[strawberry.ID] | None = condition(
        "Ids of the items' locations.", "item.itemEffectiveLocationId", filters.ids
    )
    retrieval_service_point_id: list[strawberry.ID] | None = condition(
        "Ids of the service points that retrieve the items.", "item.retrievalServicePointId", filters.ids
    )


@strawberry.enum(description="Sort keys for requests.")
class RequestSortField(Enum):
    REQUEST_DATE = member("requestDate", "The date of the request.")
    POSITION = member("position/number", "The position in the queue.")
    STATUS = member("status", "The status.")
    REQUEST_TYPE = member("requestType", "The request type.")
    TITLE = member("instance.title", "The title.")
    REQUESTER_LAST_NAME = member("requester.lastName", "The requester's family name.")
    PICKUP_SERVICE_POINT = member(
        "searchIndex.pickupServicePointName", "The name of the pickup service point."
    )
    SHELVING_ORDER = member("searchIndex.shelvingOrder", "The shelving order.")


@strawberry.input(
    description="One sort key for requests; of several, the first takes precedence. Latest first: `{ "
    "field: REQUEST_DATE, direction: DESCENDING }`."
)
class RequestSort:
    field: RequestSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )
