"""Due dates of new loans, and limits on the number of loans."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.sandbox.clock import add_period
from gateway.sandbox.collections.circulation_rules import RULE_FIELDS, rule_matches, rule_values
from gateway.sandbox.library import Library, Record

DEFAULT_LOAN_PERIOD = timedelta(days=28)
CODE_PARTS = {"patronGroupId": "PATRON_GROUP", "materialTypeId": "MATERIAL_TYPE", "loanTypeId": "LOAN_TYPE"}
FIELD_NAMES = {"patronGroupId": "patron group", "materialTypeId": "material type", "loanTypeId": "loan type"}


def calculate_due_date(policy: Record | None, loan_date: datetime) -> datetime:
    period = (policy or {}).get("loansPolicy", {}).get("period")
    return loan_date + DEFAULT_LOAN_PERIOD if period is None else add_period(loan_date, period)


def find_reached_limit(library: Library, user: Record, item: Record) -> Record | None:
    """Return the limit that one more loan of this item would exceed, or None."""
    values = rule_values(user, item)
    for limit in library.item_limits:
        if rule_matches(limit, values) and count_matching_loans(library, user, limit) >= limit["limit"]:
            return limit
    return None


def count_matching_loans(library: Library, user: Record, limit: Record) -> int:
    items = (library.items.get(loan["itemId"]) for loan in library.open_loans_of_user(user["id"]))
    return sum(rule_matches(limit, rule_values(user, item)) for item in items if item is not None)


def limit_code(limit: Record) -> str:
    return "ITEM_LIMIT_" + "_".join(CODE_PARTS[field] for field in RULE_FIELDS if field in limit)


def limit_message(limit: Record) -> str:
    names = [FIELD_NAMES[field] for field in RULE_FIELDS if field in limit]
    subject = names[0] if len(names) == 1 else f"combination of {', '.join(names[:-1])} and {names[-1]}"
    return f"Patron has reached maximum limit of {limit['limit']} items for {subject}"
