"""Lending an item at the desk, with every reason not to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from gateway.sandbox import loan_history
from gateway.sandbox.body import checked
from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.item import copy_of, location_id_of
from gateway.sandbox.lending_rules import due_date, limit_code, limit_message, limit_reached, policy_for
from gateway.sandbox.library import Library, Record
from gateway.sandbox.loan import loan_view
from gateway.sandbox.override import Overrides, block, overrides, without_permission
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused, reason
from gateway.sandbox.request_queue import close, next_for_item
from gateway.sandbox.user import acts_for, automated_blocks_of, is_active, manual_blocks_of

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
DRY_RUN = ("itemBarcode", "userBarcode", "proxyUserBarcode")
POLICIES = ("loanPolicyId", "overdueFinePolicyId", "lostItemPolicyId")
# Other statuses are lent after the desk's own confirmation.
NEVER_LENT = {"Aged to lost", "Claimed returned", "Declared lost", "Intellectual item"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOut:
    """One attempt; a party that the barcodes do not lead to is None."""

    library: Library
    caller: Caller
    body: Record
    asked: Overrides
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


def bff_check_out(exchange: Exchange) -> Response:
    return answer(checked_out(exchange))


def circulation_check_out(exchange: Exchange) -> Response:
    loan = checked_out(exchange)
    return answer(loan, 201, {"Location": f"/circulation/loans/{loan['id']}"})


def dry_run(exchange: Exchange) -> Response:
    """What a check-out would be governed by; nothing is lent, and no service point is asked for."""
    body = checked(exchange, KINDS, {name: REQUIRED[name] for name in ("itemBarcode", "userBarcode")})
    body = {name: body[name] for name in DRY_RUN if name in body}
    attempt = tried(exchange, body)
    loan = new_loan(attempt, attempt.user or {}, attempt.item or {})
    return answer({name: loan[name] for name in POLICIES if name in loan}, 201)


def checked_out(exchange: Exchange) -> Record:
    """Lend the item and show the loan. Raises Refused with every reason at once, and then nothing is lent."""
    attempt = tried(exchange, checked(exchange, KINDS, REQUIRED))
    return loan_view(exchange.library, lend(attempt))


def tried(exchange: Exchange, body: Record) -> CheckOut:
    """The attempt, when nothing is against it. Raises Refused."""
    now = exchange.library.now()
    attempt = CheckOut(
        library=exchange.library,
        caller=exchange.caller,
        body=body,
        asked=overrides(exchange, body.get("overrideBlocks")),
        loan_date=moment_of(body.get("loanDate", now)),
    )
    reasons = list(refusals(attempt))
    if reasons:
        raise Refused(reasons)
    return attempt


def refusals(attempt: CheckOut) -> Iterator[Record]:
    yield from without_permission(attempt.caller, attempt.asked)
    if "servicePointId" in attempt.body and attempt.service_point_id not in attempt.library.service_points:
        yield reason(REQUIRED["servicePointId"], {"servicePointId": attempt.service_point_id})
    user, item = attempt.user, attempt.item
    if user is None:
        yield unknown_user("userBarcode", attempt.body["userBarcode"])
    else:
        yield from patron_refusals(attempt, user)
    if item is None:
        barcode = attempt.body["itemBarcode"]
        yield reason(f"No item with barcode {barcode} exists", {"itemBarcode": barcode})
        return
    yield from item_refusals(attempt, item)
    if user is not None:
        yield from pair_refusals(attempt, user, item)


def unknown_user(key: str, barcode: str) -> Record:
    return reason("Could not find user with matching barcode", {key: barcode}, code="USER_BARCODE_NOT_FOUND")


def patron_refusals(attempt: CheckOut, user: Record) -> Iterator[Record]:
    if not is_active(attempt.library, user):
        yield reason("Cannot check out to inactive user", {"userBarcode": user["barcode"]})
    if "proxyUserBarcode" in attempt.body:
        yield from proxy_refusals(attempt, user)
    if attempt.asked.lifts("patronBlock"):
        return
    lifted_by = block(attempt.caller, "patronBlock")
    manual = [each for each in manual_blocks_of(attempt.library, user["id"]) if each.get("borrowing")]
    if manual:
        texts = ";".join(each["desc"] for each in manual)
        yield reason(
            "Patron blocked from borrowing",
            {"reason": texts},
            code="USER_IS_BLOCKED_MANUALLY",
            block=lifted_by,
        )
    for each in automated_blocks_of(attempt.library, user["id"]):
        if each["blockBorrowing"]:
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=lifted_by)


def proxy_refusals(attempt: CheckOut, user: Record) -> Iterator[Record]:
    barcode, proxy = attempt.body["proxyUserBarcode"], attempt.proxy
    parameters = {"proxyUserBarcode": barcode}
    if proxy is None:
        yield unknown_user("proxyUserBarcode", barcode)
    elif proxy["id"] == user["id"]:
        code = "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"
        yield reason("User cannot be proxy for themselves", parameters, code=code)
    elif not is_active(attempt.library, proxy):
        yield reason("Cannot check out via inactive proxying user", parameters)
    elif not acts_for(attempt.library, proxy, user):
        yield reason("Cannot check out item via proxy when relationship is invalid", parameters)


def item_refusals(attempt: CheckOut, item: Record) -> Iterator[Record]:
    status, parameters = item["status"]["name"], {"itemBarcode": item["barcode"]}
    if status == "Checked out":
        yield reason("Item is already checked out", parameters)
    elif status in NEVER_LENT:
        yield reason(f"{described(attempt.library, item)} and cannot be checked out", parameters)
    elif attempt.library.open_loan_of_item(item["id"]) is not None:
        message = "Cannot check out item that already has an open loan"
        yield reason(message, {"itemId": item["id"]}, code="ITEM_HAS_OPEN_LOAN")


def described(library: Library, item: Record) -> str:
    """An item as the messages about its status name it."""
    title = copy_of(library, item).title
    kind = library.material_types.get(item.get("materialTypeId", ""), {}).get("name")
    return f"{title} ({kind}) (Barcode: {item['barcode']}) has the item status {item['status']['name']}"


def pair_refusals(attempt: CheckOut, user: Record, item: Record) -> Iterator[Record]:
    library, barcode = attempt.library, item["barcode"]
    request = next_for_item(library, item)
    if request is not None and request.get("requesterId") != user["id"]:
        title, last_name = copy_of(library, item).title, user.get("personal", {}).get("lastName")
        message = f"{title} (Barcode {barcode}) cannot be checked out to user {last_name} because it has been"
        yield reason(f"{message} requested by another patron", {"userBarcode": user["barcode"]})
    limit = limit_reached(library, user, item)
    if limit is not None and not attempt.asked.lifts("itemLimitBlock"):
        lifted_by = block(attempt.caller, "itemLimitBlock")
        yield reason(limit_message(limit), {"itemBarcode": barcode}, code=limit_code(limit), block=lifted_by)
    policy = policy_for(library, user, item)
    if policy is not None and not policy.get("loanable"):
        yield from not_loanable(attempt, policy, barcode)


def not_loanable(attempt: CheckOut, policy: Record, barcode: str) -> Iterator[Record]:
    due = attempt.asked.due_date()
    if due is None:
        yield reason(
            "Item is not loanable",
            {"loanPolicyId": policy["id"], "loanPolicyName": policy["name"], "itemBarcode": barcode},
            code="ITEM_NOT_LOANABLE",
            block=block(attempt.caller, "itemNotLoanableBlock"),
        )
    elif due <= attempt.loan_date:
        yield reason("Due date should be later than loan date", {"dueDate": iso(due)})


def lend(attempt: CheckOut) -> Record:
    library, now = attempt.library, attempt.library.now()
    user, item = attempt.user or {}, attempt.item or {}  # both were found, or the attempt was refused
    loan = new_loan(attempt, user, item)
    library.loans[loan["id"]] = loan
    loan_history.created(library, loan)
    item["status"] = {"name": "Checked out", "date": now}
    item.pop("inTransitDestinationServicePointId", None)
    request = next_for_item(library, item)
    if request is not None:
        close(library, request, "Closed - Filled")
    return loan


def new_loan(attempt: CheckOut, user: Record, item: Record) -> Record:
    library, now, who = attempt.library, attempt.library.now(), attempt.caller
    policy = policy_for(library, user, item)
    due = attempt.asked.due_date()
    if due is None or (policy is not None and policy.get("loanable")):
        due = due_date(policy, attempt.loan_date)
    overridden = bool(attempt.asked.blocks)
    return without_nulls(
        {
            "id": library.new_id(),
            "userId": user["id"],
            "proxyUserId": attempt.proxy["id"] if attempt.proxy else None,
            "itemId": item["id"],
            "itemEffectiveLocationIdAtCheckOut": location_id_of(library, item),
            "loanDate": iso(attempt.loan_date),
            "dueDate": iso(due),
            "status": {"name": "Open"},
            "itemStatus": "Checked out",
            "action": "checkedOutThroughOverride" if overridden else "checkedout",
            "actionComment": attempt.asked.comment if overridden else None,
            "renewalCount": 0,
            "loanPolicyId": policy["id"] if policy else None,
            "overdueFinePolicyId": next(iter(library.overdue_fine_policies), None),
            "lostItemPolicyId": next(iter(library.lost_item_policies), None),
            "checkoutServicePointId": attempt.body.get("servicePointId", "").lower() or None,
            "patronGroupIdAtCheckout": user.get("patronGroup"),
            "metadata": signed(now, who),
        }
    )


def signed(now: str, who: Caller) -> Record:
    author = {"createdByUserId": who.user.get("id"), "updatedByUserId": who.user.get("id")}
    return without_nulls({"createdDate": now, "updatedDate": now, **author})
