"""Save a mediated request and confirm it, so that it becomes a request."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.mediated_request import MediatedRequest, MediatedRequestState, MediatedRequestStatus
from gateway.schema.refusal import Refusal


@strawberry.input(description="The whole mediated request: with its id it replaces what is there.")
class ConfirmMediatedRequestInput:
    """Left out: `item`, `instance`, `requester`, `proxy`, `deliveryAddress`, `pickupServicePoint`,
    `searchIndex` and `metadata`, which the server works out from the ids (mod-requests-mediated,
    MediatedRequestDetailsServiceImpl).
    """

    requester_id: strawberry.ID = strawberry.field(description="Who wants it.")
    instance_id: strawberry.ID = strawberry.field(description="The title.")
    request_type: RequestType = strawberry.field(description="What kind of wish it is.")
    request_level: RequestLevel = strawberry.field(
        description="For one certain item, or for any of the title."
    )
    fulfillment_preference: FulfillmentPreference = strawberry.field(description="Picked up or delivered.")
    id: strawberry.ID | None = strawberry.field(
        default=None, description="Which one to confirm; without it a new one is made and confirmed."
    )
    request_date: DateTime | None = strawberry.field(
        default=None, description="When it was made; now, unless given."
    )
    item_id: strawberry.ID | None = strawberry.field(default=None, description="The item.")
    holdings_record_id: strawberry.ID | None = strawberry.field(default=None, description="Its holdings.")
    proxy_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who asks in the requester's name."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is picked up."
    )
    delivery_address_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which of the requester's addresses it is delivered to."
    )
    patron_comments: str | None = strawberry.field(default=None, description="What the patron says.")
    mediated_workflow: str | None = strawberry.field(default=None, description="Which way it goes.")
    mediated_request_status: MediatedRequestStatus | None = strawberry.field(
        default=None, description="Where it stands, roughly."
    )
    mediated_request_step: str | None = strawberry.field(default=None, description="The step within that.")
    status: MediatedRequestState | None = strawberry.field(
        default=None, description="Where it stands, step by step."
    )
    position: int | None = strawberry.field(default=None, description="The place in the queue, from 1.")
    confirmed_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The request that came of it before."
    )
    cancellation_reason_id: strawberry.ID | None = strawberry.field(
        default=None, description="Why it was cancelled."
    )
    cancelled_by_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who cancelled it."
    )
    cancellation_additional_information: str | None = strawberry.field(
        default=None, description="What was written about the cancellation."
    )
    cancelled_date: DateTime | None = strawberry.field(default=None, description="When it was cancelled.")


@strawberry.type(description="The mediated request was saved and confirmed.")
class MediatedRequestConfirmed:
    mediated_request: MediatedRequest = strawberry.field(
        description="As it was saved; what the confirmation changed may be missing from upstream's answer."
    )


ConfirmMediatedRequestResult = Annotated[
    MediatedRequestConfirmed | Refusal,
    strawberry.union("ConfirmMediatedRequestResult", description="What came of a confirmation."),
]


@mutation(
    "Save a mediated request and confirm it. Sent once; upstream does it in two steps, so "
    "what was given may be saved although the confirmation is refused."
)
async def confirm_mediated_request(
    info: Info,
    input: Annotated[ConfirmMediatedRequestInput, strawberry.argument(description="The whole of it.")],
) -> ConfirmMediatedRequestResult | None:
    body = {"requestDate": now(), **body_of(input)}
    saved = await begin_mutation(info).circulation_bff.confirm_mediated_request(body)
    return MediatedRequestConfirmed(mediated_request=saved)  # type: ignore[arg-type]  # a record
