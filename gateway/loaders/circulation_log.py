"""The circulation log of users, and of the loans and items that occur in its records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway import errors
from gateway.loaders.grouped import Grouped
from gateway.loaders.loader import Loader, key_too_long
from gateway.loaders.loader_set import CollectionName, Declaration, GroupLoader, ListLoaders, LoaderSet
from gateway.loaders.pages import Slice, Window, page_of
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection, RecordDecoder

CIRCULATION_LOG = CollectionName("audit.circulation_log")


class LogOfIdLoader(Declaration[ListLoaders]):
    """Declares loaders of the log records in which an id of an item or loan occurs, one id per call.

    mod-audit finds the items of its records by the words of all their members (`fullTextIndex` of its
    schema.json). A record may have several items, so that it belongs to no single id of a batch.
    """

    collection = CIRCULATION_LOG
    member = ("id",)
    index = "items"

    def of(self, loaders: LoaderSet) -> ListLoaders:
        assert isinstance(loaders, CirculationLogLoaders)  # noqa: S101 - the class that declares it
        return partial(loaders.log_of_word, self.collection.of(loaders.upstream, "bff"), self.index)


class CirculationLogLoaders(LoaderSet):
    # By the barcode, for which FOLIO has an index; it has none for the ids of users and requests.
    log_of_user = GroupLoader(CIRCULATION_LOG, "userBarcode")
    log_of_id = LogOfIdLoader()

    def log_of_word(
        self, collection: BoundCollection, index: str, within: cql.Cql | None, sort: Sequence[cql.SortKey]
    ) -> Grouped:
        """Return the one loader of this operation for records with a word, in this order."""
        variant = (collection.path, f"{index}=", str(within), *map(str, sort))
        loader = self._groups.get(variant)
        if loader is None:
            reader = _Reader(collection, self.limits.max_request_line, index, within, sort)
            loader = self._groups[variant] = Loader(
                reader.load, lambda key: (key[0].lower(), key[1]), collection.operation
            )
        return loader


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the windows of records with a word, one word per call."""

    collection: BoundCollection
    max_request_line: int
    index: str
    within: cql.Cql | None
    sort: Sequence[cql.SortKey]

    async def load(
        self, keys: list[tuple[str, Window]], decoder: RecordDecoder | None
    ) -> list[Slice | errors.GatewayError]:
        return list(
            await asyncio.gather(*(self._read(word.lower(), window, decoder) for word, window in keys))
        )

    async def _read(
        self, word: str, window: Window, decoder: RecordDecoder | None
    ) -> Slice | errors.GatewayError:
        try:
            query = cql.all_of(cql.words(self.index, word), self.within)
            written = cql.sort_by(query, self.sort, tie_break=self.collection.tie_break)
            length = self.collection.request_line_length(written, limit=window.limit, offset=window.offset)
            if length > self.max_request_line:
                return key_too_long(self.max_request_line)
            return await page_of(self.collection, query, self.sort, window, decoder)
        except errors.GatewayError as error:
            return errors.without_frames(error)
        except cql.CqlError as problem:
            return errors.BadUserInput(f"This key cannot be used: {problem}.")
