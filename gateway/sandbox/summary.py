"""A summary of a library: record counts and example ids, for the startup message and the manual."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.sandbox.collections.users import is_active
from gateway.sandbox.http.permissions import PREFIX, STAFF
from gateway.sandbox.library import Library, Record, split_names
from gateway.sandbox.polaris.locks import LockStore

COUNTED_COLLECTIONS = split_names(
    "users groups service_points locations instances holdings items loans requests loan_policies "
    "manual_blocks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Record counts, example keys (None if the library has no such record) and credentials."""

    tenant: str
    counts: Mapping[str, int]
    patron_barcode: str | None
    item_barcode: str | None
    service_point_id: str | None
    service_point_name: str | None
    user_id: str | None
    item_id: str | None
    instance_id: str | None
    loan_id: str | None
    loaned_item_barcode: str | None
    borrower_barcode: str | None
    request_id: str | None
    requested_instance_id: str | None
    requested_item_id: str | None
    staff_tokens: Mapping[str, str]
    polaris_authorizations: Mapping[str, str]
    polaris_workstation: int = 7
    polaris_organization: int = 3


def summarize(library: Library, locks: LockStore) -> Summary:
    patrons = [user for user in library.users.values() if user.get("type", "patron") == "patron"]
    patron = find_example(patrons, lambda user: "barcode" in user and is_active(library, user))
    item = find_example(
        library.items.values(), lambda item: "barcode" in item and item["status"]["name"] == "Available"
    )
    point = find_example(library.service_points.values(), lambda point: bool(point.get("pickupLocation")))
    loan = find_example(library.loans.values(), lambda loan: loan["status"]["name"] == "Open")
    request = find_example(library.requests.values(), lambda request: request["status"].startswith("Open"))
    holding = library.holdings.get(item.get("holdingsRecordId", ""), {})
    staff = [
        user["username"]
        for user in library.users.values()
        if user.get("type") == "staff" and "username" in user
    ]
    return Summary(
        tenant=library.tenant,
        counts={name: len(getattr(library, name)) for name in COUNTED_COLLECTIONS},
        patron_barcode=patron.get("barcode"),
        item_barcode=item.get("barcode"),
        service_point_id=point.get("id"),
        service_point_name=point.get("name"),
        user_id=patron.get("id"),
        item_id=item.get("id"),
        instance_id=holding.get("instanceId"),
        loan_id=loan.get("id"),
        loaned_item_barcode=library.items.get(loan.get("itemId", ""), {}).get("barcode"),
        borrower_barcode=library.users.get(loan.get("userId", ""), {}).get("barcode"),
        request_id=request.get("id"),
        requested_instance_id=request.get("instanceId"),
        requested_item_id=request.get("itemId"),
        staff_tokens={name: PREFIX + name for name in {**dict.fromkeys(STAFF), **dict.fromkeys(staff)}},
        polaris_authorizations=locks.authenticator.authorizations(),
    )


def find_example(records: Iterable[Record], matches: Callable[[Record], bool]) -> Record:
    return next((record for record in records if matches(record)), {})
