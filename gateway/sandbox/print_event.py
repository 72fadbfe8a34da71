"""Which requests were printed, by whom and how often."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.body import checked, is_uuid
from gateway.sandbox.circulation_settings import enabled, setting
from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.exchange import Exchange, without_nulls
from gateway.sandbox.library import Library, Record
from gateway.sandbox.refusals import Refused, reason

FEATURE = "printEventLogFeature"
KINDS = {"requesterId": "uuid", "requesterName": "text", "printEventDate": "date"}
INVALID = "Print Event Request JSON is invalid"
REQUIRED = dict.fromkeys(("requestIds", *KINDS), INVALID)


def print_events(exchange: Exchange) -> Response:
    """Take down that slips were printed. Raises Refused, and then no request has changed."""
    library, body = exchange.library, checked(exchange, KINDS, REQUIRED)
    for request in printed_requests(library, body["requestIds"]):
        request["printDetails"] = details(library, body, request.get("printDetails", {}))
    return Response(status_code=201)


def printed_requests(library: Library, ids: object) -> list[Record]:
    """The requests, when the tenant logs printing and all of them exist."""
    if not isinstance(ids, list) or not ids or not all(is_uuid(each) for each in ids):
        raise Refused([reason(INVALID, {"requestIds": None})])
    if setting(library, FEATURE) is None:
        raise Refused([reason("No configuration found for print event feature", {"": ""})])
    if not enabled(library, FEATURE, "enablePrintLog"):
        raise Refused([reason("print event feature is disabled for this tenant", {"": ""})])
    keys = dict.fromkeys(each.lower() for each in ids)
    if not all(key in library.requests for key in keys):
        raise Refused([reason("invalid request found", {"": ""})])
    return [library.requests[key] for key in keys]


def details(library: Library, body: Record, before: Record) -> Record:
    staff = library.users.get(body["requesterId"].lower(), {}).get("personal", {})
    names = {name: staff.get(name) for name in ("firstName", "lastName", "middleName")}
    return without_nulls(
        {
            "printCount": before.get("printCount", 0) + 1,
            "requesterId": body["requesterId"].lower(),
            "isPrinted": True,
            "printEventDate": iso(moment_of(body["printEventDate"])),
            "lastPrintRequester": without_nulls(names) or None,
        }
    )
