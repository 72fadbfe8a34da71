"""The seeded libraries: the same ids, barcodes and relations every time, dates around today."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from gateway.sandbox.clock import Clock
from gateway.sandbox.library import Library, Record, RecordsById
from gateway.sandbox.seed.calendars import add_calendars
from gateway.sandbox.seed.circulation_log import add_circulation_log
from gateway.sandbox.seed.circulation_rules import add_circulation_rules
from gateway.sandbox.seed.fees import add_fees
from gateway.sandbox.seed.inventory import add_inventory
from gateway.sandbox.seed.loan_history import add_loan_history
from gateway.sandbox.seed.loans import add_loans
from gateway.sandbox.seed.mediated_requests import add_mediated_requests
from gateway.sandbox.seed.notes import add_notes
from gateway.sandbox.seed.places import add_places
from gateway.sandbox.seed.policies import add_policies
from gateway.sandbox.seed.requests import add_requests
from gateway.sandbox.seed.seeder import Seeder
from gateway.sandbox.seed.settings import add_settings
from gateway.sandbox.seed.users import add_users
from gateway.sandbox.stored_records import stored

STEPS = (
    add_places,
    add_calendars,
    add_users,
    add_policies,
    add_circulation_rules,
    add_inventory,
    add_loans,
    add_loan_history,
    add_requests,
    add_mediated_requests,
    add_settings,
    add_fees,
    add_notes,
    add_circulation_log,
)


class SeededLibraries(Mapping[str, Library]):
    """The libraries of these tenants, each seeded at its first use if it is not `loaded`."""

    def __init__(self, tenants: Iterable[str], loaded: Mapping[str, Library]) -> None:
        self._libraries: dict[str, Library | None] = {**dict.fromkeys(tenants), **loaded}

    def __getitem__(self, tenant: str) -> Library:
        library = self._libraries[tenant]
        if library is None:
            library = self._libraries[tenant] = create_seeded_library(tenant)
        return library

    def __contains__(self, tenant: object) -> bool:
        return tenant in self._libraries  # the inherited one would seed it

    def __iter__(self) -> Iterator[str]:
        return iter(self._libraries)

    def __len__(self) -> int:
        return len(self._libraries)


class SeededLibrary(Library):
    """A library of which each part is read from `pickled`, by its name, when it is first used.

    That takes a twentieth of the time to seed it, and tests do it often; few use more than some parts.
    """

    __slots__ = ("_appended", "_pickled")

    def __init__(self, tenant: str, clock: Clock, pickled: Mapping[str, bytes]) -> None:
        self.tenant = tenant
        self.clock = clock
        self._pickled = pickled
        self._appended: dict[str, RecordsById] = {}

    def __getattr__(self, name: str) -> Any:  # as the parts are declared; only the absent ones come here
        if name in SeededLibrary.__slots__ or name not in self._pickled:
            raise AttributeError(name)
        part = pickle.loads(self._pickled[name])  # noqa: S301 - bytes from below
        if isinstance(part, dict):
            part = stored(part)
        if name in self._appended:
            part |= self._appended.pop(name)
        setattr(self, name, part)
        return part

    def append(self, name: str, record: Record) -> None:
        """Add a record, to a collection that was not read yet when it is: writes need no logs."""
        try:
            object.__getattribute__(self, name)
        except AttributeError:
            self._appended.setdefault(name, {})[record["id"]] = record
        else:
            super().append(name, record)


def create_seeded_library(tenant: str) -> Library:
    """Create a seeded library whose clock starts now. Each call returns a separate one."""
    clock = Clock()
    hour = clock.start.replace(minute=0, second=0, microsecond=0)
    return SeededLibrary(tenant, clock, pickled_library(tenant, hour))


@lru_cache(maxsize=4)
def pickled_library(tenant: str, hour: datetime) -> Mapping[str, bytes]:
    """Seed a library, and pickle each part of it."""
    library = Library(tenant=tenant, clock=Clock(hour))
    seeder = Seeder(library)
    for add in STEPS:
        add(seeder)
    names = [field.name for field in fields(library) if field.name not in ("tenant", "clock")]
    return {name: pickle.dumps(getattr(library, name)) for name in names}
