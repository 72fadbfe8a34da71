"""The seeded libraries: the same ids, barcodes and relations every time, dates around today."""

from gateway.sandbox.clock import Clock
from gateway.sandbox.library import Library
from gateway.sandbox.seed import catalogue, lending, people, places, policies, waiting
from gateway.sandbox.seed.planting import Planting

__all__ = ["seeded"]


def seeded(tenant: str, clock: Clock | None = None) -> Library:
    planting = Planting(Library(tenant=tenant, clock=clock or Clock()))
    for part in (places, people, policies, catalogue, lending, waiting):
        part.plant(planting)
    return planting.library
