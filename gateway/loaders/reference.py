"""Reference data: small tables that other records refer to."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.loader import ById
from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader
from gateway.loaders.table import Table
from gateway.upstream import cql

BY_NAME = (cql.SortKey("name"),)


class ReferenceLoaders(LoaderSet):
    @cached_property
    def patron_groups(self) -> Table:
        return Table(self.upstream.users.patron_groups, self.limits, (cql.SortKey("group"),))

    @property
    def patron_group(self) -> ById:
        return self.patron_groups.by_id

    @cached_property
    def address_types(self) -> Table:
        return Table(self.upstream.users.address_types, self.limits, (cql.SortKey("addressType"),))

    @property
    def address_type(self) -> ById:
        return self.address_types.by_id

    @cached_property
    def departments(self) -> Table:
        return Table(self.upstream.users.departments, self.limits, BY_NAME)

    @property
    def department(self) -> ById:
        return self.departments.by_id

    @cached_property
    def material_types(self) -> Table:
        return Table(self.upstream.inventory.material_types, self.limits, BY_NAME)

    @property
    def material_type(self) -> ById:
        return self.material_types.by_id

    @cached_property
    def loan_types(self) -> Table:
        return Table(self.upstream.inventory.loan_types, self.limits, BY_NAME)

    @property
    def loan_type(self) -> ById:
        return self.loan_types.by_id

    @cached_property
    def cancellation_reasons(self) -> Table:
        return Table(self.upstream.circulation_storage.cancellation_reasons, self.limits, BY_NAME)

    @property
    def cancellation_reason(self) -> ById:
        return self.cancellation_reasons.by_id

    # By id and not as a table: a template is a whole page of HTML.
    staff_slip_template = RecordLoader(CollectionName("circulation_storage.staff_slips"))
    # A user has at most one (a unique index of mod-circulation-storage).
    request_preference_of_user = RecordLoader(
        CollectionName("circulation_storage.request_preferences"), index="userId"
    )
