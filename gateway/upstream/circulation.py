"""Circulation itself (mod-circulation), for what the BFF does not serve or drops on the way."""

from __future__ import annotations

from functools import cached_property

from gateway.upstream.client import CallerClient, Collection, Record, segment


class Circulation:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def requests(self) -> Collection:
        """Requests with what the BFF's list drops: `loan.dueDate`, `printDetails`, `itemLocationCode`."""
        return Collection(self._client, "/circulation/requests", "requests")

    @cached_property
    def loans(self) -> Collection:
        """Loans with what the BFF's list drops: `forUseAtLocation`, `reminders`, `claimedReturnedDate`."""
        return Collection(self._client, "/circulation/loans", "loans")

    async def queue_of_instance(self, instance_id: str) -> list[Record]:
        """The open requests of a title in the order of the queue; upstream stops at 1000."""
        return await self._queue("instance", instance_id)

    async def queue_of_item(self, item_id: str) -> list[Record]:
        """The open requests of an item in the order of the queue; upstream stops at 1000."""
        return await self._queue("item", item_id)

    async def _queue(self, of: str, key: str) -> list[Record]:
        return await self._client.list_of(f"/circulation/requests/queue/{of}/{segment(key)}", "requests")

    async def request(self, request_id: str) -> Record | None:
        return await self._client.one(f"/circulation/requests/{segment(request_id)}")
