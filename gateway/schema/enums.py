"""Closed value sets of FOLIO, in SCREAMING_CASE. A text from a newer upstream becomes UNKNOWN."""

from __future__ import annotations

from enum import Enum

import strawberry

from gateway.fields.enums import member, unknown_member


@strawberry.enum(description="Whether a loan is still running.")
class LoanStatusName(Enum):
    OPEN = member("Open", "The item is out.")
    CLOSED = member("Closed", "The item came back, or the loan was settled.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="What kind of wish a request is.")
class RequestType(Enum):
    HOLD = member("Hold", "Wait until the item comes back.")
    RECALL = member("Recall", "Ask the borrower to bring it back sooner.")
    PAGE = member("Page", "Fetch an available item from the shelf.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="Whether a request is for one copy or for any copy of a title.")
class RequestLevel(Enum):
    ITEM = member("Item", "For one certain item.")
    TITLE = member("Title", "For any suitable item of the instance.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="Where a request stands.")
class RequestStatus(Enum):
    OPEN_NOT_YET_FILLED = member("Open - Not yet filled", "It waits in the queue.")
    OPEN_AWAITING_PICKUP = member("Open - Awaiting pickup", "The item stands on the hold shelf.")
    OPEN_IN_TRANSIT = member("Open - In transit", "The item travels to the pickup service point.")
    OPEN_AWAITING_DELIVERY = member("Open - Awaiting delivery", "The item waits to be delivered.")
    CLOSED_FILLED = member("Closed - Filled", "The patron got the item.")
    CLOSED_CANCELLED = member("Closed - Cancelled", "Somebody cancelled it.")
    CLOSED_UNFILLED = member("Closed - Unfilled", "It ran out before it could be filled.")
    CLOSED_PICKUP_EXPIRED = member("Closed - Pickup expired", "Nobody picked the item up in time.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="How the patron wants to get the item.")
class FulfillmentPreference(Enum):
    HOLD_SHELF = member("Hold Shelf", "Picked up at a service point.")
    DELIVERY = member("Delivery", "Delivered to an address of the patron.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="Which half of a consortial request a record is. Absent outside a consortium.")
class EcsRequestPhase(Enum):
    PRIMARY = member("Primary", "The half where the patron is.")
    SECONDARY = member("Secondary", "The half where the item is.")
    INTERMEDIATE = member("Intermediate", "The half in between, where the consortium has one.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The state of an item.")
class ItemStatusName(Enum):
    AGED_TO_LOST = member("Aged to lost", "Overdue for so long that it counts as lost.")
    AVAILABLE = member("Available", "On its shelf.")
    AWAITING_DELIVERY = member("Awaiting delivery", "Waits to be delivered to a patron.")
    AWAITING_PICKUP = member("Awaiting pickup", "On the hold shelf for a patron.")
    CHECKED_OUT = member("Checked out", "On loan.")
    CLAIMED_RETURNED = member("Claimed returned", "The patron says that it came back; nobody has seen it.")
    DECLARED_LOST = member("Declared lost", "The patron says that it is lost.")
    LOST_AND_PAID = member("Lost and paid", "Lost, and the patron has paid for it.")
    LONG_MISSING = member("Long missing", "Missing for a long time.")
    MISSING = member("Missing", "Not where it should be.")
    IN_PROCESS = member("In process", "Being made ready; can be requested.")
    IN_PROCESS_NON_REQUESTABLE = member(
        "In process (non-requestable)", "Being made ready; cannot be requested."
    )
    IN_TRANSIT = member("In transit", "On its way to a service point.")
    INTELLECTUAL_ITEM = member("Intellectual item", "Stands for something that is no thing of its own.")
    ON_ORDER = member("On order", "Ordered, not yet here.")
    ORDER_CLOSED = member("Order closed", "The order ended without it.")
    PAGED = member("Paged", "Being fetched from its shelf for a patron.")
    RESTRICTED = member("Restricted", "Only for certain patrons.")
    UNAVAILABLE = member("Unavailable", "Not to be had for now.")
    UNKNOWN = member(
        "Unknown", "FOLIO itself calls it unknown, or this version of the gateway does not know the state."
    )
    WITHDRAWN = member("Withdrawn", "Taken out of the collection.")


@strawberry.enum(description="At which moment a note of an item is shown to the desk.")
class CirculationNoteType(Enum):
    CHECK_IN = member("Check in", "When the item is checked in.")
    CHECK_OUT = member("Check out", "When the item is checked out.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="How a claim that an item was returned came out.")
class ClaimedReturnedResolution(Enum):
    FOUND_BY_LIBRARY = member("Found by library", "The library had it all the time.")
    RETURNED_BY_PATRON = member("Returned by patron", "The patron brought it back now.")


@strawberry.enum(description="The unit of a period.")
class IntervalId(Enum):
    MINUTES = member("Minutes", "Minutes.")
    HOURS = member("Hours", "Hours.")
    DAYS = member("Days", "Days.")
    WEEKS = member("Weeks", "Weeks.")
    MONTHS = member("Months", "Months.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="What happens to a hold-shelf date that falls on a closed day.")
class HoldShelfClosedLibraryDateManagement(Enum):
    KEEP_THE_CURRENT_DUE_DATE = member("Keep_the_current_due_date", "The day stays.")
    MOVE_TO_THE_END_OF_THE_PREVIOUS_OPEN_DAY = member(
        "Move_to_the_end_of_the_previous_open_day", "The end of the open day before."
    )
    MOVE_TO_THE_END_OF_THE_NEXT_OPEN_DAY = member(
        "Move_to_the_end_of_the_next_open_day", "The end of the open day after."
    )
    KEEP_THE_CURRENT_DUE_DATE_TIME = member("Keep_the_current_due_date_time", "Day and time stay.")
    MOVE_TO_END_OF_CURRENT_SERVICE_POINT_HOURS = member(
        "Move_to_end_of_current_service_point_hours", "When the service point closes."
    )
    MOVE_TO_BEGINNING_OF_NEXT_OPEN_SERVICE_POINT_HOURS = member(
        "Move_to_beginning_of_next_open_service_point_hours", "When the service point opens next."
    )
    UNKNOWN = unknown_member()
