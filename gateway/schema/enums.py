"""Closed value sets of FOLIO, in SCREAMING_CASE. Values of a newer upstream become UNKNOWN."""

from enum import Enum
from typing import Any

import strawberry

from gateway.fields.arguments import UNKNOWN
from gateway.fields.base import Declared
from gateway.fields.record import field


def member(value: str | int, description: str) -> Any:  # Any: Strawberry replaces it by the value
    """Declare a member of an enum: the text or number that upstream sends, and its meaning."""
    return strawberry.enum_value(value, description=description)


def unknown_member() -> Any:  # Any: as above
    """Declare the member for values of a newer upstream."""
    return member(UNKNOWN, "A value that this version of the gateway does not know. Rejected as an input.")


def upstream_text(name: str, *, key: str | None = None) -> Declared:
    """Declare the sibling of a field with such values, `statusText` beside `status`: upstream's own text."""
    return field(f"Upstream's text of `{name}`, to show if `{name}` is `UNKNOWN`.", key=key or name)


@strawberry.enum(description="The state of a loan.")
class LoanStatusName(Enum):
    OPEN = member("Open", "The item is on loan.")
    CLOSED = member("Closed", "The item was returned, or the loan was settled.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The type of a request.")
class RequestType(Enum):
    HOLD = member("Hold", "Wait until the item is returned.")
    RECALL = member("Recall", "Request an earlier return from the borrower.")
    PAGE = member("Page", "Retrieve an available item from the shelf.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The level of a request: one item, or any item of a title.")
class RequestLevel(Enum):
    ITEM = member("Item", "One specific item.")
    TITLE = member("Title", "Any suitable item of the instance.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The status of a request.")
class RequestStatus(Enum):
    OPEN_NOT_YET_FILLED = member("Open - Not yet filled", "Waiting in the queue.")
    OPEN_AWAITING_PICKUP = member("Open - Awaiting pickup", "The item is on the hold shelf.")
    OPEN_IN_TRANSIT = member("Open - In transit", "The item is on its way to the pickup service point.")
    OPEN_AWAITING_DELIVERY = member("Open - Awaiting delivery", "The item is waiting to be delivered.")
    CLOSED_FILLED = member("Closed - Filled", "The patron received the item.")
    CLOSED_CANCELLED = member("Closed - Cancelled", "The request was cancelled.")
    CLOSED_UNFILLED = member("Closed - Unfilled", "The request expired before it was filled.")
    CLOSED_PICKUP_EXPIRED = member("Closed - Pickup expired", "The item was not picked up in time.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The way a patron receives a requested item.")
class FulfillmentPreference(Enum):
    HOLD_SHELF = member("Hold Shelf", "Pickup at a service point.")
    DELIVERY = member("Delivery", "Delivery to an address of the patron.")
    UNKNOWN = unknown_member()


@strawberry.enum(
    description="The part of a consortial request that a record represents. Null outside a consortium."
)
class EcsRequestPhase(Enum):
    PRIMARY = member("Primary", "The part in the patron's library.")
    SECONDARY = member("Secondary", "The part in the item's library.")
    INTERMEDIATE = member("Intermediate", "The part in between, if the consortium has one.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The state of an item.")
class ItemStatusName(Enum):
    AGED_TO_LOST = member("Aged to lost", "Overdue for so long that it counts as lost.")
    AVAILABLE = member("Available", "On the shelf.")
    AWAITING_DELIVERY = member("Awaiting delivery", "Waiting to be delivered to a patron.")
    AWAITING_PICKUP = member("Awaiting pickup", "On the hold shelf for a patron.")
    CHECKED_OUT = member("Checked out", "On loan.")
    CLAIMED_RETURNED = member(
        "Claimed returned", "The patron claims to have returned it; the library has not located it."
    )
    DECLARED_LOST = member("Declared lost", "Reported lost by the patron.")
    LOST_AND_PAID = member("Lost and paid", "Lost, and paid for by the patron.")
    LONG_MISSING = member("Long missing", "Missing for a long time.")
    MISSING = member("Missing", "Not at its location.")
    IN_PROCESS = member("In process", "Being processed; can be requested.")
    IN_PROCESS_NON_REQUESTABLE = member(
        "In process (non-requestable)", "Being processed; cannot be requested."
    )
    IN_TRANSIT = member("In transit", "On the way to a service point.")
    INTELLECTUAL_ITEM = member("Intellectual item", "A placeholder without a physical item.")
    ON_ORDER = member("On order", "Ordered, not yet received.")
    ORDER_CLOSED = member("Order closed", "The order was closed without delivery.")
    PAGED = member("Paged", "Being retrieved from the shelf for a patron.")
    RESTRICTED = member("Restricted", "Available to certain patrons only.")
    UNAVAILABLE = member("Unavailable", "Temporarily unavailable.")
    UNKNOWN = member(
        "Unknown", "FOLIO's own `Unknown`, or a state that this version of the gateway does not know."
    )
    WITHDRAWN = member("Withdrawn", "Removed from the collection.")


@strawberry.enum(description="The occasion on which a circulation note is shown to staff.")
class CirculationNoteType(Enum):
    CHECK_IN = member("Check in", "At check-in.")
    CHECK_OUT = member("Check out", "At check-out.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The outcome of a claim that an item was returned.")
class ClaimedReturnedResolution(Enum):
    FOUND_BY_LIBRARY = member("Found by library", "The item was in the library.")
    RETURNED_BY_PATRON = member("Returned by patron", "The patron returned the item.")


@strawberry.enum(description="The unit of a period.")
class IntervalId(Enum):
    MINUTES = member("Minutes", "Minutes.")
    HOURS = member("Hours", "Hours.")
    DAYS = member("Days", "Days.")
    WEEKS = member("Weeks", "Weeks.")
    MONTHS = member("Months", "Months.")
    YEARS = member("Years", "Years.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The treatment of a hold shelf expiration date on a closed day.")
class HoldShelfClosedLibraryDateManagement(Enum):
    KEEP_THE_CURRENT_DUE_DATE = member("Keep_the_current_due_date", "The date is kept.")
    MOVE_TO_THE_END_OF_THE_PREVIOUS_OPEN_DAY = member(
        "Move_to_the_end_of_the_previous_open_day", "The end of the previous open day."
    )
    MOVE_TO_THE_END_OF_THE_NEXT_OPEN_DAY = member(
        "Move_to_the_end_of_the_next_open_day", "The end of the next open day."
    )
    KEEP_THE_CURRENT_DUE_DATE_TIME = member("Keep_the_current_due_date_time", "The date and time are kept.")
    MOVE_TO_END_OF_CURRENT_SERVICE_POINT_HOURS = member(
        "Move_to_end_of_current_service_point_hours", "The time the service point closes."
    )
    MOVE_TO_BEGINNING_OF_NEXT_OPEN_SERVICE_POINT_HOURS = member(
        "Move_to_beginning_of_next_open_service_point_hours", "The time the service point next opens."
    )
    UNKNOWN = unknown_member()
