"""Reorder the request queue of a title or an item."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.page import full_list_of
from gateway.schema.refusal import Refusal
from gateway.schema.request import RequestQueue
from gateway.upstream.record_types import Record


@strawberry.input(description="The new position of a request.")
class QueuePlaceInput:
    id: strawberry.ID = strawberry.field(description="The request.")
    new_position: int = strawberry.field(description="The new position, from 1.")


@strawberry.input(description="The input of `reorderQueue`: a complete queue in its new order.")
class ReorderQueueInput:
    instance_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the title, for the queue of a title."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the item, for the queue of an item."
    )
    queue: list[QueuePlaceInput] = strawberry.field(
        description="Every open request of the queue exactly once, with the positions 1, 2, 3 and so on."
    )


@strawberry.type(description="The queue was reordered.")
class QueueReordered:
    queue: RequestQueue = strawberry.field(description="The queue after the change.")


ReorderQueueResult = Annotated[
    QueueReordered | Refusal,
    strawberry.union("ReorderQueueResult", description="The result of `reorderQueue`."),
]


@mutation(
    "Reorder a complete request queue. Sent once. An incomplete queue is refused; the "
    "library's setting for title-level requests decides between the queue of the title and "
    "that of the item."
)
async def reorder_queue(info: Info, input: ReorderQueueInput) -> ReorderQueueResult | None:
    name, value = arguments.exactly_one(instanceId=input.instance_id, itemId=input.item_id)
    key = arguments.check_uuid(value, name)
    body = _body(input)
    circulation = begin_mutation(info).circulation
    reorder = (
        circulation.reorder_queue_of_instance if name == "instanceId" else circulation.reorder_queue_of_item
    )
    queue = await reorder(key, body)
    return QueueReordered(queue=cast(RequestQueue, full_list_of(queue)))


def _body(input: ReorderQueueInput) -> Record:
    queue = body_of(input, "instanceId", "itemId")["queue"]
    if len({place["id"] for place in queue}) < len(queue):
        raise errors.BadUserInput("`queue` must contain each request once.")
    if not queue or sorted(place["newPosition"] for place in queue) != [*range(1, len(queue) + 1)]:
        raise errors.BadUserInput("`newPosition` must run from 1 without gaps or duplicates in `queue`.")
    return {"reorderedQueue": queue}
