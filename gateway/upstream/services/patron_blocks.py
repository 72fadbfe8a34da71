"""Patron blocks that are computed from rules (mod-patron-blocks)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Interface, Route


class PatronBlocks(Service):
    """The interface of mod-patron-blocks."""

    automated_blocks_route = Route(
        "GET",
        "/automated-patron-blocks/{userId}",
        Interface("automated-patron-blocks", "0.1"),
        "patron-blocks.automated-patron-blocks.collection.get",
    )

    async def automated_blocks(self, user_id: str) -> list[Record]:
        """Return the blocks of one user, which upstream computes for each call; none for an unknown user."""
        return await self._client.read_list(self.automated_blocks_route, "automatedPatronBlocks", user_id)
