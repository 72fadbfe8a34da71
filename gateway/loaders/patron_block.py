"""What keeps a patron from borrowing, renewing and requesting."""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from gateway.loaders.batching import Grouped, one_by_one
from gateway.loaders.loader_set import LoaderSet
from gateway.loaders.request import Listed
from gateway.upstream import cql


class PatronBlockLoaders(LoaderSet):
    @cached_property
    def automated_blocks_of_user(self) -> Listed:
        """Upstream reckons the blocks of one user a call."""
        return one_by_one(self.upstream.patron_blocks.automated_blocks, self.upstream.operation)

    def manual_blocks_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.fees.manual_blocks, "userId", within=within, sort=sort)
