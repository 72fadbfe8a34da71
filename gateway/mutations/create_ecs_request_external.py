"""Create a request across a consortium, for an external system."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import Changed, Written
from gateway.mutations.confirm_mediated_request import find_mediated_request
from gateway.mutations.create_request import SENT_MEMBERS, RequestCreated, changes_of_new_request
from gateway.schema.enums import FulfillmentPreference, RequestLevel
from gateway.schema.mediated_request import MediatedRequest
from gateway.schema.refusal import Refusal
from gateway.schema.request import Request
from gateway.upstream.caller import keys_in
from gateway.upstream.record_types import Record


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
        default=None, description="The date of the request, such as `2026-11-21T10:00:00Z`. Defaults to now."
    )
    request_expiration_date: DateTime | None = strawberry.field(
        default=None,
        description="The date after which the patron no longer needs the item, such as "
        "`2026-11-21T10:00:00Z`.",
    )
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    id: strawberry.ID | None = strawberry.field(
        default=None, description="Not the id of the new request, which FOLIO chooses."
    )
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


def _changes(
    written: Written[CreateEcsRequestExternalInput, RequestCreated | MediatedRequestCreated],
) -> Changed:
    """Return the changes by a new request; a mediated one changes nothing before its confirmation."""
    if isinstance(written.result, MediatedRequestCreated):
        return ()
    return changes_of_new_request(written.input, None if written.result is None else written.result.request)


@mutation(
    "Create a request across a consortium. Sent once, and looked up if its response is lost.",
    changes=_changes,
)
async def create_ecs_request_external(
    info: Info, input: CreateEcsRequestExternalInput
) -> CreateEcsRequestExternalResult:
    body = {"requestDate": now(info), **body_of(input)}
    try:
        created = await begin_mutation(info).circulation_bff.create_ecs_request_external(body)
    except errors.OutcomeUnknown as unknown:
        created = await look_up(info, unknown, partial(_find_request, body))
    # Upstream does not name the type of the created request; only mediated ones have these members.
    if created.get("mediatedRequestStatus") or created.get("mediatedWorkflow"):
        return MediatedRequestCreated(mediated_request=cast(MediatedRequest, created))
    return RequestCreated(request=cast(Request, created))


async def _find_request(body: Record, look_up: LookUp) -> Record | None:
    """Return the request or mediated request with the values that were sent, created after the sending.

    Its id proves nothing: mod-tlr and mod-requests-mediated choose it (EcsTlrServiceImpl,
    MediatedRequestEntity).
    """
    expected = keys_in(body, *SENT_MEMBERS)
    request = await look_up.new_record("request", look_up.upstream.circulation.requests, expected)
    if request is not None:
        return request
    seen = look_up.seen
    try:
        return await find_mediated_request(look_up, expected)
    except errors.UpstreamBadResponse as problem:  # only a library with mediated requests has their service
        errors.without_frames(problem)
        look_up.seen = seen
        return None
