"""Check in an item."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.record import derived, field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ClaimedReturnedResolution
from gateway.schema.item import Item
from gateway.schema.loan import EMBEDDED_LOAN_ITEM, SENT_WITH_LOAN_ITEM, Loan
from gateway.schema.loan_item import LoanItem
from gateway.schema.refusal import Refusal
from gateway.schema.staff_slip import StaffSlip
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `checkIn`.")
class CheckInInput:
    item_barcode: str = strawberry.field(description="The barcode of the item.")
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    check_in_date: DateTime | None = strawberry.field(
        default=None,
        description="The date the item counts as returned. Defaults to now; an earlier date backdates the "
        "return.",
    )
    claimed_returned_resolution: ClaimedReturnedResolution | None = strawberry.field(
        default=None,
        description="The outcome of the claim. Required for an item that is claimed returned, and only then.",
    )
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="One UUID per session at the desk: it groups the notices to patrons."
    )


@strawberry.type(description="The item was checked in.")
class CheckedIn:
    record: strawberry.Private[Record]  # upstream's response
    loan: Loan | None = field("The closed loan. Null if the item was not on loan.")
    item: Item | None = link(
        "The item in its new state. Fields in the response to the check-in cost no upstream call.",
        loader="item",
        key="item.id",
        embedded=EMBEDDED_LOAN_ITEM,
        sent_with=SENT_WITH_LOAN_ITEM,
    )
    loan_item: LoanItem | None = field("The item as embedded in the response.", key="item")
    staff_slip_context: StaffSlip | None = field("The contents of the slip to put into the item.")
    in_house_use: bool | None = derived(
        "True if the item was used inside the library. Null if upstream does not report it: the "
        "BFF omits it, and an item that was not on loan may also have returned from transit.",
        lambda response: response.get("inHouseUse", False if response.get("loan") else None),
        members=("inHouseUse", "loan"),
    )


CheckInResult = Annotated[
    CheckedIn | Refusal, strawberry.union("CheckInResult", description="The result of `checkIn`.")
]


@mutation(
    "Check in an item. Sent once: a second check-in counts as use inside the library, so after "
    "`OUTCOME_UNKNOWN` read the item's status and last check-in first."
)
async def check_in(info: Info, input: CheckInInput) -> CheckInResult | None:
    arguments.check_text(input.item_barcode, "itemBarcode")
    body = {"checkInDate": now(), **body_of(input)}
    response = await begin_mutation(info).circulation_bff.check_in(body)
    return CheckedIn(record=response)
