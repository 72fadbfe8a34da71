"""What patrons owe, and the blocks that staff put on them (mod-feesfines)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class Fees:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def accounts(self) -> Collection:
        return Collection(self._client, "/accounts", "accounts")

    @cached_property
    def manual_blocks(self) -> Collection:
        return Collection(self._client, "/manualblocks", "manualblocks")
