"""Actions on accounts, on one or on many: pay, waive, transfer, refund, cancel, and the checks before them.

The rules are those of mod-feesfines (ActionService and its subclasses, and the validation services). It sends
notices to patrons too, which this sandbox does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from starlette.responses import PlainTextResponse, Response

from gateway.sandbox.fees.amounts import SplitError, split_amount, to_amount
from gateway.sandbox.fees.request_body import members, validated_body
from gateway.sandbox.http.errors import NotFound
from gateway.sandbox.http.request import Endpoint, HttpRequest, json_response, omit_nulls
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.fees import log_fee_fine_action

RESULTS = {  # of an action that settles a part, and all
    "pay": ("Paid partially", "Paid fully"),
    "waive": ("Waived partially", "Waived fully"),
    "transfer": ("Transferred partially", "Transferred fully"),
    "refund": ("Refunded partially", "Refunded fully"),
    "credit": ("Credited partially", "Credited fully"),
}
CANCELLED = "Cancelled as error"
CANCELLATIONS = (
    CANCELLED,
    "Cancelled item returned",
    "Cancelled item renewed",
    "Cancelled item declared lost",
)
CHECK_KINDS = members("amount:text accountIds:uuids")
ACTION_KINDS = CHECK_KINDS | members(
    "comments:text transactionInfo:text notifyPatron:boolean servicePointId:uuid userName:text "
    "paymentMethod:text"
)
CANCEL_KINDS = members(
    "accountIds:uuids comments:text notifyPatron:boolean servicePointId:uuid userName:text "
    "cancellationReason:text"
)
CLOSED = "Fee/fine is already closed"
PATRON = "patron"


class NotAllowed(Exception):
    """An action that the rules forbid, with the message of upstream."""


@dataclass(slots=True)
class Attempt:
    """One request for an action: its accounts in the order of the ids, its body, and the actions so far."""

    library: Library
    body: Record
    ids: list[str]
    action: str
    done: list[Record] = field(default_factory=list)

    @property
    def accounts(self) -> list[Record]:
        return [self.library.accounts[key] for key in self.ids]

    def amount(self) -> Decimal:
        """Return the requested amount. Raises NotAllowed if it is none."""
        try:
            amount = to_amount(self.body["amount"])
        except ArithmeticError:
            raise NotAllowed("Invalid amount entered") from None
        if amount <= 0:
            raise NotAllowed("Amount must be positive")
        return amount

    def record(self, account: Record, kind: str, amount: Decimal, balance: Decimal, **more: object) -> None:
        """Store an action on an account."""
        action = {
            "id": self.library.new_id(),
            "dateAction": self.library.now(),
            "typeAction": kind,
            "comments": self.body.get("comments"),
            "amountAction": float(amount),
            "balance": float(balance),
            "createdAt": self.body.get("servicePointId"),
            "source": self.body.get("userName"),
            "accountId": account["id"],
            "userId": account.get("userId"),
            **more,
        }
        self.library.fee_fine_actions[str(action["id"])] = omit_nulls(action)
        log_fee_fine_action(self.library, omit_nulls(action))
        self.done.append(omit_nulls(action))


def check_endpoint(action: str) -> Endpoint:
    """Create the endpoint that checks an action, with 200 if it is allowed and 422 if not."""

    def check(http_request: HttpRequest) -> Response:
        attempt = begin(http_request, action, CHECK_KINDS, "amount")
        target, amount = target_of(http_request, attempt), attempt.body["amount"]
        try:
            remaining = find_remaining(attempt) - attempt.amount()
        except NotAllowed as problem:
            denied = {"amount": amount, "allowed": False, "errorMessage": str(problem)}
            return json_response(target | denied, 422)
        shown = amount if "accountIds" in target else str(attempt.amount())
        allowed = {"amount": shown, "allowed": True, "remainingAmount": str(remaining)}
        return json_response(target | allowed)

    return check


def action_endpoint(action: str) -> Endpoint:
    """Create the endpoint of an action that settles an amount."""
    required = "amount notifyPatron servicePointId userName paymentMethod"
    perform = refund if action == "refund" else settle
    return partial(respond, action, ACTION_KINDS, required, perform)


def cancel_accounts(http_request: HttpRequest) -> Response:
    required = "notifyPatron servicePointId userName"
    if "id" not in http_request.path_params:
        required += " comments"
    return respond("cancel", CANCEL_KINDS, required, cancel, http_request)


def respond(
    action: str,
    kinds: dict[str, str],
    required: str,
    perform: Callable[[Attempt], Decimal | None],
    http_request: HttpRequest,
) -> Response:
    """Perform an action: 201 with its records, 422 with a message, 404 and 500 as text."""
    attempt = begin(http_request, action, kinds, required)
    target = target_of(http_request, attempt)
    try:
        amount = perform(attempt)
    except NotAllowed as problem:
        shown = {"amount": attempt.body.get("amount"), "errorMessage": str(problem)}
        return json_response(target | omit_nulls(shown), 422)
    except SplitError as problem:
        return PlainTextResponse(str(problem), 500)
    response: Record = target | {"feefineactions": attempt.done}
    if "accountId" in target:
        response["remainingAmount"] = str(to_amount(attempt.accounts[0]["remaining"]))
    if amount is not None:
        response["amount"] = str(amount)
    return json_response(response, 201)


def begin(http_request: HttpRequest, action: str, kinds: dict[str, str], required: str) -> Attempt:
    """Read the request and find its accounts. Raises NotFound for the first that does not exist."""
    if "id" in http_request.path_params:
        kinds = {name: kind for name, kind in kinds.items() if name != "accountIds"}
        body = validated_body(http_request, kinds, required)
        ids = [http_request.path_uuid()]
    else:
        kinds = {name: kind for name, kind in kinds.items() if name != "cancellationReason"}
        body = validated_body(http_request, kinds, f"accountIds {required}")
        ids = list(dict.fromkeys(str(each).lower() for each in body["accountIds"]))
    for key in ids:
        if key not in http_request.library.accounts:
            raise NotFound(f"Fee/fine ID {key} not found")
    return Attempt(http_request.library, body, ids, action)


def target_of(http_request: HttpRequest, attempt: Attempt) -> Record:
    if "id" in http_request.path_params:
        return {"accountId": attempt.ids[0]}
    return {"accountIds": attempt.body["accountIds"]}


def find_remaining(attempt: Attempt) -> Decimal:
    """Return the most that the action may settle. Raises NotAllowed if the requested amount is more."""
    requested = attempt.amount()
    if attempt.action == "refund":
        actions = actions_on(attempt.library, attempt.ids)
        maximum = total_of(actions, "pay", "transfer") - total_of(actions, "refund")
        message = "Refund amount must be greater than zero and less than or equal to Selected amount"
    else:
        if any(is_closed(each) and to_amount(each["remaining"]) == 0 for each in attempt.accounts):
            raise NotAllowed(CLOSED)
        maximum = sum((to_amount(each["remaining"]) for each in attempt.accounts), Decimal())
        message = "Requested amount exceeds remaining amount"
    if requested > maximum:
        raise NotAllowed(message)
    return maximum


def settle(attempt: Attempt) -> Decimal:
    """Pay, waive or transfer an amount, split among the accounts."""
    find_remaining(attempt)
    requested = attempt.amount()
    maxima = {each["id"]: to_amount(each["remaining"]) for each in attempt.accounts}
    parts = split_amount(requested, maxima)
    check_all_have_parts(attempt, parts)
    for account in attempt.accounts:
        part = parts[account["id"]]
        balance = maxima[account["id"]] - part
        kind = RESULTS[attempt.action][balance == 0]
        attempt.record(
            account,
            kind,
            part,
            balance,
            notify=attempt.body["notifyPatron"],
            transactionInformation=attempt.body.get("transactionInfo"),
            paymentMethod=attempt.body["paymentMethod"],
        )
        account |= {"remaining": float(balance), "paymentStatus": {"name": kind}}
        if balance == 0:
            account["status"] = {"name": "Closed"}
    return requested


def cancel(attempt: Attempt) -> None:
    """Cancel accounts; each has its amount, and not the rest of it, as that of the action."""
    if any(is_closed(each) for each in attempt.accounts):
        raise NotAllowed(CLOSED)
    kind = attempt.body.get("cancellationReason", CANCELLED)
    if kind not in CANCELLATIONS:  # a status that the schema of accounts lacks
        raise SplitError(str(kind))
    for account in attempt.accounts:
        attempt.record(account, kind, to_amount(account["amount"]), Decimal())
        account |= {"remaining": 0.0, "status": {"name": "Closed"}, "paymentStatus": {"name": kind}}


def refund(attempt: Attempt) -> Decimal:
    """Refund payments, then transfers. Each is credited first, and then owed again."""
    find_remaining(attempt)
    requested = attempt.amount()
    actions = {
        key: [each for each in actions_on(attempt.library, [key]) if is_result(each, "pay", "transfer")]
        for key in attempt.ids
    }
    maxima = {key: total_of(each, "pay", "transfer") for key, each in actions.items() if each}
    parts = split_amount(requested, maxima)
    check_all_have_parts(attempt, parts)
    for account in attempt.accounts:
        refund_account(attempt, account, parts[account["id"]], actions[account["id"]])
    return requested


def refund_account(attempt: Attempt, account: Record, amount: Decimal, actions: Sequence[Record]) -> None:
    paid = total_of(actions, "pay")
    payments = min(paid, amount)
    transferred: dict[str, Decimal] = {}
    for each in actions:
        if is_result(each, "transfer"):
            name = each.get("paymentMethod", "")
            transferred[name] = transferred.get(name, Decimal()) + to_amount(each["amountAction"])
    transfers = split_amount(amount - payments, transferred)
    is_full = sum(transferred.values(), Decimal()) == amount - payments
    refunds = [(PATRON, payments, payments == paid)]
    refunds += [(name, part, is_full) for name, part in transfers.items()]
    for action, text in (("credit", "Refund to"), ("refund", "Refunded to")):
        for recipient, part, is_complete in refunds:
            if part > 0:
                add_refund(attempt, account, action, part, is_complete, f"{text} {recipient}")


def add_refund(
    attempt: Attempt, account: Record, action: str, amount: Decimal, is_full: bool, information: str
) -> None:
    kind = RESULTS[action][is_full]
    balance = to_amount(account["remaining"]) + (amount if action == "refund" else Decimal())
    attempt.record(
        account,
        kind,
        amount,
        balance,
        notify=attempt.body["notifyPatron"],
        transactionInformation=information,
        paymentMethod=attempt.body["paymentMethod"],
    )
    account |= {
        "remaining": float(balance),
        "paymentStatus": {"name": kind},
        "status": {"name": "Open"},
    }


def check_all_have_parts(attempt: Attempt, parts: dict[str, Decimal]) -> None:
    """Raise SplitError if an account gets nothing, which is a null pointer upstream."""
    if len(parts) < len(attempt.ids):
        raise SplitError("null")


def actions_on(library: Library, ids: Iterable[str]) -> list[Record]:
    keys = set(ids)
    return [each for each in library.fee_fine_actions.values() if each.get("accountId") in keys]


def is_result(action: Record, *kinds: str) -> bool:
    return any(action.get("typeAction") in RESULTS[kind] for kind in kinds)


def total_of(actions: Iterable[Record], *kinds: str) -> Decimal:
    amounts = (to_amount(each["amountAction"]) for each in actions if is_result(each, *kinds))
    return sum(amounts, Decimal())


def is_closed(account: Record) -> bool:
    return bool(account["status"]["name"] == "Closed")
