"""Seeded settings, tags, request preferences, and two requests with complete slips."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed import users
from gateway.sandbox.seed.seeder import Seeder

SETTINGS: dict[str, Record] = {
    "generalTlr": {
        "titleLevelRequestsFeatureEnabled": True,
        "createTitleLevelRequestsByDefault": False,
        "tlrHoldShouldFollowCirculationRules": False,
    },
    "printEventLogFeature": {"enablePrintLog": True},
    "PRINT_HOLD_REQUESTS": {"printHoldRequestsEnabled": True},
    "other_settings": {
        "audioAlertsEnabled": False,
        "audioTheme": "classic",
        "checkoutTimeout": True,
        "checkoutTimeoutDuration": 3,
        "prefPatronIdentifier": "barcode,username",
        "useCustomFieldsAsIdentifiers": False,
        "wildcardLookupEnabled": False,
    },
    "ecsTlrFeature": {"enabled": False},
}
TAGS = ("boxed", "gift", "reading-group", "repair", "urgent", "vip")
COLLECTING_USER, DELIVERY_USER = 0, users.FIRST_ORDINARY  # patrons with a preference
DELIVERED_PAGE, COMPLETE_PAGE = 248, 249  # Pages whose slips have an address, and every other field


def add_settings(seeder: Seeder) -> None:
    library = seeder.library
    for name, value in SETTINGS.items():
        setting = {"id": seeder.id("circulation-setting", name), "name": name, "value": dict(value)}
        seeder.add(library.circulation_settings, setting | {"metadata": seeder.metadata()})
    for label in TAGS:
        tag = {"id": seeder.id("tag", label), "label": label, "description": f"Marked as {label}"}
        seeder.add(library.tags, tag | {"metadata": seeder.metadata()})
    for number in (COLLECTING_USER, DELIVERY_USER):
        seeder.add(library.request_preferences, preference(seeder, number))
    set_delivery(seeder, library.requests[seeder.id("request", DELIVERED_PAGE)])
    complete_slip(seeder, library.requests[seeder.id("request", COMPLETE_PAGE)])


def preference(seeder: Seeder, number: int) -> Record:
    preference_fields: Record = {
        "id": seeder.id("request-preference", number),
        "userId": seeder.id("user", number),
        "holdShelf": True,
        "defaultServicePointId": seeder.id("service-point", "cd1"),
        "metadata": seeder.metadata(-50),
    }
    if number == COLLECTING_USER:
        return preference_fields | {"delivery": False, "fulfillment": "Hold Shelf"}
    home = {"defaultDeliveryAddressTypeId": seeder.id("address-type", "Home")}
    return preference_fields | home | {"delivery": True, "fulfillment": "Delivery"}


def set_delivery(seeder: Seeder, request: Record) -> None:
    """Change the fulfilment of a request to delivery."""
    del request["pickupServicePointId"]
    home = seeder.id("address-type", "Home")
    request |= {"fulfillmentPreference": "Delivery", "deliveryAddressTypeId": home}


def complete_slip(seeder: Seeder, request: Record) -> None:
    """Fill every field that a slip shows of a request, its item and its requester."""
    request |= {
        "patronComments": "The copy with the maps, please",
        "requestExpirationDate": seeder.day(30, end=True),
        "holdShelfExpirationDate": seeder.day(40, end=True),
    }
    seeder.library.items[request["itemId"]] |= {
        "itemLevelCallNumber": "MAP 249",
        "itemLevelCallNumberPrefix": "Oversize",
        "itemLevelCallNumberSuffix": "c. 2",
        "volume": "v. 2",
        "enumeration": "no. 249",
        "chronology": "Autumn",
        "displaySummary": "no. 249 (Autumn)",
        "yearCaption": ["1901", "1902"],
        "numberOfPieces": "4",
        "descriptionOfPieces": "1 volume, 3 maps",
        "lastCheckIn": {
            "dateTime": seeder.day(-30),
            "servicePointId": seeder.id("service-point", "cd1"),
            "staffMemberId": seeder.id("user", "desk"),
        },
    }
    requester = seeder.library.users[request["requesterId"]]
    requester["departments"] = [seeder.id("department", "LAW"), seeder.id("department", "ASTR")]
    requester["personal"] |= {"preferredFirstName": "Max", "middleName": "Lee"}
