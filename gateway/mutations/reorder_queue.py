"""Put the requests that wait for a title or an item into another order."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.page import full_list_of
from gateway.schema.refusal import Refusal
from gateway.schema.request import RequestQueue
from gateway.upstream.response import Record


@strawberry.input(description="Where a request stands from now on.")
class QueuePlaceInput:
    id: strawberry.ID = strawberry.field(description="The request.")
    new_position: int = strawberry.field(description="Its new place, from 1.")


@strawberry.input(description="A whole queue in its new order.")
class ReorderQueueInput:
    instance_id: strawberry.ID | None = strawberry.field(default=None, description="The queue of this title.")
    item_id: strawberry.ID | None = strawberry.field(default=None, description="Or the queue of this item.")
    queue: list[QueuePlaceInput] = strawberry.field(
        description="Every open request of the queue once, on the places 1, 2, 3 and so on."
    )


@strawberry.type(description="The queue has its new order.")
class QueueReordered:
    queue: RequestQueue = strawberry.field(description="The queue as it is now.")


ReorderQueueResult = Annotated[
    QueueReordered | Refusal,
    strawberry.union("ReorderQueueResult", description="What came of reordering a queue."),
]


@mutation(
    "Put a whole queue into another order. Sent once. A queue in which a request is missing "
    "is refused; which queue counts, the title's or the item's, is a setting of the library."
)
async def reorder_queue(
    info: Info, input: Annotated[ReorderQueueInput, strawberry.argument(description="Which and how.")]
) -> ReorderQueueResult | None:
    name, given = arguments.exactly_one(instanceId=input.instance_id, itemId=input.item_id)
    key = arguments.uuid(given, name)
    body = _body(input)
    circulation = begin_mutation(info).circulation
    reorder = (
        circulation.reorder_queue_of_instance if name == "instanceId" else circulation.reorder_queue_of_item
    )
    queue = await reorder(key, body)
    return QueueReordered(queue=full_list_of(queue))  # type: ignore[arg-type]  # what lists read


def _body(input: ReorderQueueInput) -> Record:
    queue = body_of(input, "instanceId", "itemId")["queue"]
    if len({place["id"] for place in queue}) < len(queue):
        raise errors.BadUserInput("`queue` must name each request once.")
    if not queue or sorted(place["newPosition"] for place in queue) != [*range(1, len(queue) + 1)]:
        raise errors.BadUserInput(
            "`newPosition` must be 1, 2, 3 and so on in `queue`, without gaps and twins."
        )
    return {"reorderedQueue": queue}
