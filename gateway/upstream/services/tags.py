"""The labels that records can be given (mod-tags)."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.upstream.caller import CallerClient
from gateway.upstream.collection import Collection


class Tags:
    """One method per question; all of them in one caller's name."""

    def __init__(self, client: CallerClient) -> None:
        self._client = client

    @cached_property
    def tags(self) -> Collection:
        return Collection(self._client, "/tags", "tags")
