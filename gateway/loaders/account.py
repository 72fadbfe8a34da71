"""What patrons owe, by who owes it and for what."""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from gateway.loaders.batching import ById, Grouped, by_id
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql


class AccountLoaders(LoaderSet):
    @cached_property
    def account(self) -> ById:
        return by_id(self.upstream.fees.accounts, self.limits)

    def accounts_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.fees.accounts, "userId", within=within, sort=sort)

    def accounts_of_loan(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.fees.accounts, "loanId", within=within, sort=sort)
