"""Batch requests: many items asked for at once, and what came of each."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from gateway.context import Info
from gateway.engine.core import StrawberryField
from gateway.fields import arguments
from gateway.fields.arguments import SortDirection, condition
from gateway.fields.enums import member, unknown_member
from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, page_arguments, window_of
from gateway.fields.record import Path, dig, field, record_of
from gateway.fields.root import root
from gateway.fields.scalars import DateTime
from gateway.loaders.loader import Slice
from gateway.schema.metadata import Metadata
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.request import Request
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


@strawberry.enum(description="How far a batch, or one item of it, has come.")
class BatchRequestStatus(Enum):
    PENDING = member("Pending", "It waits for its turn.")
    IN_PROGRESS = member("In progress", "Requests are being made of it.")
    COMPLETED = member("Completed", "It is done; some items may have failed.")
    FAILED = member("Failed", "Nothing came of it.")
    UNKNOWN = unknown_member()


@strawberry.type(description="How many items of a batch have come how far.")
class ItemRequestsStats:
    total: int | None = field("All items.")
    pending: int | None = field("Those that wait.")
    in_progress: int | None = field("Those that requests are being made of.")
    completed: int | None = field("Those that have a request.")
    failed: int | None = field("Those that no request could be made of.")


@strawberry.type(description="One item of a batch, and what came of it.")
class BatchRequestDetail:
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "The item that was asked for.", loader="item", key="itemId"
    )
    requester: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who asked.", loader="user", key="requesterId"
    )
    pickup_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link("Where it is to be picked up.", loader="service_point", key="pickupServicePointId")
    )
    batch_request: Annotated[BatchRequest, strawberry.lazy("gateway.schema.batch_request")] | None = link(
        "The batch. Its id costs no upstream call.",
        loader="batch_request",
        key="batchId",
        identity="batchId",
        batched=False,
    )
    mediated_request_status: BatchRequestStatus | None = field("How far it has come.")
    request_status: str | None = field("Where the request stands that was made of it, in FOLIO's words.")
    confirmed_request: Annotated[Request, strawberry.lazy("gateway.schema.request")] | None = link(
        "The request that was made of it. Null until there is one.",
        loader="request",
        key="confirmedRequestId",
    )
    error_code: str | None = field("Why no request could be made, as a code.")
    error_details: str | None = field("Why no request could be made, in words.")
    patron_comments: str | None = field("What the patron wrote.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of the items of a batch.")
class BatchRequestDetailConnection(Connection[BatchRequestDetail]):
    pass


class DetailsOfBatch(StrawberryField):
    """The items of a batch. Upstream serves them one batch a call. Any: Strawberry's signatures are wide."""

    batched = False

    @property
    def is_basic_field(self) -> bool:
        return False

    @property
    def needs(self) -> tuple[Path, ...]:
        return (("batchId",),)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return self._page(str(dig(record_of(source), ("batchId",))), info, kwargs)

    async def _page(self, batch_id: str, info: Info, kwargs: dict[str, Any]) -> Slice:
        window = window_of(info, kwargs)
        ask = info.context.upstream.circulation_bff.batch_request_details(batch_id)
        limit = window.count + 1 if window.has_next else window.count
        page = await ask(None, limit=limit, offset=window.offset, total=window.total)
        return Slice(
            page.records[: window.count], window.offset, page.total, len(page.records) > window.count
        )


def _details(description: str) -> Any:  # Any: the annotation beside the declaration is the type
    made = DetailsOfBatch(description=description)
    made.arguments = page_arguments()
    return made


@strawberry.type(description="Many items that one patron asked for at once.")
class BatchRequest:
    id: strawberry.ID = field("The id, a UUID.", key="batchId")
    requester: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who asked.", loader="user", key="requesterId"
    )
    mediated_request_status: BatchRequestStatus | None = field("How far it has come.")
    item_requests_stats: ItemRequestsStats | None = field(
        "How many items have come how far. Null in lists: ask for the single batch."
    )
    request_date: DateTime | None = field("When it was sent.")
    patron_comments: str | None = field("What the patron wrote.")
    mediated_workflow: str | None = field("Which way it goes: `Multi-Item request`.")
    metadata: Metadata | None = field("Who made the record and when.")
    details: BatchRequestDetailConnection | None = _details(
        "The items, and what came of each. One upstream call for each batch."
    )


@strawberry.type(description="A page of batch requests.")
class BatchRequestConnection(Connection[BatchRequest]):
    pass


@strawberry.input(
    description="Which batch requests. All conditions must hold. "
    'Since a day: `{ requestDate: { from: "2026-11-01T00:00:00Z" } }`.'
)
class BatchRequestFilter:
    requester_id: list[strawberry.ID] | None = condition(
        "Any of these requesters.", "requesterId", arguments.ids
    )
    request_date: arguments.DateTimeRange | None = condition(
        "When it was sent.", "requestDate", arguments.span
    )


@strawberry.enum(description="What batch requests can be sorted by.")
class BatchRequestSortField(Enum):
    REQUEST_DATE = member("requestDate", "When it was sent.")


@strawberry.input(
    description="One key to sort batch requests by; of several, the first counts most. "
    "The last first: `{ field: REQUEST_DATE, direction: DESCENDING }`."
)
class BatchRequestSort:
    field: BatchRequestSortField = strawberry.field(description="What to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="Which way; ascending unless given."
    )


QUERIES = [
    root(
        "batch_request",
        BatchRequest,
        lookup("One batch request. Null when there is none.", id=("batch_request", "The id, a UUID.")),
    ),
    root(
        "batch_requests",
        BatchRequestConnection,
        connection(
            "Batch requests, a page at a time.",
            ask=lambda upstream: upstream.circulation_bff.batch_requests,
            filter=BatchRequestFilter,
            sort=BatchRequestSort,
            default_sort=[cql.SortKey("requestDate", descending=True)],
        ),
    ),
]
