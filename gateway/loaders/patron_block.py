"""Blocks that keep a patron from borrowing, renewing and requesting."""

from __future__ import annotations

from propcache.api import cached_property

from gateway.loaders.loader import one_by_one
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet
from gateway.loaders.request import Listed


class PatronBlockLoaders(LoaderSet):
    manual_blocks_of_user = GroupLoader(CollectionName("fees.manual_blocks"), "userId")

    @cached_property
    def automated_blocks_of_user(self) -> Listed:
        """Upstream computes the blocks of one user per call."""
        return one_by_one(self.upstream.patron_blocks.automated_blocks, self.upstream.operation)
