"""Filter and sort arguments of the circulation log, and its closed sets of values."""

from enum import Enum

import strawberry

from gateway.fields.arguments import condition
from gateway.schema import filters
from gateway.schema.enums import member, unknown_member
from gateway.schema.filters import DateTimeRange, SortDirection
from gateway.upstream import cql

LATEST_RECORDS_FIRST = (cql.SortKey("date", descending=True),)


@strawberry.enum(description="The kind of object that a record of the circulation log is about.")
class CirculationLogObject(Enum):
    FEE_FINE = member("Fee/Fine", "A fee or fine.")
    ITEM_BLOCK = member("Item Block", "A block of an item.")
    LOAN = member("Loan", "A loan.")
    MANUAL_BLOCK = member("Manual Block", "A block that staff placed on a patron.")
    NOTICE = member("Notice", "A notice to a patron.")
    PATRON_BLOCK = member("Patron Block", "A block of a patron.")
    REQUEST = member("Request", "A request.")
    CHECKIN_CHECKOUT = member("CheckIn/CheckOut", "A check-in or a check-out.")
    N_A = member("N/A", "No object of these, as of each check-in, which may be without a loan.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The action that a record of the circulation log reports.")
class CirculationLogAction(Enum):
    AGE_TO_LOST = member("Age to lost", "The item aged to lost.")
    ANONYMIZE = member("Anonymize", "The loan was anonymized.")
    BILLED = member("Billed", "A fee or fine was charged.")
    CANCELLED = member("Cancelled", "The request was cancelled.")
    CANCELLED_AS_ERROR = member("Cancelled as error", "The fee or fine was cancelled as an error.")
    CHANGED_DUE_DATE = member(
        "Changed due date", "The due date was set by staff, by a renewal or upon a request."
    )
    CHECK_IN = member("Check in", "A check-in.")
    CHECK_OUT = member("Check out", "A check-out.")
    CHECKED_IN = member("Checked in", "The item was checked in.")
    CHECKED_OUT = member("Checked out", "The item was checked out.")
    CHECKED_OUT_THROUGH_OVERRIDE = member(
        "Checked out through override", "The item was checked out although a rule forbids it."
    )
    HELD_FOR_USE_AT_LOCATION = member(
        "Held for use at location", "The item was put on the hold shelf until the patron comes back."
    )
    PICKED_UP_FOR_USE_AT_LOCATION = member(
        "Picked up for use at location", "The patron received the item for use inside the library."
    )
    CLAIMED_RETURNED = member("Claimed returned", "The patron claims to have returned the item.")
    CLOSED_LOAN = member("Closed loan", "The loan was closed.")
    CREATED = member("Created", "The request or the block was created.")
    CREATED_THROUGH_OVERRIDE = member(
        "Created through override", "The request was created although a block forbids it."
    )
    CREDITED_FULLY = member("Credited fully", "All that was paid or transferred was credited.")
    DECLARED_LOST = member("Declared lost", "The item was declared lost.")
    DELETED = member("Deleted", "The block was deleted.")
    EDITED = member("Edited", "The request was changed.")
    EXPIRED = member("Expired", "The request expired before it was filled.")
    MARKED_AS_MISSING = member("Marked as missing", "The item was declared missing.")
    MODIFIED = member("Modified", "The block was changed.")
    MOVED = member("Moved", "The request was moved to another item.")
    PAID_FULLY = member("Paid fully", "All that was owed was paid.")
    PAID_PARTIALLY = member("Paid partially", "Part of what was owed was paid.")
    PATRON_BLOCKED_FROM_REQUESTING = member(
        "Patron blocked from requesting", "The patron was blocked from requesting."
    )
    PICKUP_EXPIRED = member("Pickup expired", "The requested item was not picked up in time.")
    QUEUE_POSITION_REORDERED = member(
        "Queue position reordered", "The position of the request in its queue was changed."
    )
    RECALL_REQUESTED = member("Recall requested", "The item on loan was recalled.")
    REFUNDED_FULLY = member("Refunded fully", "All that was paid or transferred was refunded.")
    REFUNDED_PARTIALLY = member("Refunded partially", "Part of what was paid or transferred was refunded.")
    RENEWED = member("Renewed", "The loan was renewed.")
    RENEWED_THROUGH_OVERRIDE = member(
        "Renewed through override", "The loan was renewed although a rule forbids it."
    )
    REQUEST_STATUS_CHANGED = member(
        "Request status changed", "A check-in or check-out changed the status of the request."
    )
    SEND = member("Send", "The notice was sent.")
    SEND_ERROR = member("Send error", "The notice could not be sent.")
    PATRON_INFO_ADDED = member("Patron info added", "A note for the patron was added to the loan.")
    STAFF_INFO_ADDED = member("Staff info added", "A note for staff was added to the loan.")
    STAFF_INFORMATION_ONLY_ADDED = member(
        "Staff information only added", "A note for staff was added to the fee or fine."
    )
    TRANSFERRED_FULLY = member("Transferred fully", "All that was owed was transferred.")
    TRANSFERRED_PARTIALLY = member("Transferred partially", "Part of what was owed was transferred.")
    WAIVED_FULLY = member("Waived fully", "All that was owed was waived.")
    WAIVED_PARTIALLY = member("Waived partially", "Part of what was owed was waived.")
    UNKNOWN = unknown_member()


@strawberry.input(
    description="Conditions on records of the circulation log. All must hold; a list matches any of its "
    'values. The check-outs of an item: `{ itemBarcode: ["2000000041"], action: [CHECKED_OUT] }`.'
)
class CirculationLogFilter:
    id: list[strawberry.ID] | None = condition("Ids of records.", "id", filters.ids)
    object: list[CirculationLogObject] | None = condition(
        "The kinds of objects. FOLIO has no index for them, but for actions.", "object", filters.members
    )
    action: list[CirculationLogAction] | None = condition("The actions.", "action", filters.members)
    date: DateTimeRange | None = condition("The date of the record.", "date", filters.span)
    user_barcode: list[str] | None = condition(
        "Barcodes of patrons at the time of the record, such as `1000000001`.", "userBarcode", filters.exact
    )
    item_barcode: list[str] | None = condition(
        "Barcodes of items at the time of the record, such as `2000000001`. As on FOLIO's own screen, the "
        "words of a barcode are "
        "searched in all that a record has of its items.",
        "items",
        filters.phrases,
    )
    item_id: list[strawberry.ID] | None = condition("Ids of items.", "items", filters.ids_as_words)
    loan_id: list[strawberry.ID] | None = condition("Ids of loans.", "items", filters.ids_as_words)
    instance_id: list[strawberry.ID] | None = condition("Ids of titles.", "items", filters.ids_as_words)
    holdings_id: list[strawberry.ID] | None = condition("Ids of holdings.", "items", filters.ids_as_words)
    service_point_id: list[strawberry.ID] | None = condition(
        "Ids of service points.", "servicePointId", filters.ids
    )
    source: list[str] | None = condition(
        "Names of staff members, such as `Desk, Dana`; `System` for FOLIO itself. FOLIO has no index for "
        "them.",
        "source",
        filters.exact,
    )
    description: str | None = condition(
        "Words of the description, in any order.", "description", filters.words
    )
    user_id: list[strawberry.ID] | None = condition(
        "Ids of patrons. FOLIO has no index for them: prefer `userBarcode`, or narrow the `date`.",
        "linkToIds.userId",
        filters.ids,
    )
    request_id: list[strawberry.ID] | None = condition(
        "Ids of requests. FOLIO has no index for them: add the item, or narrow the `date`.",
        "linkToIds.requestId",
        filters.ids,
    )
    account_id: list[strawberry.ID] | None = condition(
        "Ids of fees and fines. FOLIO has no index for them: add the loan, or narrow the `date`.",
        "linkToIds.feeFineId",
        filters.ids,
    )


@strawberry.enum(description="Sort keys for records of the circulation log.")
class CirculationLogSortField(Enum):
    DATE = member("date", "The date of the record.")
    USER_BARCODE = member("userBarcode", "The barcode of the patron.")
    OBJECT = member("object", "The kind of object.")
    ACTION = member("action", "The action.")
    SOURCE = member("source", "The name of the staff member.")
    DESCRIPTION = member("description", "The description.")


@strawberry.input(
    description="One sort key for records of the circulation log; of several, the first takes precedence. "
    "Oldest first: `{ field: DATE }`."
)
class CirculationLogSort:
    field: CirculationLogSortField = strawberry.field(description="The field to sort by.")
    direction: SortDirection = strawberry.field(
        default=SortDirection.ASCENDING, description="The sort direction."
    )
