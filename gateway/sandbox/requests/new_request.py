"""A request before its creation, and the item that it would be assigned."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.http.overrides import Overrides
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.request_types import get_items_of_instance, types_for_item


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request to validate and create; a user or item with an unknown id is None."""

    library: Library
    caller: Caller
    record: Record
    overrides: Overrides = field(default_factory=Overrides)

    @property
    def kind(self) -> str:
        return str(self.record["requestType"])

    @property
    def is_title_level(self) -> bool:
        return bool(self.record["requestLevel"] == "Title")

    @property
    def requester(self) -> Record | None:
        return self.library.users.get(self.record["requesterId"])

    @property
    def item(self) -> Record | None:
        return self.library.items.get(self.record.get("itemId", ""))


def select_item(new_request: NewRequest) -> Record | None:
    """Select the requested item, or for a title-level request one to page or to recall."""
    library, user = new_request.library, new_request.requester or {}
    if not new_request.is_title_level or new_request.kind == "Hold":
        return new_request.item
    items = (
        [new_request.item]
        if new_request.item
        else get_items_of_instance(library, new_request.record["instanceId"])
    )
    candidates = [item for item in items if new_request.kind in types_for_item(library, user, item)]
    if new_request.kind == "Recall":
        return find_soonest_due(library, candidates)
    return next(iter(candidates), None)


def find_soonest_due(library: Library, items: list[Record]) -> Record | None:
    """Return the item whose loan is due first, among those not recalled yet."""
    loans = (library.open_loan_of_item(item["id"]) for item in items)
    open_loans = [loan for loan in loans if loan and not loan.get("dueDateChangedByRecall")]
    if not open_loans:
        return None
    next_loan = min(open_loans, key=lambda loan: parse_timestamp(loan["dueDate"]))
    return library.items[next_loan["itemId"]]
