"""Which policy a loan follows, when it falls due, and how many a patron may have."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.sandbox.clock import after
from gateway.sandbox.item import loan_type_id_of
from gateway.sandbox.library import Library, Record

WITHOUT_POLICY = timedelta(days=28)
KINDS = ("patronGroupId", "materialTypeId", "loanTypeId")
CODE_PARTS = {"patronGroupId": "PATRON_GROUP", "materialTypeId": "MATERIAL_TYPE", "loanTypeId": "LOAN_TYPE"}
WORDS = {"patronGroupId": "patron group", "materialTypeId": "material type", "loanTypeId": "loan type"}


def traits(user: Record, item: Record) -> Record:
    return {
        "patronGroupId": user.get("patronGroup"),
        "materialTypeId": item.get("materialTypeId"),
        "loanTypeId": loan_type_id_of(item),
    }


def fits(rule: Record, found: Record) -> bool:
    return all(found[kind] == rule[kind] for kind in KINDS if kind in rule)


def policy_for(library: Library, user: Record, item: Record) -> Record | None:
    """The policy of the first rule that fits; without rules the first one that lends at all."""
    found = traits(user, item)
    for rule in library.loan_rules:
        if fits(rule, found) and rule["loanPolicyId"] in library.loan_policies:
            return library.loan_policies[rule["loanPolicyId"]]
    return next((policy for policy in library.loan_policies.values() if policy.get("loanable")), None)


def due_date(policy: Record | None, loan_date: datetime) -> datetime:
    period = (policy or {}).get("loansPolicy", {}).get("period")
    return loan_date + WITHOUT_POLICY if period is None else after(loan_date, period)


def limit_reached(library: Library, user: Record, item: Record) -> Record | None:
    """The limit that one more loan of this item would break."""
    found = traits(user, item)
    for limit in library.item_limits:
        if fits(limit, found) and loans_of_kind(library, user, limit) >= limit["limit"]:
            return limit
    return None


def loans_of_kind(library: Library, user: Record, limit: Record) -> int:
    items = (library.items.get(loan["itemId"]) for loan in library.open_loans_of_user(user["id"]))
    return sum(fits(limit, traits(user, item)) for item in items if item is not None)


def limit_code(limit: Record) -> str:
    return "ITEM_LIMIT_" + "_".join(CODE_PARTS[kind] for kind in KINDS if kind in limit)


def limit_message(limit: Record) -> str:
    names = [WORDS[kind] for kind in KINDS if kind in limit]
    what = names[0] if len(names) == 1 else f"combination of {', '.join(names[:-1])} and {names[-1]}"
    return f"Patron has reached maximum limit of {limit['limit']} items for {what}"
