"""Create a request across a consortium, for an external system."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.mutations.create_request import RequestCreated
from gateway.schema.enums import FulfillmentPreference, RequestLevel
from gateway.schema.mediated_request import MediatedRequest
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request


@strawberry.input(
    description="The input of `createEcsRequestExternal`. The library chooses the request type."
)
class CreateEcsRequestExternalInput:
    requester_id: strawberry.ID = strawberry.field(description="The id of the requester.")
    request_level: RequestLevel = strawberry.field(description="One specific item, or any item of the title.")
    fulfillment_preference: FulfillmentPreference = strawberry.field(description="Pickup or delivery.")
    instance_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the title. Level ITEM derives it from the item."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the item. Required for level ITEM."
    )
    holdings_record_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the holdings. Level ITEM derives it from the item."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="The pickup service point."
    )
    request_date: DateTime | None = strawberry.field(
        default=None, description="The date of the request. Defaults to now."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None, description="The date after which the patron no longer needs the item."
    )
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    id: strawberry.ID | None = strawberry.field(default=None, description="A UUID chosen by the client.")
    primary_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The part in the patron's library. FOLIO creates it unless it exists."
    )
    primary_request_dcb_transaction_id: strawberry.ID | None = strawberry.field(
        default=None, description="The lending transaction of that part."
    )
    primary_request_tenant_id: str | None = strawberry.field(
        default=None, description="The tenant of that part."
    )
    secondary_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The part in the item's library. FOLIO creates it unless it exists."
    )
    secondary_request_dcb_transaction_id: strawberry.ID | None = strawberry.field(
        default=None, description="The lending transaction of that part."
    )
    secondary_request_tenant_id: str | None = strawberry.field(
        default=None, description="The tenant of that part."
    )


@strawberry.type(
    description="A mediated request was created: the library is secure, and its staff must confirm it."
)
class MediatedRequestCreated:
    mediated_request: MediatedRequest = strawberry.field(description="The new mediated request.")


CreateEcsRequestExternalResult = Annotated[
    RequestCreated | MediatedRequestCreated | Refusal,
    strawberry.union(
        "CreateEcsRequestExternalResult", description="The result of `createEcsRequestExternal`."
    ),
]


@mutation("Create a request across a consortium. Sent once: after `OUTCOME_UNKNOWN` read the request first.")
async def create_ecs_request_external(
    info: Info, input: CreateEcsRequestExternalInput
) -> CreateEcsRequestExternalResult | None:
    body = {"requestDate": now(), **body_of(input)}
    created = await begin_mutation(info).circulation_bff.create_ecs_request_external(body)
    # Upstream does not name the type of the created request; only mediated ones have these members.
    if created.get("mediatedRequestStatus") or created.get("mediatedWorkflow"):
        return MediatedRequestCreated(mediated_request=cast(MediatedRequest, created))
    return RequestCreated(request=cast(Request, created))
