"""The blocks that rules put on patrons (mod-patron-blocks)."""

from __future__ import annotations

from gateway.upstream.caller import CallerClient
from gateway.upstream.request_target import segment
from gateway.upstream.response import Record


class PatronBlocks:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    async def automated_blocks(self, user_id: str) -> list[Record]:
        """The blocks of one user, reckoned anew for each call; an unknown user simply has none."""
        return await self._client.list_of(
            f"/automated-patron-blocks/{segment(user_id)}", "automatedPatronBlocks"
        )
