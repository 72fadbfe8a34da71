"""Batch requests, several items requested at once, and their root fields."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.context import Context
from gateway.fields.arguments import condition
from gateway.fields.base import Declared, Load, Selected
from gateway.fields.link import link
from gateway.fields.page import PAGE_ARGUMENTS, ConnectionLink, PageRequest, connection
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.fields.scalars import DateTime
from gateway.loaders.pages import Slice
from gateway.schema import filters
from gateway.schema.enums import member, unknown_member, upstream_text
from gateway.schema.filters import SortDirection
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.request import Request
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


@strawberry.enum(description="The progress of a batch or of one of its items.")
class BatchRequestStatus(Enum):
    PENDING = member("Pending", "Not started.")
    IN_PROGRESS = member("In progress", "Requests are being created.")
    COMPLETED = member("Completed", "Finished; some items may have failed.")
    FAILED = member("Failed", "No request was created.")
    UNKNOWN = unknown_member()


@strawberry.type(description="The number of items of a batch in each state.")
class ItemRequestsStats:
    total: int | None = field("All items.")
    pending: int | None = field("Items not started.")
    in_progress: int | None = field("Items in progress.")
    completed: int | None = field("Items with a created request.")
    failed: int | None = field("Items without a request, because its creation failed.")


@strawberry.type(description="One item of a batch and its result.")
class BatchRequestDetail:
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The requested item.", loader="item", key="itemId"
    )
    requester: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The requester.", loader="user", key="requesterId"
    )
    pickup_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link("The pickup service point.", loader="service_point", key="pickupServicePointId")
    batch_request: Annotated["BatchRequest", strawberry.lazy("gateway.schema.batch_request")] | None = link(
        "The batch. Its id costs no upstream call.",
        loader="batch_request",
        key="batchId",
        identity="batchId",
        batched=False,
    )
    mediated_request_status: BatchRequestStatus | None = field("The progress of this item.")
    mediated_request_status_text: str | None = upstream_text("mediatedRequestStatus")
    request_status: str | None = field("The status of the created request, as FOLIO's text.")
    confirmed_request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = link(
        "The created request. Null until it exists.",
        loader="request",
        key="confirmedRequestId",
    )
    error_code: str | None = field("The error code if no request could be created.")
    error_details: str | None = field("The error message if no request could be created.")
    patron_comments: str | None = field("The patron's comment.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of the items of a batch.")
class BatchRequestDetailConnection(Connection[BatchRequestDetail]):
    pass


class DetailsOfBatch(ConnectionLink):
    """The items of a batch. Upstream serves them one batch per call."""

    batched = False

    def load(self, context: Context, request: PageRequest, selected: Selected) -> Load:
        window = request.window
        request.check(context)
        loader = context.loaders.details_of_batch_request
        return Load(loader, lambda key: (key, window), empty=Slice([], window.offset, 0, False))


def _details(description: str) -> Declared:
    declared = DetailsOfBatch(description=description)
    declared.loader, declared.key = "details_of_batch_request", ("batchId",)
    declared.arguments = list(PAGE_ARGUMENTS)
    return declared


@strawberry.type(description="Several items requested by one patron at once.")
class BatchRequest:
    id: strawberry.ID = field("The id, a UUID.", key="batchId")
    requester: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The requester.", loader="user", key="requesterId"
    )
    mediated_request_status: BatchRequestStatus | None = field("The progress of this item.")
    mediated_request_status_text: str | None = upstream_text("mediatedRequestStatus")
    item_requests_stats: ItemRequestsStats | None = field(
        "The number of items in each state. Null in lists: read the single batch instead."
    )
    request_date: DateTime | None = field("The date the batch was submitted.")
    patron_comments: str | None = field("The patron's comment.")
    mediated_workflow: str | None = field("The workflow: `Multi-Item request`.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    details: BatchRequestDetailConnection | None = _details(
        "The items and their results. One upstream call per batch."
    )


@strawberry.type(description="A page of batch requests.")
class BatchRequestConnection(Connection[BatchRequest]):
    pass


@strawberry.input(
    description="Conditions on batch requests. All must hold. Since a given day: `{ requestDate: { from: "
    '"2026-11-01T00:00:00Z" } }`.'
)
class BatchRequestFilter:
    requester_id: list[strawberry.ID] | None = condition("Ids of requesters.", "requesterId", filters.ids)
    request_date: filters.DateTimeRange | None = condition(
        "The date the batch was submitted.", "requestDate", filters.local_span
    )


@strawberry.enum(description="Sort keys for batch requests.")
class BatchRequestSortField(Enum):
    REQUEST_DATE = member("requestDate", "The date the batch was submitted.")


@strawberry.input(
    description="One sort key for batch requests; of several, the first takes precedence. Latest first: `{ "
    "field: REQUEST_DATE, direction: DESCENDING }`."
)
class BatchRequestSort:
    field: BatchRequestSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )


QUERIES = [
    root(
        "batch_request",
        BatchRequest,
        lookup(
            "One batch request. Null if it does not exist.",
            id=("batch_request", strawberry.ID, "The id, a UUID."),
        ),
    ),
    root(
        "batch_requests",
        BatchRequestConnection,
        connection(
            "A page of batch requests.",
            collection="circulation_bff.batch_requests",
            filter=BatchRequestFilter,
            sort=BatchRequestSort,
            default_sort=[cql.SortKey("requestDate", descending=True)],
        ),
    ),
]
