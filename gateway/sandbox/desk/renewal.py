"""Renewal: validation with every reason for a refusal, overrides, and the new due date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.collections.accounts import cancel_lost_item_fees
from gateway.sandbox.collections.circulation_rules import find_loan_policy
from gateway.sandbox.collections.loan_history import record_change
from gateway.sandbox.collections.loans import loan_view
from gateway.sandbox.collections.patron_blocks import find_automated_blocks, find_manual_blocks
from gateway.sandbox.collections.users import is_active
from gateway.sandbox.desk.loan_actions import clear_recall_flag, set_loan_item_status
from gateway.sandbox.desk.renewal_rules import (
    LOST_STATUS_CODES,
    find_recall,
    find_rule_reasons,
    has_reminder_fees,
    is_at_renewal_limit,
    is_due_date_later,
    policy_reason,
    propose_due_date,
)
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.overrides import (
    Overrides,
    missing_permission_reasons,
    overridable_block,
    parse_overrides,
)
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.http.validation import validate_body
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.loans import log_renewal

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
DEFAULT_POLICY: Record = {"loanable": True, "renewable": True, "renewalsPolicy": {"unlimited": True}}
NOT_OVERRIDABLE = (
    "Override renewal does not match any of expected cases: item is not loanable, item is not renewable, "
    "reached number of renewals limit,renewal date falls outside of the date ranges in the loan policy, "
    "items cannot be renewed when there is an active recall request, item is Declared lost, "
    "item is Aged to lost, renewal would not change the due date, loan has reminder fees"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A renewal to evaluate; the loan is of this item and user."""

    library: Library
    caller: Caller
    overrides: Overrides
    loan: Record
    item: Record
    user: Record
    policy: Record

    @property
    def is_override(self) -> bool:
        """True if a renewal block is overridden, not only the patron's block."""
        return any(self.overrides.includes(name) for name in RENEWAL_BLOCKS)

    @property
    def override_due_date(self) -> datetime | None:
        """The due date that the override sets."""
        block = self.overrides.blocks.get("renewalDueDateRequiredBlock")
        return None if block is None else parse_timestamp(block["dueDate"])


def renew_by_barcode(http_request: HttpRequest) -> Response:
    for name, code in BARCODE_CODES.items():
        if not http_request.json_object().get(name):
            raise Refused([reason(BARCODE_REQUIRED[name], {name: None}, code=code)])
    body = validate_body(http_request, BY_BARCODE, BARCODE_REQUIRED)
    library, item_barcode, user_barcode = http_request.library, body["itemBarcode"], body["userBarcode"]
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
    return perform_renewal(http_request, body, item, user, {"userBarcode": user_barcode})


def renew_by_id(http_request: HttpRequest) -> Response:
    body = validate_body(http_request, BY_ID, ID_REQUIRED)
    item_id, user_id = body["itemId"].lower(), body["userId"].lower()
    item, user = http_request.library.items.get(item_id), http_request.library.users.get(user_id)
    missing = []
    if item is None:
        missing.append(reason(f"No item with ID {item_id} exists", {"itemId": item_id}))
    if user is None:
        missing.append(reason("user is not found", {"userId": user_id}, code="USER_NOT_FOUND"))
    if item is None or user is None:
        raise Refused(missing)
    return perform_renewal(http_request, body, item, user, {"userId": user_id})


def perform_renewal(
    http_request: HttpRequest, body: Record, item: Record, user: Record, requested: dict[str, str | None]
) -> Response:
    """Renew the loan and return it. Raises Refused with every reason, without changing anything."""
    library = http_request.library
    attempt = Renewal(
        library=library,
        caller=http_request.caller,
        overrides=parse_renewal_overrides(http_request, body.get("overrideBlocks")),
        loan=get_loan_of_user(library, item, user, requested),
        item=item,
        user=user,
        policy=find_loan_policy(library, user, item) or DEFAULT_POLICY,
    )
    due, reasons = evaluate(attempt)
    if reasons or due is None:
        raise Refused(reasons)
    extend_loan(attempt, due)
    view = loan_view(library, attempt.loan)
    return json_response(view, 200, {"Location": f"/circulation/loans/{view['id']}"})


def get_loan_of_user(
    library: Library, item: Record, user: Record, requested: dict[str, str | None]
) -> Record:
    loan = library.open_loan_of_item(item["id"])
    if loan is None:
        raise Refused([reason("No open loan found for the item", {"itemId": item["id"]})])
    if loan.get("userId") != user["id"]:
        code = "ITEM_CHECKED_OUT_TO_DIFFERENT_USER"
        raise Refused([reason("Cannot renew item checked out to different user", requested, code=code)])
    return loan


def evaluate(attempt: Renewal) -> tuple[datetime | None, list[Record]]:
    """Return the new due date and every reason for a refusal."""
    library, caller, loan, policy = attempt.library, attempt.caller, attempt.loan, attempt.policy
    reasons = [*missing_permission_reasons(caller, attempt.overrides), *patron_reasons(attempt)]
    if attempt.is_override:
        due, refusals = find_override_due_date(attempt)
        return due, reasons + refusals
    refusals = list(find_rule_reasons(library, caller, loan, attempt.item, policy))
    return propose_due_date(library, loan, policy), reasons + refusals


def parse_renewal_overrides(http_request: HttpRequest, value: object) -> Overrides:
    """Parse the overrides; a renewal without a comment has a dedicated error code."""
    requested = value if isinstance(value, dict) else {}
    is_override = any(requested.get(name) is not None for name in RENEWAL_BLOCKS)
    if is_override and requested.get("comment") in (None, ""):
        message = "Override renewal request must have a comment"
        raise Refused([reason(message, {"comment": None}, code="OVERRIDE_RENEWAL_COMMENT_REQUIRED")])
    return parse_overrides(http_request, value)


def patron_reasons(attempt: Renewal) -> Iterator[Record]:
    library, user = attempt.library, attempt.user
    if not is_active(library, user):
        message = "Cannot renew loan when user is inactive or expired"
        yield reason(message, {"reason": "User is inactive."}, code="USER_IS_INACTIVE_OR_EXPIRED")
    if attempt.overrides.includes("patronBlock"):
        return
    block = overridable_block(attempt.caller, "patronBlock")
    manual = [each["desc"] for each in find_manual_blocks(library, user["id"]) if each.get("renewals")]
    if manual:
        message, parameters = "Patron blocked from renewing", {"reason": ";".join(manual)}
        yield reason(message, parameters, code="USER_IS_BLOCKED_MANUALLY", block=block)
    for each in find_automated_blocks(library, user["id"]):
        if each["blockRenewals"]:
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=block)


def find_override_due_date(attempt: Renewal) -> tuple[datetime | None, list[Record]]:
    """Return the due date of an override renewal, or the reasons why even the override is refused."""
    library, loan, policy = attempt.library, attempt.loan, attempt.policy
    requested = attempt.override_due_date
    if not policy.get("loanable") or not policy.get("renewable"):
        message = "New due date must be specified when due date calculation fails"
        missing = due_date_reason(message, "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED")
        return requested, [] if requested else [missing]
    changes = is_due_date_later(library, loan, policy)
    if changes and not is_override_allowed(attempt):
        code = "OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN"
        return None, [policy_reason(policy, NOT_OVERRIDABLE, code)]
    due = propose_due_date(library, loan, policy) if changes else requested
    if due is None:
        message = "New due date is required when renewal would not change the due date"
        return None, [due_date_reason(message, "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED")]
    if due <= parse_timestamp(loan["dueDate"]):
        code = "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE"
        return None, [policy_reason(policy, "renewal would not change the due date", code)]
    return due, []


def due_date_reason(message: str, code: str) -> Record:
    return reason(message, {"dueDate": "null"}, code=code)  # the text "null", as the service sends it


def is_override_allowed(attempt: Renewal) -> bool:
    """True if the loan would be refused without an override."""
    recalled = find_recall(attempt.library, attempt.item) is not None
    lost = attempt.item["status"]["name"] in LOST_STATUS_CODES
    return (
        is_at_renewal_limit(attempt.loan, attempt.policy)
        or recalled
        or lost
        or has_reminder_fees(attempt.loan)
    )


def extend_loan(attempt: Renewal, due: datetime) -> None:
    library, loan, item = attempt.library, attempt.loan, attempt.item
    former_due_date = loan["dueDate"]
    loan |= {
        "action": "renewedThroughOverride" if attempt.overrides.blocks else "renewed",
        "dueDate": format_timestamp(due),
        "renewalCount": int(loan.get("renewalCount", 0)) + 1,
    }
    loan.pop("actionComment", None)
    if attempt.overrides.blocks:
        loan["actionComment"] = attempt.overrides.comment
    if "id" in attempt.policy:
        loan["loanPolicyId"] = attempt.policy["id"]
    if attempt.is_override:
        cancel_lost_item_fees(library, loan, "Cancelled item renewed", attempt.caller)
        if item["status"]["name"] != "Checked out":
            set_loan_item_status(library, loan, "Checked out")
    clear_recall_flag(library, loan)
    record_change(library, loan, attempt.caller)
    log_renewal(library, loan, former_due_date, attempt.caller)
