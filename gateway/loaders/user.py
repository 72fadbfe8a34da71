"""Users by each of the keys that people know, and by their group."""

from __future__ import annotations

from collections.abc import Sequence

from propcache.api import cached_property

from gateway.loaders.batching import ById, Grouped, by_id, by_name
from gateway.loaders.loader_set import LoaderSet
from gateway.upstream import cql


class UserLoaders(LoaderSet):
    @cached_property
    def user(self) -> ById:
        return by_id(self.upstream.users.users, self.limits)

    @cached_property
    def user_by_barcode(self) -> ById:
        return by_name(self.upstream.users.users, self.limits, index="barcode")

    @cached_property
    def user_by_username(self) -> ById:
        return by_name(self.upstream.users.users, self.limits, index="username")

    @cached_property
    def user_by_external_system_id(self) -> ById:
        return by_name(self.upstream.users.users, self.limits, index="externalSystemId")

    def users_of_patron_group(self, within: cql.Cql | None, sort: Sequence[cql.SortKey]) -> Grouped:
        return self.grouped(self.upstream.users.users, "patronGroup", within=within, sort=sort)
