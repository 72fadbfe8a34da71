"""The seeded libraries: the same ids, barcodes and relations every time, dates around today."""

import pickle
from datetime import datetime
from functools import lru_cache

from gateway.sandbox.clock import Clock
from gateway.sandbox.library import Library
from gateway.sandbox.seed import (
    catalogue,
    history,
    lending,
    people,
    places,
    policies,
    requesting,
    set_up,
    waiting,
)
from gateway.sandbox.seed.planting import Planting

__all__ = ["seeded"]


def seeded(tenant: str) -> Library:
    """A library of its own for the caller, with the time of now."""
    clock = Clock()
    library: Library = pickle.loads(planted(tenant, hour_of(clock)))  # noqa: S301 - bytes made here
    library.clock = clock
    return library


def hour_of(clock: Clock) -> datetime:
    return clock.start.replace(minute=0, second=0, microsecond=0)


@lru_cache(maxsize=4)
def planted(tenant: str, hour: datetime) -> bytes:
    """The planted library, to be unpickled in a tenth of the time that planting takes: tests do it often."""
    planting = Planting(Library(tenant=tenant, clock=Clock(hour)))
    for part in (places, people, policies, catalogue, lending, history, waiting, requesting, set_up):
        part.plant(planting)
    return pickle.dumps(planting.library)
