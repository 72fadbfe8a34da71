"""Facts of mod-audit's published schemas of the circulation log: members of records, objects and actions.

From its folder `ramls` (logRecord.json, schemas/logged_object_type.json, schemas/action_type.json), version
3.1 of the module. The form is that of `tests/fee_fine_facts.py`.
"""

from __future__ import annotations

RECORD = (
    "id:uuid eventId:uuid userBarcode:text items[].itemBarcode:text items[].itemId:uuid "
    "items[].instanceId:uuid items[].holdingId:uuid items[].loanId:uuid object:text action:text date:date "
    "servicePointId:uuid source:text description:text linkToIds.userId:uuid linkToIds.requestId:uuid "
    "linkToIds.feeFineId:uuid linkToIds.templateId:uuid linkToIds.noticePolicyId:uuid"
)

OBJECTS = (
    "N/A",
    "Fee/Fine",
    "Item Block",
    "Loan",
    "Manual Block",
    "Notice",
    "Patron Block",
    "Request",
    "CheckIn/CheckOut",
)

ACTIONS = (
    "Age to lost",
    "Anonymize",
    "Billed",
    "Cancelled",
    "Cancelled as error",
    "Changed due date",
    "Check in",
    "Check out",
    "Checked in",
    "Checked out",
    "Checked out through override",
    "Claimed returned",
    "Closed loan",
    "Created",
    "Created through override",
    "Credited fully",
    "Declared lost",
    "Deleted",
    "Edited",
    "Expired",
    "Held for use at location",
    "Marked as missing",
    "Modified",
    "Moved",
    "Paid fully",
    "Paid partially",
    "Patron blocked from requesting",
    "Patron info added",
    "Picked up for use at location",
    "Pickup expired",
    "Queue position reordered",
    "Recall requested",
    "Refunded fully",
    "Refunded partially",
    "Renewed",
    "Renewed through override",
    "Request status changed",
    "Send",
    "Send error",
    "Staff info added",
    "Staff information only added",
    "Transferred fully",
    "Transferred partially",
    "Waived fully",
    "Waived partially",
)
