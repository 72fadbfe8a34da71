"""Reference data: small tables that other records refer to."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader, RowLoader, TableLoader
from gateway.upstream import cql

BY_NAME = cql.SortKey("name")


class ReferenceLoaders(LoaderSet):
    patron_groups = TableLoader("users.patron_groups", cql.SortKey("group"))
    patron_group = RowLoader(patron_groups)
    address_types = TableLoader("users.address_types", cql.SortKey("addressType"))
    address_type = RowLoader(address_types)
    departments = TableLoader("users.departments", BY_NAME)
    department = RowLoader(departments)
    material_types = TableLoader("inventory.material_types", BY_NAME)
    material_type = RowLoader(material_types)
    loan_types = TableLoader("inventory.loan_types", BY_NAME)
    loan_type = RowLoader(loan_types)
    cancellation_reasons = TableLoader("circulation_storage.cancellation_reasons", BY_NAME)
    cancellation_reason = RowLoader(cancellation_reasons)
    fee_fine_owners = TableLoader("fees.owners", cql.SortKey("owner"))
    fee_fine_owner = RowLoader(fee_fine_owners)
    fee_fine_types = TableLoader("fees.types", cql.SortKey("feeFineType"))
    fee_fine_type = RowLoader(fee_fine_types)
    payment_methods = TableLoader("fees.payment_methods", cql.SortKey("nameMethod"))
    waive_reasons = TableLoader("fees.waive_reasons", cql.SortKey("nameReason"))
    transfer_accounts = TableLoader("fees.transfer_accounts", cql.SortKey("accountName"))
    refund_reasons = TableLoader("fees.refund_reasons", cql.SortKey("nameReason"))
    patron_block_conditions = TableLoader("patron_blocks.conditions", BY_NAME)
    patron_block_condition = RowLoader(patron_block_conditions)
    patron_block_limits = TableLoader("patron_blocks.limits", cql.SortKey("conditionId"))

    # By id and not as a table: a template is a whole page of HTML.
    staff_slip_template = RecordLoader(CollectionName("circulation_storage.staff_slips"))
    # A user has at most one (a unique index of mod-circulation-storage).
    request_preference_of_user = RecordLoader(
        CollectionName("circulation_storage.request_preferences"), index="userId"
    )
