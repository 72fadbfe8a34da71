"""Who may act for whom."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.loaders.batching import Grouped
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql


class ProxyLoaders(LoaderSet):
    def proxies_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """The relations in which the user is the sponsor."""
        return self.grouped(self.upstream.users.proxies, "userId", within=within, sort=sort)

    def sponsors_of_user(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        """The relations in which the user is the proxy."""
        return self.grouped(self.upstream.users.proxies, "proxyUserId", within=within, sort=sort)
