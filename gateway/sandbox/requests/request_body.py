"""The body of a request, validated for its form alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from gateway.sandbox.clock import format_timestamp, parse_timestamp
from gateway.sandbox.http.errors import InvalidRequest, Refused, reason
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.http.validation import is_uuid, validate_body
from gateway.sandbox.library import Record
from gateway.sandbox.requests.request_types import REQUEST_TYPES

LEVELS, PREFERENCES = ("Item", "Title"), ("Hold Shelf", "Delivery")
CHOICES = {"requestType": REQUEST_TYPES, "requestLevel": LEVELS, "fulfillmentPreference": PREFERENCES}
CHOICE_CODES = {
    "requestLevel": "REQUEST_LEVEL_IS_NOT_ALLOWED",
    "fulfillmentPreference": "FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED",
}
KINDS = {
    "id": "uuid",
    "requestDate": "date",
    "patronComments": "text",
    "requesterId": "uuid",
    "proxyUserId": "uuid",
    "instanceId": "uuid",
    "holdingsRecordId": "uuid",
    "itemId": "uuid",
    "deliveryAddressTypeId": "uuid",
    "requestExpirationDate": "date",
    "holdShelfExpirationDate": "date",
    "pickupServicePointId": "uuid",
    "cancellationReasonId": "uuid",
    "cancelledByUserId": "uuid",
    "cancelledDate": "date",
    "cancellationAdditionalInformation": "text",
}
REQUIRED = {
    "requestType": "A request needs a type",
    "requestLevel": "A request needs a level",
    "requestDate": "A request needs a date",
    "requesterId": "A valid user and patron group are required. User is null",
    "instanceId": "Cannot create a request with no instance ID",
    "fulfillmentPreference": "A request needs a fulfillment preference",
}


def request_body(http_request: HttpRequest, required: Mapping[str, str]) -> Record:
    """Return the body with its ids in lower case and its dates in the stored form.

    Raises the service's error for a field that is missing, of the wrong kind or not an allowed value.
    """
    body = validate_body(http_request, KINDS, required)
    for name, choices in CHOICES.items():
        if name in body and body[name] not in choices:
            raise invalid_choice(http_request, name)
    tags = body.get("tags")
    # The BFF declares tags as a UUID, so its framework rejects real ones.
    if tags is not None and not (is_uuid(tags) if http_request.is_bff else isinstance(tags, dict)):
        raise http_request.invalid_input("tags is not valid")
    return normalize(body)


def invalid_choice(http_request: HttpRequest, name: str) -> Exception:
    if http_request.is_bff:
        return InvalidRequest()
    message = f"{name} must be one of the following: {', '.join(CHOICES[name])}"
    return Refused([reason(message, {name: None}, code=CHOICE_CODES.get(name))])


def normalize(body: Record) -> Record:
    normal = {name: normalize_value(value, KINDS.get(name)) for name, value in body.items()}
    if normal.get("requestExpirationDate") is not None:
        normal["requestExpirationDate"] = to_end_of_day(str(normal["requestExpirationDate"]))
    return normal


def to_end_of_day(date: str) -> str:
    """Return the end of the day of a date; the library is in the time zone UTC."""
    moment = parse_timestamp(date).astimezone(UTC)
    return format_timestamp(moment.replace(hour=23, minute=59, second=59, microsecond=0))


def normalize_value(value: object, kind: str | None) -> object:
    if kind == "uuid":
        return str(value).lower()
    return format_timestamp(parse_timestamp(str(value))) if kind == "date" else value
