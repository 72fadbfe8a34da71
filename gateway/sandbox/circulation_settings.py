"""How a tenant has set up its circulation."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.exchange import Exchange, answer
from gateway.sandbox.library import Library, Record
from gateway.sandbox.shelf import METADATA, Shelf, indexes

CIRCULATION_SETTINGS = Shelf(
    key="circulationSettings",
    records=lambda library: library.circulation_settings,
    indexes=indexes(f"id name value.* {METADATA}"),
)


def setting(library: Library, name: str) -> Record | None:
    """The value under a name, if it was ever set."""
    found = (each for each in library.circulation_settings.values() if each["name"] == name)
    return next((each.get("value", {}) for each in found), None)


def enabled(library: Library, name: str, switch: str) -> bool:
    """A switch inside a setting; older clients wrote it as text."""
    value = (setting(library, name) or {}).get(switch)
    return value is True or str(value).lower() == "true"


def tlr_settings(exchange: Exchange) -> Response:
    """GET of what mod-tlr knows; a library that belongs to no consortium has the feature off."""
    return answer({"ecsTlrFeatureEnabled": enabled(exchange.library, "ecsTlrFeature", "enabled")})
