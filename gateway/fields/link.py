"""Links: how one record leads to another, declared in one line each.

A link declares the loader of the target, its key in the parent, and the members of the target that the parent
embeds. If the selection below a link reads nothing else, nothing is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping
from functools import cached_property

from graphql import FieldNode

from gateway import errors
from gateway.context import Context, Info
from gateway.engine.core import StrawberryField, to_camel_case
from gateway.fields.base import (
    DROPPED_BY_BFF,
    Arguments,
    Cost,
    Declared,
    Field,
    Json,
    Levels,
    Load,
    Needs,
    Path,
    Place,
    Selected,
)
from gateway.fields.record import UNREPORTED, RecordField, is_list, is_missing, path_of, record_of
from gateway.fields.selection import get_selected
from gateway.upstream.record_types import Decoded, Record, dig

EMBEDDED = frozenset({("id",), ("name",)})
MAX_ID_LENGTH = 100  # characters
NO_ID = frozenset({"", "0"})  # mod-feesfines writes 0 if an account has no loan or item
_PRINTABLE = bytes(range(ord("!"), ord("~") + 1))
_UUID_LINE = b"00000000-0000-0000-0000-000000000000\n"
_HEXADECIMAL = bytes.maketrans(b"123456789abcdef", b"0" * 15)
THROUGH = ">"  # marks, in an embedded record, the members of the target of one of its own links


class LoadedField(Field):
    """A field with a loader of its own."""

    reads_ids = True
    loader: str

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        loaders = context.loaders.direct if selected.is_direct else context.loaders
        return Load(getattr(loaders, self.loader))

    @property
    def loader_names(self) -> tuple[str, ...]:
        return (self.loader,)


class Link(LoadedField):
    """A field whose value is another record, found by the key that the parent has."""

    calls = 1
    key: Path
    batched = True

    @property
    def semantic_non_null(self) -> Levels:
        """The elements of a list, in which a key that leads nowhere leaves no gap."""
        return (1,) * is_list(self.type)

    @property
    def reads(self) -> tuple[Path, ...]:
        return (self.key,)

    @cached_property
    def through(self) -> str:
        """The member of an embedded record that has what is embedded of this link's target."""
        return to_camel_case(self.python_name) + THROUGH

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = record_of(source, self)
        selection = get_selected(info, self)
        if is_missing(record, self.key[0]):
            return None
        load = self.load(info.context, self.parse(arguments, selection), selection)
        key = dig(record, self.key)
        if self.reads_ids:
            key = id_in(self, key)
        if key is None:
            return load.empty
        target, is_complete = self.embed(record, key, selection.needs)
        if is_complete:
            info.context.operation.embedded += 1
            return target
        return load_or_embedded(load, key, target, selection.needs)

    def embed(self, record: Json, key: str | None, needs: Needs) -> tuple[Record | None, bool]:
        """Return the target as far as the parent has it, and True if it has all that is needed.

        The target is None if the parent has nothing of it but its id, or nothing that is needed.
        """
        through = [name for name in record.get(self.through) or () if name != UNREPORTED]
        paths = {**self.embeds, **{(name,): (self.through, name) for name in through}}
        known: dict[Path, Json] = {}
        unsure = set[Path]()  # the target may have another value: these are for one that cannot be loaded
        for path, origin in paths.items():
            value = key if origin == self.key else dig(record, origin)
            shown_by = self.sent_with.get(path, ())
            shown = value if shown_by == origin else dig(record, shown_by)
            if not _has(record, origin):
                continue
            if shown is None or shown == "":
                if value is None or value == "":
                    continue
                unsure.add(path)
            known[path] = value
        is_complete = len(known) > len(unsure) and needs <= known.keys() - unsure
        if not is_complete:
            others = [origin for origin in paths.values() if origin != self.key]
            if (
                not any(path[: len(need)] == need for need in needs for path in paths)
                or not any(_has(record, each) if len(each) > 1 else record.get(each[0]) for each in others)
                or (key is None and ("id",) in needs)  # which is never null
            ):
                return None, False
        unreported = list[Exception]()
        target: Record = {UNREPORTED: unreported}
        for path, value in sorted(known.items(), key=lambda each: each[1] is None):
            here: Json = target
            for depth, step in enumerate(path[:-1], 1):
                # An object with nothing in it would be wrong if the target has none. A member of a further
                # link's target counts, null or not, as long as the parent has the object it stands in.
                if value is not None or step.endswith(THROUGH):
                    here = here.setdefault(step, {UNREPORTED: unreported})
                    continue
                if all(need in known for need in needs if need[:depth] == path[:depth]):
                    here.setdefault(step, None)
                if (here := here.get(step)) is None:
                    break
            else:
                here.setdefault(path[-1], value)
        return target, is_complete

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        # Of one that embeds nothing, it is only known when it is loaded whether there is one, or how many.
        calls = 0 if self.embeds and selected.needs <= self.embedded.keys() else self.calls
        return Cost(calls, self.batched or not calls, rows)

    def plan(self, place: Place) -> str:
        return place.embed() if self.embeds else place.load()


async def load_or_embedded(load: Load, key: Json, embedded: Record | None, needs: Needs) -> Json:
    """Load one value. If there is none, it is the embedded one.

    If loading fails, the first member that the embedded one lacks raises the error.
    """
    try:
        value = await load.one(key)
    except Exception as error:
        if embedded is None or not any(_lacks(embedded, need) for need in needs - {DROPPED_BY_BFF}):
            raise
        embedded[UNREPORTED].append(error)
        return embedded
    return embedded if value is None else value


def are_uuids(values: Collection[str]) -> bool:
    """Return True if all are UUIDs in lower case, which takes less than half of a test for any id."""
    lines = bytearray("\n".join([*values, ""]), "ascii", "replace")  # bytes are slower to translate
    return lines.translate(_HEXADECIMAL) == _UUID_LINE * len(values)


def are_ids(values: Collection[str]) -> bool:
    """Return True if all look like the ids of services, UUIDs and others: printable ASCII without blanks."""
    if are_uuids(values):
        return True
    text = "".join(values)
    if not text.isascii() or text.encode().translate(None, _PRINTABLE):
        return False
    return max(map(len, values), default=0) <= MAX_ID_LENGTH


def id_in(field: StrawberryField, value: object) -> str | None:
    """Return the id in lower case, as FOLIO spells it in the record, None if there is none.

    Raises `UpstreamBadResponse` for a value that cannot be an id.
    It must be kept from the loader, in which it would cost the links of all other records.
    """
    if value is None or (type(value) is str and value in NO_ID):
        return None
    if type(value) is not str or not are_ids([value]):
        name = to_camel_case(field.python_name)
        raise errors.UpstreamBadResponse(f"An upstream service sent something else where `{name}` has an id.")
    return value.lower()


def ids_in(field: StrawberryField, values: Iterable[object]) -> list[str | errors.UpstreamBadResponse]:
    """Return the ids in a list, and in the place of each element that cannot be one the error for it."""
    ids: list[str | errors.UpstreamBadResponse | None] = []
    for value in values:
        try:
            ids.append(id_in(field, value))
        except errors.UpstreamBadResponse as error:
            ids.append(errors.without_frames(error))
    return [each for each in ids if each is not None]


class ComputedLink(Link):
    """A list, or another value, that upstream has for each parent: it serves one parent per call."""

    batched = False

    @property
    def semantic_non_null(self) -> Levels:
        return (0, *super().semantic_non_null)

    def load(self, context: Context, arguments: Json, selected: Selected) -> Load:
        return super().load(context, arguments, selected)._replace(empty=self.without_key())

    def without_key(self) -> errors.UpstreamBadResponse:
        """Return the error for a parent without a key."""
        return errors.UpstreamBadResponse(f"An upstream service sent a record without `{self.key[-1]}`.")


class ManyLink(Link):
    """A link by a list of keys. A key that leads nowhere leaves no gap in the list, an invalid one does."""

    loads_lists = True

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        keys = dig(record_of(source, self), self.key)
        if not isinstance(keys, list):
            return None
        ids = ids_in(self, keys)
        selection = get_selected(info, self)
        if selection.needs <= {("id",)}:
            info.context.operation.embedded += sum(type(key) is str for key in ids)
            return [{"id": key} if type(key) is str else key for key in ids]
        loader: Json = self.load(info.context, {}, selection).loader
        return self._all(ids, {key: loader.load(key) for key in ids if type(key) is str})

    async def _all(self, ids: list[Json], loading: Mapping[str, Awaitable[Json]]) -> list[Json]:
        records = dict(zip(loading, await asyncio.gather(*loading.values()), strict=True))
        values = (records.get(key) if type(key) is str else key for key in ids)
        return [value for value in values if value is not None]

    def plan(self, place: Place) -> str:
        return place.identities(self.key[0]) if place.needs <= {("id",)} else place.load()


class EmbeddedLink(RecordField, LoadedField):
    """A record of which the parent embeds id and name; the rest is loaded."""

    @property
    def key_paths(self) -> tuple[Path, ...]:
        return ((self.key, "id"),)

    def get_value(self, source: Json, info: Info, arguments: Arguments) -> Json:
        record = super().get_value(source, info, arguments)
        selection = get_selected(info, self)
        if record is None or selection.needs <= EMBEDDED:
            return record
        key = id_in(self, record.get("id"))
        if key is None:
            return record
        members = record if type(record) is dict else {name: record.get(name) for (name,) in EMBEDDED}
        embedded = {"id": None, "name": None, **members, UNREPORTED: []}
        return load_or_embedded(self.load(info.context, {}, selection), key, embedded, selection.needs)

    def cost(self, selected: Selected, rows: int, node: FieldNode) -> Cost:
        return Cost(0 if selected.needs <= EMBEDDED else 1, rows=rows)

    def plan(self, place: Place) -> str:
        record = place.member(self.key)
        return record if place.needs <= EMBEDDED else place.load(record)


def link(
    description: str,
    *,
    loader: str,
    key: str,
    embedded: Mapping[str, str] | None = None,
    identity: str | None = "id",
    sent_with: Mapping[str, str] | None = None,
    batched: bool = True,
) -> Declared:
    """Declare a link to one record.

    `identity` is the member of the target that the key is, so that it is always known; None if the key only
    finds the target, as an item finds its open loan: whether there is one is known upstream alone.

    `embedded` maps members of the target to members of the parent, dots for nesting: `"personal.lastName":
    "borrower.lastName"`. Members of the target of one of the target's links stand behind `>`:
    `"patronGroup>group": "requester.patronGroup.group"`.

    Members with a `!` are null and empty in no target: a parent without one comes from an upstream that does
    not send it, or not this value, so that the target is loaded. `sent_with` maps other members that such an
    upstream does not send to the member of the parent which shows it by being null or empty.

    `batched` is False if upstream serves one target per call.
    """
    field = Link(description=description, default=None)
    field.loader, field.key, field.batched = loader, path_of(key), batched
    paths = embedded or {}
    shown_by = {each: origin for each, origin in paths.items() if each.endswith("!")} | dict(sent_with or {})
    field.sent_with = {_target(each): path_of(origin) for each, origin in shown_by.items()}
    field.embedded = {} if identity is None else {(identity,): field.key}
    field.embedded |= {_target(each): path_of(origin) for each, origin in paths.items()}
    field.embeds, field.identity = field.embedded, field.key
    return field


def links(description: str, *, loader: str, key: str) -> Declared:
    """Declare a link to each record of a list of keys."""
    field = ManyLink(description=description, default=None)
    field.loader, field.key = loader, path_of(key)
    field.embedded = {("id",): field.key}
    return field


def list_link(
    description: str, *, loader: str, key: str = "id", kind: type[ComputedLink] = ComputedLink
) -> Declared:
    """Declare a list, mostly a short one, that upstream has for one key, one parent per call."""
    field = kind(description=description)
    field.loader, field.key = loader, path_of(key)
    return field


def embedded_link(description: str, *, loader: str) -> Declared:
    """Declare a record of which the parent embeds id and name."""
    field = EmbeddedLink(description=description, default=None)
    field.loader = loader
    return field


def _target(text: str) -> Path:
    name, through, rest = text.removesuffix("!").partition(THROUGH)
    return (*path_of(name + THROUGH), *path_of(rest)) if rest else path_of(name + through)


def _lacks(embedded: Json, need: Path) -> bool:
    for step in need:
        if type(embedded) is not dict:
            return False
        if step not in embedded:
            return True
        embedded = embedded[step]
    return False


def _has(record: Json, origin: Path) -> bool:
    """Return True if the parent has the object that a value stands in. An absent value in it is null."""
    holder = dig(record, origin[:-1])
    return type(holder) is dict or isinstance(holder, Decoded)
