"""The rules of renewals: reasons for a refusal, and the proposed due date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.sandbox.clock import add_period, parse_timestamp
from gateway.sandbox.desk.lending_rules import DEFAULT_LOAN_PERIOD
from gateway.sandbox.http.errors import reason
from gateway.sandbox.http.overrides import overridable_block
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.library import Library, Record
from gateway.sandbox.requests.request_queue import get_instance_queue

LOST_STATUS_CODES = {
    "Aged to lost": "ITEM_AGED_TO_LOST_NOT_RENEWABLE",
    "Declared lost": "ITEM_DECLARED_LOST_NOT_RENEWABLE",
}
CLAIMED = "Claimed returned"


def policy_reason(policy: Record, message: str, code: str, block: Record | None = None) -> Record:
    parameters = {"loanPolicyId": policy.get("id"), "loanPolicyName": policy.get("name")}
    return reason(message, parameters, code=code, block=block)


def find_rule_reasons(
    library: Library, caller: Caller, loan: Record, item: Record, policy: Record
) -> Iterator[Record]:
    """Return every reason for a refusal, in mod-circulation's order."""
    with_due_date = overridable_block(caller, "renewalDueDateRequiredBlock")
    if not policy.get("loanable"):
        yield policy_reason(policy, "item is not loanable", "ITEM_NOT_LOANABLE", with_due_date)
    yield from overridable_reasons(library, overridable_block(caller, "renewalBlock"), loan, item, policy)
    if not policy.get("renewable"):
        yield policy_reason(policy, "loan is not renewable", "LOAN_NOT_RENEWABLE", with_due_date)
    if has_hold(library, item) and not allows_renewal_with_holds(policy):
        message = (
            "Items with this loan policy cannot be renewed when there is an active, pending hold request"
        )
        yield policy_reason(policy, message, "RENEWAL_BLOCKED_BY_HOLD_REQUEST", with_due_date)
    if item["status"]["name"] == CLAIMED:
        parameters = {"itemId": item["id"]}
        yield reason(f"item is {CLAIMED}", parameters, code="ITEM_CLAIMED_RETURNED_NOT_RENEWABLE")
    if policy.get("loanable") and not is_due_date_later(library, loan, policy):
        code = "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"
        yield policy_reason(policy, "renewal would not change the due date", code, with_due_date)


def overridable_reasons(
    library: Library, block: Record, loan: Record, item: Record, policy: Record
) -> Iterator[Record]:
    """Return the reasons that `renewalBlock` overrides."""
    if has_reminder_fees(loan):
        message, parameters = "Renewals not allowed for loans with reminders.", {"loanId": loan["id"]}
        yield reason(message, parameters, code="RENEWAL_BLOCKED_BY_REMINDER_FEES", block=block)
    recall = find_recall(library, item)
    if recall is not None:
        message = "items cannot be renewed when there is an active recall request"
        parameters = {"requestId": recall["id"]}
        yield reason(message, parameters, code="RENEWAL_BLOCKED_BY_RECALL", block=block)
    status = item["status"]["name"]
    if status in LOST_STATUS_CODES:
        yield reason(f"item is {status}", {"itemId": item["id"]}, code=LOST_STATUS_CODES[status], block=block)
    if is_at_renewal_limit(loan, policy):
        yield policy_reason(policy, "loan at maximum renewal number", "LOAN_RENEWAL_LIMIT_REACHED", block)


def has_reminder_fees(loan: Record) -> bool:
    """True if a reminder fee was charged under a policy that then blocks renewals."""
    return bool(loan.get("reminders", {}).get("renewalBlocked"))


def is_at_renewal_limit(loan: Record, policy: Record) -> bool:
    renewals = policy.get("renewalsPolicy", {})
    if not policy.get("renewable") or renewals.get("unlimited"):
        return False
    return int(loan.get("renewalCount", 0)) >= int(renewals.get("numberAllowed", 0))


def find_open_requests(library: Library, item: Record) -> Iterator[Record]:
    """Return the open requests that this item can fill, by position."""
    instance_id = library.holdings.get(item["holdingsRecordId"], {}).get("instanceId", "")
    queue = get_instance_queue(library, instance_id)
    return (each for each in queue if each.get("itemId", item["id"]) == item["id"])


def find_recall(library: Library, item: Record) -> Record | None:
    recalls = (
        each
        for each in find_open_requests(library, item)
        if each["requestType"] == "Recall" and "itemId" in each
    )
    return next(recalls, None)


def has_hold(library: Library, item: Record) -> bool:
    first = next(find_open_requests(library, item), None)
    return first is not None and first["requestType"] == "Hold"


def allows_renewal_with_holds(policy: Record) -> bool:
    return bool(policy.get("requestManagement", {}).get("holds", {}).get("renewItemsWithRequest"))


def propose_due_date(library: Library, loan: Record, policy: Record) -> datetime:
    """Return the due date that a renewal would set."""
    renewals = policy.get("renewalsPolicy", {})
    from_due_date = renewals.get("renewFromId") == "CURRENT_DUE_DATE" and "dueDate" in loan
    start = parse_timestamp(loan["dueDate"]) if from_due_date else library.clock.now()
    source = renewals if renewals.get("differentPeriod") else policy.get("loansPolicy", {})
    period = source.get("period")
    return start + DEFAULT_LOAN_PERIOD if period is None else add_period(start, period)


def is_due_date_later(library: Library, loan: Record, policy: Record) -> bool:
    return "dueDate" not in loan or propose_due_date(library, loan, policy) > parse_timestamp(loan["dueDate"])
