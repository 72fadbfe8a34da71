"""Libraries loaded from a folder of FOLIO records, one JSON array per collection."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.sandbox.clock import to_java_date
from gateway.sandbox.collections.loan_history import add_initial_entries
from gateway.sandbox.library import Library, Record, RecordsById

COLLECTION_FILES = {
    "users.json": "users",
    "groups.json": "groups",
    "departments.json": "departments",
    "address-types.json": "address_types",
    "proxies.json": "proxies",
    "manual-blocks.json": "manual_blocks",
    "service-points.json": "service_points",
    "locations.json": "locations",
    "instances.json": "instances",
    "holdings.json": "holdings",
    "items.json": "items",
    "material-types.json": "material_types",
    "loan-types.json": "loan_types",
    "loans.json": "loans",
    "loan-history.json": "loan_history",
    "accounts.json": "accounts",
    "fee-fine-actions.json": "fee_fine_actions",
    "requests.json": "requests",
    "loan-policies.json": "loan_policies",
    "overdue-fine-policies.json": "overdue_fine_policies",
    "lost-item-policies.json": "lost_item_policies",
    "circulation-settings.json": "circulation_settings",
    "request-preferences.json": "request_preferences",
    "tags.json": "tags",
    "cancellation-reasons.json": "cancellation_reasons",
    "staff-slips.json": "staff_slips",
}
LOCATION_UNITS_FILE = "location-units.json"
REQUIRED_FIELDS = {
    "items": ("holdingsRecordId", "status"),
    "holdings": ("instanceId",),
    "loans": ("itemId", "status"),
    "requests": ("status", "fulfillmentPreference"),
    "accounts": ("remaining", "status"),
    "circulation_settings": ("name",),
}
# mod-users types these as timestamps, so a plain date is stored as midnight UTC.
USER_TIMESTAMPS = ("enrollmentDate", "expirationDate", "createdDate", "updatedDate")


def load_library(folder: Path, *, tenant: str) -> Library:
    """Read a folder; a missing file is an empty collection.

    Raises ValueError that names the invalid folder or file.
    """
    present = [name for name in (*COLLECTION_FILES, LOCATION_UNITS_FILE) if (folder / name).exists()]
    if not present:
        raise ValueError(f"{folder}: contains none of the files {', '.join(sorted(COLLECTION_FILES))}")
    library = Library(tenant=tenant)
    for name in present:
        records = [drop_nulls(record) for record in read_records(folder / name)]
        if name == LOCATION_UNITS_FILE:
            add_location_units(library, records)
            continue
        collection = COLLECTION_FILES[name]
        for record in records:
            require_fields(folder / name, record, REQUIRED_FIELDS.get(collection, ()))
            if collection == "users":
                convert_user_dates(folder / name, record)
        getattr(library, collection).update(index_by_id(records))
    if not library.loan_history:
        add_initial_entries(library)
    return library


def read_records(file: Path) -> list[Record]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON: {error}") from error
    if not isinstance(document, list):
        raise ValueError(f"{file}: not a JSON array of records")
    for record in document:
        if not isinstance(record, dict):
            raise ValueError(f"{file}: a record is not a JSON object")
        require_fields(file, record, ("id",))
    return document


def require_fields(file: Path, record: Record, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in record]
    if missing:
        raise ValueError(f"{file}: record {record.get('id', '?')} lacks {', '.join(missing)}")


def convert_user_dates(file: Path, user: Record) -> None:
    personal = user.get("personal", {})
    try:
        user |= {name: to_java_date(user[name]) for name in USER_TIMESTAMPS if name in user}
        if "dateOfBirth" in personal:
            personal["dateOfBirth"] = to_java_date(personal["dateOfBirth"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: record {user['id']} has an invalid date") from error


def index_by_id(records: list[Record]) -> RecordsById:
    return {record["id"].lower(): record for record in records}


def add_location_units(library: Library, records: list[Record]) -> None:
    """Add institutions, campuses (which have an institution) and libraries (which have a campus)."""
    for record in records:
        units = library.institutions
        if "campusId" in record:
            units = library.libraries
        elif "institutionId" in record:
            units = library.campuses
        units[record["id"]] = record


def drop_nulls(record: Record) -> Record:
    """Remove null fields: storage never sends null, so a null in a file is an absent field."""
    return {key: drop_nested_nulls(each) for key, each in record.items() if each is not None}


def drop_nested_nulls(value: object) -> object:
    if isinstance(value, dict):
        return drop_nulls(value)
    if isinstance(value, list):
        return [drop_nested_nulls(each) for each in value]
    return value
