"""Loans by their own id, and by what they are loans of."""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from gateway.loaders.batching import ById, Grouped, by_id
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection

OPEN_LOANS = cql.equal("status.name", "Open")


class LoanLoaders(LoaderSet):
    @cached_property
    def loans(self) -> BoundCollection:
        upstream = self.upstream
        return upstream.circulation.loans if self.is_direct else upstream.circulation_bff.loans

    @cached_property
    def loan(self) -> ById:
        return by_id(self.loans, self.limits)

    @cached_property
    def open_loan_of_item(self) -> ById:
        """An item has at most one open loan (a unique index of mod-circulation-storage)."""
        return by_id(self.loans, self.limits, index="itemId", within=OPEN_LOANS)

    def loans_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.loans, "userId", within=within, sort=sort)

    def loans_of_item(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.loans, "itemId", within=within, sort=sort)

    def loans_of_service_point(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """Loans that were checked out at a service point."""
        return self.grouped(self.loans, "checkoutServicePointId", within=within, sort=sort)

    def history_of_loan(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """What happened to a loan: a copy of it for each change."""
        return self.grouped(
            self.upstream.circulation_storage.loan_history,
            "loan.id",
            within=within,
            sort=sort,
            key=("loan", "id"),
        )
