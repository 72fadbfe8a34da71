"""What every part of the seed needs: ids that never change and dates relative to today."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from gateway.sandbox.clock import iso
from gateway.sandbox.library import Library, Record, Shelved

STAFF = ("head", "desk")


@cache
def stable_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


@dataclass(frozen=True, slots=True)
class Planting:
    library: Library

    def id(self, kind: str, key: object) -> str:
        """A version 5 UUID; the tenant is part of it, so two tenants share none."""
        return str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.example/{self.library.tenant}/{kind}/{key}")
        )

    def day(self, days: float, *, end: bool = False) -> str:
        """The moment so many days from today; `end` moves it to that day's end, when day loans fall due."""
        moment = self.library.clock.start + timedelta(days=days)
        return iso(moment.replace(hour=23, minute=59, second=59, microsecond=0) if end else moment)

    def metadata(self, days: float = -200, by: str = "head") -> Record:
        author = {"ByUserId": self.id("user", by), "ByUsername": by}
        return {
            "createdDate": self.day(days),
            "createdByUserId": author["ByUserId"],
            "createdByUsername": author["ByUsername"],
            "updatedDate": self.day(days / 2),
            "updatedByUserId": author["ByUserId"],
            "updatedByUsername": author["ByUsername"],
        }

    def shelve(self, shelf: Shelved, record: Mapping[str, Any]) -> Record:  # Any: a JSON record
        stored = dict(record)
        shelf[stored["id"]] = stored
        return stored
