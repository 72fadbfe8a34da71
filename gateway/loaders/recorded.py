"""Loaders that count their keys and batches each by its own, for a caller who wants to see them."""

from __future__ import annotations

from typing import Any

from gateway.loaders import Loaders
from gateway.loaders.circulation_log import LogOfIdLoader
from gateway.loaders.loader import Loader
from gateway.loaders.loader_set import GroupLoader
from gateway.observability.operation import OperationRecord
from gateway.upstream.recorded_calls import RecordedServices


class RecordedLoaders(Loaders):
    """The loaders of one operation, each of which counts for itself."""

    upstream: RecordedServices

    def __getattribute__(self, name: str) -> Any:  # Any: whatever the attribute is
        value = super().__getattribute__(name)
        if isinstance(value, Loader):
            return self._count(name, value)
        if isinstance(getattr(Loaders, name, None), GroupLoader | LogOfIdLoader):
            return lambda within, sort: self._count(name, value(within, sort))
        return value

    def _count(self, name: str, loader: Loader[Any, Any]) -> Loader[Any, Any]:  # Any: keys and values of all
        """Count the keys of a loader by its name, unless it only passes them on to others."""
        if loader.operation is self.upstream.operation:
            counts = self.upstream.recording.loaders
            loader.operation = counts.setdefault(name, OperationRecord())
        return loader
