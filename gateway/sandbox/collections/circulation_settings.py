"""A tenant's circulation settings."""

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
    """Return the value of a setting, or None if it was never set."""
    settings = (setting for setting in library.circulation_settings.values() if setting["name"] == name)
    return next((setting.get("value", {}) for setting in settings), None)


def is_enabled(library: Library, name: str, switch: str) -> bool:
    """True if a switch inside a setting is on; older clients stored it as text."""
    value = (get_setting(library, name) or {}).get(switch)
    return value is True or str(value).lower() == "true"


def read_tlr_settings(http_request: HttpRequest) -> Response:
    """GET the settings of mod-tlr; the feature is off in a library without a consortium."""
    return json_response(
        {"ecsTlrFeatureEnabled": is_enabled(http_request.library, "ecsTlrFeature", "enabled")}
    )
