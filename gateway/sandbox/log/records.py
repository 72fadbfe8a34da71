"""One record of the circulation log, and what all records have (mod-audit, LogRecordBuilder)."""

from __future__ import annotations

from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record

SYSTEM = "System"
FEE_FINE, LOAN, MANUAL_BLOCK, NOTICE, REQUEST, NONE = (
    "Fee/Fine",
    "Loan",
    "Manual Block",
    "Notice",
    "Request",
    "N/A",
)


def add_record(
    library: Library,
    kind: str,
    action: str,
    description: str,
    *,
    items: list[Record],
    source: str | None,
    user_barcode: str | None = None,
    service_point_id: str | None = None,
    links: Record | None = None,
) -> Record:
    """Add a record of now. `kind` is the object, `links` has the ids beside those of the items."""
    record = omit_nulls(
        {
            "id": library.new_id(),
            "userBarcode": user_barcode,
            "items": items,
            "object": kind,
            "action": action,
            "date": library.now(),
            "servicePointId": service_point_id,
            "source": source,
            "description": description,
            "linkToIds": omit_nulls(links or {}),
        }
    )
    library.append("circulation_log", record)
    return record


def log_item(library: Library, item_id: str | None, loan_id: str | None = None) -> Record:
    """Return what a record has of an item; of a deleted one its id."""
    item = library.items.get(item_id or "", {})
    holdings_id = item.get("holdingsRecordId")
    return omit_nulls(
        {
            "itemBarcode": item.get("barcode"),
            "itemId": item_id,
            "instanceId": library.holdings.get(holdings_id or "", {}).get("instanceId"),
            "holdingId": holdings_id,
            "loanId": loan_id,
        }
    )


def get_barcode(library: Library, user_id: str | None) -> str | None:
    barcode: str | None = library.users.get(user_id or "", {}).get("barcode")
    return barcode


def get_name(library: Library, user_id: str | None) -> str | None:
    """Return the name of a staff member as records have it: `Desk, Dana`."""
    return personal_name(library.users.get(user_id or "", {}))


def personal_name(user: Record) -> str | None:
    personal = user.get("personal", {})
    names = [personal.get("lastName"), personal.get("firstName")]
    return ", ".join(name for name in names if name) or None


def editor_of(record: Record) -> str | None:
    """Return the id of the user who made the last change."""
    user_id: str | None = record.get("metadata", {}).get("updatedByUserId")
    return user_id
