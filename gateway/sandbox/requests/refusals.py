"""The reasons to refuse a new request, in the order in which they are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.sandbox.collections.patron_blocks import find_automated_blocks, find_manual_blocks
from gateway.sandbox.collections.requests import is_open
from gateway.sandbox.collections.users import is_active, is_active_proxy
from gateway.sandbox.http.errors import reason
from gateway.sandbox.http.overrides import missing_permission_reasons, overridable_block
from gateway.sandbox.library import Record
from gateway.sandbox.requests.new_request import NewRequest, select_item
from gateway.sandbox.requests.pickup_points import (
    pickup_policy_reasons,
    pickup_reasons,
    places_for_item,
    places_for_title,
)
from gateway.sandbox.requests.request_types import get_items_of_instance, pageable_items


def find_reasons(new_request: NewRequest) -> list[Record]:
    """Return the reasons of the first stage that has any; later stages rely on the earlier ones."""
    for stage in STAGES:
        reasons = list(stage(new_request))
        if reasons:
            return reasons
    return []


def shape_reasons(new_request: NewRequest) -> Iterator[Record]:
    record = new_request.record
    if not new_request.is_title_level and "itemId" not in record:
        yield reason("Cannot create a request with no item ID", {"itemId": None})
    if "itemId" in record and "holdingsRecordId" not in record:
        yield reason("Cannot create a request with no holdings record ID", {"holdingsRecordId": None})
    yield from pickup_reasons(new_request.library, record)


def reference_reasons(new_request: NewRequest) -> Iterator[Record]:
    library, record = new_request.library, new_request.record
    if record["instanceId"] not in library.instances:
        yield reason("Instance does not exist", {"instanceId": record["instanceId"]})
    if "itemId" in record and new_request.item is None:
        yield reason("Item does not exist", {"itemId": record["itemId"]})
    if new_request.requester is None:
        parameters = {"userId": record["requesterId"]}
        yield reason("Could not find user with matching ID", parameters, code="USER_NOT_FOUND")


def rule_reasons(new_request: NewRequest) -> Iterator[Record]:
    user = new_request.requester or {}  # an earlier stage ensures that it exists
    yield from missing_permission_reasons(new_request.caller, new_request.overrides)
    if not is_active(new_request.library, user):
        parameters = {"requesterId": user["id"], "itemId": new_request.record.get("itemId")}
        yield reason("Inactive users cannot make requests", parameters)
    if "proxyUserId" in new_request.record:
        yield from proxy_reasons(new_request, user)
    if not new_request.overrides.includes("patronBlock"):
        yield from block_reasons(new_request, user)
    yield from repeated_request_reasons(new_request, user)
    yield from existing_loan_reasons(new_request, user)
    yield from (
        title_reasons(new_request, user) if new_request.is_title_level else item_reasons(new_request, user)
    )


def proxy_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    library, key = new_request.library, new_request.record["proxyUserId"]
    proxy, parameters = library.users.get(key), {"proxyUserId": key}
    if key == user["id"]:
        code = "USER_CANNOT_BE_PROXY_FOR_THEMSELVES"
        yield reason("User cannot be proxy for themselves", parameters, code=code)
    elif proxy is None or not is_active(library, proxy) or not is_active_proxy(library, proxy, user):
        yield reason("proxyUserId is not valid", parameters)


def block_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    block = overridable_block(new_request.caller, "patronBlock")
    manual = [each for each in find_manual_blocks(new_request.library, user["id"]) if each.get("requests")]
    if manual:
        yield reason(
            "Patron blocked from requesting",
            {"reason": ";".join(each["desc"] for each in manual)},
            code="USER_IS_BLOCKED_MANUALLY",
            block=block,
        )
    for each in find_automated_blocks(new_request.library, user["id"]):
        if each.get("blockRequests"):
            yield reason(each["message"], code="USER_IS_BLOCKED_AUTOMATICALLY", block=block)


def repeated_request_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    """Return the reason if the requester already has an open request for this item or instance."""
    record = new_request.record
    key = "instanceId" if new_request.is_title_level else "itemId"
    for other in new_request.library.requests.values():
        is_own = is_open(other) and other.get("requesterId") == user["id"]
        if not is_own or other.get(key) != record[key]:
            continue
        subject, code = "this item", "ITEM_ALREADY_REQUESTED"
        if new_request.is_title_level:
            subject, code = "this instance", "INSTANCE_ALREADY_REQUESTED"
            if other["requestLevel"] == "Item":
                subject, code = "one of the instance's items", "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED"
        parameters = {"requesterId": user["id"], key: record[key], "requestId": other["id"]}
        yield reason(f"This requester already has an open request for {subject}", parameters, code=code)
        return


def existing_loan_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    loans = {loan["itemId"]: loan for loan in new_request.library.open_loans_of_user(user["id"])}
    if not new_request.is_title_level:
        loan = loans.get(new_request.record["itemId"])
        if loan is not None:
            parameters = {"itemId": loan["itemId"], "userId": user["id"], "loanId": loan["id"]}
            code = "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN"
            yield reason("This requester already has this item on loan", parameters, code=code)
        return
    for item in get_items_of_instance(new_request.library, new_request.record["instanceId"]):
        if item["id"] in loans:
            message = "This requester already has a loan for one of the instance's items"
            code = "REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS"
            yield reason(message, {"itemId": item["id"], "userId": user["id"]}, code=code)
            return


def item_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    item = new_request.item or {}  # an earlier stage ensures that it exists
    places = places_for_item(new_request.library, user, item)
    if new_request.kind not in places:
        yield type_not_allowed_reason(new_request.kind, "item")
    else:
        yield from pickup_policy_reasons(new_request.record, places[new_request.kind])


def title_reasons(new_request: NewRequest, user: Record) -> Iterator[Record]:
    library, instance_id = new_request.library, new_request.record["instanceId"]
    places = places_for_title(library, user, instance_id)
    if new_request.kind in places:
        if new_request.kind == "Page" and select_item(new_request) is None:
            yield type_not_allowed_reason("Page", "item")
        yield from pickup_policy_reasons(new_request.record, places[new_request.kind])
    elif new_request.kind == "Page":
        message = "Cannot create page TLR for this instance ID - no pageable available items found"
        code = "CANNOT_CREATE_PAGE_TLR_WITHOUT_ITEM_ID"
        yield reason(message, {"instanceId": instance_id}, code=code)
    elif "Page" in places:
        available = pageable_items(library, user, get_items_of_instance(library, instance_id))[0]
        message = "Hold/Recall TLR not allowed: available item found for instance"
        code = "HOLD_AND_RECALL_TLR_NOT_ALLOWED_PAGEABLE_AVAILABLE_ITEM_FOUND"
        yield reason(message, {"itemId": available["id"], "instanceId": instance_id}, code=code)
    else:
        yield type_not_allowed_reason(new_request.kind, "title")


def type_not_allowed_reason(kind: str, subject: str) -> Record:
    message = f"{kind} requests are not allowed for this patron and {subject} combination"
    code = f"REQUEST_NOT_ALLOWED_FOR_PATRON_{subject.upper()}_COMBINATION"
    return reason(message, {"requestType": kind}, code=code)


def storage_reasons(new_request: NewRequest) -> Iterator[Record]:
    """Return the reason for a duplicate primary key, in raml-module-builder's words.

    The storage inserts the record, never replaces it, and sends 422 (raml-module-builder, PgUtil.post and
    responseUniqueViolation); mod-circulation and the BFF pass that on (RequestRepository.create). It is the
    last check: a requester who repeats a request for the same item is refused for that before.
    """
    key = new_request.record.get("id", "")
    if key in new_request.library.requests:
        message = f"id value already exists in table request: {key}"
        yield reason(message, {"id": key}, code="-1") | {"type": "1"}


Stage = Callable[[NewRequest], Iterator[Record]]
STAGES: tuple[Stage, ...] = (shape_reasons, reference_reasons, rule_reasons, storage_reasons)
