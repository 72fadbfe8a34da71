"""Where a request may be picked up, asked before it is made or changed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from gateway.sandbox.http.errors import BadRequest, InvalidRequest, Refused, reason
from gateway.sandbox.http.request import HttpRequest, json_response, omit_nulls
from gateway.sandbox.http.validation import is_uuid
from gateway.sandbox.library import Library, Record, RecordsById
from gateway.sandbox.requests.pickup_points import Places, places_for_item, places_for_title
from gateway.sandbox.requests.request_types import REQUEST_TYPES

KEYS = ("patronGroupId", "instanceId", "requestId", "requesterId", "itemId")
OPERATIONS = {"create", "replace"}
INVALID = "Invalid combination of query parameters"


def bff_allowed_service_points(http_request: HttpRequest) -> Response:
    """The BFF's framework checks each parameter; their combination is left to mod-circulation."""
    given = read_parameters(http_request)
    if http_request.query.get("operation") not in OPERATIONS or not all(map(is_uuid, given.values())):
        raise InvalidRequest()
    return allowed_response(http_request.library, http_request.query["operation"], given)


def circulation_allowed_service_points(http_request: HttpRequest) -> Response:
    """mod-circulation knows one more operation: to move a request to another item."""
    given, operation = read_parameters(http_request), http_request.query.get("operation", "")
    wrong = [] if operation in {*OPERATIONS, "move"} else [f"{operation} is not a valid operation"]
    wrong += [f"{key} is not a valid UUID: {value}" for key, value in given.items() if not is_uuid(value)]
    if wrong:
        raise BadRequest(". ".join(wrong) + ".")
    return allowed_response(http_request.library, operation, given)


def read_parameters(http_request: HttpRequest) -> dict[str, str]:
    return {key: http_request.query[key].lower() for key in KEYS if http_request.query.get(key)}


def allowed_response(library: Library, operation: str, given: dict[str, str]) -> Response:
    ask = LOOKUPS.get((operation, frozenset(given)))
    if ask is None:
        raise BadRequest(INVALID)
    places = ask(library, given)
    return json_response(
        {
            kind: [public_service_point(point) for point in places[kind]]
            for kind in REQUEST_TYPES
            if places.get(kind)
        }
    )


def public_service_point(point: Record) -> Record:
    return omit_nulls({name: point.get(name) for name in ("id", "name", "discoveryDisplayName")})


def places_to_create(library: Library, given: dict[str, str]) -> Places:
    if "requesterId" in given:
        user = require_record(library.users, "User", given, "requesterId")
    else:
        user = {"patronGroup": require_record(library.groups, "Patron group", given, "patronGroupId")["id"]}
    if "itemId" in given:
        return places_for_item(library, user, require_record(library.items, "Item", given, "itemId"))
    instance = require_record(library.instances, "Instance", given, "instanceId")
    return places_for_title(library, user, instance["id"])


def places_to_replace(library: Library, given: dict[str, str]) -> Places:
    """Only the request's own type counts: the item's status is already this request's doing."""
    request, user = get_request_and_user(library, given)
    kinds = [request["requestType"]]
    item = library.items.get(request.get("itemId", ""))
    if item is None:
        return places_for_title(library, user, request["instanceId"], kinds)
    return places_for_item(library, user, item, kinds)


def places_to_move(library: Library, given: dict[str, str]) -> Places:
    _, user = get_request_and_user(library, given)
    return places_for_item(library, user, require_record(library.items, "Item", given, "itemId"))


def get_request_and_user(library: Library, given: dict[str, str]) -> tuple[Record, Record]:
    request = require_record(library.requests, "Request", given, "requestId")
    return request, library.users.get(request.get("requesterId", ""), {})


def require_record(shelved: RecordsById, name: str, given: dict[str, str], key: str) -> Record:
    if given[key] not in shelved:
        raise Refused([reason(f"{name} with ID {given[key]} was not found", {key: given[key]})])
    return shelved[given[key]]


Lookup = Callable[[Library, dict[str, str]], Places]
LOOKUPS: dict[tuple[str, frozenset[str]], Lookup] = {
    ("create", frozenset({"requesterId", "itemId"})): places_to_create,
    ("create", frozenset({"requesterId", "instanceId"})): places_to_create,
    ("create", frozenset({"patronGroupId", "itemId"})): places_to_create,
    ("create", frozenset({"patronGroupId", "instanceId"})): places_to_create,
    ("replace", frozenset({"requestId"})): places_to_replace,
    ("move", frozenset({"requestId", "itemId"})): places_to_move,
}
