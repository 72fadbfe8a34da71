"""Why a loan may not be renewed, and until when it would be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.sandbox.clock import after, moment_of
from gateway.sandbox.lending_rules import WITHOUT_POLICY
from gateway.sandbox.library import Library, Record
from gateway.sandbox.override import block
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import reason
from gateway.sandbox.request_queue import queue_of_instance

LOST = {
    "Aged to lost": "ITEM_AGED_TO_LOST_NOT_RENEWABLE",
    "Declared lost": "ITEM_DECLARED_LOST_NOT_RENEWABLE",
}
CLAIMED = "Claimed returned"


def for_policy(policy: Record, message: str, code: str, lifted_by: Record | None = None) -> Record:
    parameters = {"loanPolicyId": policy.get("id"), "loanPolicyName": policy.get("name")}
    return reason(message, parameters, code=code, block=lifted_by)


def refusals(
    library: Library, caller: Caller, loan: Record, item: Record, policy: Record
) -> Iterator[Record]:
    """Every reason at once, in the order in which mod-circulation asks."""
    with_due_date = block(caller, "renewalDueDateRequiredBlock")
    if not policy.get("loanable"):
        yield for_policy(policy, "item is not loanable", "ITEM_NOT_LOANABLE", with_due_date)
    yield from liftable(library, block(caller, "renewalBlock"), loan, item, policy)
    if not policy.get("renewable"):
        yield for_policy(policy, "loan is not renewable", "LOAN_NOT_RENEWABLE", with_due_date)
    if held(library, item) and not holds_may_wait(policy):
        message = (
            "Items with this loan policy cannot be renewed when there is an active, pending hold request"
        )
        yield for_policy(policy, message, "RENEWAL_BLOCKED_BY_HOLD_REQUEST", with_due_date)
    if item["status"]["name"] == CLAIMED:
        parameters = {"itemId": item["id"]}
        yield reason(f"item is {CLAIMED}", parameters, code="ITEM_CLAIMED_RETURNED_NOT_RENEWABLE")
    if policy.get("loanable") and not later(library, loan, policy):
        code = "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"
        yield for_policy(policy, "renewal would not change the due date", code, with_due_date)


def liftable(
    library: Library, lifted_by: Record, loan: Record, item: Record, policy: Record
) -> Iterator[Record]:
    """What `renewalBlock` lifts."""
    if reminded(loan):
        message, parameters = "Renewals not allowed for loans with reminders.", {"loanId": loan["id"]}
        yield reason(message, parameters, code="RENEWAL_BLOCKED_BY_REMINDER_FEES", block=lifted_by)
    recall = recall_of(library, item)
    if recall is not None:
        message = "items cannot be renewed when there is an active recall request"
        parameters = {"requestId": recall["id"]}
        yield reason(message, parameters, code="RENEWAL_BLOCKED_BY_RECALL", block=lifted_by)
    status = item["status"]["name"]
    if status in LOST:
        yield reason(f"item is {status}", {"itemId": item["id"]}, code=LOST[status], block=lifted_by)
    if at_limit(loan, policy):
        yield for_policy(policy, "loan at maximum renewal number", "LOAN_RENEWAL_LIMIT_REACHED", lifted_by)


def reminded(loan: Record) -> bool:
    """Whether a reminder was charged under a policy that then ends renewals."""
    return bool(loan.get("reminders", {}).get("renewalBlocked"))


def at_limit(loan: Record, policy: Record) -> bool:
    renewals = policy.get("renewalsPolicy", {})
    if not policy.get("renewable") or renewals.get("unlimited"):
        return False
    return int(loan.get("renewalCount", 0)) >= int(renewals.get("numberAllowed", 0))


def queue(library: Library, item: Record) -> Iterator[Record]:
    """The open requests that this item could fill, by position."""
    instance_id = library.holdings.get(item["holdingsRecordId"], {}).get("instanceId", "")
    waiting = queue_of_instance(library, instance_id)
    return (each for each in waiting if each.get("itemId", item["id"]) == item["id"])


def recall_of(library: Library, item: Record) -> Record | None:
    recalls = (each for each in queue(library, item) if each["requestType"] == "Recall" and "itemId" in each)
    return next(recalls, None)


def held(library: Library, item: Record) -> bool:
    first = next(queue(library, item), None)
    return first is not None and first["requestType"] == "Hold"


def holds_may_wait(policy: Record) -> bool:
    return bool(policy.get("requestManagement", {}).get("holds", {}).get("renewItemsWithRequest"))


def proposed(library: Library, loan: Record, policy: Record) -> datetime:
    """The due date a renewal would give."""
    renewals = policy.get("renewalsPolicy", {})
    from_due_date = renewals.get("renewFromId") == "CURRENT_DUE_DATE" and "dueDate" in loan
    start = moment_of(loan["dueDate"]) if from_due_date else library.clock.now()
    source = renewals if renewals.get("differentPeriod") else policy.get("loansPolicy", {})
    period = source.get("period")
    return start + WITHOUT_POLICY if period is None else after(start, period)


def later(library: Library, loan: Record, policy: Record) -> bool:
    return "dueDate" not in loan or proposed(library, loan, policy) > moment_of(loan["dueDate"])
