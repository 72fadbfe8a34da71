"""Requests from outside a consortium: no type is named, so the first that is possible is taken."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.create_request import grant
from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.library import Library, Record
from gateway.sandbox.mediated_request import (
    INACTIVE_SAVE,
    mediated_request,
    new_record,
    refuse_inactive,
    written,
)
from gateway.sandbox.permissions import Caller
from gateway.sandbox.refusals import Refused
from gateway.sandbox.request import request_view, through_bff
from gateway.sandbox.request_body import REQUIRED, request_body
from gateway.sandbox.wish import Wish

NEEDED = {
    name: REQUIRED[name] for name in ("requesterId", "requestLevel", "requestDate", "fulfillmentPreference")
}
IN_TURN = ("Page", "Recall", "Hold")


def create_ecs_request_external(exchange: Exchange) -> Response:
    """A request, or in the secure tenant one that has to be confirmed first."""
    library, body = exchange.library, request_body(exchange, NEEDED)
    wanted = completed(library, body)
    if library.secure:
        refuse_inactive(library, wanted["requesterId"], INACTIVE_SAVE)
        wanted["requestType"] = "Page"
        record = written(library, wanted, new_record(library, exchange.caller))
        return answer(mediated_request(library, record), 201)
    request = first_granted(library, exchange.caller, wanted)
    return answer(through_bff(request_view(library, request)), 201)


def completed(library: Library, body: Record) -> Record:
    """The BFF looks up the title and the holdings of an item itself."""
    wanted = {name: value for name, value in body.items() if name not in ("requestType", "proxyUserId")}
    item = library.items.get(body.get("itemId", ""))
    if item is not None and body["requestLevel"] == "Item":
        holding = library.holdings.get(item["holdingsRecordId"], {})
        wanted["holdingsRecordId"] = item["holdingsRecordId"]
        wanted.setdefault("instanceId", holding.get("instanceId"))
    return wanted


def first_granted(library: Library, who: Caller, wanted: Record) -> Record:
    """Raises Refused with the reasons against the last type, when all are refused."""
    reasons: Sequence[Record] = ()
    wanted = {"instanceId": ""} | wanted  # which leads to no title, and is refused for that
    for kind in IN_TURN:
        try:
            return grant(Wish(library=library, caller=who, record=wanted | {"requestType": kind}))
        except Refused as refused:
            reasons = refused.reasons
    raise Refused(reasons)
