"""A library from a folder of FOLIO records, one JSON array per collection."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.sandbox.clock import java_date
from gateway.sandbox.library import Library, Record, Shelved
from gateway.sandbox.loan_history import begin

FILES = {
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
UNITS = "location-units.json"
NEEDED = {
    "items": ("holdingsRecordId", "status"),
    "holdings": ("instanceId",),
    "loans": ("itemId", "status"),
    "requests": ("status", "fulfillmentPreference"),
    "accounts": ("remaining", "status"),
    "circulation_settings": ("name",),
}
# mod-users types these as moments, so that a day in a file comes out of its storage as midnight UTC.
MOMENTS_OF_USERS = ("enrollmentDate", "expirationDate", "createdDate", "updatedDate")


def library_from(folder: Path, *, tenant: str) -> Library:
    """Read a folder; a file that is missing is an empty collection.

    Raises ValueError that names the folder or the file at fault.
    """
    known = [name for name in (*FILES, UNITS) if (folder / name).exists()]
    if not known:
        raise ValueError(f"{folder}: none of the files {', '.join(sorted(FILES))} is there")
    library = Library(tenant=tenant)
    for name in known:
        records = [cleaned(record) for record in array(folder / name)]
        if name == UNITS:
            shelve_units(library, records)
            continue
        collection = FILES[name]
        for record in records:
            check(folder / name, record, NEEDED.get(collection, ()))
            if collection == "users":
                keep_moments(folder / name, record)
        getattr(library, collection).update(by_id(records))
    if not library.loan_history:
        begin(library)
    return library


def array(file: Path) -> list[Record]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: not JSON: {error}") from error
    if not isinstance(document, list):
        raise ValueError(f"{file}: not a JSON array of records")
    for record in document:
        if not isinstance(record, dict):
            raise ValueError(f"{file}: a record is not a JSON object")
        check(file, record, ("id",))
    return document


def check(file: Path, record: Record, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in record]
    if missing:
        raise ValueError(f"{file}: record {record.get('id', '?')} lacks {', '.join(missing)}")


def keep_moments(file: Path, user: Record) -> None:
    personal = user.get("personal", {})
    try:
        user |= {name: java_date(user[name]) for name in MOMENTS_OF_USERS if name in user}
        if "dateOfBirth" in personal:
            personal["dateOfBirth"] = java_date(personal["dateOfBirth"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: record {user['id']} has a date that is none") from error


def by_id(records: list[Record]) -> Shelved:
    return {record["id"].lower(): record for record in records}


def shelve_units(library: Library, records: list[Record]) -> None:
    """Institutions have no parent, campuses an institution, libraries a campus."""
    for record in records:
        shelf = library.institutions
        if "campusId" in record:
            shelf = library.libraries
        elif "institutionId" in record:
            shelf = library.campuses
        shelf[record["id"]] = record


def cleaned(record: Record) -> Record:
    """Storage never sends null, so a null in a file is taken for an absent field."""
    return {key: clean(each) for key, each in record.items() if each is not None}


def clean(value: object) -> object:
    if isinstance(value, dict):
        return cleaned(value)
    if isinstance(value, list):
        return [clean(each) for each in value]
    return value
