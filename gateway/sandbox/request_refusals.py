"""Every reason not to grant a request, in the order in which they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.sandbox.library import Record
from gateway.sandbox.override import block, without_permission
from gateway.sandbox.pickup import not_allowed_at, pickup_refusals
from gateway.sandbox.refusals import reason
from gateway.sandbox.request import is_open
from gateway.sandbox.request_rules import items_of, pageable, places_for_item, places_for_title
from gateway.sandbox.user import acts_for, automated_blocks_of, is_active, manual_blocks_of
from gateway.sandbox.wish import Wish, matched


def refusals(wanted: Wish) -> list[Record]:
    """The reasons of the first stage that has any; later ones rest on what the earlier ones found right."""
    for stage in STAGES:
        reasons = list(stage(wanted))
        if reasons:
            return reasons
    return []


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


Stage = Callable[[Wish], Iterator[Record]]
STAGES: tuple[Stage, ...] = (shape_refusals, unknown_refusals, rule_refusals, storage_refusals)
