"""Take an item back."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.record import derived, field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ClaimedReturnedResolution
from gateway.schema.item import Item
from gateway.schema.loan import EMBEDDED_LOAN_ITEM, Loan
from gateway.schema.loan_item import LoanItem
from gateway.schema.refusal import Refusal
from gateway.schema.staff_slip import StaffSlip


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


@mutation(
    "Take an item back. Sent once: a second check-in counts as use in the house, so after "
    "`OUTCOME_UNKNOWN` look at the item's status and last check-in first."
)
async def check_in(
    info: Info,
    input: Annotated[CheckInInput, strawberry.argument(description="What and where.")],
) -> CheckInResult | None:
    arguments.text(input.item_barcode, "itemBarcode")
    body = {"checkInDate": now(), **body_of(input)}
    response = await begin_mutation(info).circulation_bff.check_in(body)
    return CheckedIn(record=response, item=None)  # the link reads the record; its constructor wants a value
