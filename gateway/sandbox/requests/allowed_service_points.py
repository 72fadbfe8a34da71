"""Allowed service points: pickup locations for a request that is about to be created or changed."""

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
    """GET at the BFF, whose framework validates each parameter but not their combination."""
    parameters = read_parameters(http_request)
    if http_request.query.get("operation") not in OPERATIONS or not all(map(is_uuid, parameters.values())):
        raise InvalidRequest()
    return allowed_response(http_request.library, http_request.query["operation"], parameters)


def circulation_allowed_service_points(http_request: HttpRequest) -> Response:
    """GET at mod-circulation, which has a further operation: to move a request to another item."""
    parameters, operation = read_parameters(http_request), http_request.query.get("operation", "")
    errors = [] if operation in {*OPERATIONS, "move"} else [f"{operation} is not a valid operation"]
    errors += [
        f"{key} is not a valid UUID: {value}" for key, value in parameters.items() if not is_uuid(value)
    ]
    if errors:
        raise BadRequest(". ".join(errors) + ".")
    return allowed_response(http_request.library, operation, parameters)


def read_parameters(http_request: HttpRequest) -> dict[str, str]:
    return {key: http_request.query[key].lower() for key in KEYS if http_request.query.get(key)}


def allowed_response(library: Library, operation: str, parameters: dict[str, str]) -> Response:
    find_places = LOOKUPS.get((operation, frozenset(parameters)))
    if find_places is None:
        raise BadRequest(INVALID)
    places = find_places(library, parameters)
    return json_response(
        {
            request_type: [public_service_point(point) for point in places[request_type]]
            for request_type in REQUEST_TYPES
            if places.get(request_type)
        }
    )


def public_service_point(point: Record) -> Record:
    return omit_nulls({name: point.get(name) for name in ("id", "name", "discoveryDisplayName")})


def places_to_create(library: Library, parameters: dict[str, str]) -> Places:
    if "requesterId" in parameters:
        user = require_record(library.users, "User", parameters, "requesterId")
    else:
        user = {
            "patronGroup": require_record(library.groups, "Patron group", parameters, "patronGroupId")["id"]
        }
    if "itemId" in parameters:
        return places_for_item(library, user, require_record(library.items, "Item", parameters, "itemId"))
    instance = require_record(library.instances, "Instance", parameters, "instanceId")
    return places_for_title(library, user, instance["id"])


def places_to_replace(library: Library, parameters: dict[str, str]) -> Places:
    """Use the request's type only: the item's status is already an effect of this request."""
    request, user = get_request_and_user(library, parameters)
    request_types = [request["requestType"]]
    item = library.items.get(request.get("itemId", ""))
    if item is None:
        return places_for_title(library, user, request["instanceId"], request_types)
    return places_for_item(library, user, item, request_types)


def places_to_move(library: Library, parameters: dict[str, str]) -> Places:
    _, user = get_request_and_user(library, parameters)
    return places_for_item(library, user, require_record(library.items, "Item", parameters, "itemId"))


def get_request_and_user(library: Library, parameters: dict[str, str]) -> tuple[Record, Record]:
    request = require_record(library.requests, "Request", parameters, "requestId")
    return request, library.users.get(request.get("requesterId", ""), {})


def require_record(records: RecordsById, name: str, parameters: dict[str, str], key: str) -> Record:
    if parameters[key] not in records:
        raise Refused([reason(f"{name} with ID {parameters[key]} was not found", {key: parameters[key]})])
    return records[parameters[key]]


Lookup = Callable[[Library, dict[str, str]], Places]
LOOKUPS: dict[tuple[str, frozenset[str]], Lookup] = {
    ("create", frozenset({"requesterId", "itemId"})): places_to_create,
    ("create", frozenset({"requesterId", "instanceId"})): places_to_create,
    ("create", frozenset({"patronGroupId", "itemId"})): places_to_create,
    ("create", frozenset({"patronGroupId", "instanceId"})): places_to_create,
    ("replace", frozenset({"requestId"})): places_to_replace,
    ("move", frozenset({"requestId", "itemId"})): places_to_move,
}
