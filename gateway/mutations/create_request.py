"""Request an item or a title for a patron."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.response import Record


@strawberry.input(description="Who wants what, and how.")
class CreateRequestInput:
    """Left out: `item`, `requester`, `proxy`, `deliveryAddress` and `metadata`, which the server works out,
    and `tags`, which the BFF takes for one id and circulation for a list, so that neither form gets through.
    """

    requester_id: strawberry.ID = strawberry.field(description="Who wants it.")
    instance_id: strawberry.ID = strawberry.field(description="The title.")
    request_type: RequestType = strawberry.field(
        description="What kind of wish: one for which `allowedServicePoints` gives a list."
    )
    request_level: RequestLevel = strawberry.field(
        description="For one certain item, or for any of the title."
    )
    fulfillment_preference: FulfillmentPreference = strawberry.field(
        description="Picked up or delivered: the first needs `pickupServicePointId`, the second "
        "`deliveryAddressTypeId`."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The item. The level ITEM needs it, and `holdingsRecordId` with it."
    )
    holdings_record_id: strawberry.ID | None = strawberry.field(
        default=None, description="The holdings of the item."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is picked up."
    )
    delivery_address_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which of the requester's addresses it is delivered to."
    )
    proxy_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who asks in the requester's name."
    )
    request_date: DateTime | None = strawberry.field(
        default=None, description="When it was made; now, unless given."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None, description="When the patron no longer wants it."
    )
    hold_shelf_expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="Until when it stands on the hold shelf. FOLIO works it out when it gets there.",
    )
    patron_comments: str | None = strawberry.field(default=None, description="What the patron says.")
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to lift; requests know only `patronBlock`."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A UUID of your own for it: when no answer comes, you can ask whether it is there.",
    )


@strawberry.type(description="The request was made.")
class RequestCreated:
    request: Request = strawberry.field(description="The new request.")


CreateRequestResult = Annotated[
    RequestCreated | Refusal, strawberry.union("CreateRequestResult", description="What came of a request.")
]


@mutation("Request an item or a title. Sent once: after `OUTCOME_UNKNOWN` look for the request first.")
async def create_request(
    info: Info, input: Annotated[CreateRequestInput, strawberry.argument(description="Who, what and how.")]
) -> CreateRequestResult | None:
    request = await begin_mutation(info).circulation_bff.create_request(_body(input))
    return RequestCreated(request=request)  # type: ignore[arg-type]  # a record


def _body(input: CreateRequestInput) -> Record:
    body = {"requestDate": now(), **body_of(input)}
    if "overrideBlocks" in body:
        body["requestProcessingParameters"] = {"overrideBlocks": body.pop("overrideBlocks")}
    return body
