"""What only the storage of circulation serves (mod-circulation-storage)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class CirculationStorage:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def loan_history(self) -> Collection:
        return Collection(self._client, "/loan-storage/loan-history", "loansHistory")

    @cached_property
    def request_preferences(self) -> Collection:
        return Collection(
            self._client, "/request-preference-storage/request-preference", "requestPreferences"
        )

    @cached_property
    def cancellation_reasons(self) -> Collection:
        return Collection(
            self._client, "/cancellation-reason-storage/cancellation-reasons", "cancellationReasons"
        )

    @cached_property
    def staff_slips(self) -> Collection:
        return Collection(self._client, "/staff-slips-storage/staff-slips", "staffSlips")
