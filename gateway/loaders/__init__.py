"""Keys in, records out: one set of loaders per operation, shared with nobody."""

from gateway.loaders.instance import InstanceLoaders
from gateway.loaders.item import ItemLoaders
from gateway.loaders.loan import LoanLoaders
from gateway.loaders.policy import PolicyLoaders
from gateway.loaders.request import RequestLoaders
from gateway.loaders.service_point import ServicePointLoaders
from gateway.loaders.user import UserLoaders


class Loaders(
    LoanLoaders, RequestLoaders, InstanceLoaders, ItemLoaders, UserLoaders, ServicePointLoaders, PolicyLoaders
):
    """Every loader of one operation."""


__all__ = ["Loaders"]
