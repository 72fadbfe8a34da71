"""Members of closed value sets."""

from __future__ import annotations

from typing import Any

import strawberry

UNKNOWN = "UNKNOWN"


def member(value: str | int, description: str) -> Any:  # Any: Strawberry replaces it by the value
    """Declare a member of an enum: the text or number that upstream sends, and its meaning."""
    return strawberry.enum_value(value, description=description)


def unknown_member() -> Any:  # Any: as above
    """Declare the member for values of a newer upstream."""
    return member(UNKNOWN, "A value that this version of the gateway does not know. Rejected as an input.")
