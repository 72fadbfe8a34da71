"""Request an item or a title across a consortium, for another system."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.mutations.create_request import RequestCreated
from gateway.schema.enums import FulfillmentPreference, RequestLevel
from gateway.schema.mediated_request import MediatedRequest
from gateway.schema.refusal import Refusal


@strawberry.input(
    description="Who wants what from which library of the consortium. The kind is the library's choice."
)
class CreateEcsRequestExternalInput:
    requester_id: strawberry.ID = strawberry.field(description="Who wants it.")
    request_level: RequestLevel = strawberry.field(
        description="For one certain item, or for any of the title."
    )
    fulfillment_preference: FulfillmentPreference = strawberry.field(description="Picked up or delivered.")
    instance_id: strawberry.ID | None = strawberry.field(
        default=None, description="The title. The level ITEM finds it by the item."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The item. The level ITEM needs it."
    )
    holdings_record_id: strawberry.ID | None = strawberry.field(
        default=None, description="The holdings. The level ITEM finds them by the item."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is picked up."
    )
    request_date: DateTime | None = strawberry.field(
        default=None, description="When it was made; now, unless given."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None, description="When the patron no longer wants it."
    )
    patron_comments: str | None = strawberry.field(default=None, description="What the patron says.")
    id: strawberry.ID | None = strawberry.field(default=None, description="A UUID of your own for it.")
    primary_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The half where the patron is. FOLIO makes it, unless it is there already."
    )
    primary_request_dcb_transaction_id: strawberry.ID | None = strawberry.field(
        default=None, description="The lending transaction of that half."
    )
    primary_request_tenant_id: str | None = strawberry.field(
        default=None, description="The tenant of that half."
    )
    secondary_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The half where the item is. FOLIO makes it, unless it is there already."
    )
    secondary_request_dcb_transaction_id: strawberry.ID | None = strawberry.field(
        default=None, description="The lending transaction of that half."
    )
    secondary_request_tenant_id: str | None = strawberry.field(
        default=None, description="The tenant of that half."
    )


@strawberry.type(
    description="A mediated request was made: the library is a secure one, and its staff confirms it."
)
class MediatedRequestCreated:
    mediated_request: MediatedRequest = strawberry.field(description="The new mediated request.")


CreateEcsRequestExternalResult = Annotated[
    RequestCreated | MediatedRequestCreated | Refusal,
    strawberry.union(
        "CreateEcsRequestExternalResult", description="What came of a request across a consortium."
    ),
]


@mutation("Request across a consortium. Sent once: after `OUTCOME_UNKNOWN` look for the request first.")
async def create_ecs_request_external(
    info: Info,
    input: Annotated[CreateEcsRequestExternalInput, strawberry.argument(description="Who, what and how.")],
) -> CreateEcsRequestExternalResult | None:
    body = {"requestDate": now(), **body_of(input)}
    made = await begin_mutation(info).circulation_bff.create_ecs_request_external(body)
    # Upstream gives no word for which of the two it made; only mediated ones have these members.
    if made.get("mediatedRequestStatus") or made.get("mediatedWorkflow"):
        return MediatedRequestCreated(mediated_request=made)  # type: ignore[arg-type]  # a record
    return RequestCreated(request=made)  # type: ignore[arg-type]  # a record
