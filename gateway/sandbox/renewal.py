"""Lending an item for longer, with every reason not to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from gateway.sandbox import loan_history, lost_fee
from gateway.sandbox.body import checked
from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.lending_rules import policy_for
from gateway.sandbox.library import Library, Record
from gateway.sandbox.loan import loan_view
from gateway.sandbox.loan_action import forget_recall, give_status
from gateway.sandbox.override import Overrides, block, overrides, without_permission
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused, reason
from gateway.sandbox.renewal_rules import LOST, at_limit, for_policy, later, proposed, recall_of, reminded
from gateway.sandbox.renewal_rules import refusals as policy_refusals
from gateway.sandbox.user import automated_blocks_of, is_active, manual_blocks_of

BY_BARCODE = {"itemBarcode": "text", "userBarcode": "text", "servicePointId": "uuid"}
BARCODE_REQUIRED = {
    "itemBarcode": "Renewal request must have an item barcode",
    "userBarcode": "Renewal request must have a user barcode",
}
BARCODE_CODES = {
    "itemBarcode": "RENEWAL_REQUEST_ITEM_BARCODE_REQUIRED",
    "userBarcode": "RENEWAL_REQUEST_USER_BARCODE_REQUIRED",
}
BY_ID = {"itemId": "uuid", "userId": "uuid", "servicePointId": "uuid"}
ID_REQUIRED = {
    "itemId": "Renewal request must have an item ID",
    "userId": "Renewal request must have a user ID",
}
RENEWAL_BLOCKS = ("renewalBlock", "renewalDueDateRequiredBlock")
WITHOUT_POLICIES: Record = {"loanable": True, "renewable": True, "renewalsPolicy": {"unlimited": True}}
NOT_LIFTABLE = (
    "Override renewal does not match any of expected cases: item is not loanable, item is not renewable, "
    "reached number of renewals limit,renewal date falls outside of the date ranges in the loan policy, "
    "items cannot be renewed when there is an active recall request, item is Declared lost, "
    "item is Aged to lost, renewal would not change the due date, loan has reminder fees"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """One attempt, when item, loan and borrower are known to belong together."""

    library: Library
    caller: Caller
    asked: Overrides
    loan: Record
    item: Record
    user: Record
    policy: Record

    @property
    def overridden(self) -> bool:
        """Whether the renewal itself is to be forced, not only a block of the patron."""
        return any(self.asked.lifts(name) for name in RENEWAL_BLOCKS)

    @property
    def new_due_date(self) -> datetime | None:
        """The one that the caller named."""
        asked = self.asked.blocks.get("renewalDueDateRequiredBlock")
        return None if asked is None else moment_of(asked["dueDate"])


def renew_by_barcode(exchange: Exchange) -> Response:
    for name, code in BARCODE_CODES.items():
        if not exchange.record().get(name):
            raise Refused([reason(BARCODE_REQUIRED[name], {name: None}, code=code)])
    body = checked(exchange, BY_BARCODE, BARCODE_REQUIRED)
    library, item_barcode, user_barcode = exchange.library, body["itemBarcode"], body["userBarcode"]
    item, user = library.item_by_barcode(item_barcode), library.user_by_barcode(user_barcode)
    missing = []
    if item is None:
        message = f"No item with barcode {item_barcode} exists"
        missing.append(reason(message, {"itemBarcode": item_barcode}, code="ITEM_BARCODE_NOT_FOUND"))
    if user is None:
        message = "Could not find user with matching barcode"
        missing.append(reason(message, {"userBarcode": user_barcode}, code="USER_BARCODE_NOT_FOUND"))
    if item is None or user is None:
        raise Refused(missing)
    return renewed(exchange, body, item, user, {"userBarcode": user_barcode})


def renew_by_id(exchange: Exchange) -> Response:
    body = checked(exchange, BY_ID, ID_REQUIRED)
    item_id, user_id = body["itemId"].lower(), body["userId"].lower()
    item, user = exchange.library.items.get(item_id), exchange.library.users.get(user_id)
    missing = []
    if item is None:
        missing.append(reason(f"No item with ID {item_id} exists", {"itemId": item_id}))
    if user is None:
        missing.append(reason("user is not found", {"userId": user_id}, code="USER_NOT_FOUND"))
    if item is None or user is None:
        raise Refused(missing)
    return renewed(exchange, body, item, user, {"userId": user_id})


def renewed(
    exchange: Exchange, body: Record, item: Record, user: Record, named: dict[str, str | None]
) -> Response:
    """Renew and show the loan. Raises Refused with every reason at once, and then nothing has changed."""
    library = exchange.library
    attempt = Renewal(
        library=library,
        caller=exchange.caller,
        asked=asked_for(exchange, body.get("overrideBlocks")),
        loan=loan_between(library, item, user, named),
        item=item,
        user=user,
        policy=policy_for(library, user, item) or WITHOUT_POLICIES,
    )
    due, reasons = judged(attempt)
    if reasons or due is None:
        raise Refused(reasons)
    prolong(attempt, due)
    shown = loan_view(library, attempt.loan)
    return answer(shown, 200, {"Location": f"/circulation/loans/{shown['id']}"})


def loan_between(library: Library, item: Record, user: Record, named: dict[str, str | None]) -> Record:
    loan = library.open_loan_of_item(item["id"])
    if loan is None:
        raise Refused([reason("No open loan found for the item", {"itemId": item["id"]})])
    if loan.get("userId") != user["id"]:
        code = "ITEM_CHECKED_OUT_TO_DIFFERENT_USER"
        raise Refused([reason("Cannot renew item checked out to different user", named, code=code)])
    return loan


def judged(attempt: Renewal) -> tuple[datetime | None, list[Record]]:
    """The new due date, and everything that is against it."""
    library, caller, loan, policy = attempt.library, attempt.caller, attempt.loan, attempt.policy
    reasons = [*without_permission(caller, attempt.asked), *patron_refusals(attempt)]
    if attempt.overridden:
        due, refused = forced_due_date(attempt)
        return due, reasons + refused
    refused = list(policy_refusals(library, caller, loan, attempt.item, policy))
    return proposed(library, loan, policy), reasons + refused


def asked_for(exchange: Exchange, asked: object) -> Overrides:
    """The overrides; a renewal misses its comment under a code of its own."""
    named = asked if isinstance(asked, dict) else {}
    forced = any(named.get(name) is not None for name in RENEWAL_BLOCKS)
    if forced and named.get("comment") in (None, ""):
        message = "Override renewal request must have a comment"
        raise Refused([reason(message, {"comment": None}, code="OVERRIDE_RENEWAL_COMMENT_REQUIRED")])
    return overrides(exchange, asked)


def patron_refusals(attempt: Renewal) -> Iterator[Record]:
    library, user = attempt.library, attempt.user
    if not is_active(library, user):
        message = "Cannot renew loan when user is inactive or expired"
        yield reason(message, {"reason": "User is inactive."}, code="USER_IS_INACTIVE_OR_EXPIRED")
    if attempt.asked.lifts("patronBlock"):
        return
    lifted_by = block(attempt.caller, "patronBlock")
    manual = [each["desc"] for each in manual_blocks_of(library, user["id"]) if each.get("renewals")]
    if manual:
        message, parameters = "Patron blocked from renewing", {"reason": ";".join(manual)}
        yield reason(message, parameters, code="USER_IS_BLOCKED_MANUALLY", block=lifted_by)
    for each in automated_blocks_of(library, user["id"]):
        if each["blockRenewals"]:
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=lifted_by)


def forced_due_date(attempt: Renewal) -> tuple[datetime | None, list[Record]]:
    """The due date of a forced renewal, or why even force is refused."""
    library, loan, policy, named = attempt.library, attempt.loan, attempt.policy, attempt.new_due_date
    if not policy.get("loanable") or not policy.get("renewable"):
        message = "New due date must be specified when due date calculation fails"
        return named, [] if named else [without_due_date(message, "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED")]
    changes = later(library, loan, policy)
    if changes and not liftable_at_all(attempt):
        code = "OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN"
        return None, [for_policy(policy, NOT_LIFTABLE, code)]
    due = proposed(library, loan, policy) if changes else named
    if due is None:
        message = "New due date is required when renewal would not change the due date"
        return None, [without_due_date(message, "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED")]
    if due <= moment_of(loan["dueDate"]):
        code = "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"
        return None, [for_policy(policy, "renewal would not change the due date", code)]
    return due, []


def without_due_date(message: str, code: str) -> Record:
    return reason(message, {"dueDate": "null"}, code=code)  # the text is the service's own


def liftable_at_all(attempt: Renewal) -> bool:
    """Force is only for a loan that would be refused without it."""
    recalled = recall_of(attempt.library, attempt.item) is not None
    lost = attempt.item["status"]["name"] in LOST
    return at_limit(attempt.loan, attempt.policy) or recalled or lost or reminded(attempt.loan)


def prolong(attempt: Renewal, due: datetime) -> None:
    library, loan, item = attempt.library, attempt.loan, attempt.item
    loan |= {
        "action": "renewedThroughOverride" if attempt.asked.blocks else "renewed",
        "dueDate": iso(due),
        "renewalCount": int(loan.get("renewalCount", 0)) + 1,
    }
    loan.pop("actionComment", None)
    if attempt.asked.blocks:
        loan["actionComment"] = attempt.asked.comment
    if "id" in attempt.policy:
        loan["loanPolicyId"] = attempt.policy["id"]
    if attempt.overridden:
        lost_fee.forget(library, loan, "Cancelled item renewed", attempt.caller)
        if item["status"]["name"] != "Checked out":
            give_status(library, loan, "Checked out")
    forget_recall(library, loan)
    loan_history.changed(library, loan, attempt.caller)
