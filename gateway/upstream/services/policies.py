"""Loan, overdue-fine and lost-item policies (mod-circulation-storage, mod-feesfines)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class Policies:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def loan_policies(self) -> Collection:
        return Collection(self._client, "/loan-policy-storage/loan-policies", "loanPolicies")

    @cached_property
    def overdue_fine_policies(self) -> Collection:
        return Collection(self._client, "/overdue-fines-policies", "overdueFinePolicies")

    @cached_property
    def lost_item_fee_policies(self) -> Collection:
        return Collection(self._client, "/lost-item-fees-policies", "lostItemFeePolicies")
