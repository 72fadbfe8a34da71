"""How the tenant is set up: circulation settings, tags, and how some readers like to be served."""

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
