"""The policies that loans were made under."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.batching import ById, by_id
from gateway.loaders.loader_set import LoaderSet


class PolicyLoaders(LoaderSet):
    @cached_property
    def loan_policy(self) -> ById:
        return by_id(self.upstream.circulation_storage.loan_policies, self.limits)

    @cached_property
    def overdue_fine_policy(self) -> ById:
        return by_id(self.upstream.fees.overdue_fine_policies, self.limits)

    @cached_property
    def lost_item_fee_policy(self) -> ById:
        return by_id(self.upstream.fees.lost_item_fee_policies, self.limits)
