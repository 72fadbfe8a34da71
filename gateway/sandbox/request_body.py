"""A request as a caller writes it, checked for its shape alone."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.sandbox.body import checked, is_uuid
from gateway.sandbox.clock import iso, moment_of
from gateway.sandbox.exchange import Exchange
from gateway.sandbox.library import Record
from gateway.sandbox.refusals import Malformed, Refused, reason
from gateway.sandbox.request_rules import TYPES

LEVELS, PREFERENCES = ("Item", "Title"), ("Hold Shelf", "Delivery")
CHOICES = {"requestType": TYPES, "requestLevel": LEVELS, "fulfillmentPreference": PREFERENCES}
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


def request_body(exchange: Exchange, required: Mapping[str, str]) -> Record:
    """The body with its ids in lower case and its dates in the stored form.

    Raises what the service answers to a field that is missing, of the wrong kind or not one of its values.
    """
    body = checked(exchange, KINDS, required)
    for name, choices in CHOICES.items():
        if name in body and body[name] not in choices:
            raise not_a_choice(exchange, name)
    tags = body.get("tags")
    # The BFF declares tags as a UUID, so that real ones never pass its framework.
    if tags is not None and not (is_uuid(tags) if exchange.through_bff else isinstance(tags, dict)):
        raise exchange.unreadable("tags is not valid")
    return tidy(body)


def not_a_choice(exchange: Exchange, name: str) -> Exception:
    if exchange.through_bff:
        return Malformed()
    message = f"{name} must be one of the following: {', '.join(CHOICES[name])}"
    return Refused([reason(message, {name: None}, code=CHOICE_CODES.get(name))])


def tidy(body: Record) -> Record:
    return {name: tidied(value, KINDS.get(name)) for name, value in body.items()}


def tidied(value: object, kind: str | None) -> object:
    if kind == "uuid":
        return str(value).lower()
    return iso(moment_of(str(value))) if kind == "date" else value
