"""Print events: the requests whose slips were printed, when and by whom."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.collections.circulation_settings import get_setting, is_enabled
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.request import HttpRequest, omit_nulls
from gateway.sandbox.http.validation import is_uuid, validate_body
from gateway.sandbox.library import Library, Record

FEATURE = "printEventLogFeature"
KINDS = {"requesterId": "uuid", "requesterName": "text", "printEventDate": "date"}
INVALID = "Print Event Request JSON is invalid"
REQUIRED = dict.fromkeys(("requestIds", *KINDS), INVALID)


def create_print_events(http_request: HttpRequest) -> Response:
    """Record that slips were printed. Raises Refused without changing any request."""
    library, body = http_request.library, validate_body(http_request, KINDS, REQUIRED)
    for request in get_printed_requests(library, body["requestIds"]):
        request["printDetails"] = print_details(library, body, request.get("printDetails", {}))
    return Response(status_code=201)


def get_printed_requests(library: Library, ids: object) -> list[Record]:
    """Return the requests if the tenant logs printing and all of them exist. Raises Refused."""
    if not isinstance(ids, list) or not ids or not all(is_uuid(each) for each in ids):
        raise Refused([reason(INVALID, {"requestIds": None})])
    if get_setting(library, FEATURE) is None:
        raise Refused([reason("No configuration found for print event feature", {"": ""})])
    if not is_enabled(library, FEATURE, "enablePrintLog"):
        raise Refused([reason("print event feature is disabled for this tenant", {"": ""})])
    keys = dict.fromkeys(each.lower() for each in ids)
    if not all(key in library.requests for key in keys):
        raise Refused([reason("invalid request found", {"": ""})])
    return [library.requests[key] for key in keys]


def print_details(library: Library, body: Record, previous: Record) -> Record:
    staff = library.users.get(body["requesterId"].lower(), {}).get("personal", {})
    names = {name: staff.get(name) for name in ("firstName", "lastName", "middleName")}
    return omit_nulls(
        {
            "printCount": previous.get("printCount", 0) + 1,
            "requesterId": body["requesterId"].lower(),
            "isPrinted": True,
            "printEventDate": format_timestamp(parse_timestamp(body["printEventDate"])),
            "lastPrintRequester": omit_nulls(names) or None,
        }
    )
