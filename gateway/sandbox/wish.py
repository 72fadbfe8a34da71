"""A request that is asked for but not granted yet, and the copy it would get."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sandbox.clock import moment_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.override import Overrides
from gateway.sandbox.permissions import Caller
from gateway.sandbox.request_rules import items_of, types_for_item


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A request that may be granted; a party that its ids do not lead to is None."""

    library: Library
    caller: Caller
    record: Record
    asked: Overrides = field(default_factory=Overrides)

    @property
    def kind(self) -> str:
        return str(self.record["requestType"])

    @property
    def for_title(self) -> bool:
        return bool(self.record["requestLevel"] == "Title")

    @property
    def requester(self) -> Record | None:
        return self.library.users.get(self.record["requesterId"])

    @property
    def item(self) -> Record | None:
        return self.library.items.get(self.record.get("itemId", ""))


def matched(wanted: Wish) -> Record | None:
    """The copy that the request is for, or gets: one to fetch for a page, one to call back for a recall."""
    library, user = wanted.library, wanted.requester or {}
    if not wanted.for_title or wanted.kind == "Hold":
        return wanted.item
    items = [wanted.item] if wanted.item else items_of(library, wanted.record["instanceId"])
    possible = [item for item in items if wanted.kind in types_for_item(library, user, item)]
    if wanted.kind == "Recall":
        return soonest_due(library, possible)
    return next(iter(possible), None)


def soonest_due(library: Library, items: list[Record]) -> Record | None:
    """The copy whose loan ends first, of those that nobody has recalled yet."""
    loans = (library.open_loan_of_item(item["id"]) for item in items)
    open_loans = [loan for loan in loans if loan and not loan.get("dueDateChangedByRecall")]
    if not open_loans:
        return None
    first = min(open_loans, key=lambda loan: moment_of(loan["dueDate"]))
    return library.items[first["itemId"]]
