"""Blocks that keep a patron from borrowing, renewing and requesting."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.loader import one_by_one
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader, calls
from gateway.loaders.request import Listed

MANUAL_BLOCKS = CollectionName("fees.manual_blocks")


class PatronBlockLoaders(LoaderSet):
    manual_block = RecordLoader(MANUAL_BLOCKS)
    manual_blocks_of_user = GroupLoader(MANUAL_BLOCKS, "userId")

    @cached_property
    @calls("patron_blocks.automated_blocks")
    def automated_blocks_of_user(self) -> Listed:
        """Upstream computes the blocks of one user per call."""
        return one_by_one(self.upstream.patron_blocks.automated_blocks, self.upstream.operation)
