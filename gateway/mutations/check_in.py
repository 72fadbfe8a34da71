"""Check in an item."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.record import derived, field
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_accounts,
    changes_of_check_in,
    changes_of_item,
    changes_of_loan,
    changes_of_request,
    changes_of_slips,
    values_of,
)
from gateway.schema.enums import ClaimedReturnedResolution
from gateway.schema.item import Item
from gateway.schema.loan import EMBEDDED_LOAN_ITEM, SENT_WITH_LOAN_ITEM, Loan
from gateway.schema.loan_item import LoanItem
from gateway.schema.refusal import Refusal
from gateway.schema.staff_slip import StaffSlip
from gateway.upstream import cql
from gateway.upstream.record_types import Record, dig

# Members of an item in inventory, and in the summary that circulation embeds.
_SAME_MEMBERS = (
    "id",
    "barcode",
    "title",
    "holdingsRecordId",
    "status",
    "materialType",
    "inTransitDestinationServicePointId",
    "copyNumber",
    "enumeration",
    "chronology",
    "volume",
    "displaySummary",
    "accessionNumber",
)
_OTHER_NAMES = {
    "callNumberComponents": "effectiveCallNumberComponents",
    "contributors": "contributorNames",
    "location": "effectiveLocation",
}


@strawberry.input(description="The input of `checkIn`.")
class CheckInInput:
    item_barcode: str = strawberry.field(description="The barcode of the item, such as `2000000001`.")
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    check_in_date: DateTime | None = strawberry.field(
        default=None,
        description="The date the item counts as returned, such as `2026-11-21T10:00:00Z`. Defaults to "
        "now; an earlier date backdates the "
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
    staff_slip_context: StaffSlip | None = field(
        "The contents of the slip to put into the item. Null if the check-in was looked up."
    )
    in_house_use: bool | None = derived(
        "True if the item was used inside the library. Null if upstream does not report it: the "
        "BFF omits it, and an item that was not on loan may also have returned from transit.",
        lambda response: response.get("inHouseUse", False if response.get("loan") else None),
        members=("inHouseUse", "loan"),
    )


CheckInResult = Annotated[
    CheckedIn | Refusal, strawberry.union("CheckInResult", description="The result of `checkIn`.")
]


def _changes(written: Written[CheckInInput, CheckedIn]) -> Changed:
    """Return the check-in, and the changes of item, loan, fines and of the next request with its slip.

    The requester of that request is not known. After a look-up and after an unknown outcome the slip is not
    known either, so that any request for the item may have changed.
    """
    service_point = written.input.service_point_id
    if written.result is None:
        return changes_of_check_in(service_point, None)
    response = written.result.record
    loan = values_of(response.get("loan"))
    item = values_of(response.get("item") or loan.get("item"))
    item_id, instance_id = item.get("id") or loan.get("itemId"), item.get("instanceId")
    slip = response.get("staffSlipContext")
    request = values_of(values_of(slip).get("request"))
    keys = {"id": request.get("requestID"), "itemId": item_id, "instanceId": instance_id}
    return (
        *changes_of_check_in(service_point, item_id),
        *changes_of_item(item_id, instance_id),
        *changes_of_loan(loan),
        *changes_of_accounts(loan.get("userId")),
        *((*changes_of_request(keys), *changes_of_slips({})) if request or slip is None else ()),
    )


@mutation(
    "Check in an item. Sent once, because a second check-in counts as use inside the library, and looked up "
    "if its response is lost.",
    changes=_changes,
)
async def check_in(info: Info, input: CheckInInput) -> CheckInResult:
    arguments.check_text(input.item_barcode, "itemBarcode")
    body = {"checkInDate": now(info), **body_of(input)}
    try:
        response = await begin_mutation(info).circulation_bff.check_in(body)
    except errors.OutcomeUnknown as unknown:
        response = await look_up(info, unknown, partial(_find_check_in, body))
    return CheckedIn(record=response)


async def _find_check_in(body: Record, look_up: LookUp) -> Record | None:
    """Return the loan that the check-in closed, with its item, or the item if it was not on loan.

    Circulation writes the item first and the loan last (mod-circulation, CheckInProcessAdapter.updateLoan),
    so that an item with this check-in and an open loan is still being checked in.
    """
    item = await look_up.item(body["itemBarcode"])
    if item is None:
        return None
    loan = await look_up.last_loan(item["id"])
    expected = {"lastCheckIn.servicePointId": body["servicePointId"]}
    if look_up.proven("item", item, expected) is None:
        return None
    if not look_up.is_after(dig(item, ("lastCheckIn", "dateTime"))):
        look_up.seen = "The last check-in of the item was before this write was sent."
        return None
    if loan is not None and dig(loan, ("status", "name")) != "Closed":
        look_up.seen = "The item has an open loan."
        return None
    if loan is None or look_up.proven("last loan of the item", loan, {}) is None:
        return {"item": await _embedded(item, look_up)}
    expected = {"returnDate": body["checkInDate"], "checkinServicePointId": body["servicePointId"]}
    if look_up.proven("last loan of the item", loan, expected) is None:
        return None
    return {"loan": loan, "item": loan.get("item")}


async def _embedded(item: Record, look_up: LookUp) -> Record:
    """Return an item of inventory as circulation embeds it, as far as inventory has its members."""
    query = str(cql.equal("id", str(item.get("holdingsRecordId"))))
    holdings = (await look_up.upstream.inventory.holdings(query, limit=1)).records
    return {
        **{name: item[name] for name in _SAME_MEMBERS if name in item},
        **{name: item[origin] for name, origin in _OTHER_NAMES.items() if origin in item},
        "callNumber": dig(item, ("effectiveCallNumberComponents", "callNumber")),
        **({"instanceId": holdings[0].get("instanceId")} if holdings else {}),
    }
