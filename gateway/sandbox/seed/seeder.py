"""Stable ids and dates relative to today, with which every part of the seed adds its records."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gateway.sandbox.clock import format_timestamp
from gateway.sandbox.library import Library, Record, RecordsById


@dataclass(frozen=True, slots=True)
class Seeder:
    """Adds seed records to one library."""

    library: Library
    _ids: dict[str, str] = field(default_factory=dict)

    def id(self, kind: str, key: object) -> str:
        """Return a version 5 UUID. The tenant is part of it, so no two tenants share an id."""
        name = f"https://sandbox.example/{self.library.tenant}/{kind}/{key}"
        known = self._ids.get(name)  # each is named four times, and its hash takes a third of the seed's time
        if known is None:
            known = self._ids[name] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        return known

    def day(self, days: float, *, end: bool = False) -> str:
        """Return the timestamp `days` from today; `end` moves it to the end of the day, as due dates are."""
        moment = self.library.clock.start + timedelta(days=days)
        return format_timestamp(
            moment.replace(hour=23, minute=59, second=59, microsecond=0) if end else moment
        )

    def metadata(self, days: float = -200, by: str = "head") -> Record:
        user_id = self.id("user", by)
        return {
            "createdDate": self.day(days),
            "createdByUserId": user_id,
            "createdByUsername": by,
            "updatedDate": self.day(days / 2),
            "updatedByUserId": user_id,
            "updatedByUsername": by,
        }

    def add(self, records: RecordsById, record: Mapping[str, Any]) -> Record:  # Any: a JSON record
        stored = dict(record)
        records[stored["id"]] = stored
        return stored
