"""Save a mediated request and confirm it, so that it becomes a request."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields.look_up import NO_PROOF, PRESENT, LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import Changed, Written, values_of
from gateway.mutations.create_request import changes_of_new_request
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.mediated_request import MediatedRequest, MediatedRequestState, MediatedRequestStatus
from gateway.schema.refusal import Refusal
from gateway.upstream import cql
from gateway.upstream.record_types import Record

# The members that confirmation may change (mod-requests-mediated, MediatedRequestActionsServiceImpl).
_CHANGED = frozenset(
    {
        "id",
        "mediatedWorkflow",
        "mediatedRequestStatus",
        "mediatedRequestStep",
        "status",
        "position",
        "confirmedRequestId",
    }
)


@strawberry.input(
    description="The input of `confirmMediatedRequest`. With an id it replaces the stored mediated request."
)
class ConfirmMediatedRequestInput:
    """Omitted: `item`, `instance`, `requester`, `proxy`, `deliveryAddress`, `pickupServicePoint`,
    `searchIndex` and `metadata`, which upstream derives from the ids (mod-requests-mediated,
    MediatedRequestDetailsServiceImpl).
    """

    requester_id: strawberry.ID = strawberry.field(description="The id of the requester.")
    instance_id: strawberry.ID = strawberry.field(description="The title.")
    request_type: RequestType = strawberry.field(description="The type of the request.")
    request_level: RequestLevel = strawberry.field(description="One specific item, or any item of the title.")
    fulfillment_preference: FulfillmentPreference = strawberry.field(description="Pickup or delivery.")
    id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The id of the mediated request to confirm. Without an id, a new one is created.",
    )
    request_date: DateTime | None = strawberry.field(
        default=None,
        description="The date of the request, such as `2026-11-21T10:00:00Z`. Required with an id, "
        "because it replaces the stored date; "
        "otherwise it defaults to now.",
    )
    item_id: strawberry.ID | None = strawberry.field(default=None, description="The item.")
    holdings_record_id: strawberry.ID | None = strawberry.field(
        default=None, description="The holdings of the item."
    )
    proxy_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The user who requests on the requester's behalf."
    )
    pickup_service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="The pickup service point."
    )
    delivery_address_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="The type of the requester's address to deliver to."
    )
    patron_comments: str | None = strawberry.field(default=None, description="The patron's comment.")
    mediated_workflow: str | None = strawberry.field(default=None, description="The workflow.")
    mediated_request_status: MediatedRequestStatus | None = strawberry.field(
        default=None, description="The general status."
    )
    mediated_request_step: str | None = strawberry.field(
        default=None, description="The step within the general status."
    )
    status: MediatedRequestState | None = strawberry.field(default=None, description="The detailed status.")
    position: int | None = strawberry.field(default=None, description="The position in the queue, from 1.")
    confirmed_request_id: strawberry.ID | None = strawberry.field(
        default=None, description="The request created by an earlier confirmation."
    )
    cancellation_reason_id: strawberry.ID | None = strawberry.field(
        default=None, description="The reason for the cancellation."
    )
    cancelled_by_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The user who cancelled the request."
    )
    cancellation_additional_information: str | None = strawberry.field(
        default=None, description="The comment on the cancellation."
    )
    cancelled_date: DateTime | None = strawberry.field(
        default=None, description="The date of the cancellation, such as `2026-11-21T10:00:00Z`."
    )


@strawberry.type(description="The mediated request was saved and confirmed.")
class MediatedRequestConfirmed:
    mediated_request: MediatedRequest = strawberry.field(
        description="The mediated request as saved. Changes made by the confirmation may be missing from "
        "upstream's response."
    )


ConfirmMediatedRequestResult = Annotated[
    MediatedRequestConfirmed | Refusal,
    strawberry.union("ConfirmMediatedRequestResult", description="The result of `confirmMediatedRequest`."),
]


def _changes(written: Written[ConfirmMediatedRequestInput, MediatedRequestConfirmed]) -> Changed:
    """Return the changes by the request that the mediated one has become.

    Upstream's response may be older than the confirmation and not name it.
    """
    mediated = values_of(None if written.result is None else written.result.mediated_request)
    return changes_of_new_request(written.input, {**mediated, "id": mediated.get("confirmedRequestId")})


@mutation(
    "Save a mediated request and confirm it. Sent once; upstream does it in two steps, so the "
    "values may be saved although the confirmation is refused.",
    changes=_changes,
)
async def confirm_mediated_request(
    info: Info, input: ConfirmMediatedRequestInput
) -> ConfirmMediatedRequestResult:
    body = body_of(input)
    if "requestDate" not in body:
        if "id" in body:
            raise errors.BadUserInput("`requestDate` is required with `id`: it replaces the stored date.")
        body["requestDate"] = now(info)
    try:
        saved = await begin_mutation(info).circulation_bff.confirm_mediated_request(body)
    except errors.OutcomeUnknown as unknown:
        saved = await look_up(info, unknown, partial(_find_confirmed, body))
    return MediatedRequestConfirmed(mediated_request=cast(MediatedRequest, saved))


async def _find_confirmed(body: Record, look_up: LookUp) -> Record | None:
    """Return the mediated request that was written after the sending and names the request that it became.

    With the id of that request in the input, its presence proves no confirmation.
    """
    expected = {name: value for name, value in body.items() if name not in _CHANGED}
    expected["confirmedRequestId"] = NO_PROOF if "confirmedRequestId" in body else PRESENT
    if "id" not in body:
        return await find_mediated_request(look_up, expected)
    query = str(cql.equal("id", body["id"]))
    page = await look_up.upstream.mediated_requests.mediated_requests(query, limit=1)
    return look_up.proven("mediated request", page.records[0] if page.records else None, expected)


async def find_mediated_request(look_up: LookUp, expected: Mapping[str, Any]) -> Record | None:
    """Return a mediated request with these members (Any: JSON) that was created after the sending."""
    collection = look_up.upstream.mediated_requests.mediated_requests
    return await look_up.new_record("mediated request", collection, expected, "createdDate")
