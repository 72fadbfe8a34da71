"""Asking for a copy or a title, with every reason to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.responses import Response

from gateway.sandbox.check_in import move
from gateway.sandbox.check_out import signed
from gateway.sandbox.clock import after, iso, moment_of
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, fields
from gateway.sandbox.override import Overrides, block, overrides, without_permission
from gateway.sandbox.permissions import Caller
from gateway.sandbox.pickup import not_allowed_at, pickup_refusals
from gateway.sandbox.refusals import Refused, reason
from gateway.sandbox.request import circulation_requests, is_open, request_view, through_bff
from gateway.sandbox.request_body import REQUIRED, request_body
from gateway.sandbox.request_queue import queue_of_instance
from gateway.sandbox.request_rules import (
    items_of,
    pageable,
    places_for_item,
    places_for_title,
    types_for_item,
)
from gateway.sandbox.user import acts_for, automated_blocks_of, is_active, manual_blocks_of

STORED = fields(
    "id requestType requestLevel requestDate patronComments requesterId proxyUserId instanceId "
    "holdingsRecordId itemId fulfillmentPreference deliveryAddressTypeId requestExpirationDate "
    "pickupServicePointId tags"
)
RECALL_INTERVAL = {"duration": 7, "intervalId": "Days"}  # unless the loan policy says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A request that may be granted; a party that its ids do not lead to is None."""

    library: Library
    caller: Caller
    record: Record
    asked: Overrides = field(default_factory=Overrides)

    @property
    def kind(self) -> str:
        return str(self.record["requestType"])

    @property
    def for_title(self) -> bool:
        return bool(self.record["requestLevel"] == "Title")

    @property
    def requester(self) -> Record | None:
        return self.library.users.get(self.record["requesterId"])

    @property
    def item(self) -> Record | None:
        return self.library.items.get(self.record.get("itemId", ""))


def bff_create_request(exchange: Exchange) -> Response:
    """The BFF shows the request with its own types, and without the loan that is in the way."""
    request = grant(wish(exchange))
    return answer(through_bff(request_view(exchange.library, request)), 201)


def circulation_create_request(exchange: Exchange) -> Response:
    request = grant(wish(exchange))
    (view,) = circulation_requests(exchange.library, [request])
    return answer(view, 201, {"Location": f"/circulation/requests/{request['id']}"})


def wish(exchange: Exchange) -> Wish:
    body = request_body(exchange, REQUIRED)
    asked = body.get("requestProcessingParameters", {})
    if not isinstance(asked, dict):
        raise exchange.unreadable("requestProcessingParameters is not an object")
    lifted = overrides(exchange, asked.get("overrideBlocks"))
    # Only this one has a meaning for requests.
    blocks = {name: each for name, each in lifted.blocks.items() if name == "patronBlock"}
    return Wish(
        library=exchange.library,
        caller=exchange.caller,
        record=body,
        asked=Overrides(blocks=blocks, comment=lifted.comment),
    )


def grant(wanted: Wish) -> Record:
    """Store the request at the end of its queue, with all that follows from it.

    Raises Refused, and then nothing has changed.
    """
    for stage in (shape_refusals, unknown_refusals, rule_refusals, storage_refusals):
        reasons = list(stage(wanted))
        if reasons:
            raise Refused(reasons)
    library, item = wanted.library, matched(wanted)
    request = {name: wanted.record.get(name) for name in STORED}
    request |= {
        "id": wanted.record.get("id") or library.new_id(),
        "status": "Open - Not yet filled",
        "position": len(queue_of_instance(library, wanted.record["instanceId"])) + 1,
        "metadata": signed(library.now(), wanted.caller),
    }
    if item is not None:
        request |= {"itemId": item["id"], "holdingsRecordId": item["holdingsRecordId"]}
    stored = without_nulls(request)
    library.requests[stored["id"]] = stored
    if item is not None:
        take_effect(library, stored, item)
    return stored


def shape_refusals(wanted: Wish) -> Iterator[Record]:
    record = wanted.record
    if not wanted.for_title and "itemId" not in record:
        yield reason("Cannot create a request with no item ID", {"itemId": None})
    if "itemId" in record and "holdingsRecordId" not in record:
        yield reason("Cannot create a request with no holdings record ID", {"holdingsRecordId": None})
    yield from pickup_refusals(wanted.library, record)


def unknown_refusals(wanted: Wish) -> Iterator[Record]:
    library, record = wanted.library, wanted.record
    if record["instanceId"] not in library.instances:
        yield reason("Instance does not exist", {"instanceId": record["instanceId"]})
    if "itemId" in record and wanted.item is None:
        yield reason("Item does not exist", {"itemId": record["itemId"]})
    if wanted.requester is None:
        parameters = {"userId": record["requesterId"]}
        yield reason("Could not find user with matching ID", parameters, code="USER_NOT_FOUND")


def rule_refusals(wanted: Wish) -> Iterator[Record]:
    user = wanted.requester or {}  # found, or refused before
    yield from without_permission(wanted.caller, wanted.asked)
    if not is_active(wanted.library, user):
        parameters = {"requesterId": user["id"], "itemId": wanted.record.get("itemId")}
        yield reason("Inactive users cannot make requests", parameters)
    if "proxyUserId" in wanted.record:
        yield from proxy_refusals(wanted, user)
    if not wanted.asked.lifts("patronBlock"):
        yield from block_refusals(wanted, user)
    yield from repeated(wanted, user)
    yield from lent_already(wanted, user)
    yield from title_refusals(wanted, user) if wanted.for_title else item_refusals(wanted, user)


def proxy_refusals(wanted: Wish, user: Record) -> Iterator[Record]:
    library, key = wanted.library, wanted.record["proxyUserId"]
    proxy, parameters = library.users.get(key), {"proxyUserId": key}
    if key == user["id"]:
        code = "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"
        yield reason("User cannot be proxy for themselves", parameters, code=code)
    elif proxy is None or not is_active(library, proxy) or not acts_for(library, proxy, user):
        yield reason("proxyUserId is not valid", parameters)


def block_refusals(wanted: Wish, user: Record) -> Iterator[Record]:
    lifted_by = block(wanted.caller, "patronBlock")
    manual = [each for each in manual_blocks_of(wanted.library, user["id"]) if each.get("requests")]
    if manual:
        yield reason(
            "Patron blocked from requesting",
            {"reason": ";".join(each["desc"] for each in manual)},
            code="USER_IS_BLOCKED_MANUALLY",
            block=lifted_by,
        )
    for each in automated_blocks_of(wanted.library, user["id"]):
        if each.get("blockRequests"):
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=lifted_by)


def repeated(wanted: Wish, user: Record) -> Iterator[Record]:
    """The same patron waits already, for this copy or for this title."""
    record = wanted.record
    key = "instanceId" if wanted.for_title else "itemId"
    for other in wanted.library.requests.values():
        mine = is_open(other) and other.get("requesterId") == user["id"]
        if not mine or other.get(key) != record[key]:
            continue
        what, code = "this item", "ITEM_ALREADY_REQUESTED"
        if wanted.for_title:
            what, code = "this instance", "INSTANCE_ALREADY_REQUESTED"
            if other["requestLevel"] == "Item":
                what, code = "one of the instance's items", "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED"
        parameters = {"requesterId": user["id"], key: record[key], "requestId": other["id"]}
        yield reason(f"This requester already has an open request for {what}", parameters, code=code)
        return


def lent_already(wanted: Wish, user: Record) -> Iterator[Record]:
    loans = {loan["itemId"]: loan for loan in wanted.library.open_loans_of_user(user["id"])}
    if not wanted.for_title:
        loan = loans.get(wanted.record["itemId"])
        if loan is not None:
            parameters = {"itemId": loan["itemId"], "userId": user["id"], "loanId": loan["id"]}
            code = "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN"
            yield reason("This requester already has this item on loan", parameters, code=code)
        return
    for item in items_of(wanted.library, wanted.record["instanceId"]):
        if item["id"] in loans:
            message = "This requester already has a loan for one of the instance's items"
            code = "REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS"
            yield reason(message, {"itemId": item["id"], "userId": user["id"]}, code=code)
            return


def item_refusals(wanted: Wish, user: Record) -> Iterator[Record]:
    item = wanted.item or {}  # found, or refused before
    places = places_for_item(wanted.library, user, item)
    if wanted.kind not in places:
        yield not_for(wanted.kind, "item")
    else:
        yield from not_allowed_at(wanted.record, places[wanted.kind])


def title_refusals(wanted: Wish, user: Record) -> Iterator[Record]:
    library, instance_id = wanted.library, wanted.record["instanceId"]
    places = places_for_title(library, user, instance_id)
    if wanted.kind in places:
        if wanted.kind == "Page" and matched(wanted) is None:
            yield not_for("Page", "item")
        yield from not_allowed_at(wanted.record, places[wanted.kind])
    elif wanted.kind == "Page":
        message = "Cannot create page TLR for this instance ID - no pageable available items found"
        code = "CANNOT_CREATE_PAGE_TLR_WITHOUT_ITEM_ID"
        yield reason(message, {"instanceId": instance_id}, code=code)
    elif "Page" in places:
        available = pageable(library, user, items_of(library, instance_id))[0]
        message = "Hold/Recall TLR not allowed: available item found for instance"
        code = "HOLD_AND_RECALL_TLR_NOT_ALLOWED_PAGEABLE_AVAILABLE_ITEM_FOUND"
        yield reason(message, {"itemId": available["id"], "instanceId": instance_id}, code=code)
    else:
        yield not_for(wanted.kind, "title")


def not_for(kind: str, what: str) -> Record:
    message = f"{kind} requests are not allowed for this patron and {what} combination"
    code = f"REQUEST_NOT_ALLOWED_FOR_PATRON_{what.upper()}_COMBINATION"
    return reason(message, {"requestType": kind}, code=code)


def storage_refusals(wanted: Wish) -> Iterator[Record]:
    """A primary key is taken once; the answer is raml-module-builder's."""
    key = wanted.record.get("id", "")
    if key in wanted.library.requests:
        message = f"id value already exists in table request: {key}"
        yield reason(message, {"id": key}, code="-1") | {"type": "1"}


def matched(wanted: Wish) -> Record | None:
    """The copy that the request is for, or gets: one to fetch for a page, one to call back for a recall."""
    library, user = wanted.library, wanted.requester or {}
    if not wanted.for_title or wanted.kind == "Hold":
        return wanted.item
    items = [wanted.item] if wanted.item else items_of(library, wanted.record["instanceId"])
    possible = [item for item in items if wanted.kind in types_for_item(library, user, item)]
    if wanted.kind == "Recall":
        return soonest_due(library, possible)
    return next(iter(possible), None)


def soonest_due(library: Library, items: list[Record]) -> Record | None:
    """The copy whose loan ends first, of those that nobody has recalled yet."""
    loans = (library.open_loan_of_item(item["id"]) for item in items)
    open_loans = [loan for loan in loans if loan and not loan.get("dueDateChangedByRecall")]
    if not open_loans:
        return None
    first = min(open_loans, key=lambda loan: moment_of(loan["dueDate"]))
    return library.items[first["itemId"]]


def take_effect(library: Library, request: Record, item: Record) -> None:
    """What a request does to the copy: it is fetched from the shelf, or its borrower hears of it."""
    if request["requestType"] == "Page":
        move(library, item, "Paged")
        return
    loan = library.open_loan_of_item(item["id"])
    if loan is None:
        return
    loan["action"] = "recallrequested" if request["requestType"] == "Recall" else "holdrequested"
    loan.pop("actionComment", None)
    if request["requestType"] == "Recall":
        shorten(library, loan)
    if "metadata" in loan:
        loan["metadata"]["updatedDate"] = library.now()


def shorten(library: Library, loan: Record) -> None:
    """A recalled loan ends soon; it is never made longer, and never shortened twice."""
    policy = library.loan_policies.get(loan.get("loanPolicyId", ""), {})
    recalls = policy.get("requestManagement", {}).get("recalls", {})
    due = after(library.clock.now(), recalls.get("recallReturnInterval", RECALL_INTERVAL))
    if not loan.get("dueDateChangedByRecall") and due < moment_of(loan["dueDate"]):
        loan |= {"dueDate": iso(due), "dueDateChangedByRecall": True}
