"""Patron blocks that are computed from limits, and the limits (mod-patron-blocks)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.record_types import Record, record_or_error
from gateway.upstream.routes import Interface, Route


class PatronBlocks(Service):
    """The interfaces of mod-patron-blocks."""

    conditions = Collection(
        Route(
            "GET",
            "/patron-block-conditions",
            Interface("patron-block-conditions", "0.1"),
            "patron-blocks.patron-block-conditions.collection.get",
        ),
        "patronBlockConditions",
    )
    limits = Collection(
        Route(
            "GET",
            "/patron-block-limits",
            Interface("patron-block-limits", "0.1"),
            "patron-blocks.patron-block-limits.collection.get",
        ),
        "patronBlockLimits",
    )

    automated_blocks_route = Route(
        "GET",
        "/automated-patron-blocks/{userId}",
        Interface("automated-patron-blocks", "0.1"),
        "patron-blocks.automated-patron-blocks.collection.get",
    )

    async def automated_blocks(self, user_id: str) -> list[Record]:
        """Return the blocks of one user, which upstream computes for each call; none for an unknown user.

        In the place of an element that is no object is the error for it.
        """
        blocks = await self._client.read_list(self.automated_blocks_route, "automatedPatronBlocks", user_id)
        return [*map(record_or_error, blocks)]
