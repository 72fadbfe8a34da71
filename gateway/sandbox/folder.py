"""Libraries loaded from a folder of FOLIO records, one JSON array per collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gateway.sandbox.clock import to_java_date
from gateway.sandbox.collections.loan_history import add_initial_entries
from gateway.sandbox.library import Library, Record, RecordsById
from gateway.sandbox.stored_records import stored

COLLECTION_FILES = {
    "users.json": "users",
    "groups.json": "groups",
    "departments.json": "departments",
    "address-types.json": "address_types",
    "proxies.json": "proxies",
    "manual-blocks.json": "manual_blocks",
    "notes.json": "notes",
    "note-types.json": "note_types",
    "service-points.json": "service_points",
    "locations.json": "locations",
    "calendars.json": "calendars",
    "instances.json": "instances",
    "holdings.json": "holdings",
    "items.json": "items",
    "material-types.json": "material_types",
    "loan-types.json": "loan_types",
    "loans.json": "loans",
    "loan-history.json": "loan_history",
    "accounts.json": "accounts",
    "fee-fine-actions.json": "fee_fine_actions",
    "fee-fine-owners.json": "fee_fine_owners",
    "fee-fine-types.json": "fee_fine_types",
    "payment-methods.json": "payment_methods",
    "waive-reasons.json": "waive_reasons",
    "transfer-accounts.json": "transfer_accounts",
    "refund-reasons.json": "refund_reasons",
    "patron-block-conditions.json": "block_conditions",
    "patron-block-limits.json": "block_limits",
    "requests.json": "requests",
    "loan-policies.json": "loan_policies",
    "overdue-fine-policies.json": "overdue_fine_policies",
    "lost-item-policies.json": "lost_item_policies",
    "request-policies.json": "request_policies",
    "notice-policies.json": "notice_policies",
    "circulation-settings.json": "circulation_settings",
    "request-preferences.json": "request_preferences",
    "tags.json": "tags",
    "cancellation-reasons.json": "cancellation_reasons",
    "staff-slips.json": "staff_slips",
    "circulation-log.json": "circulation_log",
}
LOCATION_UNITS_FILE = "location-units.json"
REQUIRED_FIELDS: Mapping[str, Mapping[str, type]] = {
    "items": {"holdingsRecordId": str, "status": dict},
    "holdings": {"instanceId": str},
    "loans": {"itemId": str, "status": dict},
    "requests": {"status": str, "fulfillmentPreference": str},
    "accounts": {"remaining": object, "status": dict},
    "notes": {"typeId": str, "domain": str, "title": str},
    "note_types": {"name": str},
    "circulation_settings": {"name": str},
    "calendars": {
        "startDate": str,
        "endDate": str,
        "assignments": list,
        "normalHours": list,
        "exceptions": list,
    },
}
OBJECT_FIELDS = ("metadata", "personal")  # of any record, if present
# mod-users types these as timestamps, so a plain date is stored as midnight UTC.
USER_TIMESTAMPS = ("enrollmentDate", "expirationDate", "createdDate", "updatedDate")


def load_library(folder: Path, *, tenant: str) -> Library:
    """Read a folder; a missing file is an empty collection.

    Raises ValueError that names the invalid folder, or the invalid file and record.
    """
    try:
        files = {each.name for each in folder.iterdir()}
    except OSError as error:
        raise ValueError(f"{folder}: cannot be read: {error.strerror}") from error
    present = [name for name in (*COLLECTION_FILES, LOCATION_UNITS_FILE) if name in files]
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
            check_fields(folder / name, record, REQUIRED_FIELDS.get(collection, {}))
            if collection == "users":
                convert_user_dates(folder / name, record)
        getattr(library, collection).update(stored(index_by_id(records)))
    if not library.loan_history:
        add_initial_entries(library)
    return library


def read_records(file: Path) -> list[Record]:
    content = read_file(file)
    try:
        document = json.loads(content, parse_constant=reject_constant)
    except ValueError as error:
        raise ValueError(f"{file}: not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{file}: not JSON: nested too deeply") from error
    if not isinstance(document, list):
        raise ValueError(f"{file}: not a JSON array of records")
    for number, record in enumerate(document, 1):
        if not isinstance(record, dict):
            raise ValueError(f"{file}: record number {number} is not a JSON object")
        if record.get("id") is None:
            raise ValueError(f"{file}: record number {number} lacks id")
        if not isinstance(record["id"], str) or not record["id"].isprintable() or not record["id"].strip():
            raise ValueError(f"{file}: record number {number} has an invalid id")
    return document


def read_file(file: Path) -> bytes:
    try:
        if file.is_file():  # reading a pipe would wait for its writer
            return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror}") from error
    raise ValueError(f"{file}: not a regular file")


def reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def check_fields(file: Path, record: Record, required: Mapping[str, type]) -> None:
    missing = [name for name in required if name not in record]
    if missing:
        raise ValueError(f"{file}: record {record['id']} lacks {', '.join(missing)}")
    types = {**required, **{name: dict for name in OBJECT_FIELDS if name in record}}
    for name, expected in types.items():
        if not isinstance(record[name], expected):
            raise ValueError(f"{file}: record {record['id']} has an invalid {name}")
    if required.get("status") is dict and not isinstance(record["status"].get("name"), str):
        raise ValueError(f"{file}: record {record['id']} lacks status.name")


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
