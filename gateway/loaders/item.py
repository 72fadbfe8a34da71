"""Items by id and barcode."""

from __future__ import annotations

from gateway.loaders.batching import by_name
from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader

ITEMS = CollectionName("inventory.items")


class ItemLoaders(LoaderSet):
    item = RecordLoader(ITEMS)
    item_by_barcode = RecordLoader(ITEMS, index="barcode", create=by_name)
