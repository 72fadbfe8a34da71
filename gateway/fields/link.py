"""Links: how one record leads to another, declared in one line each.

A link says which loader has the target, where its key stands on the parent, and what the parent already
`known`s of the target. When the selection under a link reads nothing else, nothing is asked upstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiodataloader import DataLoader

from gateway import errors
from gateway.context import Info
from gateway.engine.core import StrawberryField, to_camel_case
from gateway.fields.record import Path, RecordField, dig, path_of, record_of
from gateway.fields.selection import Needs, loaders_for, needs_of

EMBEDDED = frozenset({("id",), ("name",)})
LONGEST_ID = 100  # characters
THROUGH = ">"  # marks, in a partial record, what is known of the target of one of its own links


@dataclass(frozen=True, slots=True)
class Asking:
    """How a link is followed, for all parents of one level: which loader, and by what of a parent's key.

    `made` makes the value of the link of what the loader has. Any: keys and values of loaders.
    """

    loader: DataLoader[Any, Any]
    key: Callable[[Any], Any] = lambda key: key
    made: Callable[[Any], Any] | None = None


class Link(StrawberryField):
    """A field whose value is another record, found by the key that the parent holds.

    Any: records are JSON, and Strawberry's own signatures are wide.
    """

    loader: str
    key: Path
    embedded: Mapping[Path, Path]
    batched = True

    def __copy__(self) -> Link:
        made = super().__copy__()
        made.loader, made.key, made.embedded = self.loader, self.key, self.embedded
        made.batched = self.batched
        return made

    @property
    def is_basic_field(self) -> bool:
        return False

    @property
    def needs(self) -> tuple[Path, ...]:
        return (self.key,)

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        source = record_of(source, self)
        key = id_in(self, dig(source, self.key))
        if key is None:
            return None
        needs = needs_of(info)
        carried = source.get(self.through)
        if carried is not None and needs <= {("id",), *((name,) for name in carried)}:
            info.context.operation.embedded += 1
            return {"id": key, **carried}
        if (
            self.embedded
            and needs <= self.embedded.keys()
            and all(_present(source, self.embedded[path]) for path in needs)
        ):
            info.context.operation.embedded += 1
            return self.partial(source)
        return self.load(key, info)

    @cached_property
    def through(self) -> str:
        """The member of a partial record that holds what is known of this link's target."""
        return to_camel_case(self.python_name) + THROUGH

    def carries(self, needs: Needs) -> bool:
        """Whether the parent has all that is selected of the target, as a rule."""
        return needs <= self.embedded.keys()

    def load(self, key: str, info: Info) -> Any:
        return self.asking(info, {}).loader.load(key)

    def asking(self, info: Info, kwargs: Mapping[str, Any]) -> Asking:
        return Asking(getattr(loaders_for(info, needs_of(info)), self.loader))

    def partial(self, source: Any) -> dict[str, Any]:
        """The target as far as the parent knows it."""
        record: dict[str, Any] = {}
        for target, origin in self.embedded.items():
            value = dig(source, origin)
            # An object of the target with nothing in it would be a lie where the target has none. What is
            # known of a further link counts, null or not, as long as the parent carries it.
            if value is None and not (target[0].endswith(THROUGH) and _present(source, origin)):
                continue
            here = record
            for step in target[:-1]:
                here = here.setdefault(step, {})
            here[target[-1]] = value
        return record


def are_ids(values: Collection[str]) -> bool:
    """Whether all are what services use as an id, UUIDs and others: printable ASCII without blanks."""
    text = "".join(values)
    if not (text.isascii() and text.isprintable()) or " " in text:
        return False
    return max(map(len, values), default=0) <= LONGEST_ID


def id_in(field: StrawberryField, value: Any) -> str | None:
    """The id, None where there is none. Raises `UpstreamBadResponse` for what cannot be an id.

    It must be kept from the loader, where it would cost the links of all other records.
    """
    if value is None or value == "":
        return None
    if type(value) is not str or not are_ids([value]):
        name = to_camel_case(field.python_name)
        raise errors.UpstreamBadResponse(f"An upstream service sent something else where `{name}` has an id.")
    return value


class ManyLink(Link):
    """A link by a list of keys; a key that leads nowhere leaves no gap in the list."""

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        keys = dig(record_of(source, self), self.key)
        if not isinstance(keys, list):
            return None
        ids = [key for key in (id_in(self, each) for each in keys) if key is not None]
        if needs_of(info) <= {("id",)}:
            info.context.operation.embedded += len(ids)
            return [{"id": key} for key in ids]
        return self._all([self.load(key, info) for key in ids])

    async def _all(self, loading: list[Any]) -> list[Any]:
        return [record for record in await asyncio.gather(*loading) if record is not None]


class ListLink(Link):
    """A link by one key to a short list that upstream has for it, one parent a call."""

    batched = False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        key = id_in(self, dig(record_of(source, self), self.key))
        return None if key is None else self.load(key, info)


class EmbeddedLink(RecordField):
    """A record whose id and name stand in its parent, and the rest of it elsewhere. Any: as above."""

    loader: str
    batched = True

    def __copy__(self) -> EmbeddedLink:
        made = super().__copy__()
        made.loader = self.loader
        return made

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        record = super().get_result(source, info, args, kwargs)
        if record is None or needs_of(info) <= EMBEDDED:
            return record
        key = id_in(self, record.get("id"))
        return record if key is None else self._rest(record, key, info)

    def carries(self, needs: Needs) -> bool:
        return needs <= EMBEDDED

    def asking(self, info: Info, kwargs: Mapping[str, Any]) -> Asking:
        return Asking(getattr(info.context.loaders, self.loader))

    async def _rest(self, record: Any, key: str, info: Info) -> Any:
        return await self.asking(info, {}).loader.load(key) or record


def link(
    description: str,
    *,
    loader: str,
    key: str,
    embedded: Mapping[str, str] | None = None,
    identity: str | None = "id",
    batched: bool = True,
) -> Any:
    """Declare a link to one record.

    `identity` is the member of the target that the key is, so that it is always known; None where the key
    only finds the target, as an item finds its open loan: whether there is one must be asked.

    `known` maps members of the target to members of the parent, dots for nesting: `"personal.lastName":
    "borrower.lastName"`. What is known of a link of the target stands behind `>`:
    `"patronGroup>group": "requester.patronGroup.group"`.

    `batched` is False where upstream serves one target a call.
    Any: the annotation beside the declaration is the type.
    """
    made = _declare(Link(description=description), loader, key, embedded or {}, identity)
    made.batched = batched
    return made


def links(description: str, *, loader: str, key: str) -> Any:
    """Declare a link to each record of a list of keys."""
    return _declare(ManyLink(description=description), loader, key, {}, "id")


def list_link(description: str, *, loader: str, key: str = "id") -> Any:
    """Declare a short list that upstream has for one key."""
    return _declare(ListLink(description=description), loader, key, {}, None)


def embedded_link(description: str, *, loader: str) -> Any:
    """Declare a record of which the parent carries id and name. Any: the annotation is the type."""
    made = EmbeddedLink(description=description, default=None)
    made.loader = loader
    return made


def _declare(made: Link, loader: str, key: str, embedded: Mapping[str, str], identity: str | None) -> Link:
    made.loader = loader
    made.key = path_of(key)
    paths = {_target(target): path_of(origin) for target, origin in embedded.items()}
    made.embedded = paths if identity is None else {(identity,): made.key, **paths}
    return made


def _target(text: str) -> Path:
    name, through, rest = text.partition(THROUGH)
    return (*path_of(name + THROUGH), *path_of(rest)) if through else path_of(name)


def _present(source: Any, origin: Path) -> bool:
    """Whether the parent carries the object that the value would stand in. An absent value in it is null."""
    return len(origin) == 1 or type(dig(source, origin[:-1])) is dict
