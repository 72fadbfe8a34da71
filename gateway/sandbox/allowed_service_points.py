"""Where a request may be picked up, asked before it is made or changed."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from gateway.sandbox.body import is_uuid
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record, Shelved
from gateway.sandbox.refusals import BadRequest, Malformed, Refused, reason
from gateway.sandbox.request_rules import TYPES, Places, places_for_item, places_for_title

KEYS = ("patronGroupId", "instanceId", "requestId", "requesterId", "itemId")
OPERATIONS = {"create", "replace"}
INVALID = "Invalid combination of query parameters"


def bff_allowed_service_points(exchange: Exchange) -> Response:
    """The BFF's framework checks each parameter; their combination is left to mod-circulation."""
    given = parameters(exchange)
    if exchange.query.get("operation") not in OPERATIONS or not all(map(is_uuid, given.values())):
        raise Malformed()
    return allowed(exchange.library, exchange.query["operation"], given)


def circulation_allowed_service_points(exchange: Exchange) -> Response:
    """mod-circulation knows one more operation: to move a request to another item."""
    given, operation = parameters(exchange), exchange.query.get("operation", "")
    wrong = [] if operation in {*OPERATIONS, "move"} else [f"{operation} is not a valid operation"]
    wrong += [f"{key} is not a valid UUID: {value}" for key, value in given.items() if not is_uuid(value)]
    if wrong:
        raise BadRequest(". ".join(wrong) + ".")
    return allowed(exchange.library, operation, given)


def parameters(exchange: Exchange) -> dict[str, str]:
    return {key: exchange.query[key].lower() for key in KEYS if exchange.query.get(key)}


def allowed(library: Library, operation: str, given: dict[str, str]) -> Response:
    ask = QUESTIONS.get((operation, frozenset(given)))
    if ask is None:
        raise BadRequest(INVALID)
    places = ask(library, given)
    return answer({kind: [shown(point) for point in places[kind]] for kind in TYPES if places.get(kind)})


def shown(point: Record) -> Record:
    return without_nulls({name: point.get(name) for name in ("id", "name", "discoveryDisplayName")})


def to_create(library: Library, given: dict[str, str]) -> Places:
    if "requesterId" in given:
        user = existing(library.users, "User", given, "requesterId")
    else:
        user = {"patronGroup": existing(library.groups, "Patron group", given, "patronGroupId")["id"]}
    if "itemId" in given:
        return places_for_item(library, user, existing(library.items, "Item", given, "itemId"))
    instance = existing(library.instances, "Instance", given, "instanceId")
    return places_for_title(library, user, instance["id"])


def to_replace(library: Library, given: dict[str, str]) -> Places:
    """Only the request's own type counts: the item's status is already this request's doing."""
    request, user = asked_about(library, given)
    kinds = [request["requestType"]]
    item = library.items.get(request.get("itemId", ""))
    if item is None:
        return places_for_title(library, user, request["instanceId"], kinds)
    return places_for_item(library, user, item, kinds)


def to_move(library: Library, given: dict[str, str]) -> Places:
    _, user = asked_about(library, given)
    return places_for_item(library, user, existing(library.items, "Item", given, "itemId"))


def asked_about(library: Library, given: dict[str, str]) -> tuple[Record, Record]:
    request = existing(library.requests, "Request", given, "requestId")
    return request, library.users.get(request.get("requesterId", ""), {})


def existing(shelved: Shelved, name: str, given: dict[str, str], key: str) -> Record:
    if given[key] not in shelved:
        raise Refused([reason(f"{name} with ID {given[key]} was not found", {key: given[key]})])
    return shelved[given[key]]


Question = Callable[[Library, dict[str, str]], Places]
QUESTIONS: dict[tuple[str, frozenset[str]], Question] = {
    ("create", frozenset({"requesterId", "itemId"})): to_create,
    ("create", frozenset({"requesterId", "instanceId"})): to_create,
    ("create", frozenset({"patronGroupId", "itemId"})): to_create,
    ("create", frozenset({"patronGroupId", "instanceId"})): to_create,
    ("replace", frozenset({"requestId"})): to_replace,
    ("move", frozenset({"requestId", "itemId"})): to_move,
}
