"""What every set of loaders has: the services of one caller, and one loader per way to group."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.loaders.batching import Grouped, grouped_by
from gateway.loaders.loader import Loader
from gateway.settings import LimitSettings
from gateway.upstream import cql
from gateway.upstream.collection import BoundCollection
from gateway.upstream.services import Upstream


class LoaderSet:
    """Loaders are made when first asked for and live as long as the operation.

    A `direct` set asks circulation itself for the loans and requests that the others ask the BFF for.
    """

    def __init__(self, upstream: Upstream, limits: LimitSettings, *, direct: bool = False) -> None:
        self.upstream = upstream
        self.limits = limits
        self.is_direct = direct
        self._groups: dict[tuple[str, ...], Grouped] = {}

    def grouped(
        self,
        ask: BoundCollection,
        index: str,
        *,
        within: cql.Cql | None = None,
        sort: Sequence[cql.SortKey] = (),
        key: tuple[str, ...] | None = None,
        owner: Callable[[str], object] = lambda key: key,
    ) -> Grouped:
        """The one loader of this operation for lists grouped in this way."""
        variant = (ask.path, index, str(within), *map(str, sort))
        loader = self._groups.get(variant)
        if loader is None:
            loader = self._groups[variant] = grouped_by(
                ask, self.limits, index=index, key=key or (index,), owner=owner, within=within, sort=sort
            )
        return loader

    def unshape(self) -> None:
        """Let everything that was loaded, and all that will be, be dictionaries, in further sets too."""
        for value in [*self.__dict__.values(), *self._groups.values()]:
            if value is not self and isinstance(value, Loader | LoaderSet):
                value.unshape()

    def forget(self) -> None:
        """Drop what was loaded, because an act may have changed it."""
        kept = {
            "upstream": self.upstream,
            "limits": self.limits,
            "is_direct": self.is_direct,
            "_groups": {},
        }
        self.__dict__.clear()
        self.__dict__.update(kept)
