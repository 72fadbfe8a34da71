"""The policies of loans, requests and notices."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader


class PolicyLoaders(LoaderSet):
    loan_policy = RecordLoader(CollectionName("circulation_storage.loan_policies"))
    overdue_fine_policy = RecordLoader(CollectionName("fees.overdue_fine_policies"))
    lost_item_fee_policy = RecordLoader(CollectionName("fees.lost_item_fee_policies"))
    request_policy = RecordLoader(CollectionName("circulation_storage.request_policies"))
    patron_notice_policy = RecordLoader(CollectionName("circulation_storage.patron_notice_policies"))
