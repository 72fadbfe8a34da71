"""How the tenant is set up: circulation settings, tags, how some readers like to be served, full slips."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed import people
from gateway.sandbox.seed.planting import Planting

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
COLLECTS, IS_DELIVERED = 0, people.ORDINARY  # readers with a preference
DELIVERED, COMPLETE = 248, 249  # pages whose slips have an address, and everything else


def plant(planting: Planting) -> None:
    library = planting.library
    for name, value in SETTINGS.items():
        setting = {"id": planting.id("circulation-setting", name), "name": name, "value": dict(value)}
        planting.shelve(library.circulation_settings, setting | {"metadata": planting.metadata()})
    for label in TAGS:
        tag = {"id": planting.id("tag", label), "label": label, "description": f"Marked as {label}"}
        planting.shelve(library.tags, tag | {"metadata": planting.metadata()})
    for number in (COLLECTS, IS_DELIVERED):
        planting.shelve(library.request_preferences, preference(planting, number))
    deliver(planting, library.requests[planting.id("request", DELIVERED)])
    complete(planting, library.requests[planting.id("request", COMPLETE)])


def preference(planting: Planting, number: int) -> Record:
    shared: Record = {
        "id": planting.id("request-preference", number),
        "userId": planting.id("user", number),
        "holdShelf": True,
        "defaultServicePointId": planting.id("service-point", "cd1"),
        "metadata": planting.metadata(-50),
    }
    if number == COLLECTS:
        return shared | {"delivery": False, "fulfillment": "Hold Shelf"}
    home = {"defaultDeliveryAddressTypeId": planting.id("address-type", "Home")}
    return shared | home | {"delivery": True, "fulfillment": "Delivery"}


def deliver(planting: Planting, request: Record) -> None:
    """Have the item brought home."""
    del request["pickupServicePointId"]
    home = planting.id("address-type", "Home")
    request |= {"fulfillmentPreference": "Delivery", "deliveryAddressTypeId": home}


def complete(planting: Planting, request: Record) -> None:
    """Fill what a slip can show of an item to be fetched and of its reader."""
    request |= {
        "patronComments": "The copy with the maps, please",
        "requestExpirationDate": planting.day(30, end=True),
        "holdShelfExpirationDate": planting.day(40, end=True),
    }
    planting.library.items[request["itemId"]] |= {
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
            "dateTime": planting.day(-30),
            "servicePointId": planting.id("service-point", "cd1"),
            "staffMemberId": planting.id("user", "desk"),
        },
    }
    reader = planting.library.users[request["requesterId"]]
    reader["departments"] = [planting.id("department", "LAW"), planting.id("department", "ASTR")]
    reader["personal"] |= {"preferredFirstName": "Max", "middleName": "Lee"}
