"""Request an item or a title for a patron."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `createRequest`.")
class CreateRequestInput:
    """Omitted: `item`, `requester`, `proxy`, `deliveryAddress` and `metadata`, which upstream derives,
    and `tags`, which the BFF parses as one id and circulation as a list, so that neither form is accepted.
    """

    requester_id: strawberry.ID = strawberry.field(description="The id of the requester.")
    instance_id: strawberry.ID = strawberry.field(description="The title.")
    request_type: RequestType = strawberry.field(
        description="The request type: one of those in `allowedServicePoints`."
    )
    request_level: RequestLevel = strawberry.field(description="One specific item, or any item of the title.")
    fulfillment_preference: FulfillmentPreference = strawberry.field(
        description="Pickup or delivery: pickup requires `pickupServicePointId`, delivery requires "
        "`deliveryAddressTypeId`."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The item. Level ITEM requires it together with `holdingsRecordId`."
    )
    holdings_record_id: strawberry.ID | None = strawberry.field(
        default=None, description="The holdings of the item."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="The pickup service point."
    )
    delivery_address_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="The type of the requester's address to deliver to."
    )
    proxy_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The user who requests on the requester's behalf."
    )
    request_date: DateTime | None = strawberry.field(
        default=None, description="The date of the request. Defaults to now."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None, description="The date after which the patron no longer needs the item."
    )
    hold_shelf_expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="The date until which the item stays on the hold shelf. FOLIO calculates it on arrival.",
    )
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to override; only `patronBlock` applies to requests."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A UUID chosen by the client. After a failure it shows if the batch exists.",
    )


@strawberry.type(description="The request was created.")
class RequestCreated:
    request: Request = strawberry.field(description="The new request.")


CreateRequestResult = Annotated[
    RequestCreated | Refusal,
    strawberry.union("CreateRequestResult", description="The result of `createRequest`."),
]


@mutation("Request an item or a title. Sent once: after `OUTCOME_UNKNOWN` read the request first.")
async def create_request(info: Info, input: CreateRequestInput) -> CreateRequestResult | None:
    request = await begin_mutation(info).circulation_bff.create_request(_body(input))
    return RequestCreated(request=cast(Request, request))


def _body(input: CreateRequestInput) -> Record:
    body = {"requestDate": now(), **body_of(input)}
    if "overrideBlocks" in body:
        body["requestProcessingParameters"] = {"overrideBlocks": body.pop("overrideBlocks")}
    return body
