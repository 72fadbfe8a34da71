"""How a tenant has set up its circulation."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record

CIRCULATION_SETTINGS = Collection(
    key="circulationSettings",
    records=lambda library: library.circulation_settings,
    indexes=index_names(f"id name value.* {METADATA}"),
)


def get_setting(library: Library, name: str) -> Record | None:
    """The value under a name, if it was ever set."""
    found = (each for each in library.circulation_settings.values() if each["name"] == name)
    return next((each.get("value", {}) for each in found), None)


def is_enabled(library: Library, name: str, switch: str) -> bool:
    """A switch inside a setting; older clients wrote it as text."""
    value = (get_setting(library, name) or {}).get(switch)
    return value is True or str(value).lower() == "true"


def read_tlr_settings(http_request: HttpRequest) -> Response:
    """GET of what mod-tlr knows; a library that belongs to no consortium has the feature off."""
    return json_response(
        {"ecsTlrFeatureEnabled": is_enabled(http_request.library, "ecsTlrFeature", "enabled")}
    )
