"""Request an item or a title for a patron."""

from functools import partial
from typing import Annotated, Any, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, new_id, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_item,
    changes_of_loan,
    changes_of_request,
    changes_of_slips,
    values_of,
)
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.caller import keys_in
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
        default=None, description="The date of the request, such as `2026-11-21T10:00:00Z`. Defaults to now."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="The date after which the patron no longer needs the item, such as "
        "`2026-11-21T10:00:00Z`.",
    )
    hold_shelf_expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="The date until which the item stays on the hold shelf, such as "
        "`2026-11-21T10:00:00Z`. FOLIO calculates it on arrival.",
    )
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to override; only `patronBlock` applies to requests."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="A UUID for the request, which upstream accepts once. Defaults to a new one.",
    )


@strawberry.type(description="The request was created.")
class RequestCreated:
    request: Request = strawberry.field(description="The new request.")


CreateRequestResult = Annotated[
    RequestCreated | Refusal,
    strawberry.union("CreateRequestResult", description="The result of `createRequest`."),
]


def _changes(written: Written[CreateRequestInput, RequestCreated]) -> Changed:
    """Return the changes of request, queue, item and slips, and of the loan that a recall shortens."""
    return changes_of_new_request(written.input, None if written.result is None else written.result.request)


def changes_of_new_request(input: Any, response: object) -> Changed:
    """Return the changes by a new request. Any: each of the inputs that create one has the same members.

    The id in the input is not that of the request if mod-tlr or mod-requests-mediated chooses it. The
    borrower of a recalled loan is not known, and for any item of a title not even the item.
    """
    request = {
        "requesterId": input.requester_id,
        "instanceId": input.instance_id,
        "itemId": input.item_id,
        "pickupServicePointId": input.pickup_service_point_id,
        **{name: value for name, value in values_of(response).items() if value is not None},
    }
    item_id = request["itemId"]
    is_recall = request.get("requestType") == RequestType.RECALL.value
    return (
        *changes_of_request(request, kind="created"),
        *changes_of_item(item_id, request["instanceId"]),
        *(changes_of_loan({"itemId": item_id}) if is_recall else changes_of_slips(request)),
    )


@mutation(
    "Request an item or a title. Sent once, and looked up if its response is lost.",
    changes=_changes,
)
async def create_request(info: Info, input: CreateRequestInput) -> CreateRequestResult:
    body = _body(info, input)
    try:
        request = await begin_mutation(info).circulation_bff.create_request(body)
    except errors.OutcomeUnknown as unknown:
        request = await look_up(info, unknown, partial(_find_request, body))
    return RequestCreated(request=cast(Request, request))


# The members that circulation keeps as they were sent. It sets the expiration date to the end of the day
# (mod-circulation, RequestFromRepresentationService), and the item of a request for any item of a title.
SENT_MEMBERS = (
    "requesterId",
    "instanceId",
    "itemId",
    "requestLevel",
    "requestDate",
    "fulfillmentPreference",
    "pickupServicePointId",
    "patronComments",
)
_SENT_MEMBERS = (*SENT_MEMBERS, "requestType", "proxyUserId", "deliveryAddressTypeId")


async def _find_request(body: Record, look_up: LookUp) -> Record | None:
    """Return the request with the id that was sent, or in a consortium one with the values that were sent.

    There the id is chosen by mod-tlr, which ignores that of the body (EcsTlrServiceImpl).
    """
    expected = keys_in(body, *_SENT_MEMBERS)
    request = await look_up.request(body["id"])
    if request is None:
        requests = look_up.upstream.circulation.requests
        return await look_up.new_record("request", requests, {**expected, "ecsRequestPhase": "Primary"})
    return look_up.proven("request", request, expected, is_new=True)


def _body(info: Info, input: CreateRequestInput) -> Record:
    body = {"requestDate": now(info), **body_of(input)}
    body.setdefault("id", new_id(info))
    if "overrideBlocks" in body:
        body["requestProcessingParameters"] = {"overrideBlocks": body.pop("overrideBlocks")}
    return body
