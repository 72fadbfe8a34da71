"""Check-out: validation with every reason for a refusal, and the new loan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.collections.circulation_rules import find_loan_policy, find_rule
from gateway.sandbox.collections.item_context import effective_location_id, get_item_context
from gateway.sandbox.collections.items import describe_item_status
from gateway.sandbox.collections.loan_history import record_creation
from gateway.sandbox.collections.loans import loan_view
from gateway.sandbox.collections.patron_blocks import find_automated_blocks, find_manual_blocks
from gateway.sandbox.collections.users import is_active, is_active_proxy
from gateway.sandbox.desk.lending_rules import (
    calculate_due_date,
    find_reached_limit,
    limit_code,
    limit_message,
)
from gateway.sandbox.desk.use_at_location import IN_USE, set_use
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.overrides import (
    Overrides,
    missing_permission_reasons,
    overridable_block,
    parse_overrides,
)
from gateway.sandbox.http.permissions import Caller
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.http.validation import validate_body
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.loans import log_check_out, log_loan_action, log_request_status
from gateway.sandbox.log.records import editor_of
from gateway.sandbox.requests.request_queue import close_request, find_next_request

KINDS = {
    "itemBarcode": "text",
    "userBarcode": "text",
    "proxyUserBarcode": "text",
    "servicePointId": "uuid",
    "loanDate": "date",
}
REQUIRED = {
    "itemBarcode": "Check out needs an item barcode",
    "userBarcode": "Check out needs a user barcode",
    "servicePointId": "Check out must be performed at a service point",
}
DRY_RUN_FIELDS = ("itemBarcode", "userBarcode", "proxyUserBarcode", "overrideBlocks")
POLICY_FIELDS = ("loanPolicyId", "overdueFinePolicyId", "lostItemPolicyId")
# Items of other statuses may be lent: the desk confirms it in the front end.
NOT_LENDABLE_STATUSES = {"Aged to lost", "Claimed returned", "Declared lost", "Intellectual item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOut:
    """A check-out to validate and perform; a user or item with an unknown barcode is None."""

    library: Library
    caller: Caller
    body: Record
    overrides: Overrides
    loan_date: datetime

    @property
    def user(self) -> Record | None:
        return self.library.user_by_barcode(self.body["userBarcode"])

    @property
    def proxy(self) -> Record | None:
        return self.library.user_by_barcode(self.body.get("proxyUserBarcode", ""))

    @property
    def item(self) -> Record | None:
        return self.library.item_by_barcode(self.body["itemBarcode"])

    @property
    def service_point_id(self) -> str:
        return str(self.body["servicePointId"]).lower()


def bff_check_out(http_request: HttpRequest) -> Response:
    return json_response(perform_check_out(http_request))


def circulation_check_out(http_request: HttpRequest) -> Response:
    loan = perform_check_out(http_request)
    return json_response(loan, 201, {"Location": f"/circulation/loans/{loan['id']}"})


def check_out_dry_run(http_request: HttpRequest) -> Response:
    """POST a dry run: returns the policies that would apply, lends nothing and needs no service point."""
    body = validate_body(
        http_request, KINDS, {name: REQUIRED[name] for name in ("itemBarcode", "userBarcode")}
    )
    body = {name: body[name] for name in DRY_RUN_FIELDS if name in body}
    attempt = validate_check_out(http_request, body)
    loan = build_loan(attempt, attempt.user or {}, attempt.item or {})
    policies = {name: loan[name] for name in POLICY_FIELDS if name in loan}
    rule = find_rule(attempt.library, attempt.user or {}, attempt.item or {})
    return json_response(policies | omit_nulls({"patronNoticePolicyId": rule.get("noticePolicyId")}), 201)


def perform_check_out(http_request: HttpRequest) -> Record:
    """Check out and return the loan. Raises Refused with every reason, without changing anything."""
    attempt = validate_check_out(http_request, validate_body(http_request, KINDS, REQUIRED))
    return loan_view(http_request.library, create_loan(attempt))


def validate_check_out(http_request: HttpRequest, body: Record) -> CheckOut:
    """Return the check-out if it is allowed. Raises Refused with every reason."""
    now = http_request.library.now()
    attempt = CheckOut(
        library=http_request.library,
        caller=http_request.caller,
        body=body,
        overrides=parse_overrides(http_request, body.get("overrideBlocks")),
        loan_date=parse_timestamp(body.get("loanDate", now)),
    )
    reasons = list(find_reasons(attempt))
    if reasons:
        raise Refused(reasons)
    return attempt


def find_reasons(attempt: CheckOut) -> Iterator[Record]:
    yield from missing_permission_reasons(attempt.caller, attempt.overrides)
    if "servicePointId" in attempt.body and attempt.service_point_id not in attempt.library.service_points:
        yield reason(REQUIRED["servicePointId"], {"servicePointId": attempt.service_point_id})
    user, item = attempt.user, attempt.item
    if user is None:
        yield unknown_user_reason("userBarcode", attempt.body["userBarcode"])
    else:
        yield from patron_reasons(attempt, user)
    if item is None:
        barcode = attempt.body["itemBarcode"]
        yield reason(f"No item with barcode {barcode} exists", {"itemBarcode": barcode})
        return
    yield from item_reasons(attempt, item)
    if user is not None:
        yield from patron_and_item_reasons(attempt, user, item)


def unknown_user_reason(key: str, barcode: str) -> Record:
    return reason("Could not find user with matching barcode", {key: barcode}, code="USER_BARCODE_NOT_FOUND")


def patron_reasons(attempt: CheckOut, user: Record) -> Iterator[Record]:
    if not is_active(attempt.library, user):
        yield reason("Cannot check out to inactive user", {"userBarcode": user["barcode"]})
    if "proxyUserBarcode" in attempt.body:
        yield from proxy_reasons(attempt, user)
    if attempt.overrides.includes("patronBlock"):
        return
    block = overridable_block(attempt.caller, "patronBlock")
    manual = [each for each in find_manual_blocks(attempt.library, user["id"]) if each.get("borrowing")]
    if manual:
        texts = ";".join(each["desc"] for each in manual)
        yield reason(
            "Patron blocked from borrowing",
            {"reason": texts},
            code="USER_IS_BLOCKED_MANUALLY",
            block=block,
        )
    for each in find_automated_blocks(attempt.library, user["id"]):
        if each["blockBorrowing"]:
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=block)


def proxy_reasons(attempt: CheckOut, user: Record) -> Iterator[Record]:
    barcode, proxy = attempt.body["proxyUserBarcode"], attempt.proxy
    parameters = {"proxyUserBarcode": barcode}
    if proxy is None:
        yield unknown_user_reason("proxyUserBarcode", barcode)
    elif proxy["id"] == user["id"]:
        code = "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"
        yield reason("User cannot be proxy for themselves", parameters, code=code)
    elif not is_active(attempt.library, proxy):
        yield reason("Cannot check out via inactive proxying user", parameters)
    elif not is_active_proxy(attempt.library, proxy, user):
        yield reason("Cannot check out item via proxy when relationship is invalid", parameters)


def item_reasons(attempt: CheckOut, item: Record) -> Iterator[Record]:
    status, parameters = item["status"]["name"], {"itemBarcode": item["barcode"]}
    if status == "Checked out":
        yield reason("Item is already checked out", parameters)
    elif status in NOT_LENDABLE_STATUSES:
        yield reason(f"{describe_item_status(attempt.library, item)} and cannot be checked out", parameters)
    elif attempt.library.open_loan_of_item(item["id"]) is not None:
        message = "Cannot check out item that already has an open loan"
        yield reason(message, {"itemId": item["id"]}, code="ITEM_HAS_OPEN_LOAN")


def patron_and_item_reasons(attempt: CheckOut, user: Record, item: Record) -> Iterator[Record]:
    library, barcode = attempt.library, item["barcode"]
    request = find_next_request(library, item)
    if request is not None and request.get("requesterId") != user["id"]:
        title, last_name = get_item_context(library, item).title, user.get("personal", {}).get("lastName")
        message = f"{title} (Barcode {barcode}) cannot be checked out to user {last_name} because it has been"
        yield reason(f"{message} requested by another patron", {"userBarcode": user["barcode"]})
    limit = find_reached_limit(library, user, item)
    if limit is not None and not attempt.overrides.includes("itemLimitBlock"):
        block = overridable_block(attempt.caller, "itemLimitBlock")
        yield reason(limit_message(limit), {"itemBarcode": barcode}, code=limit_code(limit), block=block)
    policy = find_loan_policy(library, user, item)
    if policy is not None and not policy.get("loanable"):
        yield from not_loanable_reasons(attempt, policy, barcode)


def not_loanable_reasons(attempt: CheckOut, policy: Record, barcode: str) -> Iterator[Record]:
    due = attempt.overrides.due_date()
    if due is None:
        yield reason(
            "Item is not loanable",
            {"loanPolicyId": policy["id"], "loanPolicyName": policy["name"], "itemBarcode": barcode},
            code="ITEM_NOT_LOANABLE",
            block=overridable_block(attempt.caller, "itemNotLoanableBlock"),
        )
    elif due <= attempt.loan_date:
        yield reason("Due date should be later than loan date", {"dueDate": format_timestamp(due)})


def create_loan(attempt: CheckOut) -> Record:
    library, now = attempt.library, attempt.library.now()
    user, item = attempt.user or {}, attempt.item or {}  # validation ensures that both exist
    loan = build_loan(attempt, user, item)
    policy = library.loan_policies.get(loan.get("loanPolicyId", ""), {}).get("loansPolicy", {})
    if library.use_at_location and policy.get("forUseAtLocation"):
        set_use(library, loan, IN_USE)
    library.loans[loan["id"]] = loan
    record_creation(library, loan)
    item["status"] = {"name": "Checked out", "date": now}
    item.pop("inTransitDestinationServicePointId", None)
    log_check_out(library, loan, attempt.caller)
    if "forUseAtLocation" in loan:
        picked_up = loan | {"action": "pickedUpForUseAtLocation"}
        log_loan_action(library, picked_up, "In use at the location.", editor_of(loan))
    request = find_next_request(library, item)
    if request is not None:
        former, point = request["status"], loan.get("checkoutServicePointId")
        close_request(library, request, "Closed - Filled")
        log_request_status(library, request, former, item, loan, point, attempt.caller)
    return loan


def build_loan(attempt: CheckOut, user: Record, item: Record) -> Record:
    library, now, caller = attempt.library, attempt.library.now(), attempt.caller
    policy, rule = find_loan_policy(library, user, item), find_rule(library, user, item)
    due = attempt.overrides.due_date()
    if due is None or (policy is not None and policy.get("loanable")):
        due = calculate_due_date(policy, attempt.loan_date)
    is_override = bool(attempt.overrides.blocks)
    return omit_nulls(
        {
            "id": library.new_id(),
            "userId": user["id"],
            "proxyUserId": attempt.proxy["id"] if attempt.proxy else None,
            "itemId": item["id"],
            "itemEffectiveLocationIdAtCheckOut": effective_location_id(library, item),
            "loanDate": format_timestamp(attempt.loan_date),
            "dueDate": format_timestamp(due),
            "status": {"name": "Open"},
            "itemStatus": "Checked out",
            "action": "checkedOutThroughOverride" if is_override else "checkedout",
            "actionComment": attempt.overrides.comment if is_override else None,
            "renewalCount": 0,
            "loanPolicyId": policy["id"] if policy else None,
            "overdueFinePolicyId": rule.get("overdueFinePolicyId"),
            "lostItemPolicyId": rule.get("lostItemPolicyId"),
            "checkoutServicePointId": attempt.body.get("servicePointId", "").lower() or None,
            "patronGroupIdAtCheckout": user.get("patronGroup"),
            "metadata": caller.creation_metadata(now),
        }
    )
