"""Reorder the request queue of a title or an item."""

from functools import partial
from operator import itemgetter
from typing import Annotated, Any, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import Changed, Written, changes_of_queue, changes_of_request, values_of
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


def _changes(written: Written[ReorderQueueInput, QueueReordered]) -> Changed:
    """Return the changes of the queue and of its requests, which all may have moved.

    Any: the queue is what `full_list_of` returns.
    """
    sent = {"instanceId": written.input.instance_id, "itemId": written.input.item_id}
    queue: list[Record] = [] if written.result is None else cast(Any, written.result.queue).records
    requests = {str(each.get("id")): {**sent, **each} for each in map(values_of, queue)}
    for place in written.input.queue:
        requests.setdefault(place.id.lower(), {**sent, "id": place.id})
    moved = [change for each in requests.values() for change in changes_of_request(each)]
    own = [each for each in moved if each.subject == "request"]
    return (*changes_of_queue(sent, *requests.values()), *own)


@mutation(
    "Reorder a complete request queue. Sent once. An incomplete queue is refused; the "
    "library's setting for title-level requests decides between the queue of the title and "
    "that of the item.",
    changes=_changes,
    calls=[("circulation.reorder_queue_of_instance", "circulation.reorder_queue_of_item")],
)
async def reorder_queue(info: Info, input: ReorderQueueInput) -> ReorderQueueResult:
    name, value = arguments.exactly_one(instanceId=input.instance_id, itemId=input.item_id)
    key = arguments.check_uuid(value, name)
    body = _body(input)
    circulation = begin_mutation(info).circulation
    reorder = (
        circulation.reorder_queue_of_instance if name == "instanceId" else circulation.reorder_queue_of_item
    )
    try:
        queue = await reorder(key, body)
    except errors.OutcomeUnknown as unknown:
        queue = await look_up(info, unknown, partial(_find_queue, name, key, body))
    return QueueReordered(queue=cast(RequestQueue, full_list_of(queue)))


async def _find_queue(name: str, key: str, body: Record, look_up: LookUp) -> list[Record] | None:
    """Return the queue if it has the order that was sent, and a request of it was written afterwards.

    Circulation writes the requests with new positions only, and no request if none has one (mod-circulation,
    RequestQueueRepository), so that the order before the sending is no proof.
    """
    circulation = look_up.upstream.circulation
    queue = await (circulation.queue_of_instance if name == "instanceId" else circulation.queue_of_item)(key)
    places = sorted(body["reorderedQueue"], key=itemgetter("newPosition"))
    if [each["id"].lower() for each in places] != [str(each.get("id")).lower() for each in queue]:
        look_up.seen = "The queue has another order, or other requests."
        return None
    if all(look_up.proven("request", each, {}) is None for each in queue):
        look_up.seen = "The queue has this order, but no request of it was written after this write was sent."
        return None
    return queue


def _body(input: ReorderQueueInput) -> Record:
    queue = body_of(input, "instanceId", "itemId")["queue"]
    if len({place["id"] for place in queue}) < len(queue):
        raise errors.BadUserInput("`queue` must contain each request once.")
    if not queue or sorted(place["newPosition"] for place in queue) != [*range(1, len(queue) + 1)]:
        raise errors.BadUserInput("`newPosition` must run from 1 without gaps or duplicates in `queue`.")
    return {"reorderedQueue": queue}
