"""Fees and fines of patrons, the policies for them, and manual patron blocks (mod-feesfines)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route

FEES_FINES = Interface("feesfines", "17.0 18.0 19.0")


class Fees(Service):
    """The interface of mod-feesfines."""

    accounts = Collection(Route("GET", "/accounts", FEES_FINES, "accounts.collection.get"), "accounts")
    manual_blocks = Collection(
        Route("GET", "/manualblocks", FEES_FINES, "manualblocks.collection.get"), "manualblocks"
    )
    overdue_fine_policies = Collection(
        Route("GET", "/overdue-fines-policies", FEES_FINES, "overdue-fines-policies.collection.get"),
        "overdueFinePolicies",
    )
    lost_item_fee_policies = Collection(
        Route("GET", "/lost-item-fees-policies", FEES_FINES, "lost-item-fees-policies.collection.get"),
        "lostItemFeePolicies",
    )
