"""Take an item back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation
from gateway.fields.record import derived, field
from gateway.fields.scalars import DateTime, upstream_text
from gateway.schema.enums import ClaimedReturnedResolution
from gateway.schema.item import Item
from gateway.schema.loan import EMBEDDED_LOAN_ITEM, Loan
from gateway.schema.loan_item import LoanItem
from gateway.schema.refusal import Refusal
from gateway.schema.staff_slip import StaffSlip
from gateway.upstream.response import Record


@strawberry.input(description="Which item came back, and where.")
class CheckInInput:
    item_barcode: str = strawberry.field(description="The barcode of the item.")
    service_point_id: strawberry.ID = strawberry.field(
        description="Where it came back: the desk's service point."
    )
    check_in_date: DateTime | None = strawberry.field(
        default=None, description="When it counts as returned; now, unless the desk dates it back."
    )
    claimed_returned_resolution: ClaimedReturnedResolution | None = strawberry.field(
        default=None,
        description="How the claim came out. Needed for an item that is claimed returned, and for no other.",
    )
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="One UUID per session at the desk: it bundles the notices to patrons."
    )


@strawberry.type(description="The item was taken back.")
class CheckedIn:
    record: strawberry.Private[Any]  # Any: the answer as upstream sent it
    loan: Loan | None = field("The loan that ended. Null when the item was not on loan.")
    item: Item | None = link(
        "The item and what happens to it next. What the answer carries costs no upstream call.",
        loader="item",
        key="item.id",
        embedded=EMBEDDED_LOAN_ITEM,
    )
    loan_item: LoanItem | None = field("The item as the answer carries it.", key="item")
    staff_slip_context: StaffSlip | None = field("What to print on the slip that goes into the item.")
    in_house_use: bool | None = derived(
        "Whether the item was used in the house. Null where upstream does not say: the BFF leaves it out, "
        "and an item that was not on loan may as well have come back from transit.",
        lambda answer: answer.get("inHouseUse", False if answer.get("loan") else None),
    )


CheckInResult = Annotated[
    CheckedIn | Refusal, strawberry.union("CheckInResult", description="What came of a check-in.")
]


async def check_in(
    info: Info,
    input: Annotated[CheckInInput, strawberry.argument(description="What and where.")],
) -> CheckInResult | None:
    answer = await begin_mutation(info).circulation_bff.check_in(_body(input))
    return CheckedIn(record=answer, item=None)  # the link reads the record; its constructor wants a value


def _body(input: CheckInInput) -> Record:
    body: Record = {
        "itemBarcode": arguments.text(input.item_barcode, "itemBarcode"),
        "servicePointId": arguments.uuid(input.service_point_id, "servicePointId"),
        "checkInDate": upstream_text(input.check_in_date or datetime.now(UTC)),
    }
    if input.claimed_returned_resolution is not None:
        body["claimedReturnedResolution"] = input.claimed_returned_resolution.value
    if input.session_id is not None:
        body["sessionId"] = arguments.uuid(input.session_id, "sessionId")
    return body


@strawberry.type
class CheckIn:
    check_in: CheckInResult | None = strawberry.mutation(
        resolver=check_in,
        description="Take an item back. Sent once: a second check-in counts as use in the house, so after "
        "`OUTCOME_UNKNOWN` look at the item's status and last check-in first.",
    )
