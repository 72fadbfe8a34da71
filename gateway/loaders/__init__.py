"""DataLoaders: one set per operation, never shared between operations."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.account import AccountLoaders
from gateway.loaders.bound_with import BoundWithLoaders
from gateway.loaders.calendar import CalendarLoaders
from gateway.loaders.circulation_log import CirculationLogLoaders
from gateway.loaders.circulation_rules import CirculationRuleLoaders
from gateway.loaders.item import ItemLoaders
from gateway.loaders.loan import LoanLoaders
from gateway.loaders.note import NoteLoaders
from gateway.loaders.patron_block import PatronBlockLoaders
from gateway.loaders.policy import PolicyLoaders
from gateway.loaders.proxy import ProxyLoaders
from gateway.loaders.reference import ReferenceLoaders
from gateway.loaders.request import RequestLoaders
from gateway.loaders.service_point import ServicePointLoaders
from gateway.loaders.user import UserLoaders


class Loaders(
    LoanLoaders,
    RequestLoaders,
    BoundWithLoaders,
    ItemLoaders,
    UserLoaders,
    AccountLoaders,
    PatronBlockLoaders,
    NoteLoaders,
    CirculationLogLoaders,
    ProxyLoaders,
    ServicePointLoaders,
    CalendarLoaders,
    PolicyLoaders,
    CirculationRuleLoaders,
    ReferenceLoaders,
):
    """Every loader of one operation."""

    @cached_property
    def through_bff(self) -> Loaders:
        """The same loaders over the BFF, for members that only the BFF sends.

        If it serves no such list, nothing has these members, and nothing is read.
        """
        if self.lists_from == "bff":
            return self
        return type(self)(self.upstream, self.limits, lists_from="bff if served")

    @cached_property
    def direct(self) -> Loaders:
        """The same loaders with loans and requests from circulation itself instead of the BFF."""
        return self if self.is_direct else type(self)(self.upstream, self.limits, lists_from="circulation")


__all__ = ["Loaders"]
