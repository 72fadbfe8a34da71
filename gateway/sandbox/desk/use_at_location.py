"""Items that must not leave the library: on the hold shelf while their patrons are away, and back."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import add_period, format_timestamp, to_java_text
from gateway.sandbox.collections.loan_history import record_change
from gateway.sandbox.collections.loans import item_summary
from gateway.sandbox.http.errors import BadRequest, Refused, reason
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record
from gateway.sandbox.log.loans import log_loan_action
from gateway.sandbox.log.records import editor_of

IN_USE, HELD, RETURNED = "In use", "Held", "Returned"
NOT_ENABLED = "For-use-at-location is not enabled for this tenant."


def hold_for_use_at_location(http_request: HttpRequest) -> Response:
    """POST a hold. The response is the loan as storage has it, in an object, with its item."""
    library = http_request.library
    barcode = required_barcode(http_request, "item", "put item on hold shelf")
    loan = open_loan(library, barcode)
    check_enabled(library)
    if loan is None:
        raise BadRequest(f"No open loan found for the item barcode. ({barcode})")
    if "forUseAtLocation" not in loan:
        raise BadRequest(f"The loan is open but is not for use at location., item barcode ({barcode})")
    stored = change_use(http_request, loan, HELD, "heldForUseAtLocation")
    stored["item"] = item_summary(library, loan, library.items[loan["itemId"]])
    return json_response({"loan": stored})


def pick_up_for_use_at_location(http_request: HttpRequest) -> Response:
    """POST a pickup. The response is the loan as storage has it."""
    library = http_request.library
    barcode = required_barcode(http_request, "item", "pick up from hold shelf")
    user_barcode = required_barcode(http_request, "user", "pick up from hold shelf")
    loan, user = open_loan(library, barcode), library.user_by_barcode(user_barcode)
    check_enabled(library)
    if loan is None or user is None or loan.get("userId") != user["id"]:
        raise BadRequest(f"No open loan found for item barcode and user  ({barcode} and {user_barcode}).")
    if "forUseAtLocation" not in loan:
        raise BadRequest(f"The loan is open but is not for use at location, item barcode ({barcode})")
    stored = change_use(http_request, loan, IN_USE, "pickedUpForUseAtLocation")
    return json_response(stored, 200, {"Location": f"/circulation/loans/{loan['id']}"})


def required_barcode(http_request: HttpRequest, of: str, purpose: str) -> str:
    name = f"{of}Barcode"
    text = http_request.json_object().get(name)
    if not isinstance(text, str) or not text.strip():
        article = "an" if of == "item" else "a"
        raise Refused([reason(f"Request to {purpose} must have {article} {of} barcode", {name: None})])
    return text


def open_loan(library: Library, barcode: str) -> Record | None:
    item = library.item_by_barcode(barcode)
    return None if item is None else library.open_loan_of_item(item["id"])


def check_enabled(library: Library) -> None:
    if not library.use_at_location:
        raise BadRequest(NOT_ENABLED)


def change_use(http_request: HttpRequest, loan: Record, status: str, action: str) -> Record:
    """Change the use of an item, and return the loan with the metadata of the former change.

    Its date is as circulation formats it before storage parses it (Loan.changeStatusOfUsageAtLocation).
    """
    library, metadata = http_request.library, dict(loan.get("metadata", {}))
    set_use(library, loan, status)
    if status == HELD:
        policy = library.loan_policies.get(loan.get("loanPolicyId", ""), {}).get("loansPolicy", {})
        period = policy.get("holdShelfExpiryPeriodForUseAtLocation")
        if policy.get("forUseAtLocation") and period:
            end = add_period(library.clock.now(), period)
            loan["forUseAtLocation"]["holdShelfExpirationDate"] = format_timestamp(end)
    loan["action"] = action
    log_loan_action(library, loan, f"{status} at the location.", editor_of(loan))
    record_change(library, loan, http_request.caller)
    stored = {name: value for name, value in loan.items() if name != "metadata"}
    use = loan["forUseAtLocation"]
    use = {**use, "statusDate": to_java_text(use["statusDate"])}
    return {**stored, "forUseAtLocation": use, "metadata": metadata}


def set_use(library: Library, loan: Record, status: str) -> None:
    """Set the use of a lent item. A date until which it was held stays."""
    loan["forUseAtLocation"] = {
        **loan.get("forUseAtLocation", {}),
        "status": status,
        "statusDate": library.now(),
    }
